"""32x32 photographs over 2x2 flat Rayleigh fading, cbr 1/4: the main job."""

from fractions import Fraction

from scenarios import runner
from scenarios.scenario import Scenario

SCENARIO = Scenario(
    name="mimo_2x2",
    num_tx_ant=2,
    num_rx_ant=2,
    channel="rayleigh",
    cbr=Fraction(1, 4),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
