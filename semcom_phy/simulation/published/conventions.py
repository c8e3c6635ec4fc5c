r"""SNRs and rates as public code bases and papers count them, in our definitions.

Ours are complex Es/N0 per receive antenna [dB], and cbr: complex data symbols per
source dimension, 3HW for an RGB image (``docs/definitions.md``).

What no function here converts: the mean over images of the PSNR and the PSNR of the
mean squared error. The one does not follow from the other without the errors of every
image; a label has to say which of the two a figure is.
"""

import math


def snr_of_code(nominal_db, symbol_power=1.0, noise_power=1.0):
    r"""Es/N0 of a link whose code scales its symbols or its noise in its own way.

    .. math::
        \mathrm{SNR} = \mathrm{SNR}_\text{nominal} + 10 \log_{10} \frac{P}{N}

    Parameters
    ----------
    nominal_db : `float`
        What the code calls its SNR [dB]
    symbol_power : `float`, (default 1.0)
        Mean power P of a complex symbol, E|x|^2: 2 where every *real* dimension is
        normalised to power 1
    noise_power : `float`, (default 1.0)
        Variance N of the complex noise in units of ``10**(-nominal_db / 10)``: 2 where
        each of the two real dimensions is given all of it

    Output
    ------
    : `float`
        Es/N0 of complex symbols [dB]

    Raises
    ------
    ValueError
        If a power is not positive.

    References
    ----------
    The definitions of both powers; nothing is taken from a code base.
    """
    for name, power in (("symbol_power", symbol_power), ("noise_power", noise_power)):
        if not 0 < power < math.inf:
            raise ValueError(f"{name} must be positive and finite, got {power!r}")
    return nominal_db + 10 * math.log10(symbol_power / noise_power)


def snr_of_real_dimension(nominal_db):
    """Es/N0 of code that divides the power of *one real dimension* by the variance of
    the *complex* noise: ``nominal_db + 3.01``.

    So run three popular code bases: 3.01 dB above what they name ("Where public code
    differs" in ``docs/definitions.md``). Units as in :func:`snr_of_code`.

    Example
    -------
    >>> round(snr_of_real_dimension(10.0), 2)
    13.01
    """
    return snr_of_code(nominal_db, symbol_power=2.0)


def snr_of_doubled_noise(nominal_db):
    """Es/N0 of code that gives *each* real dimension of symbols of unit power the whole
    noise variance, in place of half of it: ``nominal_db - 3.01``.

    Units as in :func:`snr_of_code`.
    """
    return snr_of_code(nominal_db, noise_power=2.0)


def cbr_of_real_symbols(rate):
    """cbr of real symbols per source dimension, ``rate / 2``: two of them make a
    complex one. This is ``cr_real``, the CR of the ECA paper."""
    return rate / 2


def cbr_of_uses(rate, num_streams):
    """cbr of channel uses (resource elements) per source dimension,
    ``rate * num_streams``: a use carries a complex symbol on every stream.

    Raises
    ------
    ValueError
        If ``num_streams`` is not positive.

    Example
    -------
    >>> cbr_of_uses(1 / 8, num_streams=2)
    0.25
    """
    return rate * _positive("num_streams", num_streams)


def cbr_of_symbols_per_pixel(rate, num_colors=3):
    """cbr of complex symbols per pixel, ``rate / num_colors``: a pixel is a source
    dimension for every colour.

    Raises
    ------
    ValueError
        If ``num_colors`` is not positive.
    """
    return rate / _positive("num_colors", num_colors)


def cbr_of_bits_per_pixel(bpp, bits_per_symbol, num_colors=3):
    """cbr of a digital scheme, ``bpp / (bits_per_symbol * num_colors)``.

    Parameters
    ----------
    bpp : `float`
        Source bits per pixel [bit]
    bits_per_symbol : `float`
        Information bits per complex symbol: those of the modulation times the code
        rate, or the capacity log2(1 + SNR) [bit]
    num_colors : `int`, (default 3)
        Source dimensions of a pixel

    Raises
    ------
    ValueError
        If ``bits_per_symbol`` or ``num_colors`` is not positive.

    Example
    -------
    >>> cbr_of_bits_per_pixel(0.75, bits_per_symbol=1.0)  # QPSK at rate 1/2
    0.25
    """
    return cbr_of_symbols_per_pixel(
        bpp / _positive("bits_per_symbol", bits_per_symbol), num_colors
    )


def _positive(name, value):
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return value
