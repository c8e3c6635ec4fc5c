"""Rate-quality curves: which size counts on which, and how they are measured."""

import json

import numpy as np
import pytest
from PIL import Image

from semcom_phy.source_coding import quality
from semcom_phy.source_coding.codec import SourceCodec


def test_a_size_without_curves_counts_on_those_of_32x32():
    """Only 192x256 has a file of its own; every other size is as it was (exact)."""
    assert quality.curves_file((192, 256)).name == "quality_curves_192x256.json"
    for shape in ((32, 32), (64, 64), (256, 192), (256, 256)):
        assert quality.curves_file(shape) == quality.CURVES_FILE


@pytest.mark.parametrize("codec", ["hevc", "bpg"])
def test_large_pictures_take_fewer_bytes_per_pixel(codec):
    """At 0.0375 byte per pixel HEVC is 5 to 7 dB better at 192x256 than at 32x32, and
    it still fits where no stream of 32x32 does (stored tables)."""
    small = quality.mean_quality(codec)
    large = quality.mean_quality(codec, (192, 256))
    assert 5 < large(0.0375) - small(0.0375) < 7
    assert small(0.006) is None and large(0.006) > large.outage_psnr
    assert np.all(np.diff(large.psnr_db) >= 0)


def test_budgets_are_as_dense_at_every_size():
    """From 8 bytes to 12.5 bit per pixel in equal ratios; at 32x32 40 of them (2 % for
    rounding to bytes, from 100 bytes on)."""
    assert len(quality.budgets(32**2)) == 40
    for pixels in (32**2, 192 * 256):
        sizes = np.array(quality.budgets(pixels))
        assert (sizes[0], sizes[-1]) == (8, round(1600 / 1024 * pixels))
        large = sizes[sizes > 100]
        np.testing.assert_allclose(large[1:] / large[:-1], 200 ** (1 / 39), rtol=0.02)


def test_curves_are_measured_under_every_budget(tmp_path, capsys):
    """Pictures of a folder, at their size, give the table that link adaptation reads;
    the best stream is near lossless (40 dB)."""
    rng = np.random.default_rng(1)
    for index in range(3):
        slope = np.add.outer(np.arange(16), 3 * np.arange(24))[..., None]
        picture = slope + rng.integers(0, 100, 3)
        Image.fromarray(picture.astype("uint8")).save(tmp_path / f"{index}.png")
    options = f"--data {tmp_path} --image-size 16 24 --codecs jpeg --images 3"
    out = tmp_path / "curves.json"
    assert quality.main([*options.split(), "--out", str(out)]) == 0
    stored = json.loads(out.read_text())
    assert stored["data"].endswith(", 16x24")
    assert stored["bytes_per_pixel"][0] == 8 / (16 * 24)
    curve = stored["curves"]["jpeg"]
    assert len(curve["psnr_db"]) == len(stored["bytes_per_pixel"])
    assert curve["num_images"] == 3 and curve["share_coded"][-1] == 1
    assert curve["psnr_db"][-1] > 40 > stored["outage_psnr"] + 10
    assert "jpeg: written" in capsys.readouterr().out


def test_what_has_no_curve_is_refused():
    """Codec, file and remedy are in the message (exact)."""
    message = "'gif' in quality_curves_192x256.json.*--codecs gif"
    with pytest.raises(ValueError, match=message):
        quality.mean_quality("gif", (192, 256))
    with pytest.raises(ValueError, match="image_size is 16x24, cifar10 images are"):
        quality.main(["--image-size", "16", "24"])


class Steps(SourceCodec):
    """Streams of 10 and 1000 bytes; every picture comes back grey or as it is."""

    name, branches, num_steps = "steps", ("only",), 2

    def encode_step(self, image, branch, step):
        self.last = image
        return bytes((10, 1000)[step])

    def decode(self, data):
        return self.last.copy() if len(data) == 1000 else self.blank_image()


def test_pictures_that_do_not_fit_count_as_outages():
    """Below the smallest stream the table holds the outage's PSNR, above the best
    stream's (exact)."""
    images = np.full((2, 16, 24, 3), 100, np.uint8)
    curve = quality.measure(Steps((16, 24)), images, (0, 0, 0))
    sizes = np.array(quality.budgets(16 * 24))
    outage = 20 * np.log10(255 / 100)
    grey = 20 * np.log10(255 / 28)
    expected = np.where(sizes < 10, outage, np.where(sizes < 1000, grey, 60.0))
    np.testing.assert_allclose(curve["psnr_db"], expected, atol=1e-4)
    assert curve["share_coded"] == (sizes >= 10).astype(float).tolist()
