"""GenED-SC as a system: how the receiver comes by the mask, and what a lost one does.

Weights are untrained ones of this file; a dual encoder sees colours.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from keras import ops
from layer_checks import randomise_zeros

from link_models.codecs import CODECS, build_link
from link_models.links.radio import build_channel
from link_models.systems import semantic_coder
from link_models.systems.edited import mask_segment, saliency
from link_models.systems.edited.mask_segment import MASK_ROOM
from link_models.systems.edited.saliency import Saliency, transmitter_masks
from link_models.systems.edited.saliency_coder import mask_iou
from link_models.weights import store
from scenarios import edited_awgn
from semcom_phy.knowledge_base.patch_embeddings import PatchEmbeddings
from semcom_phy.phy.segments import ReceivedDigital
from semcom_phy.seeding import image_seeds, sample_fades, set_seed
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Samples

SHAPE, GRID, NUM_SYMBOLS = (32, 32, 3), (4, 4), 64
KNOWN = ["average SNR", "dual encoder that finds the foreground"]
SCENARIO = replace(
    edited_awgn.SCENARIO, image_size=32, cbr=Fraction(1, 48), csi="perfect"
)


class Colours:
    """Unit vectors of the colours of 4x4 places, and of all."""

    identity = {"model": "colours"}

    def image_features(self, images):
        return self._places(images, 1)[:, 0, 0]

    def patch_features(self, images):
        return self._places(images, 4)

    detail_features = patch_features

    @staticmethod
    def _places(images, side):
        n, height, width, _ = images.shape
        shape = n, side, height // side, side, width // side, 3
        values = images.reshape(shape).mean((2, 4), dtype="float32") / 255 - 0.4
        return values / np.linalg.norm(values, axis=-1, keepdims=True)


@pytest.fixture(scope="module", autouse=True)
def world():
    """Nothing is compiled; the dual encoder is that of this file."""
    saliency.patch_embeddings.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for module in (semantic_coder, saliency):
            patch.setattr(module, "compile_fn", lambda fn, jit=True: fn)
        patch.setattr(saliency, "find_dual_encoder", lambda name: Colours())
        # The lowest order that fits, without the fades that a choice would take.
        never_lost = lambda *given: lambda block, snr_db: 0.0  # noqa: E731
        patch.setattr(mask_segment, "BlockOutage", never_lost)
        yield
    saliency.patch_embeddings.cache_clear()


@pytest.fixture(scope="module")
def samples():
    masks = np.zeros((3, 32, 32), "uint8")
    masks[0, 8:24, :16] = masks[1, :8] = 1  # nothing is salient in the last one
    return Samples(load_images("sample", 3, size=32)[0], None, {}, masks=masks)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Labels of weights by the variant of the codec, made once."""
    made, folder = {}, tmp_path_factory.mktemp("weights")

    def label(seen_by="colours", **variant):
        key = (seen_by, *variant.items())
        if key not in made:
            made[key] = str(saved(folder, f"tiny_{len(made)}", seen_by, variant))
        return made[key]

    return label


def saved(folder, label, seen_by, variant):
    set_seed(3)
    config = {"image_shape": SHAPE, "num_symbols": NUM_SYMBOLS, "channels": 8}
    config |= variant
    embeddings = PatchEmbeddings(Colours())
    width = {"patch_width": embeddings.patch_width, "common_width": 3}
    configs = [config | width, config]
    channel = build_channel(SCENARIO, NUM_SYMBOLS)
    link = build_link(CODECS["gened_sc"], configs, channel)
    images = load_images("sample", 20, size=32)[0] / np.float32(255)
    link.encoder.fit_statistics(images, np.eye(4, dtype="float32"))
    link.decoder.copy_statistics(link.encoder)
    randomise_zeros(link.trainable_variables)
    rng = np.random.default_rng(6)  # the same scores on both backends
    for weight in link.encoder.score.trainable_variables:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    link.encoder.score.sharpness.assign([0.0, 0.0])
    names = {"codec": "gened_sc", "encoder": configs[0], "decoder": configs[1]}
    record = {"config": names, "data": {"dual_encoder": {"model": seen_by}}}
    return store.save(link, folder, label, record)


def system_of(weights, mask="sent", **variant):
    scenario = replace(SCENARIO, weights=weights(**variant))
    return Saliency("Tiny", "tiny", mask).build("gened_sc", scenario)


def transmit(system, samples, snr_db=30.0):
    seeds = image_seeds(1, 0, range(len(samples)))
    h = sample_fades(system.channel, seeds)
    return system.transmit(samples, snr_db, h, seeds)


def lose_masks(system, monkeypatch):
    split = system.coder.frame.split

    def without(x_hat, no_eff, placed):
        count = len(x_hat)
        gone = ReceivedDigital([None] * count, np.zeros(count, bool))
        return split(x_hat, no_eff, placed) | {"side": gone}

    monkeypatch.setattr(system.coder.frame, "split", without)


def test_a_mask_is_sent_charged_and_judged(weights, samples):
    """In its room, whole; its overlap with the saliency, NaN where there is none
    (exact)."""
    system = system_of(weights)
    sent = transmit(system, samples)
    assert sent.spent.data.tolist() == [NUM_SYMBOLS] * 3
    assert sent.spent.side.tolist() == [MASK_ROOM] * 3
    assert not sent.outage.any() and not sent.lost["side"].any()
    assert sent.delivered.images.shape == (3, *SHAPE)
    mask = transmitter_masks(system_scenario(weights))(samples.images)
    expected = mask_iou(mask, samples.masks)
    np.testing.assert_allclose(sent.figures["mask_iou"], expected)
    assert np.isnan(sent.figures["mask_iou"]).tolist() == [False, False, True]
    share = sent.figures["foreground_share"]
    np.testing.assert_allclose(share, mask.mean((1, 2)), atol=1e-6)
    about = system.describe()
    assert about["dual_encoder"] == Colours.identity and about["mask"] == "predicted"
    assert about["mask_symbols"] == MASK_ROOM and about["knows"] == KNOWN
    bare = transmit(system, replace(samples, masks=None))
    assert np.isnan(bare.figures["mask_iou"]).all()


def system_scenario(weights, **variant):
    return replace(SCENARIO, weights=weights(**variant))


def test_a_lost_mask_is_no_outage(weights, samples, monkeypatch):
    """The image is that of the receiver's own estimate, which is what a receiver shows
    that is sent no mask at all, but for the noise of another frame (3 of 255)."""
    system = system_of(weights)
    whole = transmit(system, samples)
    lose_masks(system, monkeypatch)
    lost = transmit(system, samples)
    assert lost.lost["side"].all() and not lost.outage.any()
    assert np.any(lost.delivered.images != whole.delivered.images)
    estimated = system_of(weights, "estimated")
    other = transmit(estimated, samples)
    gap = np.abs(other.delivered.images - 1.0 * lost.delivered.images)
    assert gap.mean() < 3
    told = np.abs(lost.delivered.images - 1.0 * whole.delivered.images)
    assert gap.mean() < told.mean()


def test_with_a_lead_a_lost_mask_is_an_outage(weights, samples, monkeypatch):
    """Its values cannot be told apart (exact)."""
    system = system_of(weights, foreground_lead=2.0)
    assert not transmit(system, samples).outage.any()
    lose_masks(system, monkeypatch)
    lost = transmit(system, samples)
    assert lost.outage.all() and lost.lost["side"].all()


def test_free_and_estimated_masks_are_not_charged(weights, samples):
    """A free mask is said to be known; an estimated one is no knowledge (exact)."""
    for way, knows, told in (
        ("free", [*KNOWN, "mask (free)"], "predicted"),
        ("estimated", KNOWN, "estimated by the receiver"),
    ):
        system = system_of(weights, way)
        sent = transmit(system, samples)
        assert sent.spent.side.tolist() == [0] * 3 and "side" not in sent.lost
        assert np.isfinite(sent.figures["mask_iou"][:2]).all()
        about = system.describe()
        assert about["knows"] == knows and about["mask"] == told
        assert about["mask_symbols"] == 0


@pytest.mark.parametrize("mask", ["constant", "none"])
def test_other_variants_send_no_mask(weights, samples, mask):
    """Whatever the entry says (exact)."""
    scenario = system_scenario(weights, mask=mask)
    system = Saliency("Tiny", "tiny").build("gened_sc", scenario)
    sent = transmit(system, samples)
    assert sent.spent.side.tolist() == [0] * 3
    assert ("mask_iou" in sent.figures) == (mask == "constant")
    assert system.describe()["knows"] == KNOWN


def test_masks_at_the_transmitter_are_those_that_are_sent(weights, samples):
    """0 or 1, the same whatever else is in the batch (exact)."""
    masks_of = transmitter_masks(system_scenario(weights))
    mask = masks_of(samples.images)
    assert mask.shape == (3, *GRID) and mask.dtype == np.uint8
    assert 0 < mask.mean() < 1 and set(np.unique(mask)) == {0, 1}
    np.testing.assert_array_equal(masks_of(samples.images[1:2])[0], mask[1])
    coder = system_of(weights).coder
    seeds = image_seeds(1, 0, range(3))
    h = ops.ones((3, 1, 1, 1, 1, 1), "complex64")
    message = coder.encode(samples, 10.0, h, seeds)
    np.testing.assert_array_equal(message.state.side.mask, mask)


def test_overlap_is_that_of_pixels():
    """Intersection over union (exact)."""
    salient = np.zeros((2, 16, 16), "uint8")
    salient[0, :8, :12] = 1
    mask = np.array([[[1, 1], [0, 0]], [[1, 1], [1, 1]]])
    np.testing.assert_allclose(mask_iou(mask, salient), [96 / 128, np.nan])
    assert mask_iou(0 * mask, salient)[0] == 0
    assert np.isnan(mask_iou(mask, None)).all()


def test_weights_of_another_dual_encoder_are_refused(weights):
    """By both names, with the remedy; for masks alone too."""
    scenario = system_scenario(weights, seen_by="somebody else")
    told = "patches of 'somebody else', the scenario has 'colours': train others"
    with pytest.raises(ValueError, match=told):
        Saliency("Tiny", "tiny").build("gened_sc", scenario)
    with pytest.raises(ValueError, match=told):
        transmitter_masks(scenario)


def test_numbers_of_symbols_without_a_training_are_refused(tmp_path, monkeypatch):
    """With those that there are, of this variant alone."""
    names = ("gened_sc_1792", "gened_sc_300", "gened_sc_lead_64")
    for name in names:
        (tmp_path / f"{name}.weights.h5").touch()
    monkeypatch.setattr(saliency, "SHIPPED", tmp_path)
    with pytest.raises(ValueError, match="trained for 300, 1792 data symbols, 64 are"):
        Saliency("Tiny", "gened_sc").build("gened_sc", SCENARIO)
    with pytest.raises(ValueError, match="trained for no number of data symbols"):
        Saliency("Tiny", "gened_sc_plain").build("gened_sc_plain", SCENARIO)
