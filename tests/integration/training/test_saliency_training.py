"""Training GenED-SC on a handful of pictures: the parts of its loss, and its run."""

from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops

import link_models.training.trainer as trainer_module
from link_models.codecs import CODECS
from link_models.training.commands import command
from link_models.training.commands.saliency import saliency_data
from link_models.training.commands.saliency import saliency_task as link_of
from link_models.training.recipe import Recipe
from link_models.training.tasks import saliency as saliency_task
from link_models.training.tasks.saliency import (
    PATCH,
    SaliencyLoss,
    SaliencyTask,
    _cross_entropy,
    _weighted,
    patch_cover,
)
from link_models.training.trainer import Trainer
from scenarios import edited_awgn, mimo_2x2
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.knowledge_base.patch_embeddings import PatchEmbeddings
from semcom_phy.sources.samples import Samples

SHAPE, GRID, NUM_SYMBOLS = (64, 64, 3), (8, 8), 200
SIZES = {"image_shape": SHAPE, "num_symbols": NUM_SYMBOLS, "channels": 8}
SCENARIO = replace(edited_awgn.SCENARIO, image_size=64)


class Colours:
    """A dual encoder that sees colours, and reads lengths."""

    identity = {"model": "colours"}

    def image_features(self, images):
        return _unit(images.mean((1, 2)) / 255 - 0.4)

    def text_features(self, texts):
        return _unit([[len(text), 7.0, text.count("a")] for text in texts])

    def patch_features(self, images):
        return _unit(self.detail_features(images))

    def detail_features(self, images):
        n, height, width, _ = images.shape
        cells = images.reshape(n, 8, height // 8, 8, width // 8, 3)
        return cells.mean((2, 4), dtype="float32") / 255 - 0.4


def _unit(values):
    values = np.asarray(values, "float32")
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def samples(count=10):
    """Noise with a red square, which stands out."""
    rng = np.random.default_rng(1)
    images = rng.integers(60, 140, (count, *SHAPE)).astype("uint8")
    masks = np.zeros((count, *SHAPE[:2]), "uint8")
    for image, mask in zip(images, masks, strict=True):
        top, left = 8 * rng.integers(0, 5, 2)
        mask[top : top + 24, left : left + 24] = 1
        image[mask > 0] = 250, 20, 20
    return Samples(images, None, {"source": "squares"}, masks=masks)


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


def trainer(folder, steps=4, objective=None, **changes):
    model = Colours()
    embeddings = PatchEmbeddings(model)
    config = SIZES | changes
    seen = {"patch_width": embeddings.patch_width, "common_width": 3}
    configs = [config | seen, config]
    encoder = CODECS["gened_sc"].encoder(**configs[0])
    data = saliency_data(samples(), model, embeddings, GRID, folder)
    loss = SaliencyLoss(foreground=objective != "plain")
    task = link_of(SCENARIO, encoder, loss)
    recipe = Recipe(
        steps=steps,
        batch_size=4,
        warmup_steps=2,
        learning_rate=5e-3,
        optimizer="adam",
        min_snr_db=1.0,
        max_snr_db=10.0,
        checkpoint_steps=steps,
        average_decay=0.5,
    )
    return Trainer("gened_sc", *configs, [task], data, recipe, folder, "tiny")


def values(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def test_both_classes_weigh_alike():
    """Against NumPy (1e-5): a map of ones is as bad as a map of zeros, whatever the
    share of the foreground, and both are worse than one that says nothing."""
    target = np.zeros((2, *GRID), "float32")
    target[0, :2], target[1, 0, :5] = 1, 1
    logits = np.random.default_rng(3).standard_normal(target.shape).astype("float32")
    found = ops.convert_to_numpy(_cross_entropy(logits, target))
    likely = 1 / (1 + np.exp(-logits.astype(float)))
    for own, there, value in zip(likely, target > 0, found, strict=True):
        expected = -np.log(own[there]).mean() / 2 - np.log(1 - own[~there]).mean() / 2
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    ones, zeros, nothing = (
        ops.convert_to_numpy(_cross_entropy(level + 0 * logits, target))
        for level in (5.0, -5.0, 0.0)
    )
    np.testing.assert_allclose(ones, zeros, rtol=1e-5)
    np.testing.assert_allclose(nothing, np.log(2), rtol=1e-5)
    assert np.all(ones > 3 * nothing)
    # Nothing or everything is salient: finite, and right maps are better.
    for level in (0.0, 1.0):
        all_of = np.full_like(target, level)
        right, wrong = (
            ops.convert_to_numpy(_cross_entropy(sign * (2 * all_of - 1), all_of))
            for sign in (4.0, -4.0)
        )
        assert np.all(right < wrong) and np.isfinite(wrong).all()


def test_errors_are_those_of_their_part():
    """Of weighted pixels alone, one more in the sum (1e-6); without any, 0."""
    rng = np.random.default_rng(3)
    error = rng.random((2, 16, 16)).astype("float32")
    weight = (rng.random((2, 16, 16)) < 0.3).astype("float32")
    weight[1] = 0
    found = ops.convert_to_numpy(_weighted(error, weight))
    there = weight[0] > 0
    expected = error[0][there].sum() / (there.sum() + 1)
    np.testing.assert_allclose(found, [expected, 0], rtol=1e-5)
    error[0][~there] = 9.0
    np.testing.assert_allclose(
        ops.convert_to_numpy(_weighted(error, weight)), found, rtol=1e-5
    )


class FakeLink:
    """Delivers what it is given."""

    def __init__(self, images, image_hat, scores, logits, mask, details, kind):
        self.routed = SimpleNamespace(scores=scores, logits=logits, mask=mask)
        self.found = SimpleNamespace(images=image_hat, details=details)
        self.encoder = SimpleNamespace(mask=kind, unpack=lambda source: (images,))

    def run(self, source, snr_db, h, noise, uniform=None):
        return SimpleNamespace(details=self.routed), self.found


@pytest.mark.parametrize("kind", ["predicted", "none"])
@pytest.mark.parametrize("foreground", [True, False])
def test_the_loss_is_the_sum_of_its_parts(kind, foreground):
    """Against NumPy, without the contextual loss, which has tests of its own (1e-4)."""
    rng = np.random.default_rng(5)
    images, image_hat = rng.random((2, 4, *SHAPE)).astype("float32")
    scores, logits, details = rng.standard_normal((3, 4, *GRID)).astype("float32")
    mask = (logits > 0).astype("float32")
    masks = samples(4).masks.astype("float32")
    given = (images, image_hat, scores, logits, mask, details)
    link = FakeLink(*map(ops.convert_to_tensor, given), kind)
    weights = SaliencyLoss(foreground, contextual=0.0)
    task = SaliencyTask("test", None, weights)
    start = ops.convert_to_tensor(np.zeros(2, "int32"))
    found = task.training_loss(
        link, np.zeros(4), None, None, None, ops.convert_to_tensor(masks), None, start
    )
    error = np.square(images.astype(float) - image_hat).mean(-1)
    expected = np.log(error.mean((1, 2)) + 1e-5).mean()
    if foreground:
        parts = [
            np.log((error * w).sum((1, 2)) / (w.sum((1, 2)) + 1) + 1e-5).mean()
            for w in (masks, 1 - masks)
        ]
        expected = parts[0] + weights.background * parts[1]
    if kind == "predicted":
        salient = (patch_cover(masks) > saliency_task.COVER).astype("float32")
        entropy = [
            float(ops.mean(_cross_entropy(one, other)))
            for one, other in ((scores, salient), (logits, salient), (details, mask))
        ]
        share = mask.mean((1, 2)) - salient.mean((1, 2))
        expected += 0.3 * (entropy[0] + entropy[1]) + 0.1 * entropy[2]
        expected += 2.0 * np.mean(share**2)
    np.testing.assert_allclose(float(found), expected, rtol=1e-4)


def test_steps_lower_the_loss_and_a_resumed_run_ends_alike(tmp_path):
    """Sixteen steps, of one batch that training does not draw; from the checkpoint of
    step 8 to the same weights (bit for bit)."""
    run = trainer(tmp_path / "whole", 16)
    unseen = run.batches.at(10**6)
    before = float(run.losses[0](*unseen))
    for step in range(8):
        run.step_fns[0](*run.batches.at(step))
    run.step = 8
    run.save_checkpoint()
    again = trainer(tmp_path / "whole", 16)
    again.resume()
    for one in (run, again):
        for step in range(8, 16):
            one.step_fns[0](*one.batches.at(step))
    assert float(run.losses[0](*unseen)) < before - 0.1
    for one, other in zip(values(run._state()), values(again._state()), strict=True):
        np.testing.assert_array_equal(one, other)
    check_validation(run)


def check_validation(run):
    """IoU, share and PSNR of what validation sees, against NumPy (as it rounds)."""
    task, data = run.tasks[0], run.data
    inputs = task.validation_inputs(data, run.recipe)
    images = np.random.default_rng(1).random((2, *SHAPE)).astype("float32")
    chosen = (np.random.default_rng(2).random((2, *GRID)) > 0.6).astype("float32")

    def forward(source, snr_db, h, noise):
        return tuple(
            ops.take(v, ops.arange(len(source)) % 2, 0) for v in (images, chosen)
        )

    figures = task.validate(forward, data, run.recipe, inputs)
    pixels = chosen.repeat(PATCH, 1).repeat(PATCH, 2) > 0.5
    salient = data.validation_masks > 0
    joint = (pixels & salient).sum((1, 2)) / (pixels | salient).sum((1, 2))
    assert figures["mask_iou"] == round(joint.mean(), 4)
    assert figures["foreground_share"] == round(float(pixels.mean()), 4)
    shown = np.rint(255 * images)
    error = np.square(shown - data.validation).mean(-1)
    psnr = [
        10 * np.log10(255**2 / e[s].mean()) for e, s in zip(error, salient, strict=True)
    ]
    np.testing.assert_allclose(
        figures["foreground_psnr_db"], 4 * [np.mean(psnr)], atol=2e-3
    )


def test_the_record_names_data_and_loss(tmp_path):
    """The dual encoder, the loss and the SNRs stand beside the weights; a plain
    objective trains a codec without a mask, and scores the whole (exact)."""
    run = trainer(tmp_path, 1, "plain", mask="none")
    record = run.fit(progress=False).read_text()
    assert '"colours"' in record and '"mask_iou"' in record
    task = run.tasks[0]
    assert task.loss == SaliencyLoss(foreground=False)
    assert task.describe()["snr_db"] == [1.0, 4.0, 7.0, 10.0]
    figures = {"foreground_psnr_db": [20.0, 22.0], "background_psnr_db": [24.0, 26.0]}
    assert task.score(figures, None, SHAPE) == 23.0
    assert replace(task, loss=SaliencyLoss()).score(figures, None, SHAPE) == 21.0
    assert list(tmp_path.glob("features/*.npy"))


def test_batches_are_what_the_loss_takes(tmp_path):
    """Mirrored pictures with their masks and the embeddings of the mirrored; texts of
    some of them; the SNRs of the paper (exact)."""
    run = trainer(tmp_path)
    task, rng = run.tasks[0], np.random.default_rng(3)
    inputs = task.batch(run.data, run.recipe, 0, rng)
    assert len(inputs) == task.num_inputs
    source, snr_db, _, _, masks, uniform, window = map(ops.convert_to_numpy, inputs)
    encoder = run.links[0].encoder
    image = ops.convert_to_numpy(encoder.unpack(ops.convert_to_tensor(source))[0])
    red = (image[..., 0] > 0.9).astype("float32")
    np.testing.assert_array_equal(red, masks)
    assert set(snr_db) <= {1.0, 4.0, 7.0, 10.0} and window.tolist() == [0, 0]
    assert uniform.shape == (4, 65) and 0 < uniform.min() and uniform.max() < 1


def test_what_cannot_be_trained_is_refused(tmp_path):
    """Pictures without masks, too few of them, pictures smaller than the window of the
    contextual loss, an objective of another codec: one clear line each."""
    model, few = Colours(), samples(4)
    embeddings = PatchEmbeddings(model)
    with pytest.raises(ValueError, match="squares: there are no saliency masks.*ecssd"):
        saliency_data(replace(few, masks=None), model, embeddings, GRID, tmp_path)
    with pytest.raises(ValueError, match="at least 5 pictures, got 4"):
        saliency_data(few, model, embeddings, GRID, tmp_path)
    with pytest.raises(ValueError, match="32x64 are smaller than the window.*64x64"):
        SaliencyTask("test", None).check((32, 64, 3))
    given = dict.fromkeys(command.OPTIONS) | {"system": "eca", "objective": "plain"}
    args = Namespace(**given)
    with pytest.raises(ValueError, match="--objective is for gened_sc, not for eca"):
        command.fit_from_arguments(mimo_2x2.SCENARIO, args)
    assert saliency_task.WINDOW == 64


@pytest.mark.parametrize("system", ["gened_sc", "sgdjscc"])
@pytest.mark.parametrize(
    "option, reason",
    [
        ("--snr 5", "which is trained at 1, 4, 7 and 10 dB"),
        ("--channel tdl", "which is trained over"),
        ("--csi estimated", "which is trained over"),
        ("--cbr 1/4", "which is trained over"),
    ],
)
def test_options_that_training_replaces_are_refused(
    system, option, reason, tmp_path, capsys
):
    """SNRs and link are always the same: one line with the option, exit code 2 (exact),
    before pictures are loaded."""
    argv = ["train", "--system", system, "--out", str(tmp_path), *option.split()]
    assert edited_awgn.main(argv) == 2
    error = capsys.readouterr().err
    assert f"{option.split()[0]} is not for {system}, {reason}" in error
    assert error.count("\n") == 1
