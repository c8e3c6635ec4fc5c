"""Small operations on channels and noise that the links share."""

import numpy as np
from keras import ops
from scipy.special import digamma

from semcom_phy.snr import linear_to_db


def energy(value):
    """Squared magnitude, real."""
    return ops.square(ops.real(value)) + ops.square(ops.imag(value))


def complex_sqrt(value):
    """Root of something real and not negative, `complex64`."""
    return ops.cast(ops.sqrt(value), "complex64")


def no_vector(no):
    """Noise variance as [batch or 1], `float32`; ValueError with more axes."""
    no = ops.cast(ops.convert_to_tensor(no), "float32")
    if len(no.shape) > 1:
        raise ValueError(f"no must be a scalar or [batch], got {tuple(no.shape)}.")
    return ops.reshape(no, (-1,))


def received_power(h):
    """Power that a receive antenna collects on average, [batch]."""
    return ops.mean(ops.sum(energy(h), axis=3), axis=(1, 2, 3, 4))


def entry_power(h_hat, error):
    """Power of an entry by an estimate and its error variance, [batch, 1, ...]."""
    power = ops.mean(energy(h_hat) - error, axis=(1, 2, 3, 4, 5), keepdims=True)
    floor = 1e-3 * ops.mean(error, axis=(1, 2, 3, 4, 5), keepdims=True)
    return ops.maximum(power, floor)


def average_snr_db(power, no, num_tx_ant):
    """Average SNR [dB]: by nominal power Nt of a normalised model where ``power`` is
    `None`, else by the power given."""
    if power is None:
        return linear_to_db(num_tx_ant / no)
    return linear_to_db(ops.maximum(power / no, 1e-12))


def true_snr_db(model, h, no):
    """SNR of a receiver that knows channel and noise, [batch], `float32`."""
    no = ops.broadcast_to(no_vector(no), (ops.shape(h)[0],))
    power = None if model.normalized else received_power(h)
    return average_snr_db(power, no, model.num_tx_ant)


def log_bias_db(freedom):
    """What makes -10 log10 of an average of `freedom` exponentials unbiased."""
    return float(10 / np.log(10) * (digamma(freedom) - np.log(freedom)))
