"""The bit-link benchmarks run, and their counting is sound."""

import json

import numpy as np
import pytest

from benchmarks import ber_sweep, ldpc_waterfall


class InlinePool:
    """Runs every call at once, as a pool of one worker would."""

    def __init__(self):
        self.calls = 0

    def submit(self, work, snr_db, seed):
        self.calls += 1
        errors = int(np.random.default_rng(seed).integers(0, 30))

        class Done:
            def result(self):
                return errors

            def cancel(self):
                return True

        return Done()


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


def test_sweep_counts_do_not_depend_on_the_workers():
    """One and three workers count the same batches: those up to the target (exact)."""
    runs = [
        ber_sweep.run_ours(InlinePool(), workers, [10.0, 12.0], 100, seed=1)
        for workers in (1, 3)
    ]
    for one, three in zip(*runs, strict=True):
        assert one[1:] == three[1:]
        assert one[1] >= 100
        assert one[2] % ber_sweep.OUR_BATCH == 0


@pytest.mark.parametrize("argv", [["--blocks", "0"]])
def test_bad_arguments_exit(argv):
    """No blocks is refused by the command line (exit code 2)."""
    with pytest.raises(SystemExit) as exit_:
        ldpc_waterfall.main(argv)
    assert exit_.value.code == 2
