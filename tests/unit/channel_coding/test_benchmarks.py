"""The bit-link benchmarks run, and their counting is sound."""

import json

import numpy as np
import pytest

from benchmarks import ber_reference, ber_sweep, ldpc_decoders, ldpc_waterfall
from semcom_phy.simulation.engines import SerialEngine


def test_waterfall_table(tmp_path, capsys):
    """Ten blocks per point meet every decodes/fails entry, and the JSON holds counts
    and intervals (10 blocks: the nearest case has BLER 0.77, binomial)."""
    assert ldpc_waterfall.main(["--blocks", "10", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "ldpc_waterfall.json").read_text())
    assert len(result["points"]) == 17
    for point in result["points"]:
        assert point["met"]
        assert point["in_order"]["num_blocks"] == 10
        low, high = point["in_order"]["ci95"]
        assert low <= point["in_order"]["bler"] <= high
    assert "64-QAM" in capsys.readouterr().out


def test_sweep_counts_our_blocks():
    """Our half of the comparison stops with the block errors asked for, in every point
    (exact); the frame is that of the plain script."""
    (one, two), start_up = ber_sweep.run_ours(SerialEngine(), [0.0, 5.0], 30, seed=1)
    for seconds, errors, blocks in (one, two):
        assert errors == 30 and 30 <= blocks < 100 and seconds > 0
    assert start_up > 0
    transport = ber_sweep.our_link()().system.transport
    assert transport.plan.code_block_bits == 3456 and transport.plan.coded_bits == 6912


def test_reference_shares_nothing_but_the_fades():
    """The NumPy reference meets our link on the same fades (4 standard errors of 200
    blocks), and is told from it where the noise is 0.5 dB stronger."""
    ours, fades = ber_reference.our_blocks("estimated", 8.0, 200, seed=1)
    for snr_db, same in ((8.0, True), (7.5, False)):
        rng = np.random.default_rng(2)
        shares = ber_reference.reference_block_errors(snr_db, 200, True, rng, fades)
        error = ber_reference.standard_error(ours - shares)
        assert (abs((ours - shares).mean()) < 4 * error) == same


def test_decoders_side_by_side(tmp_path, monkeypatch):
    """Flooding decides the words of the decoder of before, in the waterfall, where
    layered decides others (exact, 100 blocks). Sionna's would compile for too long."""
    monkeypatch.setattr(ldpc_decoders, "sionna_xla", lambda code: {})
    small = ["--k", "100", "--n", "200", "--blocks", "100", "--repeats", "1"]
    argv = [*small, "--ebno", "1.5", "--out", str(tmp_path)]
    assert ldpc_decoders.main(argv) == 0
    stored = json.loads((tmp_path / "ldpc_decoders.json").read_text())
    rows = stored["points"][0]["decoders"]
    assert len(rows) in (4, 6)  # without and with Numba
    for row in rows:
        assert row["num_blocks"] == 100 and row["words_per_s"] > 0
        assert row["ci95"][0] <= row["bler"] <= row["ci95"][1]
        assert (row["other_words"] > 0) == ("layered" in row["decoder"])
    assert 0 < rows[0]["bler"] < 1


def test_decoders_refuse_what_they_cannot_compare(capsys):
    """Repetition and sizes that no code has are told by the command line."""
    for argv in (["--k", "100", "--n", "501"], ["--k", "9000"], ["--repeats", "0"]):
        with pytest.raises(SystemExit):
            ldpc_decoders.main(argv)
    assert "--n must be at most 5 k = 500, got 501" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--blocks", "0"]])
def test_bad_arguments_exit(argv):
    """No blocks is refused by the command line (exit code 2)."""
    with pytest.raises(SystemExit) as exit_:
        ldpc_waterfall.main(argv)
    assert exit_.value.code == 2
