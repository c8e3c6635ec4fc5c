"""Predicted and measured outage of HEVC + LDPC on a fast frequency-selective channel.

    python -m benchmarks.interpolation_outage [--images 64] [--draws 2]
        [--snr 10 20 30 40] [--interpolation linear ...] [--adaptation average csi]
        [--speed 30] [--delay-spread 3e-7]

2x2 TDL, estimated CSI. A link adaptation that counts the interpolation error loses no
more images than it predicts (plus 0.03 of chance), and the PSNR does not fall with the
SNR by more than its interval. The command prints a row per interpolation, adaptation
and SNR, and returns 1 if either does not hold.
"""

import sys
from dataclasses import replace
from typing import NamedTuple

from link_models.links.radio import build_channel
from link_models.systems.table import build_system
from scenarios.command.arguments import Parser
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.phy.estimation.csi import INTERPOLATORS
from semcom_phy.simulation.sweep import Link, SweepSettings, simulate_point
from semcom_phy.sources.images import load_samples

SNR_DB = (10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0)
MARGIN = 0.03


class Row(NamedTuple):
    """A point of a curve: PSNR [dB] with its half interval, and outages."""

    snr_db: float
    psnr_db: float
    half_width: float
    predicted: float
    measured: float

    def faults(self, before):
        """What does not hold at this point, given the one before (or `None`)."""
        faults = []
        if self.measured > self.predicted + MARGIN:
            faults.append("outage")
        if before and self.psnr_db < before.psnr_db - self.half_width:
            faults.append("PSNR")
        return faults


def curve(scenario, samples, snr_db, settings):
    """Yields the :class:`Row` of every SNR."""
    link = Link(build_system("hevc_ldpc", scenario), build_channel(scenario))
    for snr in sorted(snr_db):
        point = simulate_point(link, samples, snr, settings)
        quality = point.metrics["psnr_db"]
        yield Row(
            snr,
            quality.mean,
            quality.half_width or 0.0,
            point.extras["predicted_outage"].mean,
            point.metrics["outage"].mean,
        )


def main(argv=None):
    """Prints the table; returns 0 if everything holds, else 1."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--images", type=int, default=64)
    add("--draws", type=int, default=2, help="fades per image")
    add("--seed", type=int, default=1)
    add("--snr", type=float, nargs="+", default=list(SNR_DB))
    add("--interpolation", nargs="+", choices=INTERPOLATORS, default=[*INTERPOLATORS])
    both = ["average", "csi"]
    add("--adaptation", nargs="+", choices=both, default=both)
    add("--speed", type=float, default=30.0, help="[m/s]")
    add("--delay-spread", type=float, default=300e-9, help="[s]")
    args = parser.parse_args(argv)
    samples = load_samples("sample", args.images, seed=args.seed)
    settings = SweepSettings(seed=args.seed, draws=args.draws)
    source = samples.provenance["source"]
    print(f"{len(samples)} images, {args.draws} fades each: {source}")
    print("interpolation  adaptation   SNR    PSNR [dB]        predicted  measured")
    failed = False
    for interpolation in args.interpolation:
        for adaptation in args.adaptation:
            scenario = replace(
                SCENARIO,
                channel="tdl",
                csi="estimated",
                interpolation=interpolation,
                link_adaptation=adaptation,
                speed=args.speed,
                delay_spread=args.delay_spread,
            )
            before = None
            for row in curve(scenario, samples, args.snr, settings):
                faults = row.faults(before)
                failed, before = failed or bool(faults), row
                print(
                    f"{interpolation:14s} {adaptation:10s} {row.snr_db:5g}   "
                    f"{row.psnr_db:5.2f} +- {row.half_width:4.2f}   "
                    f"{row.predicted:9.3f} {row.measured:9.3f}  {', '.join(faults)}",
                    flush=True,
                )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
