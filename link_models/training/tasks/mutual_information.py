"""A lower bound on mutual information that a network finds (MINE)."""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense

_FAR = -1e9


class MutualInformationCritic(keras.layers.Layer):
    r"""Donsker-Varadhan bound on the mutual information of paired vectors.

    .. math::
        I(F; \hat F) \ge \mathbb{E}_{p(f, \hat f)}[T] - \log
        \mathbb{E}_{p(f) p(\hat f)}\bigl[e^{T}\bigr]

    with T a network of two hidden layers. Maximising it over T tightens the bound,
    maximising it over what is between f and its estimate raises the information that
    passes. Pairs that do not belong together: f of one sample, the estimate of the one
    before it in the batch.

    Parameters
    ----------
    width : `int`
        Elements of f, and of its estimate

    hidden : `int`, (default 256)
        Neurons of a hidden layer

    seed : `int`, (default 0)
        Of the first weights

    Input
    -----
    f, f_hat : [batch, words, width], `float32`

    mask : [batch, words], `float32`
        1 where there is a word

    Output
    ------
    : scalar, `float32`
        The bound [nat]; with n pairs it cannot exceed log n by much

    References
    ----------
    M. I. Belghazi et al., "Mutual information neural estimation", ICML 2018; used on a
    link by H. Xie, Z. Qin, G. Y. Li, B.-H. Juang, "Deep learning enabled semantic
    communication systems", IEEE Trans. Signal Process. 2021.
    """

    def __init__(self, width, hidden=256, seed=0, **kwargs):
        super().__init__(**kwargs)
        sizes = ((2 * width, hidden), (hidden, hidden), (hidden, 1))
        self.stack = []
        for i, (inputs, units) in enumerate(sizes):
            start = keras.initializers.GlorotUniform(seed=seed + i)
            activation = "relu" if i < 2 else None
            layer = Dense(units, activation, kernel_initializer=start)
            layer.build((None, None, inputs))
            self.stack.append(layer)
        self.built = True

    def call(self, f, f_hat, mask):
        paired = self._score(f, f_hat)
        apart = self._score(f, ops.roll(f_hat, 1, axis=0))
        both = mask * ops.roll(mask, 1, axis=0)
        expected = ops.sum(paired * mask) / ops.sum(mask)
        log_sum = ops.logsumexp(apart + (1.0 - both) * _FAR)
        return expected - (log_sum - ops.log(ops.sum(both)))

    def _score(self, f, f_hat):
        x = ops.concatenate([f, f_hat], axis=-1)
        for layer in self.stack:
            x = layer(x)
        return x[..., 0]
