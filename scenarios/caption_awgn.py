"""Captions over AWGN, as in the VLM-CSC paper: word by word against separate coding."""

from scenarios import runner
from scenarios.kinds.caption import FIXED, SEPARATE, CaptionScenario

SCENARIO = CaptionScenario(
    name="caption_awgn",
    channel="awgn",
    csi="perfect",
    snr_db=(0.0, 2.0, 4.0, 6.0, 8.0, 10.0),
    # Those of one SNR were trained over AWGN: elsewhere they would be out of place.
    systems=("vlm_csc", *FIXED, *SEPARATE),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
