"""Driving scenes over AWGN: where the symbols go, and what that does to what matters.

AWGN and training at 10 dB as in the SA-OOSC paper; ``driving_scene_2x2`` is the same
over fading.
"""

from fractions import Fraction

from scenarios import runner
from scenarios.scenario import IMAGE_METRICS, IMPORTANCE_METRICS, Scenario

SCENARIO = Scenario(
    name="driving_scene",
    channel="awgn",
    csi="perfect",
    cbr=Fraction(1, 32),
    dataset="camvid",
    image_size=(192, 256),
    num_images=233,
    systems=(
        *("sa_oosc", "oosc", "ntscc", "deepjscc_patches"),
        *("hevc_ldpc", "hevc_ldpc_labels"),
    ),
    metrics=(*IMAGE_METRICS, *IMPORTANCE_METRICS),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
