"""32x32 photographs over 4x4 flat Rayleigh fading at a rate that codecs choose."""

from fractions import Fraction

from scenarios import runner
from scenarios.scenario import Scenario

SCENARIO = Scenario(
    name="adaptive_rate_4x4",
    num_tx_ant=4,
    num_rx_ant=4,
    channel="rayleigh",
    cbr=Fraction(520, 3072),
    fft_size=36,
    num_ofdm_symbols=10,
    pilot_ofdm_symbols=(0,),
    link_adaptation="csi",
    systems=(
        "eca",
        "hevc_ldpc_matched",
        "hevc_ldpc_matched_average",
        "hevc_half_matched",
    ),
)


def main(argv=None):
    """Runs the scenario's command line; returns the exit code."""
    return runner.main(argv, SCENARIO)


if __name__ == "__main__":
    raise SystemExit(main())
