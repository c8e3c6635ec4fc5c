"""Separate coding that is told where the objects are."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from link_models.systems.edited import saliency
from link_models.systems.separation.region_of_interest import (
    BackgroundBlurred,
    blur_outside,
)
from link_models.systems.table import SYSTEMS, build_channel, build_system
from scenarios import driving_scene, edited_awgn, mimo_2x2
from semcom_phy.metrics.image import psnr
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Samples

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 40, 64, 3), dtype="uint8")
REGION = np.zeros((2, 40, 64), bool)
REGION[0, 32:, 16:32] = REGION[1, :16, :16] = True


def test_the_region_stays_sharp():
    """Inside the same bytes, outside the variance of noise falls by that of the
    Gaussian's squares, 1 / (4 pi blur^2) (30 %)."""
    blurred = blur_outside(IMAGES, REGION, 2.0)
    assert np.array_equal(blurred[REGION], IMAGES[REGION])
    found = blurred[~REGION].astype(float).var() / IMAGES[~REGION].astype(float).var()
    np.testing.assert_allclose(found, 1 / (4 * np.pi * 2.0**2), rtol=0.3)
    assert blurred.shape == IMAGES.shape and blurred.dtype == np.uint8


def test_the_coder_sees_them_and_its_receiver_is_the_same():
    """Everything but the images is handed on; what is known adds up (exact)."""
    seen = []
    coder = SimpleNamespace(
        frame="frame",
        knows=("average SNR",),
        describe=lambda: {"source_codec": "x"},
        encode=lambda samples, *others: seen.append((samples, others)) or "message",
        decode=lambda *others: others,
    )

    def region(samples):
        return REGION

    region.name, region.knows = "drawn", ("label maps",)
    blurring = BackgroundBlurred(coder, region)
    samples = Samples(IMAGES, ("a", "b"), {})
    assert blurring.encode(samples, 3.0, "h", [1, 2]) == "message"
    ((sent, others),) = seen
    assert np.array_equal(sent.images, blur_outside(IMAGES, REGION, 3.0))
    assert sent.groups == ("a", "b") and others == (3.0, "h", [1, 2])
    assert np.array_equal(samples.images, IMAGES)
    assert blurring.decode(1, 2, 3) == (1, 2, 3)
    assert blurring.knows == ("average SNR", "label maps")
    about = {"region_of_interest": "drawn", "background_blur": 3.0}
    assert blurring.describe() == {"source_codec": "x"} | about


@pytest.mark.parametrize("name", ["hevc_ldpc_labels", "hevc_ldpc_student"])
def test_objects_gain_and_the_background_pays(name):
    """At the same symbols, against HEVC that is told nothing; 128x192, AWGN, 10 dB
    (1 dB each way; the left half is called an object, where the student has no say)."""
    scene = replace(driving_scene.SCENARIO, image_size=(128, 192), cbr=Fraction(1, 32))
    images, _ = load_images("photographs", 2, size=(128, 192))
    labels = np.zeros(images.shape[:3], "int32")
    samples = Samples(images, None, {}, labels=labels)
    told = build_system(name, scene)
    half = np.zeros((2, 128, 192), bool)
    half[:, :, :96] = True
    told.coder.region = lambda samples: half
    seeds = image_seeds(1, 0, [0, 1])
    h = sample_fades(build_channel(scene), seeds)
    found = {}
    for system in (told, build_system("hevc_ldpc", scene)):
        sent = system.transmit(samples, 10.0, h, seeds)
        assert not sent.outage.any()
        halves = np.split(np.stack([images, sent.delivered.images]), 2, axis=3)
        found[system.name] = [psnr(*pair).mean() for pair in halves]
    gain = np.subtract(found[name], found["hevc_ldpc"])
    assert gain[0] > 1 and gain[1] < -1, gain
    # What is more than background is asked of labels or student.
    assert SYSTEMS[name].region in name


def test_the_mask_is_that_of_gened_sc(monkeypatch):
    """Found at the transmitter, without labels (exact)."""
    calls = []

    def masks_of(images):
        calls.append(images.shape)
        masks = np.zeros((len(images), 16, 16), "uint8")
        masks[:, 3, 5] = 1
        return masks

    monkeypatch.setattr(
        "link_models.systems.separation.region_of_interest.transmitter_masks",
        lambda _: masks_of,
    )
    system = build_system("hevc_ldpc_mask", edited_awgn.SCENARIO)
    samples = Samples(load_images("photographs", 2, size=128)[0], None, {})
    expected = np.zeros((2, 128, 128), bool)
    expected[:, 24:32, 40:48] = True
    assert np.array_equal(system.coder.region(samples), expected)
    assert calls == [(2, 128, 128, 3)]
    assert "dual encoder that finds the foreground" in system.describe()["knows"]


@pytest.mark.parametrize("region", ["labels", "student", "mask"])
def test_the_layered_form_differs_in_the_decoder_alone(region):
    """Title and schedule (exact)."""
    plain = SYSTEMS[f"hevc_ldpc_{region}"]
    layered = SYSTEMS[f"hevc_ldpc_{region}_layered"]
    title = f"{plain.image.title}, layered decoder"
    image = replace(plain.image, title=title, schedule="layered")
    assert layered == replace(plain, image=image)


def test_what_is_missing_is_said():
    """Label maps, and a scenario's dual encoder."""
    with pytest.raises(ValueError, match="'sample' does not have: use camvid"):
        build_system("hevc_ldpc_labels", mimo_2x2.SCENARIO)
    saliency.patch_embeddings.cache_clear()
    scenario = replace(mimo_2x2.SCENARIO, image_size=128, cbr=Fraction(1, 24))
    with pytest.raises(ValueError, match="edited_awgn or edited_2x2"):
        build_system("hevc_ldpc_mask", scenario)
