"""Folders laid out as data sets with masks of salient objects."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources.images import load_samples

SIDES = (32, 48)
RNG = np.random.default_rng(1)


def picture(path, sides=SIDES, mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (*sides, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)


def mask_of(number, sides=SIDES):
    """A mask that no other number has."""
    mask = np.zeros(sides, np.uint8)
    mask[:, : 2 * (number + 1)] = 1
    return mask


def save_mask(path, mask, level=255):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask * np.uint8(level)).save(path)


def pairs(pictures, masks, names):
    for number, name in enumerate(names):
        picture(pictures / f"{name}.jpg")
        save_mask(masks / f"{name}.png", mask_of(number))


def voc(folder):
    names = [f"2007_{number:06d}" for number in range(4)]
    for number, name in enumerate(names):
        picture(folder / "JPEGImages" / f"{name}.jpg")
        classes = mask_of(number) * np.uint8(number + 1)
        classes[:, 40:] = 255  # borders
        path = folder / "SegmentationClass" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        image = Image.fromarray(classes, mode="P")
        image.putpalette([0, 0, 0, *range(1, 256), *[0] * 510])
        image.save(path)
    picture(folder / "JPEGImages" / "no_mask.jpg")
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(names[:1]) + "\n")
    (lists / "val.txt").write_text("\n".join(names[1:]) + "\n")


def test_duts(tmp_path):
    """Training pictures are those of DUTS-TR, test pictures those of DUTS-TE, each with
    its own mask; one half alone has no splits (exact)."""
    for part, names in (("TR", "abc"), ("TE", "de")):
        place = tmp_path / f"DUTS-{part}"
        pairs(place / f"DUTS-{part}-Image", place / f"DUTS-{part}-Mask", names)
    for split, number in (("train", 3), ("test", 2)):
        samples = load_samples(tmp_path, size=SIDES, split=split)
        assert samples.masks.tolist() == [mask_of(n).tolist() for n in range(number)]
        assert samples.provenance["split"] == split
        assert "masks of DUTS-T" in samples.provenance["source"]
    alone = load_samples(tmp_path / "DUTS-TR", size=SIDES, split="test")
    assert len(alone) == 3 and alone.provenance["split"] is None
    (tmp_path / "DUTS-TE").rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="masks of the split train but none of test"):
        load_samples(tmp_path)


def test_pascal_voc(tmp_path):
    """The lists decide the splits, test is val.txt; every class is foreground, borders
    are not; pictures on no list are not opened (exact)."""
    voc(tmp_path)
    train = load_samples(tmp_path, size=SIDES, split="train")
    assert train.masks.tolist() == [mask_of(0).tolist()]
    test = load_samples(tmp_path, size=SIDES)
    assert test.masks.tolist() == [mask_of(n).tolist() for n in (1, 2, 3)]
    lists = tmp_path / "ImageSets" / "Segmentation"
    (lists / "val.txt").write_text("2007_000001\nother\n")
    with pytest.raises(FileNotFoundError, match="other.jpg, named by .*val.txt"):
        load_samples(tmp_path)
    (lists / "val.txt").unlink()
    with pytest.raises(FileNotFoundError, match="val.txt: no such file, which names"):
        load_samples(tmp_path)


def test_ecssd(tmp_path):
    """Its own layout; drawn pictures keep their masks; grey ones are converted and
    counted, lying ones turned with the mask of how they are seen (exact)."""
    pairs(tmp_path / "images", tmp_path / "ground_truth_mask", ("0001", "0002", "0003"))
    picture(tmp_path / "images" / "0002.jpg", mode="L")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "images" / "0003.jpg", SIDES[::-1], exif=exif)
    samples = load_samples(tmp_path, size=SIDES)
    assert samples.masks.dtype == np.uint8
    assert samples.masks.tolist() == [mask_of(n).tolist() for n in range(3)]
    assert samples.provenance["converted"] == {"grey": 1, "turned by EXIF": 1}
    for seed in range(3):
        drawn = load_samples(tmp_path, 2, size=SIDES, seed=seed)
        for image, mask in zip(drawn.images, drawn.masks, strict=True):
            (own,) = np.flatnonzero((samples.images == image).all((1, 2, 3)))
            np.testing.assert_array_equal(mask, samples.masks[own])
    assert load_samples(tmp_path, size=16).masks.shape == (3, 16, 16)


def test_masks_are_told_apart_in_the_provenance(tmp_path):
    """Other masks of the same pictures have another hash; none, none (exact)."""
    pairs(tmp_path / "images", tmp_path / "ground_truth_mask", "ab")
    was = load_samples(tmp_path).provenance
    save_mask(tmp_path / "ground_truth_mask" / "a.png", mask_of(7))
    now = load_samples(tmp_path).provenance
    assert {k for k in was if was[k] != now[k]} == {"masks_sha256"}
    without = load_samples(tmp_path / "images")
    assert without.masks is None and "masks_sha256" not in without.provenance


def test_captions_and_groups_go_with_masks(tmp_path):
    """A picture without a caption is left out with its mask (exact)."""
    pairs(tmp_path / "images", tmp_path / "ground_truth_mask", ("x_1", "x_2", "y_1"))
    (tmp_path / "captions.txt").write_text(
        "image,caption\nx_2.jpg,a dog\ny_1.jpg,a cat\n"
    )
    samples = load_samples(tmp_path, size=SIDES, group_by="name")
    assert samples.texts == (("a dog",), ("a cat",))
    assert samples.masks.tolist() == [mask_of(n).tolist() for n in (1, 2)]
    assert samples.groups == ("x", "y")


def test_no_salient_object(tmp_path):
    """A mask of zeros is allowed (exact)."""
    pairs(tmp_path / "images", tmp_path / "ground_truth_mask", "ab")
    save_mask(tmp_path / "ground_truth_mask" / "a.png", mask_of(0), level=0)
    samples = load_samples(tmp_path, size=SIDES)
    assert samples.masks.any((1, 2)).tolist() == [False, True]


def test_bad_masks_are_errors_with_their_files(tmp_path):
    """Missing, damaged, of another size: never a picture less (exact)."""
    masks = tmp_path / "ground_truth_mask"
    pairs(tmp_path / "images", masks, "abc")
    save_mask(masks / "b.png", mask_of(1, (32, 32)))
    with pytest.raises(ValueError, match="b.png is 32x32 beside a picture of 32x48"):
        load_samples(tmp_path)
    (masks / "b.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="b.png is damaged"):
        load_samples(tmp_path)
    (masks / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match="b.png, the mask of .*b.jpg"):
        load_samples(tmp_path)


def test_a_damaged_picture_is_left_out_with_its_mask(tmp_path):
    """The next of the draw takes its place (exact)."""
    pairs(tmp_path / "images", tmp_path / "ground_truth_mask", "abc")
    (tmp_path / "images" / "b.jpg").write_bytes(b"no picture")
    samples = load_samples(tmp_path, size=SIDES)
    assert samples.masks.tolist() == [mask_of(n).tolist() for n in (0, 2)]
    assert samples.provenance["left_out"]["count"] == 1


def test_folders_without_masks_have_none(tmp_path):
    """As are a folder called images, and one of masks alone (exact)."""
    picture(tmp_path / "images" / "a.jpg")
    assert load_samples(tmp_path).masks is None
    (tmp_path / "images").rename(tmp_path / "ground_truth_mask")
    assert load_samples(tmp_path).masks is None
