"""Captions over 2x2 flat Rayleigh fading, one fade a caption, estimated CSI."""

from scenarios import runner
from scenarios.kinds.caption import CaptionScenario

SCENARIO = CaptionScenario(
    name="caption_2x2",
    num_tx_ant=2,
    num_rx_ant=2,
    channel="rayleigh",
    snr_db=(0.0, 5.0, 10.0, 15.0, 20.0),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
