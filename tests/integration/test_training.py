"""Training: it learns, goes on after an interruption, refuses what is not its own."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from link_models import training
from link_models.learned import load_link
from link_models.training import Recipe, Task, Trainer, split_data
from scenarios import siso_awgn
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.csi import LSEstimator
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.sources.images import load_images

CONFIG = {
    "image_shape": (16, 16, 3),
    "symbol_counts": (64,),
    "filters": 8,
    "num_blocks": 1,
}
RECIPE = Recipe(
    steps=200,
    batch_size=8,
    learning_rate=5e-3,
    warmup_steps=10,
    optimizer="adam",  # Muon takes five times as long without XLA
    checkpoint_steps=100,
)


@pytest.fixture(scope="module")
def pictures():
    return load_images("sample", 200, size=16)


@pytest.fixture(scope="module", autouse=True)
def plain_graphs():
    """The same functions without XLA, which takes ten seconds for each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "compile_fn", lambda fn, jit: compile_fn(fn, False))
        patch.setattr(
            training, "train_step_fn", lambda *args: train_step_fn(*args[:3], False)
        )
        yield


def trainer(pictures, folder, recipe=RECIPE, label="tiny", **changes):
    images, provenance = pictures
    data = split_data(images, images[:0], provenance)
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 1), Framing(64, 1), LSEstimator())
    config = CONFIG | changes
    tasks = [Task("fading", channel, "normalised")]
    return Trainer("adjscc", config, config, tasks, data, recipe, folder, label)


def loss_on(run, step=10**6):
    """Loss on a batch that training does not draw."""
    return float(run._loss(*run._batch(step)))


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    """A finished run, its loss before, its JSON, and its checkpoint of half way."""
    folder = tmp_path_factory.mktemp("run")
    run = trainer(pictures, folder)
    before, save, halfway = loss_on(run), run.save_checkpoint, folder / "halfway.npz"

    def save_and_keep():
        save()
        if run.step == 100:
            shutil.copy(run.checkpoint, halfway)

    run.save_checkpoint = save_and_keep
    return run, before, run.fit(progress=False), halfway


def test_the_loss_falls(trained):
    """200 steps at least halve the loss on images and noise of one batch, and every
    checkpoint was validated."""
    run, before, _, _ = trained
    assert loss_on(run) < 0.5 * before
    first, last = (entry["fading"]["psnr_db"] for entry in run.history)
    assert [entry["step"] for entry in run.history] == [100, 200]
    assert last[-1] > first[-1] - 0.5 and len(last) == 5


def test_it_leaves_weights_json_and_a_log(trained):
    """Weights that load under their label, what they are, and TensorBoard's file."""
    run, _, path, _ = trained
    names = {p.name for p in run.folder.iterdir()}
    assert {"tiny.weights.h5", "tiny.json", "tiny.checkpoint.npz"} <= names
    assert len(list(run.folder.glob("logs/tiny/events.out.tfevents.*"))) == 1
    link, record = load_link(path, run.tasks[0].channel, (16, 16, 3))
    for one, two in zip(link.get_weights(), run.links[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert record["config"]["encoder"]["filters"] == 8
    assert record["recipe"]["learning_rate"] == 5e-3
    assert record["steps_done"] == 200
    assert record["data"]["dataset"] == "sample" and record["data"]["terms"]
    assert record["validation"] == {"fading": run.history[-1]["fading"]}
    history = json.loads((run.folder / "tiny.history.json").read_text())
    assert history == run.history


def test_a_resumed_run_ends_as_if_not_interrupted(trained, pictures, tmp_path):
    """From the checkpoint of step 100 to the same weights at 200 (bit for bit, CPU)."""
    run, _, path, halfway = trained
    again = trainer(pictures, tmp_path)
    shutil.copy(halfway, again.checkpoint)
    again.resume()
    assert again.step == 100
    other = again.fit(progress=False)
    for one, two in zip(
        again.links[0].get_weights(), run.links[0].get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    assert again.history == run.history
    records = [json.loads(p.read_text()) for p in (path, other)]
    assert records[0]["validation"] == records[1]["validation"]


def test_a_checkpoint_holds_the_state_of_muon(pictures, tmp_path):
    """Every variable of the optimiser comes back with weights and step (exact)."""
    recipe, rng = replace(RECIPE, optimizer="muon"), np.random.default_rng(4)
    run, again = (trainer(pictures, tmp_path, recipe) for _ in range(2))
    run.step = 100
    state = [*run.links[0].weights, *run.optimizer.variables]
    for variable in state:
        variable.assign(rng.integers(0, 50, variable.shape))
    run.save_checkpoint()
    again.resume()
    restored = [*again.links[0].weights, *again.optimizer.variables]
    assert again.step == 100 and len(restored) > 2 * len(run.links[0].weights)
    for one, two in zip(state, restored, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)


def test_foreign_and_broken_checkpoints_are_refused(trained, pictures, tmp_path):
    """Another recipe, another configuration, half a file, none (exact)."""
    _, _, _, halfway = trained
    slower = trainer(pictures, tmp_path, Recipe(steps=100, learning_rate=1e-3))
    with pytest.raises(FileNotFoundError, match="start without --resume"):
        slower.resume()
    for run in (slower, trainer(pictures, tmp_path, label="wide", filters=9)):
        shutil.copy(halfway, run.checkpoint)
        with pytest.raises(ValueError, match="another configuration or recipe"):
            run.resume()
    slower.checkpoint.write_bytes(halfway.read_bytes()[:5000])
    with pytest.raises(ValueError, match="is broken"):
        slower.resume()


def test_a_diverging_run_stops_before_its_checkpoint(pictures, tmp_path):
    """A loss that is not a number is an error, not a checkpoint (exact)."""
    run = trainer(pictures, tmp_path)
    run.step_fn, run.step = (lambda *inputs: np.nan), 99
    with pytest.raises(ValueError, match="the loss is nan after 100 steps"):
        run.fit(progress=False)
    assert not run.checkpoint.exists()


def test_what_a_step_sees_depends_on_seed_and_step(trained):
    """The batch of a step comes again, that of another differs (exact)."""
    run, _, _, _ = trained
    one, same, other = run._batch(7), run._batch(7), run._batch(8)
    for index in (0, 1, 3):  # images, SNRs, noise; fades come from seeded streams
        np.testing.assert_array_equal(one[index], same[index])
        assert not np.array_equal(one[index], other[index])


def test_validation_images_are_held_out(pictures):
    """No validation image is trained on, and together they are all (exact)."""
    images, provenance = pictures
    data = split_data(images, images[:0], provenance)
    assert len(data.validation) == 40 and len(data.exact) == 160
    both = np.concatenate([data.exact, data.validation]).reshape(200, -1)
    assert np.array_equal(
        np.unique(both, axis=0), np.unique(images.reshape(200, -1), axis=0)
    )
    with pytest.raises(ValueError, match="at least 5 images, got 4"):
        split_data(images[:4], images[:0], provenance)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"checkpoint_steps": 150}, "multiple of 100, got 150"),
        ({"optimizer": "sgd"}, '"muon" or "adam", got \'sgd\''),
        ({"learning_rate": 0.0}, r"learning_rate must be in \(0, 1\), got 0.0"),
        ({"learning_rate": float("nan")}, "got nan"),
        ({"warmup_steps": -1}, "warmup_steps must not be negative, got -1"),
        ({"share_exact": 1.5}, r"share_exact must be in \[0, 1\], got 1.5"),
        ({"min_snr_db": 5.0, "max_snr_db": 0.0}, "got 5.0 and 0.0"),
        ({"max_snr_db": float("inf")}, "finite, got"),
    ],
)
def test_bad_recipes_are_refused(values, message):
    """The value received is in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        Recipe(**values)


def test_an_unknown_loss_is_refused():
    """The two losses are named (exact)."""
    with pytest.raises(ValueError, match='"normalised" or "log", got \'mse\''):
        Task("awgn", None, "mse")


def test_train_command(tmp_path, capsys, monkeypatch):
    """Images in, weights out; then --resume, and options that cannot be trained with
    (exit codes, exact)."""
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=images)
    options = f"train --data {tmp_path}/images.npz --image-size 16 --out {tmp_path}"
    options += " --batch-size 4 --steps 2 --system deepjscc --label small"

    def train(more=""):
        code = siso_awgn.main((options + more).split())
        return code, capsys.readouterr()

    code, printed = train()
    assert code == 0 and f"wrote {tmp_path}/small.json" in printed.out
    record = json.loads((tmp_path / "small.json").read_text())
    assert record["config"]["encoder"] == record["config"]["decoder"]
    assert record["config"]["encoder"]["num_symbols"] == 128
    assert record["steps_done"] == 2 and record["recipe"]["batch_size"] == 4
    assert record["tasks"][0]["name"] == "siso_awgn"

    monkeypatch.setattr(Trainer, "fit", lambda self: f"nothing after {self.step}")
    for more, code, message in (
        (" --resume", 0, "wrote nothing after 2"),
        (" --resume --learning-rate 0.01", 2, "another configuration or recipe"),
        (" --resume --label unheard", 2, "unheard.checkpoint.npz does not exist"),
        (" --system webp_ldpc", 2, "'webp_ldpc' cannot be trained.*adjscc, deepjscc"),
        (" --cbr 0.1", 2, "num_symbols must be a multiple of 8.*received 76"),
        (" --system adjscc --cbr 0.1", 2, "multiple of 32, received 76"),
        (" --together-with marsian", 2, "there is no scenario 'marsian'"),
        (" --data nowhere.npz", 2, "nowhere.npz: no such file"),
        (" --learning-rate 2", 2, r"learning_rate must be in \(0, 1\), got 2"),
    ):
        done, printed = train(more)
        text = printed.out + printed.err
        assert done == code, text
        assert re.search(message, text), text
        assert code == 0 or printed.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["muon", "adam"])
def test_a_step_compiled_by_xla_is_the_same_step(pictures, tmp_path, optimizer):
    """One step with XLA, as users train, and without gives the same weights (1e-4)."""
    recipe = Recipe(steps=2, batch_size=8, optimizer=optimizer, warmup_steps=0)
    after = []
    for jit in (True, False):
        run = trainer(pictures, tmp_path, recipe)
        weights = run.links[0].trainable_variables
        step = train_step_fn(run._loss, weights, run.optimizer, jit)
        step(*run._batch(0))
        after.append(run.links[0].get_weights())
    for one, two in zip(*after, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
