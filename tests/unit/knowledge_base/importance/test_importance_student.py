"""The importance student: shapes, what it looks at, what it refuses."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.knowledge_base.importance.student import ImportanceStudent
from semcom_phy.seeding import set_seed

SIZES = {"filters": (4, 6, 8), "blocks": (1, 1, 1), "num_classes": 5}


@pytest.fixture
def student():
    """Tiny, all weights random, the zero-started ones too."""
    set_seed(1)
    student, rng = ImportanceStudent(**SIZES), np.random.default_rng(1)
    student.set_weights(
        [0.3 * rng.standard_normal(w.shape) for w in student.get_weights()]
    )
    return student


def pictures(count=2, height=64, width=96, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, height, width, 3), dtype="float32")


def logits(student, images):
    return ops.convert_to_numpy(student(ops.convert_to_tensor(images))[0])


@pytest.mark.parametrize("size", [(64, 96), (32, 16)])
def test_shapes(student, size):
    """Logits of levels and classes for every patch, at any multiple of 16."""
    levels, classes = student(ops.convert_to_tensor(pictures(3, *size)))
    grid = (3, size[0] // 16, size[1] // 16)
    assert tuple(levels.shape) == (*grid, len(LEVELS)) == (*grid, 4)
    assert tuple(classes.shape) == (*grid, 5)
    assert ops.convert_to_numpy(levels).dtype == np.float32


def test_levels_of_8_bit_images(student):
    """The most likely level of each patch, of images in [0, 1] (exact)."""
    images = (255 * pictures()).astype("uint8")
    levels = student.levels(images)
    assert levels.shape == (2, 4, 6) and levels.dtype == np.int32
    expected = logits(student, images.astype("float32") / 255).argmax(axis=-1)
    np.testing.assert_array_equal(levels, expected)
    assert len(np.unique(levels)) > 1


def test_it_comes_again_from_its_configuration(student):
    """With the same weights the same logits, as a serialised model (exact)."""
    config = keras.saving.serialize_keras_object(student)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == student.get_config()
    assert (copy.filters, copy.blocks, copy.num_classes) == tuple(SIZES.values())
    copy.set_weights(student.get_weights())
    np.testing.assert_array_equal(logits(copy, pictures()), logits(student, pictures()))


def test_sizes_set_the_weights():
    """Blocks and filters are those asked for: 4x4 cells, merged twice by 2x2, a head
    for levels and classes (exact)."""
    kernels = [w.shape for w in ImportanceStudent(**SIZES).weights if len(w.shape) == 2]
    assert {(48, 4), (16, 6), (24, 8), (8, 4 + 5)} <= set(map(tuple, kernels))
    more = ImportanceStudent(**SIZES | {"blocks": (1, 1, 3)})
    assert len(more.weights) == len(ImportanceStudent(**SIZES).weights) + 2 * 2 * 2


def test_the_position_of_a_patch_matters(student):
    """In a picture of equal patches, those away from the border get logits that differ
    from place to place (> 0.01); without the coordinates they are equal (1e-3)."""
    images = np.tile(pictures(1, 16, 16), (1, 17, 17, 1))
    inner = (0, slice(7, 10), slice(7, 10))  # 6.25 patches are seen to each side
    spread = np.ptp(logits(student, images)[inner], axis=(0, 1))
    assert spread.max() > 0.01
    width = student.filters[-1]
    kernel = ops.convert_to_numpy(student.mix.kernel)
    taps = kernel.reshape(3, 3, 2 * width + 2, width).copy()
    taps[:, :, 2 * width :] = 0
    student.mix.kernel.assign(taps.reshape(kernel.shape))
    spread = np.ptp(logits(student, images)[inner], axis=(0, 1))
    assert spread.max() < 1e-3


def test_the_whole_scene_matters(student):
    """Another picture in the far corner changes what a patch is told (> 1e-4), beyond
    the reach of all convolutions."""
    images = pictures(1, 192, 192)
    other = images.copy()
    other[:, :32, :32] = 1
    change = np.abs(logits(student, images) - logits(student, other))
    assert change[0, -1, -1].max() > 1e-4


@pytest.mark.parametrize("size", [(64, 90), (60, 96)])
def test_images_that_do_not_divide_are_padded(student, size):
    """As the image padded by its last rows and columns, 4x6 patches (exact)."""
    images = (255 * pictures(1, *size)).astype("uint8")
    missing = ((0, 0), *((0, -side % 16) for side in size), (0, 0))
    padded = np.pad(images, missing, mode="edge")
    levels = student.expected_levels(images)
    assert levels.shape == (1, 4, 6)
    np.testing.assert_array_equal(levels, student.expected_levels(padded))


@pytest.mark.parametrize(
    "values, message",
    [
        ({"filters": (4, 6)}, r"three grids, got \(4, 6\) and \(1, 1, 1\)"),
        ({"blocks": (1, 1, 1, 1)}, r"got \(4, 6, 8\) and \(1, 1, 1, 1\)"),
    ],
)
def test_grids_that_are_not_three_are_refused(values, message):
    """The values received are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        ImportanceStudent(**SIZES | values)
