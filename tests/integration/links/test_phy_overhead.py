"""The benchmark compares like with like."""

import json

import numpy as np
import pytest
from keras import ops

from benchmarks import phy_overhead
from semcom_phy.backend import complex_normal
from semcom_phy.seeding import set_seed


def test_all_sides_detect_the_same_symbols():
    """At high SNR every side returns the symbols that were sent (1e-2)."""
    set_seed(1)
    links = phy_overhead.build_links()
    x, h = complex_normal((2, phy_overhead.NUM_SYMBOLS)), links["ours"].sample(2)
    for link in links.values():
        x_hat, no_eff = link(x, h, ops.convert_to_tensor(np.float32(1e-8)))
        assert tuple(no_eff.shape) == tuple(x_hat.shape) == tuple(x.shape)
        np.testing.assert_allclose(
            ops.convert_to_numpy(x_hat), ops.convert_to_numpy(x), atol=1e-2
        )


def test_median_lies_in_its_interval():
    """The interval of a median holds it and shrinks to it for equal rounds (exact)."""
    figures = phy_overhead.median_and_interval(np.array([1.0, 2.0, 3.0, 4.0, 9.0]))
    low, high = figures["ci95"]
    assert low < figures["median"] == 3.0 < high
    assert phy_overhead.median_and_interval(np.full(5, 2.0))["ci95"] == [2.0, 2.0]


@pytest.mark.slow
def test_benchmark_writes_its_record(tmp_path, capsys):
    """The command prints one table and writes the same figures as JSON."""
    arguments = ["--batch", "4", "--rounds", "2", "--calls", "1"]
    phy_overhead.main([*arguments, "--out", str(tmp_path)])
    record = json.loads((tmp_path / "phy_overhead.json").read_text())
    median = record["ratio_of_ours"]["plain"]["forward"]["median"]
    assert f"{median:.2f}" in capsys.readouterr().out


def test_bad_arguments_are_errors():
    """Zero rounds are refused before anything runs."""
    with pytest.raises(SystemExit):
        phy_overhead.main(["--rounds", "0"])
