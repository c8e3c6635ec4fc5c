"""GenED-SC over AWGN: the object is sent, the rest edited by what a caption says."""

from scenarios import runner
from scenarios.kinds.edited import EditedScenario

SCENARIO = EditedScenario(name="edited_awgn", channel="awgn", csi="perfect")


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
