"""The command that compares results: tables, marks, refusals."""

import csv
import io
import re
import sys

import numpy as np
import pytest

from scenarios import compare
from semcom_phy.simulation.metric_table import IMAGE_METRICS
from semcom_phy.simulation.results import Point, ResultFile, describe_metrics
from semcom_phy.simulation.shown import encode_strip
from semcom_phy.simulation.statistics.intervals import clustered_mean

IMAGES = np.zeros((1, 16, 16, 3), "uint8")
SCENARIO = {"name": "t", "channel": "awgn", "csi": "perfect", "feedback_delay": 0.0}
INDEX = np.arange(40)


def file_result(path, seed, cbr=0.25, knows=("average SNR",), snr_db=(0, 10), **link):
    """A result of 40 images in 20 groups, most of whose spread is that of the image."""
    header = {
        "scenario": SCENARIO | link,
        "system": path.stem,
        "description": {"title": path.stem.upper(), "knows": list(knows)},
        "bandwidth": {"cbr": cbr, "side_info_cbr": 0.0},
        "seed": 1,
        "sweep": {"draws": 1},
        "data": {"sha256": "0a"},
        "definitions": {},
        "versions": {},
        "metrics": describe_metrics(IMAGE_METRICS),
        "original": encode_strip(IMAGES),
    }
    file = ResultFile.open(path, header, snr_db)
    easy = np.random.default_rng(1).normal(size=20)[INDEX // 2]
    for snr in snr_db:
        own = np.random.default_rng(seed).normal(size=40)
        rows = {
            "image": INDEX,
            "image_sha256": INDEX.astype(str),
            "draw": np.zeros(40, int),
            "group": (INDEX // 2).astype(str),
            "fade_power": np.ones(40),
            "psnr_db": 20 + snr + seed + 5 * easy + 0.1 * own,
            "outage": own > 1,
            "cbr_total": np.full(40, cbr),
        }
        estimate = clustered_mean(rows["psnr_db"], INDEX, INDEX // 2)
        metrics = dict.fromkeys((*file.metrics, "outage"), estimate)
        file.record(snr, Point("done", metrics, rows=rows))
    return file


def run(capsys, *arguments):
    code = compare.main([str(a) for a in arguments])
    return code, *capsys.readouterr()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "results"
    file_result(folder / "a.json", 3)
    file_result(folder / "b.json", 2)
    return folder


def test_a_pair_is_shown_beside_what_two_runs_would_tell(capsys, folder):
    """A - B at every SNR, paired and unpaired, with the means and what was counted
    (1.0 dB apart; the paired interval is below 0.1 dB, the unpaired above 1)."""
    code, table, _ = run(capsys, folder, "a", "b")
    assert code == 0
    rows = {line.split("  ")[0].strip(): line for line in table.splitlines()}
    assert rows["SNR [dB]"].split()[2:] == ["0", "10"]
    halves = {}
    for kind in ("paired", "unpaired"):
        first, second = rows[f"a - b, {kind}"].split(f", {kind}")[1].split("+-")[:2]
        assert float(first) == pytest.approx(1.0, abs=0.1)
        halves[kind] = float(second.split()[0])
    assert halves["paired"] < 0.1 and halves["unpaired"] > 1
    assert "40 images in 20 groups, 40 transmissions of each system" in table
    assert "*" not in table and "#" not in table


def test_all_pairs_of_a_folder(capsys, folder):
    """Without names every pair is compared; results that are no pair with the others,
    and foreign files, are left out with a line (exact)."""
    file_result(folder / "c.json", 1)
    file_result(folder / "d.json", 1, channel="rayleigh")
    (folder / "summary.json").write_text("{}")
    code, table, error = run(capsys, folder)
    assert code == 0
    pairs = [line.split(",")[0] for line in table.splitlines() if ", paired" in line]
    assert pairs == ["a - b", "a - c", "b - c"]
    assert error.count("other channel: awgn and rayleigh") == 3
    assert "a - d: not compared, other channel: awgn and rayleigh" in error
    assert "left out" in error and "summary.json" in error


def test_other_knowledge_and_rate_are_marked(capsys, folder):
    """A pair of other knowledge or rate carries a mark and a line that says what
    differs; the rate at the SNR where it does (exact)."""
    file_result(folder / "c.json", 1, 0.26, ["fed-back CSI"])
    _, table, _ = run(capsys, folder, "a", "c")
    assert "a - c, paired *" in table and " #" in table
    assert "* a - c: a knows average SNR; c knows fed-back CSI" in table
    assert "# a - c: other rate" in table and "0.2500 and 0.2600 at 0 dB" in table


def test_results_of_two_folders(capsys, folder):
    """Two files of the same system are told apart by their folders, and an entry of the
    scenario that differs is marked (exact)."""
    late = folder.with_name("late") / "a.json"
    file_result(late, 2, feedback_delay=0.005, snr_db=(10, 20))
    code, table, _ = run(capsys, folder / "a.json", late)
    assert code == 0
    assert "results/a - late/a, paired *" in table
    assert "feedback_delay 0.0 for results/a, 0.005 for late/a" in table
    head = next(line for line in table.splitlines() if line.startswith("SNR"))
    assert head.split()[2:] == ["10"]


def test_the_same_numbers_in_every_format(capsys, folder):
    """Markdown, LaTeX and CSV show the difference of the terminal (to its digits)."""
    file_result(folder / "c_d.json", 1, 0.26, ["fed-back CSI"])
    a, b = (ResultFile.read(folder / f"{n}.json").rows()[10.0] for n in ("a", "c_d"))
    mean = np.mean(a["psnr_db"] - b["psnr_db"])
    text, markdown, latex, table = (
        run(capsys, folder, "a", "c_d", *option)[1]
        for option in ([], ["--markdown"], ["--latex"], ["--csv"])
    )
    assert f"+{mean:.2f} +- " in text and f"+{mean:.2f} ± " in markdown
    assert rf"$+${mean:.2f} $\pm$ " in latex
    assert markdown.splitlines()[0].startswith("| psnr_db: SNR [dB] | 0 | 10 |")
    assert len({line.count("|") for line in markdown.splitlines()[:6]}) == 1
    assert r"c\_d" in latex and r"\begin{tabular}{lrr}" in latex
    assert "_" not in latex.replace(r"\_", "") and "#" not in latex.replace(r"\#", "")
    lines = list(csv.DictReader(io.StringIO(table)))
    assert [line["snr_db"] for line in lines] == ["0", "10"]
    assert float(lines[1]["difference"]) == pytest.approx(mean, rel=1e-12)
    assert lines[1]["same_rate"] == "False" and lines[1]["cbr_total_other"] == "0.26"
    assert "c_d knows fed-back CSI" in lines[1]["other_conditions"]


def test_any_figure_of_the_rows(capsys, folder):
    """--metric takes a column, --snr a part of the points (exact)."""
    code, table, _ = run(capsys, folder, "a", "b", "--metric", "outage", "--snr", "10")
    assert code == 0 and table.startswith("outage, mean")
    head = next(line for line in table.splitlines() if line.startswith("SNR"))
    assert head.split()[2:] == ["10"]


@pytest.mark.parametrize(
    "names, message",
    [
        (["a", "x"], "there is no result .*x.json; .* holds: a, b"),
        (["a"], "give a folder, a folder and two systems, or two result files"),
        (["a", "b", "c"], "4 names: give a folder and two systems at most"),
        (["a", "b", "--metric", "psnr"], "no figure 'psnr'; there are: cbr.* psnr_db"),
        (["a", "b", "--snr", "7"], "no SNR point that both have finished"),
    ],
)
def test_what_cannot_be_compared_is_named(capsys, folder, names, message):
    """Bad names, figures and SNRs end with 2 and one line that helps (exact)."""
    code, table, error = run(capsys, folder, *names)
    assert (code, table) == (2, "")
    assert re.search(message, error) and len(error.splitlines()) == 1


def test_a_certain_pair_that_is_none_is_an_error(capsys, folder):
    """A pair of other fades that was asked for by name ends with 2 (exact)."""
    file_result(folder / "d.json", 1, csi="estimated")
    code, _, error = run(capsys, folder, "a", "d")
    assert code == 2 and "other csi: perfect and estimated" in error
    for name in ("a", "b"):
        (folder / f"{name}.json").unlink()
    assert run(capsys, folder)[0] == 2


def test_lost_rows_are_named(capsys, folder):
    """Without the rows there is no pair; the message says which file it is (exact)."""
    (folder / "b.rows.npz").unlink()
    code, _, error = run(capsys, folder, "a", "b")
    assert code == 2 and "b.rows.npz" in error


OWN_SET = """
from semcom_phy.simulation.statistics.intervals import clustered_mean
from semcom_phy.simulation.metric import SetMetric

def mean(columns, image, groups=None):
    return clustered_mean(columns["psnr_db"] / 2, image, groups)

HALF = SetMetric("half_db", "Half", "dB", ("images",), ("psnr_db",), None,
                 lambda columns: columns["psnr_db"] / 2, mean)
"""


def test_a_metric_of_sets_of_the_user_s(capsys, folder, tmp_path, monkeypatch):
    """It is paired by its own linear part: half of the difference of the PSNRs
    and of its interval (1e-12); a name that the module lacks is refused."""
    (tmp_path / "own_sets.py").write_text(OWN_SET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code, table, _ = run(capsys, folder, "a", "b", "--csv", "--metric", "own_sets:HALF")
    _, whole, _ = run(capsys, folder, "a", "b", "--csv", "--metric", "psnr_db")
    assert code == 0
    halves, wholes = (list(csv.DictReader(io.StringIO(t))) for t in (table, whole))
    assert [half["metric"] for half in halves] == ["half_db", "half_db"]
    for half, full in zip(halves, wholes, strict=True):
        for name in ("difference", "ci95_low", "ci95_high"):
            assert float(half[name]) == pytest.approx(float(full[name]) / 2, rel=1e-12)
    code, _, error = run(capsys, folder, "--metric", "own_sets:FULL")
    assert code == 2
    assert "'own_sets:FULL': module 'own_sets' has no 'FULL'" in error
    sys.modules.pop("own_sets")
