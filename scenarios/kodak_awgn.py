"""Kodak's photographs over AWGN: 512x768 pixels, cbr 1/16, 1 to 13 dB.

The setting of NTSCC, WITT and SwinJSCC; ``kodak_2x2`` is the same over fading.
"""

from scenarios import runner
from scenarios.kinds.photo import PhotoScenario

SCENARIO = PhotoScenario(name="kodak_awgn", channel="awgn", csi="perfect")


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
