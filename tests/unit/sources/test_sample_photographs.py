"""Crops of shipped photographs."""

import json
from collections import Counter

import numpy as np
import pytest

from semcom_phy.sources.images import load_images, load_samples
from semcom_phy.sources.sample_photographs import SAMPLE_PHOTOGRAPHS, sample_pool


def test_sample_images_are_shipped_and_spread(monkeypatch):
    """The sample needs no network: 64 different crops, evenly from 12 photographs,
    which are their groups, with a provenance that is plain JSON and names what is
    grey."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("network"))
    samples = load_samples("sample", 64)
    images, provenance = samples.images, samples.provenance
    assert images.shape == (64, 32, 32, 3) and images.dtype == np.uint8
    assert len(np.unique(images.reshape(64, -1), axis=0)) == 64
    counts = Counter(samples.groups)
    assert len(counts) == 12 and set(counts.values()) == {5, 6}
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance["groups"] == {"count": 12, "rule": "photograph"}
    assert "camera is grey" in provenance["source"]
    assert provenance["num_available"] >= 300 and len(provenance["terms"]) == 12


def test_only_camera_is_grey():
    """Grey photographs fill up the colour ones to twelve, no further (exact)."""
    samples = load_samples("sample")
    chroma = np.ptp(samples.images.astype(int), axis=-1).max((1, 2))
    grey = {
        g for g in set(samples.groups) if not chroma[np.equal(samples.groups, g)].any()
    }
    assert grey == {"camera"}
    assert len(SAMPLE_PHOTOGRAPHS) == 12


def test_no_crop_is_of_one_colour():
    """A crop that any codec sends without loss would say nothing (exact, at the size of
    the main job)."""
    images = load_images("sample")[0].reshape(-1, 32 * 32, 3)
    assert np.ptp(images.astype(int), axis=1).max(-1).min() > 8


def test_sample_pixels_are_pinned():
    """The main job's 64 images are those of the stored results (SHA-256; Pillow's
    Lanczos filter has been stable)."""
    assert load_images("sample", 64)[1]["sha256"].startswith("aed4166d35caaddd")


@pytest.mark.parametrize("size", [16, 64, 128])
def test_sample_sizes(size):
    """Other sizes come from the same photographs."""
    images, provenance = load_images("sample", 10, size=size)
    assert images.shape == (10, size, size, 3) and provenance["size"] == size


def test_sample_images_need_not_be_square():
    """Crops of another aspect ratio come from the same photographs (exact)."""
    images, provenance = load_images("sample", 7, size=(192, 256))
    assert images.shape == (7, 192, 256, 3) and provenance["size"] == [192, 256]
    pool = sample_pool((16, 64))
    assert pool.read(0)[0].shape == (16, 64, 3) and len(set(pool.groups)) == 12
    # chelsea.png, 451 pixels wide and 300 high, becomes 320 by 213
    assert pool.groups.count("chelsea") == 5 * 13
