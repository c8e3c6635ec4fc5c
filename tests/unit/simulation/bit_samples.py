"""Bit links whose errors are known, and files of them."""

from dataclasses import dataclass

import numpy as np

from semcom_phy.metrics.link import ErrorCount
from semcom_phy.simulation.bits.results import BitPoint, ErrorRate
from semcom_phy.simulation.sweep import Link

NUM_BITS = 10
CODE = {
    "modules": {"a.py": "1"},
    "data": {},
    "settings": {},
    "weights": None,
    "versions": {},
}


class KnownSystem:
    """Every ``period``-th block has 3 wrong bits at 0 dB, none at 10 dB."""

    num_info_bits = NUM_BITS

    def __init__(self, channel, period):
        self.channel, self.period = channel, period

    def transmit(self, snr_db, h, seeds):
        wrong = np.array([int(seed) % self.period == 0 for seed in seeds])
        return 3 * wrong if snr_db < 10 else np.zeros(len(wrong), int)


class NoChannel:
    def sample_each(self, seeds):
        return np.zeros((len(seeds), 1))


@dataclass(frozen=True)
class BuildKnown:
    period: int = 4

    def __call__(self):
        channel = NoChannel()
        return Link(KnownSystem(channel, self.period), channel)


def header(name="uncoded_2", **changes):
    scenario = {"name": "siso", "num_tx_ant": 1, "num_rx_ant": 1}
    scenario |= {"channel": "rayleigh", "csi": "perfect", "detector": None}
    description = {"title": f"link {name}", "code": "none", "modulation_order": 2}
    return {
        "system": name,
        "description": description,
        "scenario": scenario,
        "frame": {"num_symbols": 5, "pilot_res": 4},
        "ebno_minus_snr_db": -3.01,
        "seed": 1,
        "sweep": {"target_errors": 3, "max_blocks": 100},
        "definitions": {},
        "versions": {},
        "code": CODE,
    } | changes


def point(num_errors, num_blocks, code="current"):
    blocks = ErrorCount(num_errors, num_blocks)
    bits = ErrorCount(3 * num_errors, NUM_BITS * num_blocks)
    return BitPoint(
        "done",
        ErrorRate(bits, bits.interval()),
        ErrorRate(blocks, blocks.interval()),
        code,
    )
