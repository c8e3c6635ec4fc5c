"""Kodak's photographs over 2x2 flat Rayleigh fading, LS estimation and L-MMSE
detection."""

from scenarios import runner
from scenarios.kinds.photo import PhotoScenario

SCENARIO = PhotoScenario(
    name="kodak_2x2",
    num_tx_ant=2,
    num_rx_ant=2,
    snr_db=(0.0, 5.0, 10.0, 15.0, 20.0),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
