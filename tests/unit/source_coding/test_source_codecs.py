"""Promises that every still-image codec keeps."""

import sys

import numpy as np
import pytest

from semcom_phy.metrics.image import psnr
from semcom_phy.source_coding import (
    SOURCE_CODECS,
    BudgetError,
    DecodeError,
    MissingCodecError,
    pillow_image,
    shared_codec,
)
from semcom_phy.sources.images import load_images

# BPG has its own file: it needs programs.
INSTALLED = sorted(set(SOURCE_CODECS) - {"bpg"})

# Mean PSNR [dB] on the first 8 sample crops at 100, 200 and 400 bytes, by this code
# with Pillow 13.0 and PyAV 18.1.
REFERENCE_PSNR = {
    "avif": (31.65, 36.13, 40.45),
    "hevc": (33.38, 38.10, 43.25),
    "hevc_finer": (33.44, 38.15, 43.44),
    "jpeg": (30.01, 33.90, 38.37),
    "jpeg2000": (28.21, 33.06, 38.64),
    "webp": (29.03, 33.31, 36.74),
}


@pytest.fixture(scope="module")
def images():
    return load_images("sample", 8, seed=1)[0]


@pytest.mark.parametrize("name", INSTALLED)
def test_stream_fits_budget_and_decodes_to_its_psnr(name, images):
    """A stream is within its budget and decodes, in a fresh codec, to the announced
    PSNR (exact)."""
    codec, receiver = shared_codec(name, (32, 32)), SOURCE_CODECS[name]((32, 32))
    for image in images[:4]:
        for max_bytes in (150, 400):
            encoded = codec.ladder.best(image, max_bytes)
            image_hat = receiver.decode(encoded.bytes)
            assert 0 < len(encoded.bytes) <= max_bytes
            assert encoded.bytes == codec.encode(image, max_bytes)
            assert encoded.psnr == psnr(image[None], image_hat[None])[0]


@pytest.mark.parametrize("name", INSTALLED)
def test_quality_at_equal_bytes(name, images):
    """Mean PSNR on 8 sample crops is that of the stored reference (0.1 dB, for other
    versions of the foreign encoders)."""
    ladder = shared_codec(name, (32, 32)).ladder
    found = [
        np.mean([ladder.best(image, max_bytes).psnr for image in images])
        for max_bytes in (100, 200, 400)
    ]
    np.testing.assert_allclose(found, REFERENCE_PSNR[name], atol=0.1)


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "jpeg2000"])
def test_rebuilt_file_equals_the_written(name, images, monkeypatch):
    """What is stripped from a file is rebuilt byte by byte (exact)."""
    codec = shared_codec(name, (32, 32))
    module = sys.modules[type(codec).__module__]
    written, rebuilt = [], []

    def save_bytes(*arguments, **options):
        written.append(pillow_image.save_bytes(*arguments, **options))
        return written[-1]

    def load_image(data, *arguments):
        rebuilt.append(data)
        return pillow_image.load_image(data, *arguments)

    monkeypatch.setattr(module, "save_bytes", save_bytes)
    monkeypatch.setattr(module, "load_image", load_image)
    for branch in codec.branches:
        for step in range(0, codec.num_steps, 9):
            for image in images[:2]:
                written.clear()
                stream = codec.encode_step(image, branch, step)
                codec.decode(stream)
                assert rebuilt[-1] == written[0]  # any others are grey pictures
                assert len(stream) < len(written[0]) - 25


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("image_shape", [(16, 16), (17, 23), (33, 100)])
def test_any_image_size(name, image_shape):
    """Sizes that are no multiple of a block come back at size and without a seam:
    at the finest step the last row and column are as good as the rest (3 dB)."""
    photograph = load_images("sample", 1, size=100)[0][0]
    image = photograph[: image_shape[0], : image_shape[1]]
    codec = SOURCE_CODECS[name](image_shape)
    image_hat = codec.decode(codec.encode_step(image, "4:2:0", codec.num_steps - 1))
    if "4:4:4" in codec.branches:
        image_hat = codec.decode(codec.encode_step(image, "4:4:4", codec.num_steps - 1))
    assert image_hat.shape == image.shape and image_hat.dtype == np.uint8
    error = (image_hat.astype(float) - image) ** 2
    border = np.concatenate([error[-1].ravel(), error[:, -1].ravel()])
    assert border.mean() <= 2 * error.mean() + 0.5


@pytest.mark.parametrize("name", INSTALLED)
def test_budget_below_minimum_raises(name, images):
    """A budget below the smallest stream is an error that names both sizes."""
    codec = shared_codec(name, (32, 32))
    with pytest.raises(BudgetError, match=rf"{name} needs \d+ bytes.* is 4"):
        codec.encode(images[0], 4)


@pytest.mark.parametrize("name", INSTALLED)
def test_damaged_streams_never_crash(name, images):
    """Empty, cut, altered and random streams raise DecodeError or give some image of
    the right size, the same at every call (60 streams, seed 1)."""
    codec = shared_codec(name, (32, 32))
    rng = np.random.default_rng(1)
    stream = codec.encode(images[0], 300)
    damaged = [b"", stream[:1], stream[:3], b"\xff" * 50, bytes(50)]
    damaged += [rng.bytes(rng.integers(2, 300)) for _ in range(20)]
    for _ in range(35):
        altered = bytearray(stream)
        for position in rng.integers(0, len(stream), 3):
            altered[position] = rng.integers(256)
        damaged.append(bytes(altered[: rng.integers(2, len(stream) + 1)]))
    num_errors = 0
    for data in damaged:
        try:
            image_hat = codec.decode(data)
        except DecodeError:
            num_errors += 1
        else:
            assert image_hat.shape == (32, 32, 3) and image_hat.dtype == np.uint8
            np.testing.assert_array_equal(codec.decode(data), image_hat)
    assert num_errors >= 2


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((5, 5, 3), np.uint8),
        np.zeros((32, 32, 3), np.float32),
    ],
    ids=["grey", "alpha", "5x5", "float"],
)
@pytest.mark.parametrize("name", INSTALLED)
def test_wrong_image_raises(name, image):
    """Anything but uint8 [H, W, 3] of the codec's size is refused with its shape."""
    codec = shared_codec(name, (32, 32))
    with pytest.raises(ValueError, match="codec was built for uint8"):
        codec.encode(image, 500)
    with pytest.raises(ValueError, match="codec was built for uint8"):
        codec.encode_step(image, codec.branches[0], 0)


@pytest.mark.parametrize("image_shape", [(8, 32), (32,), (32.5, 32)])
def test_wrong_codec_size_raises(image_shape):
    """A codec for pictures that it cannot code is refused with the shape."""
    with pytest.raises(ValueError, match="image_shape is"):
        SOURCE_CODECS["jpeg"](image_shape)


@pytest.mark.parametrize("name", ["webp", "avif", "jpeg2000"])
def test_pillow_without_codec_names_remedy(name, monkeypatch):
    """A Pillow built without a format is reported with what to install."""
    monkeypatch.setattr(pillow_image.features, "check", lambda feature: False)
    with pytest.raises(MissingCodecError, match=f"{name} codec needs.*pip install"):
        SOURCE_CODECS[name]((32, 32))


def test_unknown_codec_lists_the_known():
    """An unknown name is answered with the table's names."""
    with pytest.raises(ValueError, match="'bpg2'.*avif.*hevc"):
        shared_codec("bpg2", (32, 32))
