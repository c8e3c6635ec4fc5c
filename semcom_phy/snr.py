r"""The only place where decibels become linear quantities, and back.

SNR is the average received signal-to-noise ratio per receive antenna, Es/N0 of
complex symbols. Every stream has unit power and the channel entries are CN(0, 1), so
a receive antenna collects :math:`N_t` on average and

.. math::
    N_0 = N_t 10^{-\text{SNR}/10},

the same as total transmit power 1 and :math:`N_0 = 10^{-\text{SNR}/10}`.
"""

import math

import numpy as np
from keras import ops

SNR_RANGE_DB = (-100.0, 60.0)  # beyond, 32 bits no longer hold signal and noise
_BOLTZMANN_DBM_HZ = 10 * math.log10(1.380649e-23 * 290 * 1e3)


def db_to_linear(value_db):
    """Converts a power ratio from decibels, ``10**(value_db / 10)``.

    Input
    -----
    value_db : scalar, array or tensor, `float`
        Power ratio [dB]

    Output
    ------
    : same shape, `float32` (a tensor for a tensor)
        Power ratio [linear]

    Raises
    ------
    ValueError
        If a number or array holds NaN or infinity (tensors are not inspected).
    """
    if ops.is_tensor(value_db):
        return ops.power(10.0, ops.cast(value_db, "float32") / 10.0)
    value_db = _finite(value_db, "value in dB")
    return np.float32(np.power(10.0, value_db / 10.0))


def linear_to_db(value):
    """Converts a power ratio to decibels, ``10 log10(value)``.

    Input
    -----
    value : scalar, array or tensor, `float`, positive
        Power ratio [linear]

    Output
    ------
    : same shape, `float32` (a tensor for a tensor)
        Power ratio [dB]

    Raises
    ------
    ValueError
        If a number or array is not finite and positive (tensors are not inspected).
    """
    if ops.is_tensor(value):
        return 10.0 * ops.log10(ops.cast(value, "float32"))
    finite = _finite(value, "power ratio")
    if np.any(finite <= 0):
        raise ValueError(f"A power ratio must be positive, got {value}.")
    return np.float32(10.0 * np.log10(finite))


def snr_db_to_no(snr_db, num_tx_ant):
    """Noise variance for an average received SNR per receive antenna.

    Input
    -----
    snr_db : scalar, [batch], array or tensor, `float`
        SNR per receive antenna, Es/N0 [dB]

    num_tx_ant : `int`
        Number of transmit antennas, each sending a stream of unit power

    Output
    ------
    no : same shape, `float32`
        Noise variance per receive antenna and resource element [linear]

    Raises
    ------
    ValueError
        If ``snr_db`` holds NaN or infinity, or ``num_tx_ant`` is not positive.

    Example
    -------
    >>> float(snr_db_to_no(10.0, num_tx_ant=2))  # 2 streams of unit power
    0.2...
    """
    return _positive_int(num_tx_ant, "num_tx_ant") / db_to_linear(snr_db)


def no_to_snr_db(no, num_tx_ant):
    """Average received SNR per receive antenna for a noise variance.

    The inverse of :func:`snr_db_to_no`.

    Input
    -----
    no : scalar, [batch], array or tensor, `float`, positive
        Noise variance per receive antenna and resource element [linear]

    num_tx_ant : `int`
        Number of transmit antennas

    Output
    ------
    snr_db : same shape, `float32`
        SNR per receive antenna, Es/N0 [dB]

    Raises
    ------
    ValueError
        If ``no`` is not finite and positive, or ``num_tx_ant`` is not positive.
    """
    return linear_to_db(_positive_int(num_tx_ant, "num_tx_ant") / no)


def ebno_db_to_no(ebno_db, num_bits_per_symbol, code_rate):
    r"""Noise variance for an Eb/N0 per receive antenna.

    With unit power per stream, every stream carries :math:`m r` information bits per
    symbol, so :math:`N_0 = (m r 10^{(E_b/N_0)/10})^{-1}` for any number of streams.

    Input
    -----
    ebno_db : scalar, [batch], array or tensor, `float`
        Energy per information bit and receive antenna over N0 [dB]

    num_bits_per_symbol : `int`
        Bits per constellation symbol, m

    code_rate : `float`, in (0, 1]
        Information bits per coded bit, r

    Output
    ------
    no : same shape, `float32`
        Noise variance per receive antenna and resource element [linear]

    Raises
    ------
    ValueError
        If ``ebno_db`` is not finite, or the other arguments are out of range.
    """
    bits = _bits_per_symbol(num_bits_per_symbol, code_rate)
    return 1.0 / (bits * db_to_linear(ebno_db))


def no_to_ebno_db(no, num_bits_per_symbol, code_rate):
    r"""Eb/N0 per receive antenna for a noise variance.

    The inverse of :func:`ebno_db_to_no`, :math:`E_b/N_0 = (m r N_0)^{-1}`: with Nt
    streams at an SNR it is :math:`10 \log_{10}(N_t m r)` dB below it.

    Input
    -----
    no : scalar, [batch], array or tensor, `float`, positive
        Noise variance per receive antenna and resource element [linear]

    num_bits_per_symbol : `int`
        Bits per constellation symbol, m

    code_rate : `float`, in (0, 1]
        Information bits per coded bit, r

    Output
    ------
    ebno_db : same shape, `float32`
        Energy per information bit and receive antenna over N0 [dB]

    Raises
    ------
    ValueError
        If ``no`` is not finite and positive, or the others are out of range.
    """
    bits = _bits_per_symbol(num_bits_per_symbol, code_rate)
    return linear_to_db(1.0 / (bits * no))


def link_budget_to_no(
    tx_power_dbm, bandwidth_hz, num_tx_ant, noise_figure_db=7.0, temperature_k=290.0
):
    r"""Noise variance of a link with a real transmit power.

    For channel models that include path loss the SNR is an output. The transmit
    power P is split over the streams and a stream counts as unit power, so
    :math:`N_0 = N_t\, k T B F / P`.

    Input
    -----
    tx_power_dbm : scalar or array, `float`
        Total transmit power over the occupied bandwidth [dBm]

    bandwidth_hz : `float`, positive
        Occupied bandwidth [Hz]

    num_tx_ant : `int`
        Number of transmit antennas

    noise_figure_db : `float`, (default 7.0)
        Noise figure of the receiver [dB]

    temperature_k : `float`, (default 290.0)
        Noise temperature [K]

    Output
    ------
    no : same shape as ``tx_power_dbm``, `float32`
        Noise variance per receive antenna and resource element [linear]

    Raises
    ------
    ValueError
        If an argument is not finite or not positive where it must be.
    """
    if not bandwidth_hz > 0 or not temperature_k > 0:
        raise ValueError(
            "bandwidth_hz and temperature_k must be positive, got "
            f"{bandwidth_hz} and {temperature_k}."
        )
    noise_dbm = (
        _BOLTZMANN_DBM_HZ
        + 10 * math.log10(temperature_k / 290.0)
        + 10 * math.log10(bandwidth_hz)
        + noise_figure_db
    )
    return snr_db_to_no(np.asarray(tx_power_dbm) - noise_dbm, num_tx_ant)


def _bits_per_symbol(num_bits_per_symbol, code_rate):
    """Information bits per constellation symbol, m r."""
    if not 0 < code_rate <= 1:
        raise ValueError(f"code_rate must be in (0, 1], got {code_rate}.")
    return _positive_int(num_bits_per_symbol, "num_bits_per_symbol") * code_rate


def _finite(value, what):
    """`value` as a float64 array; ValueError if an entry is NaN or infinite."""
    array = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"Every {what} must be finite, got {value}.")
    return array


def _positive_int(value, name):
    if int(value) != value or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    return int(value)
