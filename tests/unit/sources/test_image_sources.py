"""Image sources: what they give, and how they refuse."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources import images as sources
from semcom_phy.sources.images import load_cifar10_training_images, load_images


def colourful(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    for index in range(3):
        Image.fromarray(colourful((48, 64, 3), index)).save(path / f"{index}.png")
    return path


def write_cifar10(path, **arrays):
    (path / "cifar10").mkdir(exist_ok=True)
    np.savez(path / "cifar10" / "test.npz", **arrays)


def test_sample_images_are_shipped_and_spread(monkeypatch):
    """The sample needs no network: 64 crops, from all photographs in turn, with a
    provenance that is plain JSON."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("network"))
    images, provenance = load_images("sample", 64)
    assert images.shape == (64, 32, 32, 3) and images.dtype == np.uint8
    assert len(np.unique(images.reshape(64, -1), axis=0)) == 64
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance["num_available"] >= 200
    pool = sources._sample_pool((32, 32))
    drawn = sources._draw(pool, 1)[:14]
    photographs = np.array(pool.groups)[drawn]
    assert np.all(np.bincount(photographs, minlength=7) == 2)


def test_draw_depends_on_seed_only():
    """A longer draw starts with a shorter one; another seed draws others."""
    few, first = load_images("sample", 5, seed=1)
    many, _ = load_images("sample", 20, seed=1)
    others, other = load_images("sample", 5, seed=2)
    np.testing.assert_array_equal(few, many[:5])
    assert first["sha256"] != other["sha256"]
    assert not np.array_equal(few, others)


def test_sample_pixels_are_pinned():
    """The main job's 64 images are those of the stored results (SHA-256; Pillow's
    Lanczos filter has been stable)."""
    assert load_images("sample", 64)[1]["sha256"].startswith("416e558342b5b8ef")


@pytest.mark.parametrize("size", [16, 64, 128])
def test_sample_sizes(size):
    """Other sizes come from the same photographs."""
    images, provenance = load_images("sample", 10, size=size)
    assert images.shape == (10, size, size, 3) and provenance["size"] == size


def test_sample_images_need_not_be_square():
    """Crops of another aspect ratio come from the same photographs (exact)."""
    images, provenance = load_images("sample", 7, size=(192, 256))
    assert images.shape == (7, 192, 256, 3) and provenance["size"] == [192, 256]
    pool = sources._sample_pool((16, 64))
    assert pool.images.shape[1:] == (16, 64, 3) and len(set(pool.groups)) == 7
    # chelsea.png, 451 pixels wide and 300 high, becomes 320 by 213
    assert pool.groups.count(1) == 5 * 13


def test_a_pair_of_equal_sides_is_a_square():
    """Images and provenance are those of one number (exact)."""
    one, first = load_images("sample", 3, size=64)
    two, second = load_images("sample", 3, size=(64, 64))
    np.testing.assert_array_equal(one, two)
    assert first == second


def test_cifar10_uses_exact_images_only(tmp_path, monkeypatch):
    """Where the file tells original pixels from copies, only the originals are used,
    and the provenance says so."""
    x, exact = colourful((6, 32, 32, 3)), np.array([1, 0, 1, 1, 0, 0], bool)
    write_cifar10(tmp_path, x_test=x, y_test=np.zeros(6, np.uint8), exact=exact)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    images, provenance = load_images("cifar10")
    np.testing.assert_array_equal(images, x[exact])
    assert provenance["num_available"] == 3
    assert "original pixels" in provenance["source"]
    assert str(tmp_path) not in json.dumps(provenance)
    with pytest.raises(ValueError, match="4 images asked for, cifar10 has 3"):
        load_images("cifar10", 4)


def test_cifar10_training_images(tmp_path, monkeypatch):
    """Exact training images and decoded JPEG copies come back apart (exact)."""
    stream = io.BytesIO()
    Image.fromarray(colourful((32, 32, 3), 5)).save(stream, "JPEG", quality=75)
    body = np.frombuffer(stream.getvalue(), np.uint8)
    x_exact = colourful((2, 32, 32, 3))
    (tmp_path / "cifar10").mkdir()
    np.savez(
        tmp_path / "cifar10" / "train.npz",
        y_train=np.zeros(3, np.uint8),
        exact=np.array([True, False, True]),
        x_exact=x_exact,
        jpeg_header=body[:20],
        jpeg_bodies=body[20:],
        jpeg_lengths=np.array([len(body) - 20]),
    )
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    exact, copies, provenance = load_cifar10_training_images()
    np.testing.assert_array_equal(exact, x_exact)
    np.testing.assert_array_equal(copies[0], np.asarray(Image.open(stream)))
    assert (provenance["num_exact"], provenance["num_jpeg_copies"]) == (2, 1)


def test_cifar10_offline(monkeypatch):
    """With no data and no network the error tells the ways out."""

    def offline():
        raise Exception("URL fetch failure")  # noqa: TRY002 - as keras does

    monkeypatch.setattr(sources, "data_folders", lambda _: iter(()))
    monkeypatch.setattr("keras.datasets.cifar10.load_data", offline)
    with pytest.raises(FileNotFoundError, match="SEMCOM_DATA.*URL fetch failure"):
        load_images("cifar10", 4)


def test_wrong_semcom_data(tmp_path, monkeypatch):
    """A SEMCOM_DATA without the data is an error, not a silent fallback."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="SEMCOM_DATA is '.*nowhere'"):
        load_images("cifar10", 1)


def test_folder(folder):
    """A folder's pictures are cut to the central square and reduced, in name order."""
    images, provenance = load_images(folder)
    assert images.shape == (3, 32, 32, 3)
    square = Image.fromarray(colourful((48, 64, 3), 1)[:, 8:56])
    expected = np.asarray(square.resize((32, 32), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(images[1], expected)
    assert provenance["dataset"] == "pictures"


@pytest.mark.parametrize(
    "size, box, expected",
    [
        ((24, 32), (0, 0, 64, 48), "part of that aspect ratio reduced to 24x32"),
        ((40, 32), (13, 0, 51, 48), "part of that aspect ratio reduced to 40x32"),
        ((16, 64), (0, 16, 64, 32), "part of that aspect ratio reduced to 16x64"),
    ],
)
def test_folder_of_another_aspect_ratio(folder, size, box, expected):
    """The central part of the aspect ratio asked for is kept, and reduced (exact)."""
    images, provenance = load_images(folder, size=size)
    part = Image.fromarray(colourful((48, 64, 3), 1)).crop(box)
    if part.size != size[::-1]:
        part = part.resize(size[::-1], Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(images[1], np.asarray(part))
    assert expected in provenance["source"]


def test_archive_of_another_aspect_ratio(tmp_path):
    """Pictures of the size are untouched, larger ones cut and reduced (exact)."""
    x = colourful((2, 32, 64, 3))
    np.savez(tmp_path / "own.npz", x=x)
    same, _ = load_images(tmp_path / "own.npz", size=(32, 64))
    np.testing.assert_array_equal(same, x)
    part, _ = load_images(tmp_path / "own.npz", size=(32, 40))
    np.testing.assert_array_equal(part, x[:, :, 12:52])


@pytest.mark.parametrize("key", ["x", "x_test"])
def test_archive(tmp_path, key):
    """An .npz gives its array unchanged at its own size (exact)."""
    x = colourful((4, 32, 32, 3))
    np.savez(tmp_path / "own.npz", **{key: x})
    images, provenance = load_images(tmp_path / "own.npz")
    np.testing.assert_array_equal(images, x)
    assert provenance["dataset"] == "own.npz"


@pytest.mark.parametrize(
    "array, message",
    [
        (colourful((4, 32, 32)), r"uint8 \(4, 32, 32\)"),
        (colourful((4, 32, 32, 1)), r"\(4, 32, 32, 1\)"),
        (colourful((4, 32, 32, 4)), r"\(4, 32, 32, 4\)"),
        (colourful((4, 5, 5, 3)), "5x5.*at least 16x16"),
        (colourful((4, 24, 24, 3)), "smaller than the size 32"),
        (colourful((0, 32, 32, 3)), "holds 0 images"),
        (np.zeros((4, 32, 32, 3), np.float32), "float32"),
        (np.array([{"a": 1}], object), "damaged|no .npz"),
    ],
    ids=["flat", "grey", "alpha", "5x5", "24x24", "none", "float", "pickle"],
)
def test_archive_refusals(tmp_path, array, message):
    """Grey, four-channel, tiny, float and pickled arrays are refused by name."""
    np.savez(tmp_path / "bad.npz", x=array)
    with pytest.raises(ValueError, match=f"bad.npz.*({message})"):
        load_images(tmp_path / "bad.npz", 1)


@pytest.mark.parametrize(
    "mode, message",
    [
        ("L", "'L'"),
        ("RGBA", "'RGBA'"),
        ("P", "'P'"),
        ("tiny", "5x5"),
        ("cut", "damaged"),
    ],
)
def test_folder_refusals(folder, mode, message):
    """Grey, transparent, palette, tiny and damaged pictures are refused by name."""
    path = folder / "bad.png"
    picture = Image.fromarray(colourful((48, 64, 3)))
    if mode == "tiny":
        Image.fromarray(colourful((5, 5, 3))).save(path)
    else:
        picture.convert("RGB" if mode == "cut" else mode).save(path)
    if mode == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=f"bad.png.*{message}"):
        load_images(folder, 1)


def test_other_refusals(tmp_path, folder):
    """No images, too many, unknown places, sizes and splits are refused with the value
    received."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", y=np.zeros(3))
    for error, message, arguments in [
        (ValueError, "holds 0 images", (empty, 1)),
        (ValueError, "num_images is 0", ("sample", 0)),
        (ValueError, "9 images asked for, .* has 3", (folder, 9)),
        (ValueError, "asked for, sample has", ("sample", 100_000)),
        (ValueError, "size is 5", ("sample", 1, 5)),
        (ValueError, r"size is \(32, 5\)", ("sample", 1, (32, 5))),
        (ValueError, r"size is \(32,\)", ("sample", 1, (32,))),
        (ValueError, "smaller than the size 32x96", (folder, 1, (32, 96))),
        (ValueError, "size is 64; cifar10", ("cifar10", 1, 64)),
        (ValueError, "size is 32x64; cifar10", ("cifar10", 1, (32, 64))),
        (ValueError, "split is 'valid'", ("sample", 1, 32, 1, "valid")),
        (ValueError, "text.npz is no .npz file", (tmp_path / "text.npz", 1)),
        (ValueError, r"holds \['y'\]; expected an array x", (tmp_path / "other.npz",)),
        (FileNotFoundError, "no such file", (tmp_path / "missing.npz", 1)),
        (FileNotFoundError, "nowhere'.*'sample', 'cifar10'", (tmp_path / "nowhere", 1)),
    ]:
        with pytest.raises(error, match=message):
            load_images(*arguments)
