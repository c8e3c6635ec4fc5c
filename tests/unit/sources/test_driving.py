"""Road scenes: what is loaded, how scenes are found again, and how loading refuses."""

import json

import numpy as np
import pytest
from PIL import Image
from png_files import write_png

from semcom_phy.simulation.statistics.drives import drive_segments
from semcom_phy.sources.driving import (
    CLASSES,
    UNLABELLED,
    load_driving_samples,
    load_driving_scenes,
)
from semcom_phy.sources.pixel_hash import pixel_hash

NAMES = ("0001TP_006690", "0001TP_006720", "0016E5_00390", "Seq05VD_f00000")
SIZE = (24, 32)


def scenes_of(size=SIZE, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "images": rng.integers(0, 256, (4, *size, 3), np.uint8),
        "labels": rng.integers(0, UNLABELLED + 1, (4, *size), np.uint8),
        "names": np.array(NAMES),
    }


@pytest.fixture
def camvid(tmp_path, monkeypatch):
    """A folder for camvid/<split>.npz; returns what writes it."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    (tmp_path / "camvid").mkdir()

    def write(split="train", **arrays):
        arrays = scenes_of() | arrays
        arrays = {name: array for name, array in arrays.items() if array is not None}
        np.savez(tmp_path / "camvid" / f"{split}.npz", **arrays)

    return write


@pytest.fixture
def cityscapes(tmp_path):
    """Two cities of Cityscapes' layout, 48 x 96, every labelId in each label map."""
    rng = np.random.default_rng(2)
    for city in ("aachen", "bochum"):
        frame = f"{city}_000001_000019"
        pixels = rng.integers(0, 256, (48, 96, 3), np.uint8)
        ids = np.tile(np.repeat(np.arange(32, dtype=np.uint8), 3), (48, 1))
        ids[:, 16:20], ids[:, 20:24] = 32, 33
        for folder, kind, array in (
            ("leftImg8bit", "leftImg8bit", pixels),
            ("gtFine", "gtFine_labelIds", ids),
        ):
            place = tmp_path / folder / "val" / city
            place.mkdir(parents=True)
            Image.fromarray(array).save(place / f"{frame}_{kind}.png")
    return tmp_path


def test_camvid_is_what_the_file_holds(camvid, tmp_path):
    """Pixels, labels and names as stored, terms stated, no path of this machine in a
    provenance that is plain JSON."""
    camvid()
    scenes = load_driving_scenes("camvid", "train", SIZE)
    stored = scenes_of()
    np.testing.assert_array_equal(scenes.images, stored["images"])
    np.testing.assert_array_equal(scenes.labels, stored["labels"])
    assert scenes.names == NAMES and len(scenes) == 4
    assert scenes.images.dtype == scenes.labels.dtype == np.uint8
    provenance = scenes.provenance
    assert json.loads(json.dumps(provenance)) == provenance
    assert "CC BY-NC 4.0" in provenance["terms"] and "Brostow" in provenance["terms"]
    assert str(tmp_path) not in json.dumps(provenance)


def test_draw_depends_on_seed_and_keeps_order(camvid):
    """A draw is part of any longer one and in the data set's order; without a seed it
    is the first scenes."""
    camvid()

    def names(number, seed):
        return load_driving_scenes("camvid", "train", SIZE, number, seed).names

    draws = [(names(2, seed), names(3, seed)) for seed in range(10)]
    assert all(set(few) < set(many) for few, many in draws)
    assert all(list(many) == sorted(many, key=NAMES.index) for _, many in draws)
    assert len({few for few, _ in draws}) > 2
    assert names(2, 0) == names(2, 0)
    assert names(2, None) == NAMES[:2]


def test_some_scenes_are_other_data(camvid):
    """take picks images, labels and names; the hash is that of what is taken."""
    camvid()
    scenes = load_driving_scenes("camvid", "train", SIZE)
    part = scenes.take([3, 1])
    assert part.names == (NAMES[3], NAMES[1])
    np.testing.assert_array_equal(part.labels, scenes.labels[[3, 1]])
    assert part.provenance["num_images"] == 2
    assert part.provenance["sha256"] != scenes.provenance["sha256"]


def test_hash_tells_shapes_apart():
    """The same bytes in another shape are another picture."""
    image = scenes_of()["images"][0]
    assert pixel_hash(image) != pixel_hash(image.reshape(32, 24, 3))
    assert pixel_hash(image) == pixel_hash(image[:, ::-1][:, ::-1])


def test_segments_are_those_of_the_whole_drive(camvid):
    """A draw leaves gaps in a segment and brings no frames of another one into it: a
    group is ten frames of the split, of which some were drawn (exact)."""
    names = np.array([f"{drive}_{frame:02}" for drive in "ab" for frame in range(25)])
    images = np.zeros((50, *SIZE, 3), np.uint8)
    camvid(images=images, labels=images[..., 0], names=names)
    of_all = dict(zip(names, drive_segments(names), strict=True))
    for seed in (0, None):
        scenes = load_driving_scenes("camvid", "train", SIZE, 30, seed)
        assert scenes.segments == tuple(of_all[name] for name in scenes.names)
        assert load_driving_samples("camvid", "train", SIZE, 30, seed).groups == (
            scenes.segments
        )
    assert set(scenes.segments) == {"a/0", "a/1", "a/2", "b/0"}
    assert scenes.take([29, 0]).segments == ("b/0", "a/0")


def test_larger_scenes_lose_their_margin(camvid):
    """The central part of the asked ratio is reduced, labels without new classes."""
    images = np.zeros((4, 48, 96, 3), np.uint8)
    images[:, :, 16:80] = 200  # what a central 4:3 part holds
    labels = np.full((4, 48, 96), 11, np.uint8)
    labels[:, :, 16:47], labels[:, :, 47:80] = 3, 8
    camvid(images=images, labels=labels)
    scenes = load_driving_scenes("camvid", "train", SIZE)
    assert np.all(scenes.images == 200)
    assert np.all(scenes.labels[:, :, :15] == 3)
    assert np.all(scenes.labels[:, :, 16:] == 8)
    assert set(np.unique(scenes.labels)) == {3, 8}
    assert "central part" in scenes.provenance["source"]


def test_cityscapes_folder(cityscapes):
    """The layout is read city by city, labelIds become CamVid's classes."""
    scenes = load_driving_scenes(cityscapes, "val", (48, 96))
    assert scenes.names == ("aachen_000001_000019", "bochum_000001_000019")
    columns = {7: "Road", 8: "Pavement", 11: "Building", 17: "Pole", 20: "SignSymbol"}
    columns |= {13: "Fence", 21: "Tree", 23: "Sky", 24: "Pedestrian", 25: "Bicyclist"}
    columns |= {26: "Car", 28: "Car"}
    for label_id, name in columns.items():
        place = 3 * label_id + 1
        if 16 <= place < 24:  # overwritten by 32 and 33
            continue
        assert np.all(scenes.labels[:, :, place] == CLASSES.index(name)), name
    assert np.all(scenes.labels[:, :, 16:24] == CLASSES.index("Bicyclist"))
    assert np.all(scenes.labels[:, :, :12] == UNLABELLED)
    assert load_driving_scenes(cityscapes, "val", SIZE).images.shape == (2, *SIZE, 3)
    assert "Cityscapes" in scenes.provenance["terms"]


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"labels": None}, "expected images, labels and names"),
        ({"names": np.array(NAMES[:3])}, "N strings"),
        ({"names": np.arange(4)}, "N strings"),
        ({"images": np.zeros((4, 24, 32), np.uint8)}, "images are uint8"),
        ({"images": np.zeros((4, 24, 32, 3))}, "images are float64"),
        ({"labels": np.full((4, 24, 32), 12, np.uint8)}, "a label is 12"),
        ({"names": np.array(NAMES, object)}, "damaged"),
    ],
)
def test_wrong_members_are_refused(camvid, arrays, message):
    """A file that is not of these arrays is named with what is wrong, pickles are not
    opened."""
    camvid(**arrays)
    with pytest.raises(ValueError, match=message):
        load_driving_scenes("camvid", "train", SIZE)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"split": "trainval"}, "split is 'trainval'"),
        ({"size": (25, 32)}, "smaller than the size 25x32"),
        ({"size": 24}, "size is 24"),
        ({"size": (0, 32)}, r"size is \(0, 32\)"),
        ({"num_images": 5}, "5 scenes asked for, there are 4"),
        ({"num_images": 0}, "num_images is 0"),
    ],
)
def test_bad_arguments_are_refused(camvid, options, message):
    """ValueError with the value."""
    camvid()
    with pytest.raises(ValueError, match=message):
        load_driving_scenes("camvid", **({"split": "train", "size": SIZE} | options))


def test_missing_camvid(camvid, tmp_path, monkeypatch):
    """FileNotFoundError says where to put the file."""
    monkeypatch.setattr(
        "semcom_phy.sources.driving.data_folders", lambda _: iter([tmp_path])
    )
    with pytest.raises(FileNotFoundError, match="set SEMCOM_DATA"):
        load_driving_scenes("camvid", "test", SIZE)


def test_folder_without_camvid(tmp_path, monkeypatch):
    """A SEMCOM_DATA without the data set is an error, not passed over."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="holds no folder camvid"):
        load_driving_scenes("camvid", "train", SIZE)


def test_damaged_camvid(camvid, tmp_path):
    """A file cut short is named."""
    camvid()
    file = tmp_path / "camvid" / "train.npz"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"train\.npz is damaged"):
        load_driving_scenes("camvid", "train", SIZE)


def test_damaged_cityscapes(cityscapes):
    """A missing, cut, wrong or misfit file is named with the remedy."""
    image = next(cityscapes.glob("leftImg8bit/val/aachen/*"))
    labels = next(cityscapes.glob("gtFine/val/aachen/*"))

    def refuses(kind, message):
        with pytest.raises(kind, match=message):
            load_driving_scenes(cityscapes, "val", SIZE)

    whole = image.read_bytes()
    image.write_bytes(whole[:500])
    refuses(ValueError, "is damaged")
    Image.new("L", (96, 48)).save(image)
    refuses(ValueError, "colour mode 'L'")
    image.write_bytes(whole)
    Image.new("L", (96, 48), 255).save(labels)
    refuses(ValueError, "a label is 255")
    Image.new("L", (48, 48)).save(labels)
    refuses(ValueError, "its labels are 48x48")
    labels.unlink()
    refuses(FileNotFoundError, "unpack gtFine_trainvaltest.zip too")
    with pytest.raises(FileNotFoundError, match="leftImg8bit/train"):
        load_driving_scenes(cityscapes, "train", SIZE)


def test_hidden_files_of_cityscapes_are_no_scenes(cityscapes):
    """What a file manager leaves beside the pictures is passed over (exact)."""
    before = load_driving_scenes(cityscapes, "val", SIZE).names
    place = cityscapes / "leftImg8bit" / "val"
    (place / "aachen" / "._aachen_000001_000019_leftImg8bit.png").write_bytes(b"x")
    (place / "__MACOSX").mkdir()
    (place / "__MACOSX" / "aachen_000001_000020_leftImg8bit.png").write_bytes(b"x")
    assert load_driving_scenes(cityscapes, "val", SIZE).names == before


@pytest.mark.parametrize(
    "side, bits, message",
    [
        (20_000, 8, "is a decompression bomb.*limit of 178956970 pixels"),
        (16, 16, "colour mode 'RGB' of 16 bits"),
    ],
)
def test_pictures_that_are_not_of_cityscapes(cityscapes, side, bits, message):
    """A decompression bomb is named as such, with the limit, and 16-bit pictures are
    not cut to 8 bits unsaid."""
    image = next(cityscapes.glob("leftImg8bit/val/aachen/*"))
    write_png(image, side, side, bits, b"\0" * (16 * (1 + 16 * 3 * 2)))
    with pytest.raises(ValueError, match=message):
        load_driving_scenes(cityscapes, "val", SIZE)


def test_scenes_as_samples(camvid):
    """Pictures and label maps of a draw belong together, in groups by segments of a
    drive; their hash is that of the labels (exact)."""
    camvid()
    scenes = load_driving_scenes("camvid", "train", SIZE, 3, seed=2)
    samples = load_driving_samples("camvid", "train", SIZE, 3, seed=2)
    np.testing.assert_array_equal(samples.images, scenes.images)
    np.testing.assert_array_equal(samples.labels, scenes.labels)
    assert samples.groups == scenes.segments
    about = samples.provenance
    assert about["groups"]["rule"] == "segment of 10 consecutive frames of a drive"
    assert about["sha256"] == scenes.provenance["sha256"]
    labels = scenes_of()["labels"]
    camvid(labels=(labels + 1) % len(CLASSES))
    other = load_driving_samples("camvid", "train", SIZE, 3, seed=2).provenance
    assert other["sha256"] == about["sha256"]
    assert other["labels_sha256"] != about["labels_sha256"]
