"""Link adaptation: what every scheme carries, and how often its frames fail."""

import numpy as np

from semcom_phy.channel_coding.bler import block_error_rate
from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mutual_information import effective_snr_db


def payload_bytes(schemes, num_symbols):
    r"""Longest payload of every scheme.

    Input
    -----
    schemes : sequence of `Mcs`

    num_symbols : `int`
        Complex data symbols of a frame [channel uses]

    Output
    ------
    : [num_schemes], `int`
        [byte]; 0 where not even one fits

    Raises
    ------
    ValueError
        If there is no scheme.
    """
    if not schemes:
        raise ValueError("link adaptation needs at least one scheme. Received: none")
    plans = [plan_blocks(mcs, num_symbols) for mcs in schemes]
    return np.array([plan.max_bytes if plan else 0 for plan in plans])


def predicted_outage(schemes, num_symbols, sinr, schedule="flooding"):
    r"""Predicted frame error rate of every scheme on each fade.

    The SINRs of a fade are mapped to one effective SNR by the mutual information of
    the modulation (`effective_snr_db`), and this to the error rate of all code blocks
    of the frame together by the stored AWGN curves (`block_error_rate`). What a
    transmitter knows is in the fades: the mean over many that are drawn at the average
    SNR, or over those that a fed-back estimate leaves possible.

    Input
    -----
    schemes : sequence of `Mcs`

    num_symbols : `int`
        Complex data symbols of a frame [channel uses]

    sinr : [num_fades, num_streams], `float`, >= 0
        SINR after equalisation [linear]; more columns for channels that vary over
        the grid

    schedule : "flooding" (default) | "layered"
        Of the decoder, see :class:`~semcom_phy.channel_coding.ldpc.LDPC5GCode`

    Output
    ------
    : [num_fades, num_schemes], `float`, 0 to 1
        Frame error rate; 1 where not even one byte fits

    Raises
    ------
    ValueError
        If ``sinr`` is not two-dimensional.
    """
    sinr = np.asarray(sinr, float)
    if sinr.ndim != 2:
        raise ValueError(
            f"sinr must have shape [num_fades, num_streams]. Received: {sinr.shape}"
        )
    orders = {mcs.modulation_order for mcs in schemes}
    snr_db = {order: effective_snr_db(order, sinr) for order in orders}
    outage = np.ones((len(sinr), len(schemes)))
    for i, mcs in enumerate(schemes):
        plan, order = plan_blocks(mcs, num_symbols), mcs.modulation_order
        if plan is not None:
            outage[:, i] = block_error_rate(plan, order, snr_db[order], schedule)
    return outage
