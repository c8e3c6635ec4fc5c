"""The importance student: shapes, what it looks at, what it refuses."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.knowledge_base.efficientnet import PATCH_WIDTH, efficientnet
from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.knowledge_base.importance.student import (
    ImportanceStudent,
    patch_features,
)
from semcom_phy.seeding import set_seed

SIZES = {"width": 8, "num_classes": 5}


@pytest.fixture
def student():
    """Tiny, all weights random, the zero-started ones too."""
    set_seed(1)
    student, rng = ImportanceStudent(**SIZES), np.random.default_rng(1)
    student.set_weights(
        [0.3 * rng.standard_normal(w.shape) for w in student.get_weights()]
    )
    student.adapt(features(8, 3, 3, seed=2))
    return student


def features(count=2, rows=4, columns=6, seed=0):
    shape = count, rows, columns, PATCH_WIDTH
    return 6 * np.random.default_rng(seed).random(shape, dtype="float32")


def pictures(count=2, height=64, width=96, seed=0):
    shape = count, height, width, 3
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def logits(student, seen):
    return ops.convert_to_numpy(student(ops.convert_to_tensor(seen))[0])


@pytest.mark.parametrize("grid", [(4, 6), (2, 1)])
def test_shapes(student, grid):
    """Logits of levels and classes for every patch, of any grid."""
    levels, classes = student(ops.convert_to_tensor(features(3, *grid)))
    assert tuple(levels.shape) == (3, *grid, len(LEVELS)) == (3, *grid, 4)
    assert tuple(classes.shape) == (3, *grid, 5)
    assert ops.convert_to_numpy(levels).dtype == np.float32


def test_features_are_of_patches():
    """Patches of 16x16 pixels have 496 features; a change in a corner is felt most
    there (by the mean square)."""
    images = pictures(1, 96, 128)
    seen = patch_features(images)
    assert seen.shape == (1, 6, 8, PATCH_WIDTH) == (1, 6, 8, 496)
    other = images.copy()
    other[:, :16, -16:] = 255
    moved = np.square(patch_features(other) - seen).mean(-1)[0]
    assert np.unravel_index(moved.argmax(), moved.shape) == (0, 7)
    assert moved[0, 7] > 20 * moved[-1, 0]


def test_features_are_the_same_whatever_the_batch():
    """Nine pictures at once and each by itself (1e-4 of a deviation)."""
    images = pictures(9, 32, 48)
    together = efficientnet().patches(images)
    alone = np.concatenate(
        [efficientnet().patches(images[i : i + 1]) for i in range(9)]
    )
    np.testing.assert_allclose(together, alone, atol=1e-4 * together.std(), rtol=1e-4)


def test_images_that_are_not_of_patches_are_refused():
    """Their size and the remedy are told (exact)."""
    with pytest.raises(
        ValueError, match="64x90: pad or resize them to multiples of 16"
    ):
        efficientnet().patches(pictures(1, 64, 90))


def test_levels_of_8_bit_images(student):
    """Probabilities add up to 1; the most likely level is told (exact)."""
    images = pictures()
    found, levels = student.probabilities(images), student.levels(images)
    assert found.shape == (2, 4, 6, 4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    assert levels.shape == (2, 4, 6) and levels.dtype == np.int32
    expected = logits(student, patch_features(images)).argmax(axis=-1)
    np.testing.assert_array_equal(levels, expected)


def test_features_are_taken_by_their_deviation(student):
    """Features of another scale and offset give the same logits, once it is adapted to
    them (0.05 of some 10; the deviation is never 0)."""
    seen = features(5)
    student.adapt(seen)
    expected = logits(student, seen)
    other = 100 * seen + 30
    student.adapt(other)
    np.testing.assert_allclose(logits(student, other), expected, atol=0.05)


def test_it_comes_again_from_its_configuration(student):
    """With the same weights the same logits, as a serialised model (exact)."""
    config = keras.saving.serialize_keras_object(student)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == student.get_config()
    assert (copy.width, copy.num_classes) == tuple(SIZES.values())
    copy.set_weights(student.get_weights())
    np.testing.assert_array_equal(logits(copy, features()), logits(student, features()))


def test_the_position_of_a_patch_matters(student):
    """In a scene of equal patches, those away from the border get logits that differ
    from place to place (> 0.01); without the coordinates they are equal (1e-3)."""
    seen = np.tile(features(1, 1, 1), (1, 9, 9, 1))
    inner = (0, slice(3, 6), slice(3, 6))  # two patches are seen to each side
    spread = np.ptp(logits(student, seen)[inner], axis=(0, 1))
    assert spread.max() > 0.01
    width = student.width
    kernel = ops.convert_to_numpy(student.mix.kernel)
    taps = kernel.reshape(3, 3, 2 * width + 2, width).copy()
    taps[:, :, 2 * width :] = 0
    student.mix.kernel.assign(taps.reshape(kernel.shape))
    spread = np.ptp(logits(student, seen)[inner], axis=(0, 1))
    assert spread.max() < 1e-3


def test_the_whole_scene_matters(student):
    """Other features in the far corner change what a patch is told (> 1e-4), beyond
    the reach of both convolutions."""
    seen = features(1, 12, 12)
    other = seen.copy()
    other[:, :2, :2] = 6
    change = np.abs(logits(student, seen) - logits(student, other))
    assert change[0, -1, -1].max() > 1e-4


@pytest.mark.parametrize("size", [(64, 90), (60, 96)])
def test_images_that_do_not_divide_are_padded(student, size):
    """As the image padded by its last rows and columns, 4x6 patches (exact)."""
    images = pictures(1, *size)
    missing = ((0, 0), *((0, -side % 16) for side in size), (0, 0))
    padded = np.pad(images, missing, mode="edge")
    found = student.probabilities(images)
    assert found.shape == (1, 4, 6, 4)
    np.testing.assert_array_equal(found, student.probabilities(padded))


@pytest.mark.parametrize("values", [{"width": 0}, {"num_classes": -1}])
def test_sizes_that_are_not_positive_are_refused(values):
    """The values received are in the message (exact)."""
    message = " and ".join(map(str, (SIZES | values).values()))
    with pytest.raises(ValueError, match=f"must be positive, got {message}"):
        ImportanceStudent(**SIZES | values)
