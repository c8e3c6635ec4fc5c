"""Training: it learns, goes on after an interruption, refuses what is not its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from link_models.codecs import load_link
from link_models.systems.entries import load_klt
from link_models.training import __main__ as training_command
from link_models.training import klt
from link_models.training import trainer as trainer_module
from link_models.training.batches import Batches
from link_models.training.data import split_data
from link_models.training.recipe import Recipe
from link_models.training.tasks.image import ImageTask
from link_models.training.trainer import Trainer
from link_models.weights import store
from scenarios import siso_awgn
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.codecs.linear_analogue import LinearAnalogueCoder
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
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
    optimizer="adam",
    checkpoint_steps=100,
)


@pytest.fixture(scope="module")
def pictures():
    return load_images("sample", 200, size=16)


@pytest.fixture(scope="module", autouse=True)
def plain_graphs():
    """The same functions without XLA, which takes ten seconds for each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            trainer_module, "compile_fn", lambda fn, jit: compile_fn(fn, False)
        )
        patch.setattr(
            trainer_module,
            "train_step_fn",
            lambda *args, jit, **more: train_step_fn(*args, jit=False, **more),
        )
        yield


@pytest.fixture(scope="module", autouse=True)
def ctrl_c():
    """As in a terminal; what a shell starts in the background does not hear it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def trainer(
    pictures,
    folder,
    recipe=RECIPE,
    label="tiny",
    csi=None,
    start_from=None,
    **changes,
):
    images, provenance = pictures
    data = split_data(images, images[:0], provenance)
    csi = csi or LSEstimator()
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 1), Framing(64, 1), csi)
    config = CONFIG | changes
    tasks = [ImageTask("fading", channel, "normalised")]
    return Trainer(
        "adjscc", config, config, tasks, data, recipe, folder, label, start_from
    )


def loss_on(run, step=10**6):
    """Loss on a batch that training does not draw."""
    return float(run.losses[0](*run.batches.at(step)))


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
    """The best averaged weights, loadable, what they are, and TensorBoard's file."""
    run, _, path, _ = trained
    names = {p.name for p in run.folder.iterdir()}
    assert {"tiny.weights.h5", "tiny.json", "tiny.checkpoint.npz"} <= names
    assert len(list(run.folder.glob("logs/tiny/events.out.tfevents.*"))) == 1
    link, record = load_link(path, run.tasks[0].channel, (16, 16, 3))
    assert run.best["step"] == 200
    with run.average.applied():
        for one, two in zip(
            link.get_weights(), run.links[0].get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, two)
    assert record["config"]["encoder"]["filters"] == 8
    assert record["versions"]["keras"] and record["versions"]["device"] in "CPU GPU"
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


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_checkpoint_holds_all_state(pictures, tmp_path, precision):
    """Weights, optimiser (and its loss scale), average, step and best (exact)."""
    recipe, rng = replace(RECIPE, optimizer="muon"), np.random.default_rng(4)
    recipe = replace(recipe, precision=precision)
    run, again = (trainer(pictures, tmp_path, recipe) for _ in range(2))
    run.step, run.best = 100, {"step": 100, "score": 21.5}

    def state(run):
        model = run.links[0]
        return [*model.weights, *run.optimizers[0].variables, *run.average.variables]

    for variable in state(run):
        variable.assign(rng.integers(0, 50, variable.shape))
    run.save_checkpoint()
    again.resume()
    assert again.step == 100 and again.best == run.best
    assert len(state(again)) > 3 * len(run.links[0].trainable_variables)
    for one, two in zip(state(run), state(again), strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(one), ops.convert_to_numpy(two), err_msg=one.path
        )


def test_the_best_weights_stay_when_later_ones_are_worse(pictures, tmp_path):
    """A validation below the best leaves weights and JSON as they were (exact)."""
    run = trainer(pictures, tmp_path)
    good = {"fading": {"snr_db": [0.0], "psnr_db": [25.0]}}
    worse = {"fading": {"snr_db": [0.0], "psnr_db": [24.9]}}
    run.step = 100
    assert run._keep(good)
    path = tmp_path / "tiny.weights.h5"
    kept = path.read_bytes(), (tmp_path / "tiny.json").read_text()
    run.step = 200
    for variable in run.average.variables:
        variable.assign(ops.zeros(variable.shape))
    assert not run._keep(worse)
    assert kept == (path.read_bytes(), (tmp_path / "tiny.json").read_text())
    assert run.best == {"step": 100, "score": 25.0} and len(run.history) == 2
    assert json.loads(kept[1])["steps_done"] == 100


def test_an_earlier_run_is_not_overwritten(pictures, tmp_path):
    """Without --resume or --restart its checkpoint stays (exact)."""
    run = trainer(pictures, tmp_path, replace(RECIPE, steps=1))
    run.checkpoint.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="--resume, forget it with --restart"):
        run.fit(progress=False)
    assert run.checkpoint.read_bytes() == b"precious"
    run.fit(progress=False, restart=True)
    assert run.step == 1 and run.checkpoint.stat().st_size > 1000


@pytest.mark.parametrize("name", ["tiny.weights.h5", "tiny.json"])
def test_earlier_weights_are_not_overwritten(pictures, tmp_path, name):
    """Weights whose checkpoint is not beside them stay without --restart (exact)."""
    run = trainer(pictures, tmp_path, replace(RECIPE, steps=1))
    (tmp_path / name).write_bytes(b"precious")
    told = f"{name} holds earlier weights: forget them with --restart, or choose ano"
    with pytest.raises(FileExistsError, match=told):
        run.fit(progress=False)
    assert (tmp_path / name).read_bytes() == b"precious" and not run.step
    run.fit(progress=False, restart=True)
    assert (tmp_path / name).stat().st_size > 1000


def test_a_label_is_trained_by_one_run_at_a_time(pictures, tmp_path):
    """While a run trains, another one of its label is refused at once, with --restart
    as well, and leaves it as it was; afterwards the label is free (exact)."""
    recipe = replace(RECIPE, steps=2, checkpoint_steps=1)
    run, other = (trainer(pictures, tmp_path, recipe) for _ in range(2))
    compute, seen = run.step_fns[0], []

    def step_fn(*inputs):
        told = f"another process trains {tmp_path}/tiny: end it, or choose another --l"
        for restart in (False, True):
            with pytest.raises(OSError, match=told):
                other.fit(progress=False, restart=restart)
        seen.append(run.checkpoint.exists())
        return compute(*inputs)

    run.step_fns = [step_fn]
    run.fit(progress=False)
    assert seen == [False, True] and other.step == 0
    other.fit(progress=False, restart=True)
    assert other.step == 2


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_as_32_bits_do(trained, pictures, tmp_path, precision):
    """Final validation as float32's: 0.3 dB in the mean over the SNRs, 1 dB at each
    (200 steps, seed 0; runs whose rounding differs drift apart so far in so few)."""
    run = trainer(pictures, tmp_path, replace(RECIPE, precision=precision))
    run.fit(progress=False)
    expected = np.array(trained[0].history[-1]["fading"]["psnr_db"])
    difference = np.array(run.history[-1]["fading"]["psnr_db"]) - expected
    assert abs(difference.mean()) < 0.3 and np.abs(difference).max() < 1
    assert all(v.dtype == "float32" for v in run.links[0].trainable_variables)


def test_foreign_and_broken_checkpoints_are_refused(trained, pictures, tmp_path):
    """Another recipe, another configuration, half a file, none (exact)."""
    _, _, _, halfway = trained
    slower = trainer(pictures, tmp_path, Recipe(steps=100, learning_rate=1e-3))
    with pytest.raises(FileNotFoundError, match="start without --resume"):
        slower.resume()
    for run in (slower, trainer(pictures, tmp_path, label="wide", filters=9)):
        shutil.copy(halfway, run.checkpoint)
        with pytest.raises(ValueError, match="belongs to another run: .* then, .* now"):
            run.resume()
    slower.checkpoint.write_bytes(halfway.read_bytes()[:5000])
    with pytest.raises(ValueError, match="is broken") as refused:
        slower.resume()
    assert "--start-from" not in str(refused.value)


def test_a_broken_checkpoint_leaves_the_best_weights(trained, pictures, tmp_path):
    """The message says where they are and what takes them up, unless their file is
    broken as well (exact)."""
    again = trainer(pictures, tmp_path)
    for name in ("tiny.weights.h5", "tiny.json"):
        shutil.copy(trained[2].with_name(name), tmp_path)
    again.checkpoint.write_bytes(trained[3].read_bytes()[:5000])
    told = f"best weights are whole: .* --start-from {tmp_path}/tiny and another --lab"
    with pytest.raises(ValueError, match=f"is broken.*{told}"):
        again.resume()
    (tmp_path / "tiny.weights.h5").write_bytes(b"half")
    with pytest.raises(ValueError, match="is broken") as refused:
        again.resume()
    assert "--start-from" not in str(refused.value)


def test_other_images_links_and_starts_are_another_run(trained, pictures, tmp_path):
    """A checkpoint is not gone on from with fewer images, one pixel changed in the
    training or the validation images, another link, or other start weights; what
    differs is named by its option (exact)."""
    (images, provenance), (_, _, weights, halfway) = pictures, trained
    options = {"data": "--data", "start_from": "--start-from", "csi": "--csi"}
    held_out = split_data(np.arange(len(images))[:, None], images[:0], {})
    changes = {}
    for part in (held_out.exact, held_out.validation):
        touched = images.copy()
        touched[int(part[0, 0]), 0, 0, 0] ^= 1
        changes[f"image {part[0, 0]}"] = (touched, provenance), {}
    changes["fewer"] = (images[:100], provenance), {}
    changes["csi"] = pictures, {"csi": PerfectCSI()}
    changes["start"] = pictures, {"start_from": weights}
    told = {}
    for name, (other, more) in changes.items():
        run = trainer(other, tmp_path, **more)
        shutil.copy(halfway, run.checkpoint)
        with pytest.raises(ValueError, match="belongs to another run") as refused:
            run.resume(options)
        assert run.step == 0
        told[name] = str(refused.value)
    assert "--data (training_images) 160 then, 80 now" in told.pop("fewer")
    assert '--csi "estimated" then, "perfect" now' in told.pop("csi")
    assert '--start-from (label) null then, "tiny" now' in told.pop("start")
    sha256 = store.file_hash(weights.with_name("tiny.weights.h5"))
    assert run._identity()["start_from"] == {"label": "tiny", "sha256": sha256}
    assert len(told) == 2
    for text in told.values():
        assert re.search(r"images_sha256. \w{12}... then, \w{12}... now", text), text


def interrupting(run, step):
    """Real SIGINT while a step of a run is computed."""
    compute = run.step_fns[0]

    def step_fn(*inputs):
        loss = compute(*inputs)
        if run.step + 1 == step:
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    run.step_fns = [step_fn]
    return run


def state_of(run):
    return [ops.convert_to_numpy(variable) for variable in run._state()]


@pytest.mark.parametrize("step", [1, 2])
def test_ctrl_c_at_any_step_loses_nothing(pictures, tmp_path, step):
    """SIGINT in the first step, before any checkpoint, and in one that is validated:
    the step ends, its checkpoint is there, and the resumed run ends as one that was
    not interrupted (bit for bit, CPU); Ctrl-C works as before then."""
    recipe = replace(RECIPE, steps=4, checkpoint_steps=2)
    whole = trainer(pictures, tmp_path / "whole", recipe)
    whole.fit(progress=False)
    stopped = interrupting(trainer(pictures, tmp_path / "parts", recipe), step)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(progress=False)
    assert stopped.step == step and stopped.checkpoint.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again = trainer(pictures, tmp_path / "parts", recipe)
    again.resume()
    assert again.step == step
    again.fit(progress=False)
    for one, two in zip(state_of(again), state_of(whole), strict=True):
        np.testing.assert_array_equal(one, two)
    assert again.history == whole.history and again.best == whole.best


def test_a_second_ctrl_c_acts_at_once(pictures, tmp_path):
    """The second SIGINT ends a step half way; no checkpoint is invented (exact)."""
    run = trainer(pictures, tmp_path)

    def step_fn(*inputs):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)  # where Python looks for signals
        pytest.fail("the step went on")

    run.step_fns = [step_fn]
    with pytest.raises(KeyboardInterrupt):
        run.fit(progress=False)
    assert not run.checkpoint.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_after_a_diverged_step_keeps_the_checkpoint(pictures, tmp_path):
    """A loss that is not a number is not kept on Ctrl-C either (exact)."""
    run = interrupting(trainer(pictures, tmp_path), 1)
    compute = run.step_fns[0]
    run.step_fns = [lambda *inputs: compute(*inputs) * np.nan]
    with pytest.raises(ValueError, match="the loss is nan after 1 steps"):
        run.fit(progress=False)
    assert not run.checkpoint.exists()


def test_a_diverging_run_stops_before_its_checkpoint(pictures, tmp_path):
    """A loss that is not a number is an error, not a checkpoint (exact)."""
    run = trainer(pictures, tmp_path)
    run.step_fns, run.step = [lambda *inputs: np.nan], 99
    with pytest.raises(ValueError, match="the loss is nan after 100 steps"):
        run.fit(progress=False)
    assert not run.checkpoint.exists()


def test_what_a_step_sees_depends_on_seed_and_step(trained):
    """The batch of a step comes again, also from the thread that works ahead; that of
    another step differs (exact)."""
    batches = trained[0].batches
    one, other = ([ops.convert_to_numpy(x) for x in batches.at(i)] for i in (7, 8))
    ahead = list(batches.ahead(5, 9))
    assert len(ahead) == 4
    for value, same, different in zip(one, ahead[2], other, strict=True):
        np.testing.assert_array_equal(value, ops.convert_to_numpy(same))
        assert not np.array_equal(value, different)


def test_batches_are_made_while_a_step_runs(trained, monkeypatch):
    """8 steps and 8 batches of 50 ms each take less than 0.65 s, not 0.8 s."""
    batches = trained[0].batches

    def made(step):
        time.sleep(0.05)
        return [ops.convert_to_tensor(step)]

    monkeypatch.setattr(batches, "at", made)
    start, seen = time.perf_counter(), []
    for step in batches.ahead(0, 8):
        time.sleep(0.05)
        seen.append(int(step[0]))
    assert seen == list(range(8)) and time.perf_counter() - start < 0.65


def test_an_error_in_the_data_thread_arrives(trained, monkeypatch):
    """What making a batch raises is raised where the batch is taken (exact)."""
    batches = Batches(trained[0].data, trained[0].tasks, RECIPE)

    def fail(step):
        raise OSError(f"no images at {step}")

    monkeypatch.setattr(batches, "at", fail)
    with pytest.raises(OSError, match="no images at 3"):
        next(batches.ahead(3, 9))


INTERRUPTED = """
import os, signal, sys
from link_models.training import trainer
from scenarios import siso_awgn

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal
make, when = trainer.train_step_fn, int(sys.argv[1])

def interrupted(*args, **more):
    step, done = make(*args, **more), []
    def counted(*inputs):
        loss = step(*inputs)
        done.append(loss)
        if len(done) == when:
            os.kill(os.getpid(), signal.SIGINT)
        return loss
    return counted

trainer.train_step_fn = interrupted
sys.exit(siso_awgn.main(sys.argv[2:]))
"""


def test_a_command_stopped_anyhow_goes_on_bit_for_bit(tmp_path):
    """SIGKILL after the first checkpoint, and SIGINT in step 3, before it: --resume
    ends with the state of a run that was not stopped (bit for bit, CPU). SIGINT exits
    with 130 and says which step is kept, and it is."""
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=images)

    def command(folder, *more, start=("-m", "scenarios.siso_awgn")):
        options = f"train --data {tmp_path}/images.npz --image-size 16 --out {folder}"
        options += " --batch-size 4 --steps 40 --checkpoint-steps 10 --label small"
        options += " --optimizer adam --channel tdl --system deepjscc"
        root = Path(__file__).parents[3]
        return subprocess.Popen(
            [sys.executable, *start, *options.split(), *more],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interrupted(folder, step):
        child = command(folder, start=("-c", INTERRUPTED, str(step)))
        error = child.communicate()[1]
        assert child.returncode == 130 and "Traceback" not in error, error
        return error

    whole, parts, early = (tmp_path / name for name in ("whole", "parts", "early"))
    killed = command(parts)
    deadline = time.monotonic() + 600
    while not (parts / "small.checkpoint.npz").exists():
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    kept = early / "small.checkpoint.npz"
    message = f"{kept} holds step 3: give the same command with --resume"
    assert message in interrupted(early, 3)
    ends = []
    for folder, more in ((whole, ()), (parts, ("--resume",)), (early, ("--resume",))):
        child = command(folder, *more)
        assert child.communicate() and child.returncode == 0
        with np.load(folder / "small.checkpoint.npz", allow_pickle=False) as stored:
            ends.append({name: stored[name] for name in stored.files})
    assert int(ends[0]["step"]) == 40
    for end in ends[1:]:
        assert ends[0].keys() == end.keys()
        for name, value in ends[0].items():
            np.testing.assert_array_equal(value, end[name], err_msg=name)


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


def test_whole_groups_are_held_out():
    """No crop of a photograph that validates is trained on; at least a fifth of the
    images is held out, and the rest is of other groups (exact)."""
    sizes = (8, 4, 4, 2, 2)
    groups = np.repeat(list("abcde"), sizes)
    images = np.arange(20, dtype="uint8")[:, None, None, None]
    for seed in range(20):
        data = split_data(images, images[:0], {}, seed, groups)
        held, kept = (
            set(groups[part.ravel()]) for part in (data.validation, data.exact)
        )
        assert held | kept == set("abcde") and not held & kept and kept
        assert len(data.validation) + len(data.exact) == 20
        assert len(data.validation) >= 4
    with pytest.raises(ValueError, match="all training images are of one group, a"):
        split_data(images, images[:0], {}, groups=["a"] * 20)


def test_an_unknown_loss_is_refused():
    """What a loss can be is named (exact)."""
    with pytest.raises(ValueError, match="\"log\" or a loss object, got 'mse'"):
        ImageTask("awgn", None, "mse")


def interrupted(*args, **more):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)  # where Python looks for signals


def test_train_command(tmp_path, capsys, monkeypatch):
    """Images in, weights out; then --resume, and options that cannot be trained with
    (exit codes, exact)."""
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=images)
    options = "train --image-size 16 --batch-size 4 --steps 2"
    usual = {"data": tmp_path / "images.npz", "system": "deepjscc", "label": "small"}
    usual["out"] = tmp_path

    def train(more=""):
        own = (f" --{k} {v}" for k, v in usual.items() if f"--{k} " not in more)
        code = siso_awgn.main((options + more + "".join(own)).split())
        return code, capsys.readouterr()

    code, printed = train()
    assert code == 0 and f"wrote {tmp_path}/small.json" in printed.out
    assert re.search(
        r"step 2: siso_awgn [\d.]+( / [\d.]+)+ dB at 0 / 5 / 10 / 15 / 20 dB",
        printed.out,
    ), printed.out
    record = json.loads((tmp_path / "small.json").read_text())
    assert record["config"]["encoder"] == record["config"]["decoder"]
    assert record["config"]["encoder"]["num_symbols"] == 128
    assert record["steps_done"] == 2 and record["recipe"]["batch_size"] == 4
    assert record["tasks"][0]["name"] == "siso_awgn"

    assert train()[0] == 2  # the checkpoint stays
    with monkeypatch.context() as patch:  # Ctrl-C before the first step
        patch.setattr(trainer_module, "train_step_fn", interrupted)
        code, printed = train(" --label early")
    path = tmp_path / "early.checkpoint.npz"
    assert code == 130 and not path.exists()
    assert f"no checkpoint yet at {path}: give the same command again" in printed.err
    monkeypatch.setattr(
        Trainer, "fit", lambda self, restart: Path(f"after {self.step} {restart}.json")
    )
    for more, code, message in (
        (" --resume", 0, "wrote after 2 False.json .*with --weights after 2 False\n"),
        (" --restart", 0, "wrote after 0 True.json"),
        (" --resume --restart", 2, "--resume goes on, --restart forgets"),
        (" --resume --learning-rate 0.01", 2, "--learning-rate 0.002 then, 0.01 now"),
        (" --resume --precision mixed_bfloat16", 2, '--precision "float32" then'),
        (" --resume --channel rayleigh", 2, '--channel "AWGN" then, "BlockRay.*now'),
        (
            ' --resume --codec-config {"snr_attention":false}',
            2,
            "--codec-config .decoder.snr_att.*true then, false now",
        ),
        (" --codec-config 3", 2, "must be a JSON object"),
        (
            ' --codec-config {"filterz":9}',
            2,
            "--codec-config: unknown argument of DeepJSCCEncoder 'filterz'; did you "
            "mean 'filters'. All are in help.DeepJSCCEncoder",
        ),
        (
            ' --codec-config {"decoder":{"width":9}}',
            2,
            "--codec-config: unknown argument of DeepJSCCDecoder 'width'; there are: ",
        ),
        (" --resume --label unheard", 2, "unheard.checkpoint.npz does not exist"),
        (" --system webp_ldpc", 2, "'webp_ldpc' cannot be trained.*adjscc, deepjscc"),
        (" --cbr 0.1", 2, "num_symbols must be a multiple of 8.*received 76"),
        (
            " --system adjscc --cbr 0.1",
            2,
            "a multiple of 32, received 76: give a cbr of 64/768 or",
        ),
        (" --together-with marsian", 2, "no scenario 'marsian'; python -m scenarios"),
        (" --together-with mimo_2x3", 2, "no scenario .*did you mean 'mimo_2x2'"),
        (' --codec-config {"encoder":3}', 2, "must be a JSON object"),
        (" --system mmsemcom", 2, "no frozen models .* run python -m scenarios.gen"),
        (
            " --system ntscc --exact-from 0.5",
            2,
            "--exact-from is not for ntscc, which is not trained on a mixture of exact",
        ),
        (
            " --together-with siso_awgn",
            2,
            "--together-with 'siso_awgn' is trained for already: give every scenario",
        ),
        (" --together-with mimo_2x2 mimo_2x2", 2, "'mimo_2x2' is trained for already"),
        (
            " --start-from mmsemcom",
            2,
            "--start-from 'mmsemcom' has nothing in common with the codec: leave",
        ),
        (
            f" --out {tmp_path}/images.npz/runs",
            2,
            "cannot write to the folder .*images.npz/runs .Not a directory.; choose an",
        ),
        (" --data nowhere.npz", 2, "nowhere.npz: no such file"),
        (" --learning-rate 2", 2, "--learning-rate must be a number .*got 2"),
        (" --clip-norm inf", 2, "--clip-norm must be a number .*got inf"),
        (" --warmup-steps -1", 2, "--warmup-steps must be from 0 .*got -1"),
        (" --system eca --rate-weight nan", 2, "--rate-weight must be .*received nan"),
        (" --system eca --share-precoded 7", 2, "--share-precoded must be .*got 7"),
    ):
        done, printed = train(more)
        text = printed.out + printed.err
        assert done == code, text
        assert re.search(message, text), text
        assert code == 0 or printed.err.count("\n") == 1


def test_snrs_that_are_given_are_trained_at(tmp_path, capsys, monkeypatch):
    """From the lowest to the highest, of one value there alone; without any the usual
    range. A run is not gone on from at others (exact)."""
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=images)
    seen = []

    def fit(self, restart):
        self.save_checkpoint()
        seen.append((self.recipe.min_snr_db, self.recipe.max_snr_db))
        return self.folder / f"{self.label}.json"

    monkeypatch.setattr(Trainer, "fit", fit)

    def train(more):
        options = f"train --image-size 16 --out {tmp_path} --data {tmp_path}/images.npz"
        return siso_awgn.main(f"{options} --system deepjscc {more}".split())

    for label in ("a --snr 10 3 7", "b --snr 4", "c"):
        assert train(f"--label {label}") == 0
    assert seen == [(3, 10), (4, 4), (-1, 21)]
    capsys.readouterr()
    assert train("--label a --snr 3 9 --resume") == 2 and len(seen) == 3
    assert "--snr 10.0 then, 9.0 now" in capsys.readouterr().err
    assert train("--label a --snr 3 10 --resume") == 0


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["muon", "adam"])
def test_a_step_compiled_by_xla_is_the_same_step(pictures, tmp_path, optimizer):
    """One step with XLA, as users train, and without gives the same weights (1e-4)."""
    recipe = Recipe(steps=2, batch_size=8, optimizer=optimizer, warmup_steps=0)
    after = []
    for jit in (True, False):
        run = trainer(pictures, tmp_path, recipe)
        weights = run.links[0].trainable_variables
        step = train_step_fn(
            run.losses[0], weights, run.optimizers[0], jit, clip_norm=1.0
        )
        step(*run.batches.at(0))
        after.append(run.links[0].get_weights())
    for one, two in zip(*after, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_the_klt_command(tmp_path, monkeypatch, capsys):
    """What was fitted to the exact images is read as the linear reference, to half
    precision, and the JSON belongs to the file (exact). Basis images that are mixed of
    even and odd become either, of the length that they had."""
    images, about = np.zeros((60, 32, 32, 3), np.uint8), {"dataset": "sixty"}
    rng, seen = np.random.default_rng(0), []
    basis = rng.normal(size=(32, 32, 3, 20))
    basis[..., ::2] += basis[:, ::-1, :, ::2]
    basis[..., 1::2] -= basis[:, ::-1, :, 1::2]
    basis /= np.sqrt(np.square(basis).sum(axis=(0, 1, 2)))
    mixed = basis + 0.1 * basis[..., ::-1]
    fitted = LinearAnalogueCoder(
        rng.random(3072), mixed.reshape(3072, 20), rng.random(20), (32, 32, 3)
    )

    def fit(*arguments):
        seen.append(arguments)
        return fitted

    monkeypatch.setattr(klt.LinearAnalogueCoder, "fit", fit)
    monkeypatch.setattr(
        klt, "load_cifar10_training_images", lambda: (images, images[:0], about)
    )
    path = tmp_path / "klt.h5"
    argv = ["klt", "--coefficients", "20", "--out", str(path)]
    assert training_command.main(argv) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["sha256"] == store.file_hash(path)
    assert record["num_coefficients"] == 20 and record["data"] == about
    assert len(seen) == 1 and seen[0][0] is images and seen[0][1] == 20
    coder = load_klt(path)
    np.testing.assert_allclose(coder.mean, fitted.mean, rtol=1e-6)
    pure = basis.reshape(3072, 20)
    np.testing.assert_allclose(coder.basis, pure, rtol=4.4e-3, atol=1e-6)
    assert not (coder.basis.astype("f2").view("u2") & 7).any()  # 7 bits of 10
    np.testing.assert_allclose(coder.variance, fitted.variance, rtol=1e-6)
    assert coder.image_shape == (32, 32, 3)


def test_the_klt_command_looks_before_it_fits(tmp_path, monkeypatch, capsys):
    """More coefficients than there are, none, and a file in no folder: one line, code
    2, and nothing is fitted. A folder that is missing is made (exact)."""
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    seen = []

    def load():
        seen.append(None)
        return images, images[:0], {}

    monkeypatch.setattr(klt, "load_cifar10_training_images", load)
    file = tmp_path / "file"
    file.write_text("")
    for argv, message in (
        (f"--coefficients 5000 --out {tmp_path}/a.h5", "--coefficients must be from 1"),
        (f"--coefficients 0 --out {tmp_path}/a.h5", "from 1 to 3072, got 0"),
        (f"--coefficients 4 --out {file}/a.h5", "cannot write to the folder .*/file"),
        (f"--coefficients 4 --out {tmp_path}", "--out .* is a folder: name a file"),
    ):
        assert training_command.main(["klt", *argv.split()]) == 2
        error = capsys.readouterr().err
        assert re.search(message, error) and error.count("\n") == 1, error
    assert not seen
    fitted = LinearAnalogueCoder(
        np.zeros(3072), np.eye(3072)[:, :4], np.ones(4), (32, 32, 3)
    )
    monkeypatch.setattr(klt.LinearAnalogueCoder, "fit", lambda *arguments: fitted)
    out = tmp_path / "new" / "a.h5"
    assert training_command.main(["klt", "--coefficients", "4", "--out", str(out)]) == 0
    assert out.is_file()
