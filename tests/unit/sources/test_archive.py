"""Arrays of images in .npz and .npy files."""

import numpy as np
import pytest

from semcom_phy.sources.images import load_images, load_samples


def colourful(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


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


def test_npy(tmp_path):
    """An .npy file gives its array, of which only drawn images are read; a larger one
    is cut and reduced (exact)."""
    x = colourful((4, 32, 48, 3))
    np.save(tmp_path / "own.npy", x)
    images, provenance = load_images(tmp_path / "own.npy", size=(32, 48))
    np.testing.assert_array_equal(images, x)
    assert provenance["dataset"] == "own.npy" and provenance["source"][:5] == "array"
    part, _ = load_images(tmp_path / "own.npy", size=32)
    np.testing.assert_array_equal(part, x[:, :, 8:40])


@pytest.mark.parametrize(
    "array, message",
    [
        (
            colourful((32, 32, 3)),
            r"\(32, 32, 3\); expected RGB, uint8 \[N, H, W, 3",
        ),
        (np.zeros((4, 32, 32, 3)), "float64"),
        (np.array([{"a": 1}], object), "no .npy file.*expected RGB"),
    ],
    ids=["one", "float", "pickle"],
)
def test_npy_refusals(tmp_path, array, message):
    """One image, floats and pickles are refused, and the message says what is
    expected."""
    np.save(tmp_path / "bad.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=f"bad.npy.*{message}"):
        load_images(tmp_path / "bad.npy", 1)


def test_archive_under_a_wrong_name(tmp_path):
    """An archive called .npy, and an array called .npz, are told what they are."""
    np.savez(tmp_path / "own.npz", x=colourful((1, 32, 32, 3)))
    (tmp_path / "own.npz").rename(tmp_path / "own.npy")
    with pytest.raises(ValueError, match="call it .npz"):
        load_images(tmp_path / "own.npy")
    np.save(tmp_path / "array.npy", colourful((1, 32, 32, 3)))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    with pytest.raises(ValueError, match="call it .npy"):
        load_images(tmp_path / "array.npz")


def test_groups_of_an_archive(tmp_path):
    """An array ``groups`` tells which images are alike; the draw takes one of each
    group in turn (exact)."""
    x, groups = colourful((6, 32, 32, 3)), np.array(["a", "a", "a", "a", "b", "c"])
    np.savez(tmp_path / "own.npz", x=x, groups=groups)
    samples = load_samples(tmp_path / "own.npz", 3)
    assert set(samples.groups) == {"a", "b", "c"}
    assert samples.provenance["groups"]["count"] == 3
    np.savez(tmp_path / "own.npz", x_test=x, groups_test=[1, 1, 1, 2, 2, 2])
    assert load_samples(tmp_path / "own.npz").groups == (1, 1, 1, 2, 2, 2)
    np.savez(tmp_path / "own.npz", x=x, groups=groups[:5])
    with pytest.raises(ValueError, match=r"groups is <U1 \(5,\).*each of 6 images"):
        load_samples(tmp_path / "own.npz")
