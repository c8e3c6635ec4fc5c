"""Pictures end to end in one file per split."""

import io

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources.images import load_samples

NAMES = ("a.jpg", "b.jpg", "c.jpg")
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 48, 3), np.uint8)


def pack(folder, split="test", **changes):
    streams = []
    for pixels in PIXELS:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        streams.append(stream.getvalue())
    arrays = {
        "blob": np.frombuffer(b"".join(streams), np.uint8),
        "offset": np.cumsum([0, *map(len, streams)]),
        "names": np.array(NAMES),
    } | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    np.savez(folder / f"{split}.npz", **arrays)


def test_pictures_are_those_that_were_packed(tmp_path):
    """Pixels of the size as stored, others reduced, no texts or labels where there are
    none; the split is the one asked for (exact)."""
    pack(tmp_path)
    samples = load_samples(tmp_path, size=(32, 48))
    np.testing.assert_array_equal(samples.images, PIXELS)
    assert samples.texts is None and samples.labels is None
    assert samples.provenance["dataset"] == tmp_path.name
    assert load_samples(tmp_path, size=24).images.shape == (3, 24, 24, 3)
    with pytest.raises(FileNotFoundError, match="train.npz"):
        load_samples(tmp_path, split="train")
    with pytest.raises(ValueError, match="group_by is 'name'"):
        load_samples(tmp_path, group_by="name")


def test_captions_and_classes_belong_to_their_pictures(tmp_path):
    """Also of a draw, and where a picture has no caption and is left out (exact)."""
    pack(tmp_path, labels=np.array([7, 8, 9], np.int16))
    lines = "a.jpg\t0\tof a\nc.jpg\t1\tof c, too\nc.jpg\t0\tof c\n"
    (tmp_path / "test_captions.txt").write_text(lines)
    samples = load_samples(tmp_path, size=(32, 48))
    np.testing.assert_array_equal(samples.images, PIXELS[[0, 2]])
    assert samples.texts == (("of a",), ("of c", "of c, too"))
    assert samples.labels.tolist() == [7, 9]
    assert (
        "2 pictures, captions of test_captions.txt (1 pictures"
        in (samples.provenance["source"])
    )
    for seed in range(4):
        drawn = load_samples(tmp_path, 1, size=(32, 48), seed=seed)
        place = samples.texts.index(drawn.texts[0])
        np.testing.assert_array_equal(drawn.images[0], samples.images[place])
        assert drawn.labels[0] == samples.labels[place]


def test_masks_belong_to_their_pictures(tmp_path):
    """Packed bits, also of a width that fills no byte; of a draw, and cut and reduced
    as the pictures; without them there are none (exact)."""
    masks = np.random.default_rng(2).integers(0, 2, (3, 32, 48), np.uint8)
    pack(tmp_path, masks=np.packbits(masks, axis=-1))
    samples = load_samples(tmp_path, size=(32, 48))
    np.testing.assert_array_equal(samples.masks, masks)
    assert "3 pictures, masks, " in samples.provenance["source"]
    for seed in range(4):
        drawn = load_samples(tmp_path, 1, size=(32, 48), seed=seed)
        (own,) = np.flatnonzero((PIXELS == drawn.images).all((1, 2, 3)))
        np.testing.assert_array_equal(drawn.masks[0], masks[own])
    squares = load_samples(tmp_path, size=32)
    np.testing.assert_array_equal(squares.masks, masks[:, :, 8:40])
    blocks = masks.reshape(3, 16, 2, 24, 2).mean((2, 4))[..., 4:20]
    small = load_samples(tmp_path, size=16)
    np.testing.assert_array_equal(small.masks, blocks >= 0.5)
    pack(tmp_path)
    assert load_samples(tmp_path).masks is None
    narrow = Image.fromarray(PIXELS[0, :, :45])
    stream = io.BytesIO()
    narrow.save(stream, "PNG")
    pack(
        tmp_path,
        blob=np.frombuffer(stream.getvalue(), np.uint8),
        offset=np.array([0, stream.tell()]),
        names=np.array(["a"]),
        masks=np.packbits(masks[:1, :, :45], axis=-1),
    )
    samples = load_samples(tmp_path, size=(32, 45))
    np.testing.assert_array_equal(samples.masks, masks[:1, :, :45])


@pytest.mark.parametrize(
    "masks, told",
    [
        (np.zeros((2, 32, 6), np.uint8), "masks is uint8 .2, 32, 6.; expected packed"),
        (np.zeros((3, 32, 6)), "masks is float64"),
        (np.zeros((3, 32, 5), np.uint8), "a.jpg is 32x40 beside a picture of 32x48"),
        (np.zeros((3, 31, 6), np.uint8), "a.jpg is 31x48 beside a picture of 32x48"),
    ],
)
def test_masks_of_another_form_are_refused(tmp_path, masks, told):
    """With the file, and the picture where one is meant (exact)."""
    pack(tmp_path, masks=masks)
    with pytest.raises(ValueError, match=f"test.npz.*{told}"):
        load_samples(tmp_path)


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"offset": np.array([0, 5, 9])}, "offset int64 .3,."),
        ({"offset": np.array([0, 9, 5, 20])}, "rising whole numbers"),
        ({"names": np.array(["a", "a", "b"])}, "N different strings"),
        ({"blob": np.zeros(3)}, "blob is float64"),
        ({"labels": np.zeros(2, int)}, "labels is int64 .2,.; expected a whole number"),
        ({"labels": np.zeros(3)}, "labels is float64"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, changes, told):
    """What the arrays are and what is expected are in the message (exact)."""
    pack(tmp_path, **changes)
    with pytest.raises(ValueError, match=f"test.npz.*{told}"):
        load_samples(tmp_path)


def test_a_picture_that_is_damaged_is_left_out(tmp_path):
    """As in a folder of files: counted and named, and refused where asked (exact)."""
    pack(tmp_path)
    with np.load(tmp_path / "test.npz") as archive:
        blob, offset = archive["blob"].copy(), archive["offset"]
    blob[offset[1] : offset[1] + 4] = 0
    pack(tmp_path, blob=blob)
    samples = load_samples(tmp_path, size=(32, 48))
    np.testing.assert_array_equal(samples.images, PIXELS[[0, 2]])
    assert samples.provenance["left_out"]["count"] == 1
    with pytest.raises(ValueError, match="b.jpg is damaged"):
        load_samples(tmp_path, strict=True)


def test_other_archives_make_no_packed_folder(tmp_path):
    """A folder of pictures beside a test.npz of arrays stays one (exact)."""
    np.savez(tmp_path / "test.npz", x=PIXELS)
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    assert len(load_samples(tmp_path, size=(32, 48))) == 1
