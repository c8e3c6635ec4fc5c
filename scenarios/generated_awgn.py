"""MMSemCom over AWGN: pictures selected among generated ones by what arrives."""

from scenarios import runner
from scenarios.kinds.generated import GeneratedScenario

SCENARIO = GeneratedScenario(name="generated_awgn", channel="awgn", csi="perfect")


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
