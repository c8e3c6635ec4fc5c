"""Mutual information of Gray-labelled QAM under bit-interleaved coded modulation."""

from functools import lru_cache

import numpy as np

from semcom_phy.channel_coding.qam import qam_demap, qam_points

_SNR_DB = np.arange(-30.0, 50.01, 0.25)
_NUM_NODES = 96


@lru_cache
def _table(modulation_order):
    """BICM capacity [bit] on the grid `_SNR_DB`, by Gauss-Hermite quadrature."""
    node, weight = np.polynomial.hermite_e.hermegauss(_NUM_NODES)
    weight = weight / weight.sum()
    # Real and imaginary part are alike: the real one is enough, with its even bits.
    levels = np.unique(qam_points(modulation_order).real).astype(np.complex64)
    bits = qam_demap(levels[:, None], 1e-3, modulation_order)[:, 0::2] > 0
    sign = 1 - 2 * bits[:, None, :]  # [levels, 1, m/2]
    capacity = []
    for snr_db in _SNR_DB:
        no = 10 ** (-snr_db / 10)
        y = levels[:, None] + np.sqrt(no / 2) * node
        llr = qam_demap(y, no, modulation_order).astype(float)
        llr = llr.reshape(len(levels), _NUM_NODES, -1)[..., 0::2]
        loss = np.logaddexp(0, sign * llr) / np.log(2)
        loss = np.tensordot(weight, loss.mean(axis=0), axes=1).sum()
        capacity.append(modulation_order - 2 * loss)
    return np.maximum.accumulate(np.clip(capacity, 0, modulation_order))


def bicm_capacity(modulation_order, snr_db):
    r"""Mutual information between coded bits and their LLRs on AWGN.

    .. math::
        I = \sum_{i=1}^{m} 1 - E\big[\log_2(1 + e^{(1 - 2 b_i) \ell_i})\big]

    Input
    -----
    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    snr_db : any shape, `float`
        Es/N0 [dB]; tabulated from -30 to 50 dB in steps of 0.25 dB

    Output
    ------
    : shape of ``snr_db``, `float`
        Bits per symbol, 0 to ``modulation_order`` [bit]

    References
    ----------
    G. Caire, G. Taricco, E. Biglieri, "Bit-interleaved coded modulation", IEEE
    Trans. Inf. Theory 44(3), 1998.
    """
    return np.interp(snr_db, _SNR_DB, _table(modulation_order))


def bicm_capacity_snr_db(modulation_order, bits_per_symbol):
    """Es/N0 [dB] at which `bicm_capacity` reaches ``bits_per_symbol`` (its inverse)."""
    return np.interp(bits_per_symbol, _table(modulation_order), _SNR_DB)


def effective_snr_db(modulation_order, snr):
    r"""Effective SNR of symbols that see different SNRs (MIESM).

    .. math::
        \gamma_{eff} = I_m^{-1}\Big(\frac{1}{S} \sum_{s=1}^{S} I_m(\gamma_s)\Big)

    Input
    -----
    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    snr : [..., num_streams], `float`, >= 0
        SNR after equalisation of each stream or symbol group [linear]

    Output
    ------
    : [...], `float`
        SNR of an AWGN channel with the same mutual information [dB]

    References
    ----------
    K. Brueninghaus et al., "Link performance models for system level simulations of
    broadband radio access systems", PIMRC 2005.
    """
    snr_db = 10 * np.log10(np.maximum(snr, 1e-3))
    mean = bicm_capacity(modulation_order, snr_db).mean(axis=-1)
    return bicm_capacity_snr_db(modulation_order, mean)
