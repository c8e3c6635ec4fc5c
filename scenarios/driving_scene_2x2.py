"""Driving scenes over 2x2 flat Rayleigh fading, LS estimation and L-MMSE detection."""

from dataclasses import replace

from scenarios import driving_scene, runner

SCENARIO = replace(
    driving_scene.SCENARIO,
    name="driving_scene_2x2",
    num_tx_ant=2,
    num_rx_ant=2,
    channel="rayleigh",
    csi="estimated",
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
