"""Exponential moving average of the weights of a model."""

import contextlib

import keras
import numpy as np
from keras import ops

from semcom_phy.backend import move_towards


class WeightAverage:
    r"""Average of what the weights were over the last steps.

    .. math::
        \bar{\mathbf{w}} \leftarrow \bar{\mathbf{w}} + (1 - d_t)(\mathbf{w} -
        \bar{\mathbf{w}}), \quad d_t = \min\Bigl(d, \frac{1 + t}{10 + t}\Bigr)

    The decay starts small, so that the first weights are soon forgotten.

    Parameters
    ----------
    variables : list of `keras.Variable`
        The trained weights

    decay : `float`
        d, in [0, 1); 0 follows the weights
    """

    def __init__(self, variables, decay):
        self.decay = decay
        self._trained = list(variables)
        self._averages = [
            # From a copy: Keras may take over the very tensor that it is given.
            keras.Variable(_copy(v), trainable=False, name="average")
            for v in self._trained
        ]
        self._count = keras.Variable(0.0, trainable=False, name="average_count")

    @property
    def variables(self):
        """list of `keras.Variable` : What a checkpoint must hold."""
        return [self._count, *self._averages]

    def update(self):
        """Takes in the weights of a step; runs inside the compiled step."""
        count = self._count + 1.0
        decay = ops.minimum(self.decay, (1.0 + count) / (10.0 + count))
        self._count.assign(count)
        move_towards(self._averages, self._trained, 1.0 - decay)

    @contextlib.contextmanager
    def applied(self):
        """Puts the averages in place of the weights for the time of the block."""
        now = [_copy(v) for v in self._trained]
        for variable, average in zip(self._trained, self._averages, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for variable, value in zip(self._trained, now, strict=True):
                variable.assign(value)


def _copy(variable):
    return np.array(ops.convert_to_numpy(variable))
