"""Link quality: counted error rates, closed forms they must meet, and capacities.

All functions take and return NumPy arrays.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc
from scipy.stats import binomtest


@dataclass(frozen=True)
class ErrorCount:
    """A counted error rate with its exact binomial interval.

    Counts of separate runs add up: ``ErrorCount(1, 9) + ErrorCount(0, 5)``.

    Parameters
    ----------
    num_errors : `int`, >= 0
        Wrong bits or blocks
    num_trials : `int`, >= ``num_errors``
        Sent bits or blocks

    Raises
    ------
    ValueError
        If the counts contradict each other.
    """

    num_errors: int = 0
    num_trials: int = 0

    def __post_init__(self):
        if not 0 <= self.num_errors <= self.num_trials:
            raise ValueError(
                "num_errors must lie between 0 and num_trials. Received: "
                f"num_errors={self.num_errors}, num_trials={self.num_trials}"
            )

    def __add__(self, other):
        return ErrorCount(
            self.num_errors + other.num_errors, self.num_trials + other.num_trials
        )

    @property
    def rate(self):
        """Error rate; `None` where nothing was counted, never 0."""
        return self.num_errors / self.num_trials if self.num_trials else None

    def interval(self, confidence=0.95):
        """Clopper-Pearson interval (low, high); `None` where nothing was counted.

        References
        ----------
        C. Clopper, E. Pearson, "The use of confidence or fiducial limits illustrated
        in the case of the binomial", Biometrika 26, 1934.
        """
        if not self.num_trials:
            return None
        counted = binomtest(self.num_errors, self.num_trials)
        low, high = counted.proportion_ci(confidence, method="exact")
        return float(low), float(high)


def count_errors(bits, bits_hat):
    """Counts wrong bits and wrong blocks.

    Input
    -----
    bits, bits_hat : [num_blocks, block_length], 0 | 1
        Sent and decided bits

    Output
    ------
    bit_errors, block_errors : `ErrorCount`
        A block is wrong if any of its bits is

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    bits, bits_hat = np.asarray(bits), np.asarray(bits_hat)
    if bits.shape != bits_hat.shape or bits.ndim != 2:
        raise ValueError(
            "bits and bits_hat must share one shape [num_blocks, block_length]. "
            f"Received: {bits.shape} and {bits_hat.shape}"
        )
    wrong = bits != bits_hat
    return (
        ErrorCount(int(wrong.sum()), wrong.size),
        ErrorCount(int(wrong.any(axis=1).sum()), len(wrong)),
    )


def qam_ber_awgn(snr_db, modulation_order):
    r"""Bit error rate of uncoded square Gray QAM on AWGN, decided by nearest point.

    With :math:`M = 2^m` points and :math:`L = \sqrt{M}` levels per real dimension, the
    mean over the bits :math:`k = 1, \dots, m/2` of

    .. math::
        P_k = \frac{1}{L} \sum_{i=0}^{(1 - 2^{-k}) L - 1}
            (-1)^{\lfloor i 2^{k-1} / L \rfloor} \Big(2^{k-1} -
            \Big\lfloor \frac{i 2^{k-1}}{L} + \frac12 \Big\rfloor\Big)
            \operatorname{erfc}\Big((2i + 1)
            \sqrt{\tfrac{3}{2(M-1)} E_s/N_0}\Big)

    Input
    -----
    snr_db : any shape, `float`
        Es/N0 [dB]

    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol, m

    Output
    ------
    : shape of ``snr_db``, `float`
        Bit error rate

    Example
    -------
    >>> [f"{ber:.1e}" for ber in qam_ber_awgn([0.0, 10.0], modulation_order=2)]
    ['1.6e-01', '7.8e-04']

    References
    ----------
    K. Cho, D. Yoon, "On the general BER expression of one- and two-dimensional
    amplitude modulations", IEEE Trans. Commun. 50(7), 2002.
    """
    weights, distances = _qam_error_terms(modulation_order)
    snr = 10 ** (np.asarray(snr_db, float)[..., None] / 10)
    return (weights * erfc(distances * np.sqrt(snr))).sum(axis=-1)


def qam_ber_rayleigh(snr_db, modulation_order):
    r"""Bit error rate of uncoded square Gray QAM on 1x1 Rayleigh fading, CSI perfect.

    The terms of `qam_ber_awgn` averaged over the exponential power of the fade,
    :math:`E[\operatorname{erfc}(d \sqrt{|h|^2 E_s/N_0})]
    = 1 - \sqrt{d^2 \gamma / (1 + d^2 \gamma)}` at the average :math:`\gamma`.

    Input
    -----
    snr_db, modulation_order : see `qam_ber_awgn`
        Average Es/N0 [dB]

    Output
    ------
    : shape of ``snr_db``, `float`
        Bit error rate, averaged over the fading
    """
    weights, distances = _qam_error_terms(modulation_order)
    snr = distances**2 * 10 ** (np.asarray(snr_db, float)[..., None] / 10)
    return (weights * (1 - np.sqrt(snr / (1 + snr)))).sum(axis=-1)


def _qam_error_terms(modulation_order):
    """Weights and distances [num_terms] of the complementary error functions."""
    levels = 2 ** (modulation_order // 2)
    weights, distances = [], []
    for k in range(1, modulation_order // 2 + 1):
        i = np.arange(levels - levels // 2**k)
        step = i * 2 ** (k - 1) / levels
        weights.append((-1) ** np.floor(step) * (2 ** (k - 1) - np.floor(step + 0.5)))
        distances.append(2 * i + 1)
    scale = np.sqrt(3 / (2 * (levels**2 - 1)))
    weights = np.concatenate(weights) / levels / (modulation_order // 2)
    return weights, scale * np.concatenate(distances)


def qpsk_ber_rayleigh(snr_db, error_variance=0.0):
    r"""Bit error rate of uncoded Gray QPSK on 1x1 Rayleigh fading.

    .. math::
        P_b = \frac12 \Big(1 - \frac{\mu}{\sqrt{2 - \mu^2}}\Big), \qquad
        \mu^2 = \frac{1}{(1 + N_0)(1 + \sigma_e^2)}

    where :math:`\mu` correlates the received symbol with the channel estimate
    :math:`\hat{h} = h + e`. LS estimation from P unit-power pilots has
    :math:`\sigma_e^2 = N_0 / P`; perfect CSI has 0.

    Input
    -----
    snr_db : any shape, `float`
        Average Es/N0 [dB]

    error_variance : broadcastable to ``snr_db``, `float`, >= 0 (default 0)
        Variance of the estimation error [linear]

    Output
    ------
    : shape of ``snr_db``, `float`
        Bit error rate, averaged over the fading

    References
    ----------
    J. Proakis, "Digital communications", 4th ed., appendix C.
    """
    no = 10 ** (-np.asarray(snr_db) / 10)
    mu_squared = 1 / ((1 + no) * (1 + np.asarray(error_variance)))
    return 0.5 * (1 - np.sqrt(mu_squared / (2 - mu_squared)))


def mimo_capacity(h, no):
    r"""Capacity of each channel realisation without CSI at the transmitter.

    .. math::
        C = \log_2 \det\big(\mathbf{I} + \tfrac{1}{N_0} \mathbf{H} \mathbf{H}^H\big)

    Input
    -----
    h : [..., num_rx_ant, num_tx_ant], `complex`
        Channel matrices; unit power per transmit antenna

    no : broadcastable to [...], `float`, > 0
        Noise variance per receive antenna [linear]

    Output
    ------
    : [...], `float`
        Bits per resource element [bit]

    Example
    -------
    >>> round(float(mimo_capacity(np.eye(2), no=1 / 3)), 6)  # 2 log2(1 + 3)
    4.0
    """
    h = np.asarray(h)
    no = np.asarray(no)[..., None, None]
    gram = np.eye(h.shape[-2]) + h @ np.conj(h).swapaxes(-1, -2) / no
    return np.linalg.slogdet(gram)[1] / np.log(2)


def lmmse_sinr(h, no):
    r"""SINR of each stream after L-MMSE detection with perfect CSI.

    .. math::
        \gamma_k = \frac{1}{\big[(\mathbf{I} + \tfrac{1}{N_0}
            \mathbf{H}^H \mathbf{H})^{-1}\big]_{kk}} - 1

    Input
    -----
    h : [..., num_rx_ant, num_tx_ant], `complex`
        Channel matrices; unit power per stream

    no : broadcastable to [...], `float`, > 0
        Noise variance per receive antenna [linear]

    Output
    ------
    : [..., num_tx_ant], `float`
        SINR [linear], the inverse of ``no_eff``
    """
    h = np.asarray(h)
    no = np.asarray(no)[..., None, None]
    gram = np.eye(h.shape[-1]) + np.conj(h).swapaxes(-1, -2) @ h / no
    diagonal = np.diagonal(np.linalg.inv(gram), axis1=-2, axis2=-1).real
    return np.maximum(1 / diagonal - 1, 0.0)


def lmmse_sum_rate(h, no):
    r"""Rate of separately coded streams after L-MMSE detection.

    .. math::
        R = \sum_k \log_2(1 + \gamma_k)

    Input
    -----
    h, no : see `lmmse_sinr`

    Output
    ------
    : [...], `float`
        Bits per resource element [bit], at most `mimo_capacity`
    """
    return np.log2(1 + lmmse_sinr(h, no)).sum(axis=-1)
