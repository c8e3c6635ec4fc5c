"""Image sources: what they give, and how they refuse."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources.images import load_images, load_samples


def colourful(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    for index in range(3):
        Image.fromarray(colourful((48, 64, 3), index)).save(path / f"{index}.png")
    return path


def test_draw_depends_on_seed_only():
    """A longer draw starts with a shorter one; another seed draws others."""
    few, first = load_images("sample", 5, seed=1)
    many, _ = load_images("sample", 20, seed=1)
    others, other = load_images("sample", 5, seed=2)
    np.testing.assert_array_equal(few, many[:5])
    assert first["sha256"] != other["sha256"]
    assert not np.array_equal(few, others)


def test_a_pair_of_equal_sides_is_a_square():
    """Images and provenance are those of one number (exact)."""
    one, first = load_images("sample", 3, size=64)
    two, second = load_images("sample", 3, size=(64, 64))
    np.testing.assert_array_equal(one, two)
    assert first == second


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
        (
            FileNotFoundError,
            "nowhere'.*'sample', 'photog",
            (tmp_path / "nowhere", 1),
        ),
        (ValueError, "group_by is 'class'", (folder, 1, 32, 1, "test", "class")),
        (ValueError, "group_by is 'name', but", ("sample", 1, 32, 1, "test", "name")),
    ]:
        with pytest.raises(error, match=message):
            load_samples(*arguments)


def test_short_names_are_folders_of_the_data(tmp_path, folder, monkeypatch):
    """In $SEMCOM_DATA; without them the line says where they are looked for."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    folder.rename(tmp_path / "flickr8k_images")
    images, provenance = load_images("flickr8k", 2)
    assert images.shape == (2, 32, 32, 3)
    assert provenance["dataset"] == "flickr8k_images"
    (tmp_path / "flickr8k_images").rename(tmp_path / "ecssd")
    assert load_images("ecssd", 2)[1]["dataset"] == "ecssd"
    with pytest.raises(FileNotFoundError, match="holds no folder birds525"):
        load_images("birds", 2)
