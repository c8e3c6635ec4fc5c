"""A sweep over metres in the place of decibels, from the command line."""

import importlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios import compare, mimo_2x2, runner
from scenarios.caption_2x2 import SCENARIO as CAPTIONS
from scenarios.link_budget import LinkBudget
from scenarios.scenario import Scenario
from scenarios.sweep_file import scenario_names
from semcom_phy.simulation.figures import curves as plotting
from semcom_phy.simulation.results import ResultFile

SCENARIO = replace(mimo_2x2.SCENARIO, systems=("pixels", "fragile"), num_images=8)
METRES = ("--distance", 50, 100, 150, 200)
SNR_DB = [4.553, 7.052, 10.574, 16.595]


def run(*argv, scenario=SCENARIO):
    return runner.main([str(word) for word in argv], scenario, "tiny_systems")


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name[0] != "."}


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn over an axis."""
    figures = []
    monkeypatch.setattr(plotting, "save", lambda figure, path: figures.append(figure))
    return figures


def test_metres_in_table_card_file_and_figures(tmp_path, capsys):
    """Every distance with its SNR, the nearest first; the file says which is which, and
    by which budget (exact)."""
    assert run(*METRES, "--power", 20, "--out", tmp_path) == 0
    out = capsys.readouterr().out
    points = ["50 m (16.6 dB)", "100 m (10.6 dB)", "150 m (7.1 dB)", "200 m (4.6 dB)"]
    heads = [line for line in out.splitlines() if "50 m (16.6 dB)  " in line]
    assert len(heads) >= 4
    assert all(re.split("  +", head.strip()) == points for head in heads)
    card = " ".join(out.split())
    assert "the SNR is an output" in card and "P = 20 dBm over B = 20 MHz" in card
    assert "fading is of unit mean power and comes on top of the path loss" in card
    assert f"SNRs here: {', '.join(points)}" in card
    document = json.loads((tmp_path / "fragile.json").read_text())
    assert document["snr_db"] == SNR_DB
    assert document["distance_m"] == [200, 150, 100, 50]
    assert document["psnr_db"]["status"] == ["done"] * 4
    scenario = document["scenario"]
    assert LinkBudget(**scenario["link_budget"]) == LinkBudget()
    assert scenario["carrier_frequency"] == 28e9  # a link has one
    names = {name for name in files(tmp_path) if name.endswith("png")}
    assert names == {
        *("psnr_vs_distance.png", "outage_vs_distance.png", "reconstructions.png")
    }


def test_points_are_those_of_a_sweep_over_the_same_snrs(tmp_path):
    """Rows are equal, transmission by transmission: systems know nothing of metres
    (byte by byte)."""
    assert run(*METRES, "--out", tmp_path / "m") == 0
    assert run("--snr", *SNR_DB, "--out", tmp_path / "db") == 0
    for system in SCENARIO.systems:
        name = f"{system}.rows.npz"
        assert (tmp_path / "m" / name).read_bytes() == (
            tmp_path / "db" / name
        ).read_bytes()
    assert "distance_m" not in json.loads((tmp_path / "db/pixels.json").read_text())


def test_options_reach_the_budget(tmp_path):
    """Each of the five, in the file and in the SNR (as computed by the budget)."""
    options = "--distance 10 20 --power 3 --path-loss-exponent 3.1 --carrier 6e10 "
    options += "--bandwidth 1e8 --noise-figure 5 --systems pixels"
    assert run(*options.split(), "--out", tmp_path) == 0
    document = json.loads((tmp_path / "pixels.json").read_text())
    budget = LinkBudget(3, 3.1, 6e10, 1e8, 5)
    assert LinkBudget(**document["scenario"]["link_budget"]) == budget
    assert document["snr_db"] == sorted(budget.snr_db((10, 20)))


def test_figures_have_metres_on_their_axis(tmp_path, drawn):
    """Left to right from near to far, the SNR below each distance, and the budget above
    (exact but for the shift that keeps curves apart)."""
    assert run(*METRES, "--out", tmp_path) == 0
    axes = drawn[0].axes[0]
    assert axes.get_xlabel().startswith("Distance [m]")
    np.testing.assert_array_equal(axes.get_xticks(), [50, 100, 150, 200])
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "50 m\n16.6 dB" and labels[-1] == "200 m\n4.6 dB"
    assert "20 dBm, path-loss exponent 2, 28 GHz, 20 MHz" in axes.get_title("left")
    x, y = axes.lines[0].get_data()
    near = np.argmin(x)
    assert x[near] == pytest.approx(50, abs=2) and y[near] == max(y)


def test_quick_takes_all_distances(tmp_path, monkeypatch):
    """Fewer images, every distance, a folder of its own (exact)."""
    monkeypatch.chdir(tmp_path)
    scenario = replace(SCENARIO, num_images=64)
    assert run(*METRES, "--quick", "--systems", "pixels", scenario=scenario) == 0
    path = Path("results/mimo_2x2_distance_quick/pixels.json")
    document = json.loads(path.read_text())
    assert document["distance_m"] == [200, 150, 100, 50]
    assert document["psnr_db"]["num_images"] == [8] * 4


def test_a_run_that_goes_on_ends_with_the_same_file(tmp_path, capsys):
    """Two distances, then one between them: byte by byte what one run writes; finished
    points are not sent again, and the figure is redrawn from the file."""
    options = ["--systems", "pixels"]
    assert run("--distance", 50, 75, 100, *options, "--out", tmp_path / "one") == 0
    assert run("--distance", 50, 100, *options, "--out", tmp_path / "two") == 0
    assert run("--distance", 75, *options, "--out", tmp_path / "two") == 0
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert json.loads(one["pixels.json"])["distance_m"] == [100, 75, 50]
    assert one == two
    (tmp_path / "two" / "psnr_vs_distance.png").unlink()
    assert run("plot", "--out", tmp_path / "two") == 0
    assert files(tmp_path / "two") == one


def test_another_budget_is_another_simulation(tmp_path, capsys):
    """Distances on SNRs, SNRs on distances, another budget on either system: refused
    with the option, nothing is changed (exact)."""
    for place, points in (("m", ("--distance", 50)), ("db", ("--snr", 16.595))):
        assert run(*points, "--systems", "pixels", "--out", tmp_path / place) == 0
    before = files(tmp_path / "m"), files(tmp_path / "db")
    capsys.readouterr()
    for place, points, told in (
        ("m", "--distance 50 --power 23", "--power 20.0 then, 23.0 now; give"),
        ("m", "--distance 50 --carrier 6e9", "--carrier 28000000000.0 then, 6000000"),
        ("m", "--snr 16.595", "--distance .* then, absent now"),
        ("db", "--distance 50", "--distance absent then, .*tx_power_dbm"),
    ):
        for system in SCENARIO.systems:
            argv = [*points.split(), "--systems", system, "--out", tmp_path / place]
            assert run(*argv) == 2
            error = capsys.readouterr().err
            assert error.count("\n") == 1 and "--out" in error
            if system == "pixels":
                assert re.search(told, error) and error.count("--carrier") <= 1, error
            else:
                assert "holds pixels.json, computed with link_budget" in error
    assert (files(tmp_path / "m"), files(tmp_path / "db")) == before


def test_metres_and_decibels_share_no_figure(tmp_path, capsys):
    """plot refuses a folder with both, naming the budget (exact)."""
    for system, points in (("pixels", METRES), ("fragile", ("--snr", *SNR_DB))):
        assert run(*points, "--systems", system, "--out", tmp_path / system) == 0
    for path in (tmp_path / "fragile").glob("fragile.*"):
        path.rename(tmp_path / "pixels" / path.name)
    capsys.readouterr()
    assert run("plot", "--out", tmp_path / "pixels") == 2
    error = capsys.readouterr().err
    assert "cannot share a figure: link_budget is" in error and error.count("\n") == 1


def test_compare_shows_metres(tmp_path, capsys):
    """Heads and CSV have them, --distance takes some; --snr, and a result over SNRs
    beside one over distances, are refused (exact)."""
    assert run(*METRES, "--out", tmp_path / "m") == 0
    assert run("--snr", *SNR_DB, "--out", tmp_path / "db") == 0
    capsys.readouterr()
    folder = str(tmp_path / "m")
    assert compare.main([folder, "pixels", "fragile"]) == 0
    table = capsys.readouterr().out.splitlines()
    head = re.split("  +", table[1].strip())
    assert head[:3] == ["Distance (SNR)", "50 m (16.6 dB)", "100 m (10.6 dB)"]
    assert compare.main([folder, "--csv", "--distance", "150", "100"]) == 0
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert lines[0][3:5] == ["distance_m", "snr_db"]
    assert [line[3:5] for line in lines[1:]] == [["100", "10.574"], ["150", "7.052"]]
    over_snr = str(tmp_path / "db")
    for argv, told in (
        ([folder, "--snr", "16.595"], "--snr: the results are over the distance; give"),
        ([over_snr, "--distance", "50"], "--distance: the results are over the SNR"),
        ([folder, "--distance", "60"], "no distance that both have finished"),
        (
            [f"{folder}/pixels.json", f"{over_snr}/fragile.json"],
            "other link_budget: .* and None",
        ),
    ):
        assert compare.main(argv) == 2
        error = capsys.readouterr().err
        assert re.search(told, error) and error.count("\n") == 1, error


def test_pairs_of_two_budgets_share_no_table(tmp_path, capsys):
    """In a folder with two systems over metres and two over decibels, the pairs of one
    kind are shown, those of the other left out with a line (exact)."""
    for place, points in (("m", METRES), ("db", ("--snr", *SNR_DB))):
        assert run(*points, "--out", tmp_path / place) == 0
    for path in (tmp_path / "db").glob("*.json"):
        header = ResultFile.read(path)
        copy = tmp_path / "m" / f"z{path.name}"
        file = ResultFile.open(copy, header.header, header.snr_db)
        rows = header.rows()
        for snr, point in header.points.items():
            file.record(snr, replace(point, rows=rows[snr]))
    capsys.readouterr()
    assert compare.main([str(tmp_path / "m")]) == 0
    out, err = capsys.readouterr()
    assert "fragile - pixels, paired" in out and "zfragile" not in out
    assert "zfragile - zpixels: not compared, fragile has another link_budget" in err


@pytest.mark.parametrize(
    "options, message",
    [
        ("--distance 50 --snr 10", "--snr and --distance exclude each other.*give one"),
        ("--distance 0", "--distance must be a number from 0.001 .*got 0.0"),
        ("--distance -1e1", "--distance must be .*got -10.0"),
        ("--distance nan", "--distance must be .*got nan"),
        ("--distance 100 50", "--distance must increase, got 50 after 100 m"),
        ("--distance 50 50", "--distance must increase, got 50 after 50 m: give each"),
        ("--distance 1e8", "--distance must give SNRs from -100 to 60 dB, got 1e.08 m"),
        ("--distance 50 --power 99", "--distance must give SNRs .*50 m with 95.595 dB"),
        ("--distance far", "invalid float value: 'far'"),
        ("--power 23", "--power is 23, .*give --distance with it, or leave it out"),
        ("--path-loss-exponent 3", "--path-loss-exponent is 3, .*give --distance"),
        ("--carrier 6e9", r"--carrier is 6e\+09, .*give --distance"),
        ("--bandwidth 1e8", r"--bandwidth is 1e\+08, .*give --distance"),
        ("--noise-figure 5", "--noise-figure is 5, .*give --distance"),
        ("--distance 50 --noise-figure -1", "--noise-figure must be .*50 dB, got -1"),
        ("bits --mcs 4 --distance 50 100", "--distance .* bits.*--snr 10.574 16.595"),
        ("train --distance 50 100", "--distance cannot be trained for.*--snr"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, options, message):
    """Exit code 2, the option, the value and the remedy; nothing is written (exact)."""
    assert run(*options.split(), "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("scenarios.mimo_2x2: error: ") and error.count("\n") == 1
    assert re.search(message, error), error
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("scenario", [SCENARIO, CAPTIONS])
def test_a_scenario_over_distances_comes_back_from_plain_values(scenario):
    """Through JSON; SNRs and carrier follow from the distances; without these a
    scenario says nothing of them, and takes no budget (exact)."""
    budget = LinkBudget(tx_power_dbm=10)
    over = replace(scenario, distances=(20, 40.0), link_budget=budget)
    assert over.snr_db == tuple(sorted(budget.snr_db((20, 40))))
    assert over.distance_of_snr == dict(zip(over.snr_db, (40, 20), strict=True))
    assert over.carrier_frequency == 28e9
    values = json.loads(json.dumps(over.to_dict()))
    again = type(scenario).from_dict(values)
    assert again == over and hash(again) == hash(over)
    assert not {"distances", "link_budget"} & set(scenario.to_dict())
    assert scenario.distance_of_snr == {}
    with pytest.raises(ValueError, match="link_budget needs distances"):
        Scenario("test", link_budget=budget)


def test_a_scenario_may_have_distances_of_its_own(tmp_path, capsys):
    """Options change its budget, and --snr is refused (exact)."""
    scenario = replace(SCENARIO, distances=(50.0, 100.0), systems=("pixels",))
    assert run("--power", 23, "--out", tmp_path, scenario=scenario) == 0
    document = json.loads((tmp_path / "pixels.json").read_text())
    assert document["distance_m"] == [100, 50]
    assert document["snr_db"] == [13.574, 19.595]
    assert run("--snr", 5, "--out", tmp_path, scenario=scenario) == 2
    assert "--snr and --distance exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_takes_distances(name, capsys):
    """Its command has the options, its values the SNRs of the distances (exact)."""
    module = importlib.import_module(f"scenarios.{name}")
    assert module.main(["--help"]) == 0
    assert "--distance" in capsys.readouterr().out
    over = replace(module.SCENARIO, distances=(50, 100, 150, 200))
    assert list(over.snr_db) == SNR_DB
