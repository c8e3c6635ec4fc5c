"""MMSemCom over 2x2 flat Rayleigh fading, one fade a picture, estimated CSI."""

from scenarios import runner
from scenarios.kinds.generated import GeneratedScenario

SCENARIO = GeneratedScenario(
    name="generated_2x2", num_tx_ant=2, num_rx_ant=2, channel="rayleigh"
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
