"""Block error rate of our transport on AWGN, from stored measurements."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtr

from semcom_phy.channel_coding.mutual_information import bicm_capacity_snr_db

# Schedule of the decoder -> what was measured with it.
CURVES_FILES = {
    "flooding": Path(__file__).with_name("bler_curves.json"),
    "layered": Path(__file__).with_name("bler_curves_layered.json"),
}


def fit_waterfall(snr_db, num_blocks, num_errors):
    r"""Maximum-likelihood fit of a Gaussian waterfall to counted block errors.

    .. math::
        \mathrm{BLER}(\gamma) = Q\big((\gamma - \mu) / \sigma\big)
        \quad \text{with } \gamma \text{ in dB}

    Input
    -----
    snr_db, num_blocks, num_errors : [num_points]
        Es/N0 [dB], blocks sent, blocks wrong

    Output
    ------
    threshold_db, width_db : `float`
        :math:`\mu`, the SNR of BLER 1/2, and :math:`\sigma` > 0 [dB]
    """
    snr_db, num_blocks, num_errors = map(np.asarray, (snr_db, num_blocks, num_errors))

    def negative_log_likelihood(parameters):
        z = (snr_db - parameters[0]) * np.exp(-parameters[1])
        right = (num_blocks - num_errors) * log_ndtr(z)
        return -np.sum(num_errors * log_ndtr(-z) + right)

    bler = num_errors / num_blocks
    start = snr_db[np.argmin(np.abs(bler - 0.5))], np.log(0.5)
    fit = minimize(negative_log_likelihood, start, method="Nelder-Mead")
    return float(fit.x[0]), float(np.exp(fit.x[1]))


@lru_cache(maxsize=4)
def _gaps(schedule):
    """Per modulation order and MCS: [(rate, log2 k, gap to capacity, width [dB])]."""
    if schedule not in CURVES_FILES:
        raise ValueError(
            f"schedule must be one of {', '.join(CURVES_FILES)}, got {schedule!r}"
        )
    path = CURVES_FILES[schedule]
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file of BLER curves at {path}; make it with "
            f"`python -m semcom_phy.channel_coding.measure_bler --schedule {schedule}`."
        )
    curves = {}
    for c in json.loads(path.read_text())["curves"]:
        order, rate = c["modulation_order"], c["info_bits"] / c["coded_bits"]
        gap = c["threshold_db"] - bicm_capacity_snr_db(order, order * rate)
        of_mcs = curves.setdefault(order, {}).setdefault((c["table"], c["index"]), [])
        of_mcs.append((rate, np.log2(c["info_bits"]), gap, c["width_db"]))
    return curves


@lru_cache(maxsize=4096)
def waterfall(modulation_order, info_bits, coded_bits, schedule="flooding"):
    r"""Threshold and width of the waterfall of one LDPC-coded QAM block.

    What is interpolated is the distance to the BICM capacity: linearly in
    :math:`\log_2 k` and in the code rate, among the stored curves of the same
    modulation. Outside their range the nearest distance holds.

    Input
    -----
    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    info_bits, coded_bits : `int`
        Size of a code block before and after the LDPC encoder [bit]

    schedule : "flooding" (default) | "layered"
        Of the decoder, see :class:`~semcom_phy.channel_coding.ldpc.LDPC5GCode`

    Output
    ------
    threshold_db, width_db : `float`
        Parameters of `fit_waterfall` [dB]

    Raises
    ------
    ValueError
        If there is no such schedule.
    FileNotFoundError
        If nothing was measured with it.
    """
    rate, length = info_bits / coded_bits, np.log2(info_bits)
    per_mcs = []
    for points in _gaps(schedule)[modulation_order].values():
        points = np.array(sorted(points, key=lambda p: p[1])).T
        per_mcs.append([np.interp(length, points[1], row) for row in points])
    rates, _, gaps, widths = np.array(sorted(per_mcs)).T
    limit = bicm_capacity_snr_db(modulation_order, modulation_order * rate)
    gap, width = np.interp(rate, rates, gaps), np.interp(rate, rates, widths)
    return float(limit + gap), float(width)


def block_error_rate(plan, modulation_order, snr_db, schedule="flooding"):
    r"""Predicted error rate of a transport block on AWGN.

    .. math::
        \mathrm{BLER} = 1 - (1 - p)^C, \qquad p = Q((\gamma - \mu)/\sigma)

    Input
    -----
    plan : `BlockPlan`
        Code blocks of the transport block

    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    snr_db : any shape, `float`
        Es/N0, or the effective SNR of a fade [dB]

    schedule : "flooding" (default) | "layered"
        Of the decoder, see :class:`~semcom_phy.channel_coding.ldpc.LDPC5GCode`

    Output
    ------
    : shape of ``snr_db``, `float`, 0 to 1
        Transport-block error rate

    Raises
    ------
    ValueError
        If there is no such schedule.
    """
    threshold, width = waterfall(
        modulation_order, plan.code_block_bits, plan.coded_bits, schedule
    )
    error = ndtr((threshold - np.asarray(snr_db)) / width)
    return 1 - (1 - error) ** plan.num_code_blocks
