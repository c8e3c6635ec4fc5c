"""Folders of pictures as people have them."""

import json
import os
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from png_files import write_png

from semcom_phy.sources.folder import list_pictures
from semcom_phy.sources.images import load_images, load_samples


def colourful(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save(path, shape=(48, 64, 3), seed=1, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colourful(shape, seed)).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    for index in range(3):
        save(tmp_path / "pictures" / f"{index}.png", seed=index)
    return tmp_path / "pictures"


def test_pictures_are_cut_and_reduced(folder):
    """A folder's pictures are cut to the central square and reduced, in name order."""
    images, provenance = load_images(folder)
    assert images.shape == (3, 32, 32, 3)
    square = Image.fromarray(colourful((48, 64, 3), 1)[:, 8:56])
    expected = np.asarray(square.resize((32, 32), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(images[1], expected)
    assert provenance["dataset"] == "pictures"
    assert not {"groups", "converted", "left_out"} & set(provenance)


@pytest.mark.parametrize(
    "size, box, expected",
    [
        ((24, 32), (0, 0, 64, 48), "part of that aspect ratio reduced to 24x32"),
        ((40, 32), (13, 0, 51, 48), "part of that aspect ratio reduced to 40x32"),
        ((16, 64), (0, 16, 64, 32), "part of that aspect ratio reduced to 16x64"),
    ],
)
def test_another_aspect_ratio(folder, size, box, expected):
    """The central part of the aspect ratio asked for is kept, and reduced (exact)."""
    images, provenance = load_images(folder, size=size)
    part = Image.fromarray(colourful((48, 64, 3), 1)).crop(box)
    if part.size != size[::-1]:
        part = part.resize(size[::-1], Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(images[1], np.asarray(part))
    assert expected in provenance["source"]


def test_subfolders_are_searched_and_hidden_files_are_not(folder):
    """Pictures lie in class subfolders, also linked ones, at any depth; what the system
    put there is not listed, and a link back does no harm (exact)."""
    save(folder / "cats" / "b.JPG")
    save(folder / "cats" / "old" / "c.webp")
    for hidden in (
        *("._0.png", ".trash/d.png", "__MACOSX/e.png", "cats/@eaDir/f.png"),
        *("Thumbs.db", ".DS_Store", "notes.txt"),
    ):
        (folder / hidden).parent.mkdir(exist_ok=True)
        (folder / hidden).write_bytes(b"no picture")
    save(folder.parent / "elsewhere" / "g.png")
    (folder / "dogs").symlink_to(folder.parent / "elsewhere")
    (folder / "cats" / "back").symlink_to(folder)
    names = ["0.png", "1.png", "2.png", "cats/b.JPG", "cats/old/c.webp", "dogs/g.png"]
    assert list_pictures(folder) == names
    images, provenance = load_images(folder)
    assert len(images) == 6 and "left_out" not in provenance


def test_test_pictures_are_not_trained_on(tmp_path):
    """Where there are subfolders of splits, that of the split is used (exact); without
    one the message names those that are there."""
    for split, number in (("train", 3), ("test", 2)):
        for index in range(number):
            save(tmp_path / split / "class" / f"{index}.png", seed=index)
    assert load_images(tmp_path, split="train")[1]["num_available"] == 3
    images, provenance = load_images(tmp_path, split="test")
    assert len(images) == 2 and provenance["split"] == "test"
    (tmp_path / "test").rename(tmp_path / "val")
    with pytest.raises(ValueError, match="train, val but no test.*such as .*val"):
        load_images(tmp_path)
    (tmp_path / "train").rename(tmp_path / "test")
    with pytest.raises(ValueError, match="val, test but no train"):
        load_images(tmp_path, split="train")


def test_only_drawn_pictures_are_opened(folder, monkeypatch):
    """Four of 300 files are opened for a draw of four, and a longer draw begins with
    them (exact)."""
    for index in range(300):
        save(folder / f"more{index}.png", (32, 32, 3), index)
    opened = Counter()
    original = Image.open
    monkeypatch.setattr(
        Image, "open", lambda path, **k: opened.update([path]) or original(path, **k)
    )
    few, provenance = load_images(folder, 4)
    assert len(opened) == 4 and provenance["num_available"] == 303
    np.testing.assert_array_equal(few, load_images(folder, 9)[0][:4])


def test_what_cannot_be_read_is_replaced_and_counted(folder):
    """Damaged and small files make way for the next of the draw; the provenance counts
    and names them, without a path of this machine."""
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:2000])
    (folder / "text.png").write_text("no picture")
    save(folder / "sub" / "tiny.png", (5, 5, 3))
    images, provenance = load_images(folder, 3)
    assert len(images) == 3
    provenance = load_images(folder)[1]
    assert provenance["num_images"] == 3 and provenance["left_out"]["count"] == 3
    first = " ".join(provenance["left_out"]["first"])
    for text in (
        "cut.png is damaged",
        "text.png is dam",
        "sub/tiny.png has an image of 5",
    ):
        assert text in first
    assert "3 left out, the first: cut.png" in provenance["source"]
    assert str(folder) not in json.dumps(provenance)
    with pytest.raises(ValueError, match="4 images asked.*has 3.*3 files are left out"):
        load_images(folder, 4)


@pytest.mark.parametrize(
    "name, message",
    [
        ("L", "'L'"),
        ("RGBA", "'RGBA'"),
        ("P", "'P'"),
        ("tiny", "5x5"),
        ("cut", "damaged"),
        ("text", "damaged or no image"),
        ("deep", "16 bits"),
    ],
)
def test_strict_images(folder, name, message):
    """Grey, transparent, palette, 16-bit, tiny and damaged pictures are refused by name
    where that is asked for."""
    path = folder / "bad.png"
    if name == "tiny":
        save(path, (5, 5, 3))
    elif name == "text":
        path.write_text("no picture")
    elif name == "deep":
        Image.fromarray(np.full((48, 64), 500, np.uint16)).save(path)
    else:
        save(path, mode="RGB" if name == "cut" else name)
    if name == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=f"bad.png.*{message}"):
        load_images(folder, strict=True)
    assert len(load_images(folder)[0]) >= 3


def test_conversions_are_counted(folder):
    """The provenance says how many pictures were converted, from what (exact)."""
    for index, mode in enumerate(("L", "L", "P", "RGBA", "CMYK")):
        save(folder / f"{mode}{index}.{'tif' if mode == 'CMYK' else 'png'}", mode=mode)
    samples = load_samples(folder)
    assert samples.images.shape == (8, 32, 32, 3)
    assert samples.provenance["converted"] == {
        "CMYK": 1,
        "grey": 2,
        "palette": 1,
        "alpha channel": 1,
    }
    assert "converted: 1 CMYK, 2 grey, 1 palette" in samples.provenance["source"]


@pytest.mark.parametrize("strict", [False, True])
def test_a_decompression_bomb_is_named(folder, strict):
    """A header with 400 million pixels is refused as what it is, with the limit."""
    write_png(folder / "big.png", 20_000, 20_000, 8)
    with pytest.raises(
        ValueError, match="big.png is a decompression bomb.*limit of 178956970 pixels"
    ):
        load_images(folder, strict=strict)


@pytest.mark.parametrize(
    "group_by, expected, rule",
    [
        ("folder", ["a", "a", "b", "."], "subfolder"),
        ("name", ["a/kodim01", "a/kodim01", "b/kodim01", "x"], 'file name.*last "_"'),
    ],
)
def test_crops_of_one_picture_are_a_group(tmp_path, group_by, expected, rule):
    """Pictures are grouped by subfolder, or by file name up to the last "_" (exact)."""
    for name in ("a/kodim01_1", "a/kodim01_2", "b/kodim01_1", "x"):
        save(tmp_path / f"{name}.png")
    samples = load_samples(tmp_path, group_by=group_by)
    assert samples.groups == tuple(expected)
    groups = samples.provenance["groups"]
    assert groups["count"] == len(set(expected))
    assert re.search(rule, groups["rule"])
    drawn = load_samples(tmp_path, 3, group_by=group_by).groups
    assert len(set(drawn)) == 3


def test_a_folder_that_cannot_be_read(folder, monkeypatch):
    """A subfolder without permission is an error, not a smaller data set."""

    def refused(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    (folder / "secret").mkdir()
    scandir = os.scandir
    monkeypatch.setattr("os.scandir", refused)
    with pytest.raises(PermissionError, match="secret"):
        list_pictures(folder)


def test_portraits_are_turned(tmp_path):
    """Where a landscape is asked for, a portrait lies down without losing a pixel, and
    the other way round; how many is counted (exact). Off, it is cut."""
    save(tmp_path / "a.png", (24, 36, 3), seed=1)
    save(tmp_path / "b.png", (36, 24, 3), seed=2)
    wide, tall = colourful((24, 36, 3), 1), colourful((36, 24, 3), 2)
    samples = load_samples(tmp_path, size=(24, 36), turn=True)
    images, provenance = samples.images, samples.provenance
    np.testing.assert_array_equal(images[0], wide)
    np.testing.assert_array_equal(np.rot90(images[1], -1), tall)
    assert provenance["converted"] == {"turned by 90 degrees": 1}
    assert "lie across turned by 90 degrees, central part" in provenance["source"]
    images = load_samples(tmp_path, size=(36, 24), turn=True).images
    np.testing.assert_array_equal(np.rot90(images[0], -1), wide)
    np.testing.assert_array_equal(images[1], tall)
    with pytest.raises(ValueError, match="b.png has an image of 36x24, smaller"):
        load_images(tmp_path, size=(24, 36), strict=True)
    images, provenance = load_images(tmp_path, size=(16, 24))
    part = Image.fromarray(tall).crop((0, 10, 24, 26))
    np.testing.assert_array_equal(images[1], np.asarray(part))
    assert "turned" not in provenance["source"] and "converted" not in provenance


def test_masks_are_turned_with_their_pictures(tmp_path):
    """A bright upper part and its mask are on the same side of the picture (exact)."""
    pixels = np.zeros((36, 24, 3), np.uint8)
    pixels[:10] = 255
    for name, values in (("images", pixels), ("ground_truth_mask", pixels[..., 0])):
        (tmp_path / name).mkdir()
        Image.fromarray(values).save(tmp_path / name / "a.png")
    samples = load_samples(tmp_path, size=(24, 36), turn=True)
    np.testing.assert_array_equal(samples.masks[0], samples.images[0, ..., 0] > 0)
    assert samples.masks[0, :, :10].all() and not samples.masks[0, :, 10:].any()


def test_fewer_pictures_will_do(folder):
    """Three of the 24 asked for, where that is allowed; more than there are is an error
    otherwise (exact)."""
    assert len(load_images(folder, 2)[0]) == 2
    assert len(load_samples(folder, 24, fewer=True)) == 3
    with pytest.raises(ValueError, match="24 images asked for, .* has 3"):
        load_samples(folder, 24)
