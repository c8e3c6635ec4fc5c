"""The scale of what is sent, in steps, and symbols of any error taken for AWGN's.

In public code the receiver is handed the power of the batch, and symbols all suffer the
same noise: codecs of published weights need both, others the scale.
"""

import math

from keras import ops

from semcom_phy.snr import db_to_linear

SCALE_STEPS_PER_DB = 10
SCALE_VALUES = 1024
SCALE_BYTES = 2
LOWEST_SCALE_DB = -60.0


def scale_step(power):
    """Step of the scale that is nearest to a mean square.

    Its gradient is that before rounding: without one, nothing would keep the power that
    an encoder in training gives its symbols from drifting to where the decoder does not
    expect it.

    Input
    -----
    power : [batch], `float32`
        Of the values that are sent

    Output
    ------
    : [batch], `float32`, whole numbers in [0, 1024)
        Steps of 0.1 dB from -60 dB on
    """
    level_db = 10.0 * ops.log10(ops.maximum(power, 1e-12))
    step = (level_db - LOWEST_SCALE_DB) * SCALE_STEPS_PER_DB
    step = ops.clip(step, 0, SCALE_VALUES - 1)
    return step + ops.stop_gradient(ops.round(step) - step)


def scale_index(power):
    """:func:`scale_step` as `int32`, which has no gradient."""
    return ops.cast(scale_step(power), "int32")


def scale_of(index):
    """What complex symbols of unit power were divided by, [batch] `float32`: root 2
    times the root mean square of a step."""
    level_db = ops.cast(index, "float32") / SCALE_STEPS_PER_DB + LOWEST_SCALE_DB
    return math.sqrt(2.0) * ops.sqrt(db_to_linear(level_db))


def check_scales(index):
    """Refuses steps that there are not, of a NumPy array, with a `ValueError`."""
    if (index >= SCALE_VALUES).any():
        raise ValueError(f"scale of {index.max()}, at most {SCALE_VALUES - 1}")


def shrunk(z_hat, no_eff, snr_db):
    """Symbols as on AWGN where they are as good; worse ones do not drown the others.

    Input
    -----
    z_hat : [batch, num_symbols], `complex64`
        Unbiased estimates

    no_eff : [batch, num_symbols], `float32`
        Their error variances [linear]

    snr_db : [batch], `float32`
        SNR that the networks are told [dB]

    Output
    ------
    : [batch, num_symbols], `complex64`
    """
    expected = 1.0 + db_to_linear(-snr_db)[:, None]
    shrink = ops.minimum(expected / (1.0 + no_eff), 1.0)
    return z_hat * ops.cast(shrink, "complex64")
