"""HEVC intra without headers."""

import sys

import numpy as np
import pytest

from semcom_phy.source_coding import DecodeError, MissingCodecError, hevc, shared_codec
from semcom_phy.sources.images import load_images


@pytest.fixture(scope="module")
def image():
    return load_images("sample", 1, seed=3)[0][0]


@pytest.mark.parametrize("branch", hevc.FinerHevcCodec.branches)
def test_rebuilt_headers_equal_the_encoders(branch, image):
    """Parameter sets and slice header made at the receiver equal, at every QP, those
    that the encoder wrote (exact)."""
    codec = shared_codec("hevc_finer", (32, 32))
    planes = hevc.rgb_to_planes(image, branch.startswith("4:2:0"), 10)
    for qp in range(0, 52, 3):
        stream = hevc._x265(planes, (32, 32), branch, qp)
        sent = codec.encode_step(image, branch, 51 - qp)
        rebuilt = (
            hevc._parameter_sets((32, 32), branch)
            + b"\x00\x00\x00\x01"
            + hevc._IDR_NAL_HEADER
            + hevc._slice_header(qp)
            + sent[1:]
        )
        assert hevc._nal_units(rebuilt) == hevc._nal_units(stream)
        assert sent[0] & 0x3F == qp


def test_header_is_one_byte(image):
    """A flat picture at the coarsest step takes at most 16 bytes, a header included
    that would be 80 bytes in a file."""
    codec = shared_codec("hevc", (32, 32))
    assert len(codec.encode_step(codec.blank_image(), "4:4:4", 0)) <= 16


def test_finest_step_is_nearly_lossless(image):
    """At QP 0 and ten bits only the coding error remains: above 50 dB, which eight-bit
    YCbCr planes do not reach on this image."""
    codec = shared_codec("hevc", (32, 32))
    image_hat = codec.decode(codec.encode_step(image, "4:4:4", 51))
    error = np.mean((image_hat.astype(float) - image) ** 2)
    assert 10 * np.log10(255**2 / error) > 50


def test_padding_repeats_the_edge():
    """Extending a flat 17x23 picture to whole blocks costs nothing: no more bytes
    than a flat 24x24 picture takes, at a QP that would code any step."""
    sizes = []
    for image_shape in ((17, 23), (24, 24)):
        codec = shared_codec("hevc", image_shape)
        flat = np.full((*image_shape, 3), 200, np.uint8)
        sizes.append(len(codec.encode_step(flat, "4:4:4", 31)))
    assert sizes[0] <= sizes[1]


def test_cut_streams_decode_alike(image):
    """libavcodec reads past the end of a cut stream: it finds zeros there, never
    foreign memory, so that the picture is the same at every call."""
    codec = shared_codec("hevc", (32, 32))
    stream = codec.encode_step(image, "4:4:4", 35)
    for length in range(2, len(stream), len(stream) // 60 + 1):
        cut = stream[:length]
        with_zeros = codec.decode(cut + bytes(64))
        rng = np.random.default_rng(length)
        for _ in range(3):
            rng.bytes(length + 200)  # other contents in freed memory
            np.testing.assert_array_equal(codec.decode(cut), with_zeros)


def test_tiled_picture():
    """Images tiled into one large picture come back in place: a tile's PSNR is within
    1 dB of the same QP on the tile alone."""
    tiles = load_images("sample", 24, seed=1)[0]
    picture = tiles.reshape(4, 6, 32, 32, 3).swapaxes(1, 2).reshape(128, 192, 3)
    large, small = shared_codec("hevc", (128, 192)), shared_codec("hevc", (32, 32))
    picture_hat = large.decode(large.encode_step(picture, "4:4:4", 21))
    tiles_hat = picture_hat.reshape(4, 32, 6, 32, 3).swapaxes(1, 2)
    tiles_hat = tiles_hat.reshape(-1, 32, 32, 3)
    alone = [small.decode(small.encode_step(tile, "4:4:4", 21)) for tile in tiles]
    together_mse = np.mean((tiles_hat.astype(float) - tiles) ** 2)
    alone_mse = np.mean((np.array(alone, float) - tiles) ** 2)
    assert abs(10 * np.log10(together_mse / alone_mse)) < 1


@pytest.mark.parametrize(
    "name, first",
    [("hevc", 0x80), ("hevc", 0x34), ("hevc", 0x74), ("hevc_finer", 0xF4)],
    ids=["reserved", "52", "52s", "52f"],
)
def test_invalid_mode_byte(name, first):
    """A mode byte with the reserved bit or a QP over 51 is no stream."""
    with pytest.raises(DecodeError, match="no HEVC stream"):
        shared_codec(name, (32, 32)).decode(bytes([first]) + b"\x55" * 20)


def test_finer_rates_gain():
    """At no budget less than with whole steps of the same search, and 0.05 dB in the
    mean (measured 0.12, 32 images)."""
    images = load_images("sample", 32, seed=2)[0]
    whole, finer = (shared_codec(n, (32, 32)).ladder for n in ("hevc", "hevc_finer"))
    gains = np.array(
        [
            [finer.best(i, size).psnr - whole.best(i, size).psnr for i in images]
            for size in (100, 300)
        ]
    )
    assert gains.min() >= 0 and (gains.mean(axis=1) > 0.05).all()


def test_missing_pyav_names_the_extra(monkeypatch):
    """Without PyAV the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingCodecError, match=r"semcom-phy\[hevc\]"):
        hevc.HevcCodec((32, 32))


def test_foreign_slice_header_is_refused(monkeypatch, image):
    """A libx265 that writes another slice header is refused, not sent."""
    codec = shared_codec("hevc", (32, 32))
    monkeypatch.setattr(hevc, "_slice_header", lambda qp: b"\x00\x00")
    with pytest.raises(MissingCodecError, match="unknown slice header"):
        codec.encode_step(image, "4:4:4", 20)
