"""Entropy models: how many bits quantised features take, differentiably and really.

Training adds uniform noise in place of rounding (Balle et al.). The same models give
the tables of a range coder (:mod:`semcom_phy.entropy_coding.feature_coder`), so that
estimated bits can be held against coded ones.
"""

import keras
import numpy as np
from keras import ops

MIN_SCALE = 0.05  # of a distribution, in quantisation steps
NUM_COMPONENTS = 3


def logistic_bits(distance, scale):
    r"""Bits of a value in a bin of width 1 under a logistic distribution.

    .. math::
        -\log_2\bigl(\sigma(\tfrac{v + 1/2}{s}) - \sigma(\tfrac{v - 1/2}{s})\bigr)

    in a form that neither overflows nor cancels in the tails.

    Input
    -----
    distance : [...], `float32`
        Centre of the bin less the mean, v [quantisation steps]

    scale : [...], `float32`, positive
        Scale of the distribution, s: its standard deviation over 1.814 [steps]

    Output
    ------
    : [...], `float32`
        [bit]
    """
    scale = ops.maximum(scale, MIN_SCALE)
    upper = (0.5 - ops.abs(distance)) / scale
    lower = (-0.5 - ops.abs(distance)) / scale
    # sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - exp(b - a))
    log_mass = ops.log_sigmoid(upper) + ops.log_sigmoid(-lower)
    log_mass = log_mass + ops.log1p(-ops.exp(-1.0 / scale))
    return -log_mass / np.log(2.0)


@keras.saving.register_keras_serializable(package="semcom_phy")
class FactorizedPrior(keras.layers.Layer):
    r"""Distribution of every channel of side features: a mixture of logistics.

    .. math::
        P(z) = \sum_m \pi_m \bigl(\sigma(\tfrac{z - \mu_m + 1/2}{s_m}) -
        \sigma(\tfrac{z - \mu_m - 1/2}{s_m})\bigr)

    Parameters
    ----------
    channels : `int`
        Number of channels

    Input
    -----
    z : [..., channels], `float32`
        Features, rounded or with uniform noise [quantisation steps]

    Output
    ------
    bits : [..., channels], `float32`
        [bit]

    References
    ----------
    J. Balle, D. Minnen, S. Singh, S. J. Hwang, N. Johnston, "Variational image
    compression with a scale hyperprior", ICLR 2018, arXiv:1802.01436 (there a learned
    cumulative function takes the place of the mixture).
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        shape = (NUM_COMPONENTS, channels)
        # "bias" keeps Muon, which is for matrices, away from the table.
        self.table = self.add_weight(
            name="embedding_bias", shape=(3, *shape), initializer="zeros"
        )
        start = np.zeros((3, *shape), "float32")
        start[1] = np.array([-1.0, 0.0, 1.0])[:, None]
        self.table.assign(start)
        self.built = True

    def call(self, z):
        weight, mean, log_scale = ops.unstack(ops.convert_to_tensor(self.table))
        bits = logistic_bits(z[..., None, :] - mean, ops.exp(log_scale))
        log_mass = ops.log_softmax(weight, axis=0) - np.log(2.0) * bits
        return -ops.logsumexp(log_mass, axis=-2) / np.log(2.0)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}
