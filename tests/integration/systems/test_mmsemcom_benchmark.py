"""The tables of the MMSemCom paper, with tiny models in place of the frozen ones."""

import numpy as np
import pytest
from tiny_selection import CLASSES, tiny_models

from benchmarks import figures, mmsemcom_comparison
from benchmarks.mmsemcom import complexity, cost, knowledge, overhead
from benchmarks.mmsemcom.experiments import EXPERIMENTS, Experiment
from scenarios import generated_2x2
from scenarios.paired_results import Curve

TINY = {"dataset": "sample", "generator": "tiny", "class_names": CLASSES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mmsemcom")


@pytest.fixture(scope="module")
def weights(folder):
    """Features of the tiny models, trained for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        tiny_models(patch)
        argv = ["train", "--system", "mmsemcom", "--data", "sample", "--steps", "5"]
        argv += ["--batch-size", "16", "--label", "tiny", "--out", str(folder)]
        assert generated_2x2.main(argv) == 0
    return folder / "tiny.weights.h5"


@pytest.fixture
def run(folder, weights, monkeypatch, capsys):
    """Runs parts of the benchmark; what they printed."""
    tiny_models(monkeypatch)
    monkeypatch.setitem(EXPERIMENTS, "tiny", Experiment("tiny targets", TINY, most=6))
    fixed = ["--experiment", "tiny", "--candidates", "8", "--weights", str(weights)]
    fixed += ["--candidates-folder", str(folder / "candidates")]
    fixed += ["--images", "9", "--out", str(folder / "out")]

    def call(*argv):
        assert mmsemcom_comparison.main([*map(str, argv), *fixed]) == 0
        return capsys.readouterr().out

    return call


def test_table_one_is_of_the_rows(run, folder):
    """Means, deviations, intervals and differences are those of the rows (1e-9); a
    second call simulates nothing."""
    run("--parts", "table1", "--baselines", "webp_ldpc")
    results = folder / "out" / "awgn" / "tiny" / "prompts_3"
    text = (folder / "out" / "table1_awgn_tiny.txt").read_text()
    assert "tiny targets" in text and "6 targets, 8 candidates" in text
    assert "LaMoSC is not reproduced" in text and "at cbr 1/6 (512 data" in text
    curve = Curve(results / "mmsemcom_sequential.json", "mmsemcom_sequential")
    rows = curve.rows[0.0]
    values = rows["psnr_db"]
    assert f"{values.mean():.2f} +- {values.std(ddof=1):.2f} [" in text
    found = figures.difference(rows, "psnr_db", "noiseless_psnr_db")
    expected = np.mean(values - rows["noiseless_psnr_db"])
    assert found.mean == pytest.approx(expected, abs=1e-9)
    assert f"{found.mean:+.2f}" in text
    assert "28 + " in text  # complex symbols of 32 values and 3 prompts of 8
    assert "mmsemcom_simultaneous - candidate_index" in text
    before = {path: path.stat().st_mtime_ns for path in results.glob("*.npz")}
    run("--parts", "table1", "--baselines", "webp_ldpc")
    again = {path: path.stat().st_mtime_ns for path in results.glob("*.npz")}
    assert len(before) == 7 and set(before) == set(again)
    assert (folder / "out" / "table1_awgn_tiny.txt").read_text() == text


def test_table_two_takes_other_prompts(run):
    """Symbols grow by 4 a prompt of 8 values in the sequential system alone (exact)."""
    text = run("--parts", "table2", "--channel", "2x2").split("Table II")[1]
    lines = [line.split() for line in text.splitlines() if "mmsemcom_" in line]
    sent = {(line[0], line[1]): int(line[-3]) for line in lines}
    for number in (1, 3, 5, 7):
        assert sent["mmsemcom_sequential", str(number)] == 16 + 4 * number
        assert sent["mmsemcom_simultaneous", str(number)] == 32


def test_table_four_counts_bytes_as_the_paper(run):
    """4 bytes a value, 1024 bytes a KB: 64 values are 256 bytes (exact)."""
    text = run("--parts", "table4", "--snr", "15").split("Table IV")[1]
    rows = {
        m: line
        for m in overhead.MODES.values()
        for line in text.splitlines()
        if line.startswith(m + "  ")
    }
    assert len(rows) == len(overhead.MODES)
    cells = rows["Simultaneous"].split()
    assert cells[1:3] == ["256", "32"]
    assert float(cells[7]) == pytest.approx(float(cells[5]) / 0.25, abs=2e-3)
    all_symbols = int(cells[2]) + int(cells[4])
    per_100 = float(cells[5]) / all_symbols * 100
    assert float(cells[8]) == pytest.approx(per_100, abs=3e-3)
    assert rows["Index"].split()[1] == "1"  # of 8 candidates
    assert int(rows["Sequential, digital"].split()[2]) < 4 * 56


def test_table_three_measures_each_system(run, monkeypatch):
    """Without processes of their own, which would not have the tiny models."""
    monkeypatch.setattr(complexity, "in_own_process", lambda call, *args: call(*args))
    kept = {n: complexity.SYSTEMS[n] for n in ("mmsemcom_sequential", "hevc_ldpc")}
    kept["webp_ldpc"] = kept.pop("hevc_ldpc")
    monkeypatch.setattr(complexity, "SYSTEMS", kept)
    text = run("--parts", "table3")
    assert "median of 5" in text and "not counted" in text
    assert "candidates of a class, once: 8 pictures" in text


def test_costs_are_those_of_the_networks():
    """A dense layer of 3 to 5: 20 weights, 30 operations a picture (exact); on
    TensorFlow 5 more for the biases."""
    import torch

    layer = torch.nn.Linear(3, 5)
    assert cost.torch_cost(lambda: layer(torch.zeros(1, 3))) == (20, 30.0)
    import keras

    dense = keras.layers.Dense(5)
    dense.build((None, 3))
    assert cost.keras_flops(dense, keras.ops.zeros((1, 3))) in (30.0, 35.0)


def test_the_loss_is_drawn(tmp_path):
    """As a PNG."""
    path = tmp_path / "loss.png"
    knowledge.plot_loss({"steps": [1, 2], "mean": [0.5, 0.4]}, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_failed_sweep_ends_with_its_code(tmp_path, capsys):
    """And its line (exact)."""
    argv = ["--parts", "table2", "--out", str(tmp_path), "--candidates", "0"]
    assert mmsemcom_comparison.main(argv) == 2
    assert "from 1 to 5000, got 0" in capsys.readouterr().err
