"""Training on painted scenes: batches, checkpoints, command, student, length code."""

import json
import os
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from painted_scenes import painted_camvid

from benchmarks import fit_length_code
from link_models.codecs import CODECS, build_link, load_link
from link_models.links.radio import build_channel
from link_models.systems import frame_system, semantic_coder
from link_models.systems.levels import LabelLevels, StudentLevels
from link_models.systems.student import load_student
from link_models.systems.table import build_system
from link_models.training import __main__ as training_command
from link_models.training import student as student_module
from link_models.training import trainer as trainer_module
from link_models.training.batches import Batches
from link_models.training.recipe import Recipe
from link_models.training.tasks import scene as scene_module
from link_models.training.tasks.scene import (
    RateDistortionLoss,
    SceneData,
    SceneTask,
    load_scene_data,
    patch_max,
)
from link_models.training.trainer import Trainer
from link_models.weights import store
from scenarios import driving_scene, driving_scene_2x2, siso_awgn
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.codecs.sa_oosc import SaOoscEncoder
from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import LEVELS, level_maps
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import set_seed
from semcom_phy.sources.driving import load_driving_scenes
from semcom_phy.sources.samples import Samples

SIZE = (64, 96)
TINY = {"filters": 8, "blocks": 1}
RECIPE = Recipe(
    steps=4,
    batch_size=3,
    warmup_steps=2,
    checkpoint_steps=2,
    min_snr_db=10.0,
    max_snr_db=10.0,
)


@pytest.fixture(scope="module", autouse=True)
def scenes(tmp_path_factory):
    """A folder that stands for CamVid, in place of any other."""
    folder = tmp_path_factory.mktemp("data")
    with painted_camvid(folder, {"train": 33, "val": 3, "test": 2}):
        yield folder


@pytest.fixture(scope="module", autouse=True)
def plain_graphs():
    """The same functions without XLA, which takes ten seconds for each of them."""

    def plain_compile(fn, jit=True):
        return compile_fn(fn, False)

    def plain_step(*args, jit=True, **more):
        return train_step_fn(*args, jit=False, **more)

    with pytest.MonkeyPatch.context() as patch:
        for module in (trainer_module, frame_system, semantic_coder):
            patch.setattr(module, "compile_fn", plain_compile)
        for module in (trainer_module, student_module.backend):
            patch.setattr(module, "train_step_fn", plain_step)
        yield


@pytest.fixture(scope="module", autouse=True)
def ctrl_c():
    """As in a terminal; what a shell starts in the background does not hear it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def data(scenes):
    return load_scene_data("camvid", SIZE)


def fading(num_symbols=1100):
    return EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(num_symbols, 2))


def scene_task(**loss):
    return SceneTask("scenes", fading(), RateDistortionLoss(**loss), crop=64)


def scene_batches(data, **changes):
    return Batches(data, [scene_task()], replace(RECIPE, **changes))


def trainer(data, folder, codec="sa_oosc", start_from=None, **loss):
    config = {"image_shape": (*SIZE, 3), **TINY}
    tasks = [scene_task(**loss)]
    args = codec, config, config, tasks, data, RECIPE, folder, "tiny", start_from
    return Trainer(*args)


def values_of(batch):
    return [np.array(ops.convert_to_numpy(value)) for value in batch]


def test_scenes_have_the_levels_of_their_pixels(data):
    """The rule's boxes pixel by pixel; the patches' levels are their maxima (exact)."""
    assert data.exact.shape == (33, *SIZE, 3) and data.validation.shape[0] == 3
    assert data.pixel_levels.shape == (33, *SIZE)
    assert set(np.unique(data.validation_levels)) == {0, 1, 2, 3}
    loaded = load_driving_scenes("camvid", "train", SIZE)
    expected = level_maps(DrivingRule(), loaded.images, loaded.labels)
    np.testing.assert_array_equal(patch_max(data.pixel_levels), expected)
    static = load_scene_data("camvid", SIZE, "static", num_validation=2)
    assert set(np.unique(static.pixel_levels)) == {0, 2}
    assert len(static.validation) == 2 and static.provenance["annotator"] == "static"
    assert data.provenance["annotator"] == "rule"


def test_maxima_of_patches_by_hand():
    """Of patches of 2x2 pixels (exact)."""
    pixels = np.array([[[0, 1, 2, 2], [3, 0, 2, 2]]])
    assert patch_max(pixels, 2).tolist() == [[[3, 2]]]
    assert patch_max(pixels, 2).dtype == np.int32


def test_a_batch_depends_on_seed_and_step_alone(data):
    """The same again, also from the thread that works ahead; other steps and seeds give
    other batches (exact)."""
    batches = scene_batches(data)
    one, again, other = (values_of(batches.at(step)) for step in (7, 7, 8))
    ahead = [values_of(batch) for batch in batches.ahead(6, 8)][1]
    foreign = values_of(scene_batches(data, seed=1).at(7))
    assert len(one) == scene_task().num_inputs
    same = (1,)  # the SNR, which is fixed
    for i, value in enumerate(one):
        np.testing.assert_array_equal(value, again[i])
        np.testing.assert_array_equal(value, ahead[i])
        for different in (other[i], foreign[i]):
            assert np.array_equal(value, different) == (i in same), i


def test_what_a_batch_holds(data):
    """Documented shapes; budgets in their range, two images in three over AWGN (4
    standard errors of 600), noise of rounding in [-1/2, 1/2)."""
    batches = scene_batches(data, batch_size=600)
    source, snr_db, h, noise, levels, budget, latent, side = values_of(batches.at(0))
    assert source.shape == (600, 64, 64, 3) and 0 <= source.min() < source.max() <= 1
    assert np.all(snr_db == 10) and snr_db.shape == (600,)
    assert levels.shape == (600, 4, 4) and levels.dtype == np.int32
    assert latent.shape == (600, 4, 4, 256) and side.shape == (600, 2, 2, 16)
    assert noise.dtype == h.dtype == np.complex64
    for rounding in (latent, side):
        assert -0.5 <= rounding.min() < -0.4 and 0.4 < rounding.max() < 0.5
    cbr = budget / (3 * 64**2)
    assert 0.006 <= cbr.min() < 0.008 and 0.07 < cbr.max() <= 0.083
    identity = np.sqrt(2) * np.eye(2)[:, :, None, None]
    over_awgn = np.all(abs(h - identity) < 1e-6, axis=(1, 2, 3, 4, 5))
    assert abs(over_awgn.mean() - 2 / 3) < 4 * np.sqrt(2 / 9 / 600)


def test_crops_and_levels_are_of_the_same_pixels():
    """Pictures that show their own levels and columns: crops at all places, mirrored
    as often as not, levels with them (exact)."""
    rng = np.random.default_rng(0)
    pixel_levels = np.where(rng.random((5, *SIZE)) < 0.01, 1, 0).astype("uint8")
    pixel_levels *= rng.integers(1, 4, pixel_levels.shape, dtype="uint8")
    columns = np.broadcast_to(np.arange(SIZE[1]), pixel_levels.shape)
    rows = np.broadcast_to(np.arange(SIZE[0])[:, None], pixel_levels.shape)
    images = np.stack([pixel_levels, columns, rows], axis=-1).astype("uint8")
    data = SceneData(images, pixel_levels, images, pixel_levels, {})
    crops, levels = scene_module._crops(data, 32, 200, np.random.default_rng(1))
    assert crops.shape == (200, 32, 32, 3) and levels.shape == (200, 2, 2)
    np.testing.assert_array_equal(patch_max(crops[..., 0]), levels)
    step = np.diff(crops[..., 1].astype(int), axis=2)
    assert np.all(step == step[:, :1, :1]) and set(np.unique(step)) == {-1, 1}
    assert 60 < np.sum(step[:, 0, 0] == -1) < 140
    assert np.all(np.diff(crops[..., 2].astype(int), axis=1) == 1)
    assert set(crops[..., 2].min(axis=(1, 2))) == set(range(33))
    assert crops[..., 1].max() == 95 and crops[..., 1].min() == 0


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A finished run, its JSON, and its checkpoint of half way."""
    folder = tmp_path_factory.mktemp("run")
    run = trainer(data, folder)
    save, halfway = run.save_checkpoint, folder / "halfway.npz"

    def save_and_keep():
        save()
        if run.step == 2:
            shutil.copy(run.checkpoint, halfway)

    run.save_checkpoint = save_and_keep
    start = run.links[0].get_weights()
    return run, start, run.fit(progress=False), halfway


def test_training_moves_all_weights(trained):
    """Every trained weight of encoder and decoder; statistics stay (exact)."""
    run, start, _, _ = trained
    link = run.links[0]
    fixed = {id(v) for v in link.non_trainable_variables}
    moved = [
        not np.array_equal(before, ops.convert_to_numpy(v))
        for v, before in zip(link.weights, start, strict=True)
    ]
    for variable, has_moved in zip(link.weights, moved, strict=True):
        assert has_moved != (id(variable) in fixed), variable.path


def test_training_leaves_weights_and_json(trained):
    """Loadable, the best averaged ones, with data, task, loss and figures by level."""
    run, _, path, _ = trained
    record = json.loads(path.read_text())
    assert record["config"]["codec"] == "sa_oosc"
    assert record["tasks"][0]["loss"] == vars(RateDistortionLoss())
    assert record["tasks"][0]["crop"] == 64 and record["data"]["annotator"] == "rule"
    figures = record["validation"]["scenes"]
    names = {"psnr_db", "psnr_non_background_db", "psnr_high_db", "psnr_background_db"}
    assert set(figures) == {"snr_db", "cbr", *names}
    assert all(len(values) == 2 for values in figures.values())
    assert figures["cbr"][0] <= 1 / 48 and 0.9 / 32 < figures["cbr"][1] <= 1 / 32
    assert np.all(np.isfinite([figures[name] for name in names]))
    assert run.best["score"] == pytest.approx(
        np.mean(figures["psnr_non_background_db"])
    )
    assert [entry["step"] for entry in run.history] == [2, 4]
    link, _ = load_link(path, run.tasks[0].channel, (*SIZE, 3))
    if run.best["step"] == 4:
        with run.average.applied():
            expected = run.links[0].get_weights()
        for one, two in zip(link.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_resumed_run_ends_as_if_not_interrupted(trained, data, tmp_path):
    """From the checkpoint of step 2 to the same weights at 4 (bit for bit, CPU)."""
    run, _, _, halfway = trained
    again = trainer(data, tmp_path)
    shutil.copy(halfway, again.checkpoint)
    again.resume()
    assert again.step == 2
    again.fit(progress=False)
    for one, two in zip(
        again.links[0].get_weights(), run.links[0].get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    assert again.history == run.history and again.best == run.best


def test_another_loss_is_another_run(trained, data, tmp_path):
    """A checkpoint is not gone on from with another weight of the loss (exact)."""
    again = trainer(data, tmp_path, gamma=0.2)
    shutil.copy(trained[3], again.checkpoint)
    with pytest.raises(ValueError, match="loss.gamma 0.3 then, 0.2 now"):
        again.resume()


def test_other_levels_are_another_run(trained, data, tmp_path):
    """A checkpoint is not gone on from with another level of one pixel, of training or
    validation scenes (exact)."""
    for name in ("pixel_levels", "validation_levels"):
        levels = getattr(data, name).copy()
        levels[0, 0, 0] ^= 1
        again = trainer(replace(data, **{name: levels}), tmp_path)
        shutil.copy(trained[3], again.checkpoint)
        with pytest.raises(ValueError, match="images_sha256 .* then, .* now"):
            again.resume()


def test_another_codec_starts_from_the_weights(trained, data, tmp_path):
    """NTSCC from SA-OOSC's weights has those of the same names, exactly."""
    run = trainer(data, tmp_path, "ntscc", start_from=trained[2])
    source, _ = load_link(trained[2], fading(), (*SIZE, 3))
    for part in ("encoder", "decoder"):
        ours, theirs = (
            {v.path: v for v in getattr(link, part).weights}
            for link in (run.links[0], source)
        )
        assert set(ours) <= set(theirs)
        for name, variable in ours.items():
            np.testing.assert_array_equal(
                *(ops.convert_to_numpy(v) for v in (variable, theirs[name]))
            )


def command(scenario, *argv):
    return scenario.main(["train", *map(str, argv)])


def test_the_train_command(tmp_path, capsys):
    """Its options reach data, links and record (exit code 0)."""
    options = ["--image-size", 160, 224, "--steps", 1, "--batch-size", 2]
    options += ["--out", tmp_path, "--codec-config", json.dumps(TINY)]
    own = ["--annotator", "static", "--label", "first"]
    assert command(driving_scene, "--system", "sa_oosc", *options, *own) == 0
    record = json.loads((tmp_path / "first.json").read_text())
    assert record["tasks"][0]["loss"] == vars(RateDistortionLoss())
    assert record["tasks"][0]["crop"] == 128
    assert record["data"]["annotator"] == "static"
    assert record["recipe"]["min_snr_db"] == record["recipe"]["max_snr_db"] == 10
    assert record["config"]["encoder"]["image_shape"] == [160, 224, 3]
    assert "33 samples" in capsys.readouterr().out


@pytest.mark.parametrize(
    "scenario, options, message",
    [
        (
            siso_awgn,
            "--system adjscc --annotator rule",
            "--annotator is for ntscc, sa_oosc",
        ),
        (
            driving_scene,
            "--system ntscc --rate-weight 1",
            "--rate-weight is for eca, not for ntscc: leave it out",
        ),
        (
            driving_scene,
            "--system sa_oosc --share-precoded 0.5",
            "--share-precoded is for eca, swinjscc, not for sa_oosc",
        ),
        (
            driving_scene,
            "--system ntscc --together-with mimo_2x2",
            "--together-with is not for",
        ),
        (
            driving_scene,
            "--system sa_oosc --snr 0 20",
            "--snr is not for sa_oosc, which is trained at 10 dB: leave it out",
        ),
        *(
            (
                driving_scene_2x2,
                f"--system ntscc {option}",
                f"{option.split()[0]} is not for ntscc, which is trained over AWGN and "
                "fades of 2x2 antennas: leave it out",
            )
            for option in (
                "--channel tdl",
                "--tx-antennas 1",
                "--rx-antennas 4",
                "--csi estimated",
                "--cbr 1/4",
            )
        ),
        (driving_scene, "--system ntscc --annotator guess", "invalid choice: 'guess'"),
        (
            driving_scene,
            "--system ntscc --image-size 96 128",
            "96x128 hold no crop of 128x128",
        ),
        (
            driving_scene,
            "--system ntscc --image-size 128 128",
            "may take 4080 symbols, the frame holds 2048",
        ),
    ],
)
def test_what_does_not_fit_is_refused(scenario, options, message, tmp_path, capsys):
    """Options of other codecs, and images too small to train on: one line that names
    them, exit code 2 (exact)."""
    options = [*options.split(), "--steps", 1, "--out", tmp_path]
    assert command(scenario, *options) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


def samples_of(split, size=SIZE):
    scenes = load_driving_scenes("camvid", split, size)
    return Samples(scenes.images, None, {}, labels=scenes.labels)


def test_levels_are_those_of_the_label_maps(data):
    """Those of the rule, at any places of a split; without label maps none (exact)."""
    samples = samples_of("train").take([5, 2])
    expected = patch_max(data.pixel_levels[[5, 2]])
    source = LabelLevels()
    np.testing.assert_array_equal(source(samples), expected)
    assert source.name == "rule"
    static = LabelLevels("static")(samples)
    np.testing.assert_array_equal(static, np.where(expected > 0, 2, 0))
    for labels in (None, np.arange(2)):
        with pytest.raises(ValueError, match="'rule' needs label maps.*use camvid"):
            source(replace(samples, labels=labels))


def test_the_student_learns_loads_and_tells(tmp_path):
    """Three steps leave weights and recall by level; loaded, it tells the levels of
    any images."""
    recipe = Recipe(steps=3, batch_size=2, warmup_steps=1)
    path = student_module.train("camvid", SIZE, recipe, tmp_path, "pupil", "static")
    record = json.loads(path.read_text())
    assert path == tmp_path / "pupil.json" and record["data"]["annotator"] == "static"
    recall = record["validation"]["recall"]
    assert list(recall) == list(LEVELS)
    student, samples = load_student(tmp_path / "pupil"), samples_of("val")
    encoder = SaOoscEncoder(image_shape=(*SIZE, 3), **TINY)
    levels = StudentLevels(student, encoder)(replace(samples, labels=None))
    assert levels.shape == (3, 4, 6) and levels.dtype == np.float32
    likely = student.probabilities(samples.images)
    np.testing.assert_array_equal(levels, encoder.level_of_expected_weight(likely))
    truth, guessed = LabelLevels("static")(samples), student.levels(samples.images)
    expected = student_module.recall_by_level(truth, guessed)
    assert list(recall.values()) == pytest.approx(expected, nan_ok=True)


def student_command(folder, *more, steps=4):
    argv = ["--image-size", 64, 96, "--steps", steps, "--out", folder, *more]
    return training_command.main(["student", *map(str, argv)])


def test_a_student_stopped_by_ctrl_c_goes_on_bit_for_bit(tmp_path, capsys, monkeypatch):
    """SIGINT in step 2 of 4, before any checkpoint: 130, the step that is kept is told,
    and --resume ends with the weights of a run that was not stopped (exact, CPU). The
    finished checkpoint is not overwritten, nor gone on from with other steps."""
    assert student_command(tmp_path / "whole") == 0
    make, seen = student_module.backend.train_step_fn, []

    def interrupted(*args, **more):
        step = make(*args, **more)

        def counted(*inputs):
            seen.append(step(*inputs))
            if len(seen) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return seen[-1]

        return counted

    monkeypatch.setattr(student_module.backend, "train_step_fn", interrupted)
    assert student_command(tmp_path / "parts") == 130
    checkpoint = tmp_path / "parts" / "importance_student.checkpoint.npz"
    message = f"interrupted; {checkpoint} holds step 2: give the same command with --re"
    assert message in capsys.readouterr().err
    assert not (tmp_path / "parts" / "importance_student.json").exists()
    assert student_command(tmp_path / "parts", "--resume") == 0
    assert len(seen) == 4
    ends = [
        load_student(tmp_path / name / "importance_student").get_weights()
        for name in ("whole", "parts")
    ]
    for one, two in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, two)
    for more, steps, told in (
        ((), 4, "holds an earlier run: go on with --resume"),
        (("--resume",), 5, "--steps 4 then, 5 now"),
        (("--resume", "--restart"), 4, "give one of them"),
    ):
        capsys.readouterr()
        assert student_command(tmp_path / "parts", *more, steps=steps) == 2
        assert told in capsys.readouterr().err


def test_ctrl_c_before_the_first_step_of_a_student(tmp_path, capsys, monkeypatch):
    """130, and the truth: there is no checkpoint (exact; a lock is no file of it)."""

    def interrupted(*args, **more):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr(student_module.backend, "train_step_fn", interrupted)
    assert student_command(tmp_path) == 130
    assert "no checkpoint yet at" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["features"]


def test_levels_of_a_mirrored_view_are_mirrored():
    """What a step is told of a patch is its level and its classes, whichever view its
    features are of (exact)."""
    rng = np.random.default_rng(0)
    levels = rng.integers(4, size=(5, 3, 4))
    plain = np.stack([levels, 10 * levels], -1).astype("float16")
    views = [plain, plain[:, :, ::-1]] * 2
    shares = levels[..., None].astype("float32")
    recipe, mirrored = replace(RECIPE, batch_size=2), 0
    for step in range(8):
        batch = student_module._batch(step, recipe, views, levels, shares, 7)
        features, target, share, kept = values_of(batch)
        np.testing.assert_array_equal(features[..., 0], target.argmax(-1))
        np.testing.assert_array_equal(features[..., :1], share)
        assert kept.shape == (2, 3, 4, 7)
        mirrored += not any((features[0, ..., 0] == grid).all() for grid in levels)
    assert 0 < mirrored < 8


def test_weights_of_a_codec_are_no_student(trained):
    """What was asked for is in the message (exact)."""
    with pytest.raises(ValueError, match="not those of an importance student"):
        load_student(trained[2])


def test_recall_by_level_by_hand():
    """Shares of each level that were told right, NaN without any (exact)."""
    recall = student_module.recall_by_level([[0, 0, 1, 3]], [[0, 1, 1, 0]])
    assert recall[:2] == [0.5, 1.0] and np.isnan(recall[2]) and recall[3] == 0.0


def test_class_shares_by_hand():
    """Shares of the pixels of each patch, unlabelled the last (exact)."""
    labels = np.array([[[0, 0, 11, 2], [0, 3, 2, 2]]], "uint8")
    shares = student_module.class_shares(labels, 2)
    assert shares.shape == (1, 1, 2, 12) and shares.dtype == np.float32
    assert shares[0, 0, 0, [0, 3]].tolist() == [0.75, 0.25]
    assert shares[0, 0, 1, [2, 11]].tolist() == [0.75, 0.25]
    assert np.all(shares.sum(axis=-1) == 1)


@pytest.fixture(scope="module")
def untrained(scenes, tmp_path_factory):
    """Weights of a tiny SA-OOSC at the scenario's size, as training files them."""
    set_seed(1)
    scenario = driving_scene.SCENARIO
    config = {"image_shape": list(scenario.image_shape), **TINY}
    link = build_link(CODECS["sa_oosc"], (config, config), build_channel(scenario))
    images = load_driving_scenes("camvid", "train", scenario.image_shape[:2], 8).images
    link.encoder.fit_statistics(images.astype("float32") / 255)
    link.decoder.copy_statistics(link.encoder)
    config = {"codec": "sa_oosc", "encoder": config, "decoder": config}
    record = {"config": config, "data": {"annotator": "static"}}
    folder = tmp_path_factory.mktemp("weights")
    return store.save(link, folder, "untrained", record)


def test_the_length_code_is_fitted_and_used(untrained, monkeypatch, capsys):
    """The command counts the lengths of whole batches of training scenes, with and
    without the annotator, into the JSON; a system reads it there, and its messages
    hold the lengths (exact)."""
    label = str(untrained.with_suffix(""))
    scenario = replace(driving_scene.SCENARIO, weights=label)
    with pytest.raises(
        ValueError, match="fit one with python -m benchmarks.fit_length_code"
    ):
        build_system("sa_oosc", scenario)
    monkeypatch.setattr(fit_length_code, "CBRS", ("1/32",))
    before = json.loads(untrained.read_text())
    assert fit_length_code.main([label]) == 0
    assert "bits an image" in capsys.readouterr().out
    after = json.loads(untrained.read_text())
    counts = np.array(after.pop("length_code")["counts"])
    assert after == before and not list(untrained.parent.glob("*.tmp"))
    assert counts.shape == (len(LENGTHS) + 1, len(LENGTHS))
    assert counts.sum() == 2 * 32 * 12 * 16

    coder = build_system("sa_oosc", scenario).coder
    for half in (coder.link.encoder, coder.link.decoder):
        np.testing.assert_array_equal(half.side_code.length_code.counts, counts)
    samples = samples_of("test", (192, 256))
    message = coder.encode(samples, 10.0, coder.link.channel.sample(2), range(2))
    grids = coder.link.decoder.side_from_bytes(message.segments["side"].payloads)
    assert len(np.unique(grids)) > 1
    np.testing.assert_array_equal(grids, message.state.side)


def test_a_length_code_of_missing_weights_is_refused(tmp_path, capsys):
    """One line, exit code 2 (exact)."""
    assert fit_length_code.main([str(tmp_path / "none")]) == 2
    assert "no weights" in capsys.readouterr().err


def test_the_training_commands_are_named(capsys):
    """Without one of them, or with one that is not there, all are told (exit code 2,
    0 for --help)."""
    for argv, code in (([], 2), (["teacher"], 2), (["--help"], 0)):
        assert training_command.main(argv) == code
        told = capsys.readouterr().err
        for name in training_command.COMMANDS:
            assert f"python -m link_models.training {name}" in told
