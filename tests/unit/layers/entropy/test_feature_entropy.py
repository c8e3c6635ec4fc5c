"""2D entropy of feature maps against counting with dictionaries."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.entropy.feature_entropy import entropy_2d


def mixed_maps(batch, height, width, seed=0):
    """White, smooth, weak and constant maps side by side."""
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((batch, height, width, 4))
    maps[..., 1] = maps[..., 1].cumsum(1).cumsum(2) / 4
    maps[..., 2] *= 0.1
    maps[..., 3] = 0.3
    return maps.astype("float32")


def entropy_of(maps, num_levels):
    """One sample [height, width, num_maps], position by position."""
    height, width, num_maps = maps.shape
    low, span = maps.min(), maps.max() - maps.min()
    result = []
    for c in range(num_maps):
        grey = np.zeros((height, width), int)
        for i, j in np.ndindex(height, width):
            share = (maps[i, j, c] - low) / span if span else 0.0
            grey[i, j] = min(int(share * num_levels), num_levels - 1)
        pairs = Counter()
        for i, j in np.ndindex(height, width):
            around = [
                grey[i + a, j + b]
                for a, b in product((-1, 0, 1), repeat=2)
                if (a or b) and 0 <= i + a < height and 0 <= j + b < width
            ]
            pairs[grey[i, j], int(np.floor(np.mean(around) + 0.5))] += 1
        shares = np.array(list(pairs.values())) / (height * width)
        result.append(-np.sum(shares * np.log2(shares)))
    return result


@pytest.mark.parametrize(
    "height, width, num_levels", [(8, 8, 16), (8, 8, 256), (4, 6, 2), (2, 2, 16)]
)
def test_entropy_equals_counting(height, width, num_levels):
    """Counts of (grey, mean of neighbours) by a double loop (float32 rounding, 1e-4),
    within [0, log2(HW)] bits."""
    maps = mixed_maps(3, height, width)
    entropy = ops.convert_to_numpy(entropy_2d(ops.convert_to_tensor(maps), num_levels))
    assert entropy.shape == (3, 4) and entropy.dtype == np.float32
    expected = [entropy_of(sample.astype(float), num_levels) for sample in maps]
    np.testing.assert_allclose(entropy, expected, atol=1e-4)
    assert entropy.min() >= 0 and entropy.max() <= np.log2(height * width) + 1e-4


def test_constant_maps_say_nothing():
    """0 bits for a constant map among others, and where all are constant (exact)."""
    among = ops.convert_to_numpy(entropy_2d(ops.convert_to_tensor(mixed_maps(2, 8, 8))))
    assert np.all(among[:, 3] == 0) and np.all(among[:, 0] > 1)
    alone = entropy_2d(ops.full((2, 8, 8, 3), 0.7))
    assert not np.any(ops.convert_to_numpy(alone))


def test_few_levels_tell_small_maps_apart():
    """256 levels give white and smooth 8x8 maps more than 5.7 of at most 6 bits alike;
    with 16 smooth maps have 0.5 bits less than white ones (means of 50 samples)."""
    maps = ops.convert_to_tensor(mixed_maps(50, 8, 8)[..., :2])
    fine, coarse = (ops.convert_to_numpy(entropy_2d(maps, n)) for n in (256, 16))
    assert fine.mean(0).min() > 5.7 and np.ptp(fine.mean(0)) < 0.2
    assert coarse[:, 0].mean() > coarse[:, 1].mean() + 0.5


def test_no_gradient_passes():
    """The gradient of sum(maps) + sum(entropy) is that of sum(maps) (exact)."""
    gradient = gradient_fn(
        lambda maps: ops.sum(maps) + ops.sum(entropy_2d(maps)), compiled=False
    )(ops.convert_to_tensor(mixed_maps(2, 4, 4)))
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), 1.0)


def test_bad_arguments_are_refused():
    """What was received is in the message (exact)."""
    with pytest.raises(ValueError, match="at least 2, received 1"):
        entropy_2d(ops.zeros((1, 4, 4, 1)), 1)
    with pytest.raises(ValueError, match=r"received shape \(4, 4, 1\)"):
        entropy_2d(ops.zeros((4, 4, 1)))
