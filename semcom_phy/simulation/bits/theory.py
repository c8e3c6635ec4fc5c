"""Closed forms to draw beside measured bit error rates."""

import numpy as np

from semcom_phy.metrics.link import qam_ber_awgn, qam_ber_rayleigh, qpsk_ber_rayleigh


def closed_form_ber(header, snr_db):
    """Bit error rate of a link in closed form, where there is one.

    Uncoded QAM with perfect CSI over AWGN (any number of antennas: the streams do not
    meet) and over 1x1 Rayleigh fading; uncoded QPSK over 1x1 Rayleigh fading estimated
    by least squares from the pilots of the block.

    Input
    -----
    header : `dict`
        Of a :class:`~semcom_phy.simulation.bits.results.BitResultFile`
    snr_db : any shape, `float`
        SNR per receive antenna [dB]

    Output
    ------
    : shape of ``snr_db``, `float`, or `None` where no closed form is known
    """
    scenario, sent = header["scenario"], header["description"]
    order = sent["modulation_order"]
    if sent["code"] != "none" or scenario["detector"] is not None:
        return None
    perfect = scenario["csi"] == "perfect"
    if scenario["channel"] == "awgn" and perfect:
        return qam_ber_awgn(snr_db, order)
    antennas = scenario["num_tx_ant"], scenario["num_rx_ant"]
    if scenario["channel"] != "rayleigh" or antennas != (1, 1):
        return None
    if perfect:
        return qam_ber_rayleigh(snr_db, order)
    if order == 2:
        no = 10 ** (-np.asarray(snr_db) / 10)  # a figure needs no tensor library
        return qpsk_ber_rayleigh(snr_db, no / header["frame"]["pilot_res"])
    return None
