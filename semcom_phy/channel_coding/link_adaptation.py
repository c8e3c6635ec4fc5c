"""Link adaptation: the MCS with the best expected PSNR, given what is known."""

from dataclasses import dataclass

import numpy as np

from semcom_phy.channel_coding.bler import block_error_rate
from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.mutual_information import effective_snr_db


@dataclass(frozen=True)
class McsChoice:
    """Result of `select_mcs`.

    Parameters
    ----------
    mcs : `Mcs` | `None`
        `None`: no scheme promises more than the outage, nothing is sent
    expected_quality : `float`
        Expected PSNR [dB]; ``outage_quality`` where ``mcs`` is `None`
    outage : `float`, 0 to 1
        Predicted block error rate; 1 where ``mcs`` is `None`
    num_bytes : `int`
        Payload of the transport block [byte]; 0 where ``mcs`` is `None`
    """

    mcs: Mcs | None
    expected_quality: float
    outage: float
    num_bytes: int


def predicted_outage(mcs, num_symbols, sinr):
    r"""Predicted block error rate of one MCS on each fade.

    The SINRs of the streams are mapped to one effective SNR by the mutual
    information of the modulation (`effective_snr_db`), and this to a BLER by the
    stored AWGN curves (`block_error_rate`).

    Input
    -----
    mcs : `Mcs`

    num_symbols : `int`
        Complex data symbols [channel uses]

    sinr : [num_fades, num_streams], `float`, >= 0
        SINR after equalisation [linear]; more columns for channels that vary over
        the grid

    Output
    ------
    : [num_fades], `float`, 0 to 1
        Block error rate; 1 where not even one byte fits

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
    plan = plan_blocks(mcs, num_symbols)
    if plan is None:
        return np.ones(len(sinr))
    order = mcs.modulation_order
    return block_error_rate(plan, order, effective_snr_db(order, sinr))


def select_mcs(candidates, num_symbols, quality, outage_quality, sinr_samples):
    r"""Chooses the MCS that maximises the expected PSNR.

    .. math::
        \hat{m} = \arg\max_m \frac{1}{F} \sum_{f=1}^{F}
            \big(1 - p_m(\gamma_f)\big)\, Q(B_m) + p_m(\gamma_f)\, Q_0

    with the payload :math:`B_m` of scheme :math:`m`, the PSNR :math:`Q(B)` of the
    source codec, the PSNR :math:`Q_0` of an outage and the block error rate
    :math:`p_m`. What the transmitter knows is in the fades: many fades drawn at the
    average SNR ("average"), or the single fade that was fed back ("csi").

    Input
    -----
    candidates : sequence of `Mcs`
        Schemes to choose from

    num_symbols : `int`
        Complex data symbols [channel uses]

    quality : `callable`, num_bytes -> PSNR [dB] | `None`
        `None` where the codec's smallest stream does not fit into ``num_bytes``

    outage_quality : `float`
        PSNR of an image that was not received [dB]

    sinr_samples : [num_fades, num_streams], `float`, >= 0
        SINR after equalisation [linear]

    Output
    ------
    : `McsChoice`
        With ``mcs=None`` if no candidate fits or promises more than the outage

    Raises
    ------
    ValueError
        If there is no candidate, or ``sinr_samples`` has the wrong shape.
    """
    if not candidates:
        raise ValueError("select_mcs needs at least one candidate. Received: none")
    best = McsChoice(None, float(outage_quality), 1.0, 0)
    for mcs in candidates:
        plan = plan_blocks(mcs, num_symbols)
        psnr = None if plan is None else quality(plan.max_bytes)
        if psnr is None or psnr <= best.expected_quality:
            continue  # even without an error it could not win
        outage = float(predicted_outage(mcs, num_symbols, sinr_samples).mean())
        expected = (1 - outage) * psnr + outage * outage_quality
        if expected > best.expected_quality:
            best = McsChoice(mcs, float(expected), outage, plan.max_bytes)
    return best
