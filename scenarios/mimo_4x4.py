"""32x32 photographs over 4x4 flat Rayleigh fading, cbr 1/4."""

from fractions import Fraction

from scenarios import runner
from scenarios.scenario import Scenario

SCENARIO = Scenario(
    name="mimo_4x4",
    num_tx_ant=4,
    num_rx_ant=4,
    channel="rayleigh",
    cbr=Fraction(1, 4),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
