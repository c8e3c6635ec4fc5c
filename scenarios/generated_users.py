"""MMSemCom to several users of one transmitter, by time sharing and by Walsh codes,
over 2x2 flat Rayleigh fading with estimated CSI; --users says how many."""

from scenarios import runner
from scenarios.kinds.generated import GeneratedScenario

SCENARIO = GeneratedScenario(
    name="generated_users",
    num_tx_ant=2,
    num_rx_ant=2,
    channel="rayleigh",
    users=4,
    systems=("mmsemcom_sequential", "mmsemcom_simultaneous"),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
