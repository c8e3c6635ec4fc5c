"""GenED-SC over 2x2 flat Rayleigh fading, one fade an image, estimated CSI."""

from scenarios import runner
from scenarios.kinds.edited import EditedScenario

SCENARIO = EditedScenario(
    name="edited_2x2", num_tx_ant=2, num_rx_ant=2, channel="rayleigh"
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
