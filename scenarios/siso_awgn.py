"""32x32 photographs over AWGN, one antenna each, cbr 1/6."""

from fractions import Fraction

from scenarios import runner
from scenarios.scenario import Scenario

SCENARIO = Scenario(
    name="siso_awgn",
    channel="awgn",
    cbr=Fraction(1, 6),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
