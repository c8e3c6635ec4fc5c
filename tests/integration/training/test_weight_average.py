"""The average of the weights that is validated and saved."""

import keras
import numpy as np
import pytest
from keras import ops

from link_models.training.weight_average import WeightAverage
from semcom_phy.backend import train_step_fn


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return [
        keras.Variable(rng.standard_normal(shape).astype("float32"))
        for shape in ((3, 2), (2,))
    ]


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def averages(average):
    with average.applied():
        return values(average._trained)


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.999])
def test_average_against_numpy(decay):
    """Five updates by the formula, from the weights at the start; a decay of 0 follows
    them (1e-6, float32 rounding)."""
    trained, rng = weights(), np.random.default_rng(1)
    average = WeightAverage(trained, decay)
    expected = [v.astype(float) for v in values(trained)]
    for step in range(1, 6):
        share = 1 - min(decay, (1 + step) / (10 + step))
        for i, variable in enumerate(trained):
            value = rng.standard_normal(variable.shape).astype("float32")
            variable.assign(value)
            expected[i] += share * (value - expected[i])
        average.update()
        for one, two in zip(averages(average), expected, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-6)
    follows = np.allclose(averages(average)[0], values(trained)[0], atol=1e-6)
    assert follows is (decay == 0)


def test_weights_come_back_after_the_block():
    """Inside the block averages, after it the weights, even if it raises (exact)."""
    trained = weights()
    average, start = WeightAverage(trained, 0.9), values(trained)
    for variable in trained:
        variable.assign(variable + 1.0)
    now = values(trained)
    with pytest.raises(RuntimeError, match="stop"), average.applied():
        for one, two in zip(values(trained), start, strict=True):
            np.testing.assert_array_equal(one, two)
        raise RuntimeError("stop")
    for one, two in zip(values(trained), now, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_checkpoint_holds_the_average():
    """Count and averages put into another one make it go on alike (exact)."""
    pairs = [WeightAverage(weights(seed), 0.9) for seed in (0, 1)]
    pairs[0].update()
    for one, two in zip(*(p.variables for p in pairs), strict=True):
        two.assign(one)
    for average in pairs:
        for variable in average._trained:
            variable.assign(ops.ones(variable.shape))
        average.update()
    for one, two in zip(*(values(p.variables) for p in pairs), strict=True):
        np.testing.assert_array_equal(one, two)
    assert float(pairs[1].variables[0]) == 2.0
    assert not any(v.trainable for v in pairs[0].variables)


@pytest.mark.parametrize("jit", [False, True])
def test_average_inside_a_compiled_step(jit):
    """Each step takes in the weights that it leaves behind, once (1e-6)."""
    trained = weights()
    average = WeightAverage(trained, 0.5)
    expected = values(trained)
    step = train_step_fn(
        lambda x: ops.sum(ops.square(ops.matmul(x, trained[0]) + trained[1])),
        trained,
        keras.optimizers.Adam(0.01),
        jit,
        average.update,
    )
    for count in range(1, 5):
        step(ops.ones((4, 3)))
        share = 1 - min(0.5, (1 + count) / (10 + count))
        for i, value in enumerate(values(trained)):
            expected[i] += share * (value - expected[i])
    for one, two in zip(averages(average), expected, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
