"""A sweep over the cbr at one SNR, from the command line."""

import importlib
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenarios import compare, mimo_2x2, runner
from scenarios.sweep_file import scenario_names
from semcom_phy.simulation import sweep
from semcom_phy.simulation.figures import curves as plotting
from semcom_phy.simulation.rate_curve import RateCurve

SCENARIO = replace(
    mimo_2x2.SCENARIO, systems=("pixels", "rated"), num_images=6, metrics=("psnr_db",)
)
RATES = ("--cbr", "1/4", "1/48", "1/12", "--snr", 10)


def run(*argv, scenario=SCENARIO):
    return runner.main([str(word) for word in argv], scenario, "tiny_systems")


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name[0] != "."
    }


@pytest.fixture
def sent(monkeypatch):
    """Rates of the points that are simulated, in their order."""
    rates, simulate = [], sweep.simulate_chunk

    def counted(link, *more):
        rates.append(link.system.num_symbols)
        return simulate(link, *more)

    monkeypatch.setattr(sweep, "simulate_chunk", counted)
    return rates


@pytest.fixture
def no_figures(monkeypatch):
    """Figures take longer than all else here."""
    monkeypatch.setattr(plotting, "plot_all", lambda curves, folder: [])


def test_rates_in_table_card_files_and_figures(tmp_path, capsys, monkeypatch):
    """Every rate by its fraction, the lowest first; the curve's file says what it is
    over; each doubling of the rate is worth 3 dB to a system that uses it (exact but
    for the clipping of pixels, 0.5 dB)."""
    figures, draw = [], plotting.save
    monkeypatch.setattr(
        plotting,
        "save",
        lambda figure, path: (figures.append(figure), draw(figure, path)),
    )
    assert run(*RATES, "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert re.search(r"^ +1/48 +1/12 +1/4$", out, re.M)
    card = " ".join(out.split())
    assert "over the cbr at 10 dB: 1/48 (64 symbols), 1/12 (256 symbols), 1/4" in card
    assert "Rated, cbr 1/12: cbr 0.0833" in out
    document = json.loads((tmp_path / "rated.json").read_text())
    assert document["axis"] == "cbr" and document["snr_db"] == 10
    assert document["cbr"] == ["1/48", "1/12", "1/4"]
    assert document["psnr_db"]["status"] == ["done"] * 3
    steps = np.diff(document["psnr_db"]["mean"])
    np.testing.assert_allclose(steps, 10 * np.log10([4, 3]), atol=0.5)
    spent = document["extras"]["cbr_total"]["mean"]
    np.testing.assert_allclose(spent, [1 / 48, 1 / 12, 1 / 4], rtol=1e-6)
    assert {path.name for path in tmp_path.glob("*.png")} == {
        *("psnr_vs_cbr.png", "reconstructions.png"),
        *("rate_vs_cbr.png", "rate_distortion.png"),  # pixels spends 1/4 always
    }
    axes = figures[0].axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1/48", "1/12", "1/4"]
    np.testing.assert_allclose(np.diff(axes.get_xticks()), np.log2([4, 3]))
    assert "SNR 10 dB" in axes.get_xlabel() and "SNR 10 dB" in axes.get_title("left")


def test_a_point_is_the_one_of_an_ordinary_run(tmp_path):
    """Result and rows at a rate are those of a sweep over SNRs with that one (byte by
    byte); where all systems spend what the axis says there is no figure of it."""
    only = ("--systems", "rated", "--snr", 10)
    assert run("--cbr", "1/4", "1/12", *only, "--out", tmp_path / "rates") == 0
    assert run("--cbr", "1/12", *only, "--out", tmp_path / "one") == 0
    for name in ("rated.json", "rated.rows.npz"):
        own = tmp_path / "rates" / "cbr_1_12" / name
        assert own.read_bytes() == (tmp_path / "one" / name).read_bytes()
    names = {path.name for path in (tmp_path / "rates").glob("*.png")}
    assert names == {"psnr_vs_cbr.png", "reconstructions.png"}


def test_a_run_that_was_stopped_goes_on(tmp_path, sent, monkeypatch):
    """Stopped within the second of three rates: the first is filed and told by the
    curve; the same command simulates the other two, and ends with the files of a run
    that was never stopped; then nothing is left to do (byte by byte)."""
    only = (*RATES, "--systems", "rated", "--out")
    assert run(*only, tmp_path / "whole") == 0
    assert sent == [64, 256, 768]
    sent.clear()
    counted = sweep.simulate_chunk

    def stopped(link, *more):
        if link.system.num_symbols == 256:
            raise KeyboardInterrupt
        return counted(link, *more)

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "simulate_chunk", stopped)
        assert run(*only, tmp_path / "parts") == 130
    document = json.loads((tmp_path / "parts/rated.json").read_text())
    assert document["psnr_db"]["status"] == ["done", "not_run", "not_run"]
    sent.clear()
    assert run(*only, tmp_path / "parts") == 0
    assert sent == [256, 768]
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    sent.clear()
    assert run(*only, tmp_path / "parts") == 0 and not sent
    for figure in (tmp_path / "parts").glob("*.png"):
        figure.unlink()
    assert run("plot", "--out", tmp_path / "parts") == 0
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_rates_of_other_runs_stay_and_old_code_is_noticed(
    tmp_path, sent, capsys, no_figures
):
    """A further rate joins those of the curve; a point of code that has changed is
    dropped from it, although that rate is not asked for (exact)."""
    only = ("--systems", "rated", "--snr", 10, "--out", tmp_path)
    assert run("--cbr", "1/4", "1/12", *only) == 0
    assert run("--cbr", "1/48", "1/12", *only) == 0
    assert sent == [256, 768, 64]
    assert RateCurve.read(tmp_path / "rated.json").keys == [1 / 48, 1 / 12, 1 / 4]
    path = tmp_path / "cbr_1_4/rated.json"
    document = json.loads(path.read_text())
    document["code"]["modules"]["tiny_systems.py"] = "0" * 16
    path.write_text(json.dumps(document))
    capsys.readouterr()
    assert run("--cbr", "1/48", "1/12", *only) == 0
    assert "tiny_systems.py changed: 1 point is dropped" in capsys.readouterr().out
    document = json.loads((tmp_path / "rated.json").read_text())
    assert document["psnr_db"]["status"] == ["done", "done", "not_run"]
    assert run("--restart", "--cbr", "1/48", "1/12", *only) == 0
    assert len(RateCurve.read(tmp_path / "rated.json").rates) == 2


def test_other_simulations_do_not_mix(tmp_path, capsys, no_figures):
    """Another SNR, other options, and a sweep over SNRs are refused in the folder, for
    the same system and for another one; nothing is changed (exact)."""
    rates = ("--cbr", "1/4", "1/12", "--snr", 10, "--systems", "rated")
    assert run(*rates, "--out", tmp_path) == 0
    before = files(tmp_path)
    for argv, told in (
        (
            "--cbr 1/4 1/12 --snr 5 --systems rated",
            "at 10 dB, asked is 5: give the same --snr",
        ),
        ("--cbr 1/4 1/24 --snr 10 --seed 2 --systems rated", "--seed 1 then, 2 now"),
        ("--cbr 1/4 --snr 10 --systems rated", "format 'semcom-phy rates 1'"),
        ("--cbr 1/4 1/12 --snr 5 --systems pixels", "scenario.snr_db = 10.0, asked is"),
        ("--cbr 1/4 --snr 10 --systems pixels", "rated.json, computed with"),
    ):
        assert run(*argv.split(), "--out", tmp_path) == 2
        error = capsys.readouterr().err
        assert told in error and error.count("\n") == 1, error
    assert files(tmp_path) == before
    assert run("--snr", 10, "--systems", "rated", "--out", tmp_path / "db") == 0
    assert run(*rates, "--out", tmp_path / "db") == 2
    assert "format 'semcom-phy result 3', a sweep over the" in capsys.readouterr().err


def test_systems_that_cannot_run_are_named_before_anything_is_sent(
    tmp_path, capsys, sent
):
    """With their rates, the reason and the remedy; nothing is written (exact)."""
    assert run("--cbr", "1/4", "1/64", "1/96", "--snr", 10, "--out", tmp_path) == 2
    error = capsys.readouterr().err
    assert "rated cannot run at cbr 1/96, 1/64 (num_symbols must be 64" in error
    assert "leave these systems out of --systems, or these rates" in error
    assert not sent and not files(tmp_path) and error.count("\n") == 1


def test_pairs_over_the_rate(tmp_path, capsys, no_figures):
    """Heads and CSV have the fractions, --cbr takes some; other axes, SNRs and options
    are refused (exact)."""
    assert run(*RATES, "--out", tmp_path / "a") == 0
    assert run(*RATES[:-1], 5, "--out", tmp_path / "b") == 0
    capsys.readouterr()
    folder = str(tmp_path / "a")
    assert compare.main([folder, "pixels", "rated"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.split("  +", lines[1].strip()) == ["cbr", "1/48", "1/12", "1/4"]
    assert any("other rate" in line and "at cbr 1/12" in line for line in lines)
    assert compare.main([folder, "--csv", "--cbr", "1/12"]) == 0
    head, *rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert head[3:5] == ["cbr", "snr_db"]
    assert [row[3:5] for row in rows] == [["1/12", "10"]]
    for argv, told in (
        ([folder, "--snr", "10"], "--snr: the results are over the cbr; give --cbr"),
        ([folder, "--cbr", "1/5"], "no cbr that both have finished"),
        (
            [f"{folder}/rated.json", str(tmp_path / "b/rated.json")],
            "other snr_db: 10.0",
        ),
        (
            [f"{folder}/rated.json", f"{folder}/cbr_1_4/rated.json"],
            "other axis: cbr and",
        ),
    ):
        assert compare.main(argv) == 2
        error = capsys.readouterr().err
        assert told in error and error.count("\n") == 1, error
    assert compare.main([f"{folder}/cbr_1_4", "pixels", "rated"]) == 0


def test_results_of_a_rate_that_do_not_belong_are_found(tmp_path, capsys, no_figures):
    """A file that was put in the place of another one's is no point of the curve."""
    assert run(*RATES, "--systems", "rated", "--out", tmp_path / "a") == 0
    assert run(*RATES, "--seed", 2, "--systems", "rated", "--out", tmp_path / "b") == 0
    for path in (tmp_path / "b/cbr_1_4").iterdir():
        path.replace(tmp_path / "a/cbr_1_4" / path.name)
    capsys.readouterr()
    assert run("plot", "--systems", "rated", "--out", tmp_path / "a") == 2
    error = capsys.readouterr().err
    assert "does not belong to the other rates" in error and "seed 1 then, 2" in error


@pytest.mark.parametrize(
    "options, message",
    [
        (
            "--cbr 1/4 1/8",
            r"--cbr is a sweep .*SNR, .*0, 5, .*: give one, such as --snr",
        ),
        (
            "--cbr 1/4 1/8 --snr 5 10",
            "--cbr is a sweep over 1/8, 1/4, .*5, 10 dB: give",
        ),
        ("--cbr 1/4 1/8 --distance 50", "--cbr is a sweep .*, and --distance one"),
        ("--cbr 1/4 1/8 --snr 5 --users 2", "--cbr is a sweep .*leave out --users"),
        ("--cbr 1/4 x --snr 5", "--cbr must be a number or a fraction.*'x'"),
        ("--cbr 1/4 2 --snr 5", r"--cbr must be in \(0, 1\], got 2"),
        ("--cbr 1/4 1/9999 --snr 5", "--cbr 1/9999 .*less than one symbol per image"),
        ("train --cbr 1/4 1/8 --snr 5", "--cbr is given 2 times, 'train' takes one"),
        ("bits --cbr 1/4 1/8 --snr 5", "--cbr is given 2 times, 'bits' takes one"),
        ("--crop 0,0", "--crop must be top, left and size, got 0,0"),
        (
            "--crop 0,20,16",
            "--crop 0,20,16 does not lie inside images of 32x32: top may",
        ),
        ("--crop 0,0,8", "--crop 0,0,8 must have a size from 16 to 256 pixels, got 8"),
        ("--crop here", "'here' is not TOP,LEFT,SIZE in whole pixels"),
        ("plot --crop 0,0,16", "--crop is of 'evaluate', .* out of 'plot'"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, options, message):
    """Exit code 2, the option, the value and the remedy; nothing is written (exact)."""
    assert run(*options.split(), "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("scenarios.mimo_2x2: error: ") and error.count("\n") == 1
    assert re.search(message, error), error
    assert not list(tmp_path.glob("out/*"))


def test_full_pictures_of_every_rate(tmp_path, sent, capsys, no_figures):
    """Asked for later, points are sent again for them and stay what they are; the
    pictures have the error that the rows tell (exact); then nothing is sent again."""
    only = (*RATES, "--systems", "rated", "--metrics", "psnr_of_mean_mse_db")
    assert run(*only, "--out", tmp_path) == 0
    before = files(tmp_path)
    assert run(*only, "--full-pictures", "--out", tmp_path) == 0
    assert sent == [64, 256, 768] * 2
    after = files(tmp_path)
    assert {path: after[path] for path in before} == before
    rows = np.load(tmp_path / "cbr_1_12/rated.rows.npz")
    stem = tmp_path / "cbr_1_12/pictures/rated_snr_10/rated_snr_10_image_"
    for number, mse in zip(rows["image"], rows["mse"], strict=True):
        received = Image.open(f"{stem}{number:04d}.png")
        original = Image.open(
            tmp_path / f"pictures/original/original_image_{number:04d}.png"
        )
        error = np.asarray(received, float) - np.asarray(original, float)
        assert np.mean(error**2) == pytest.approx(mse, rel=1e-12)
    assert run(*only, "--full-pictures", "--out", tmp_path) == 0
    assert len(sent) == 6
    assert "wrote every received picture below" in capsys.readouterr().out


def test_quick_takes_all_rates(tmp_path, monkeypatch):
    """Fewer images, every rate, a folder of its own; one cbr is no sweep (exact)."""
    monkeypatch.chdir(tmp_path)
    scenario = replace(SCENARIO, num_images=64, systems=("rated",))
    assert run(*RATES, "--quick", scenario=scenario) == 0
    path = Path("results/mimo_2x2_cbr_quick/rated.json")
    document = json.loads(path.read_text())
    assert document["psnr_db"]["num_images"] == [8] * 3
    assert run("--cbr", "1/4", "--snr", 10, scenario=scenario) == 0
    assert json.loads(Path("results/mimo_2x2/rated.json").read_text())["snr_db"] == [10]


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_has_rates(name):
    """Kept sorted, each once, with a scenario of its own for each; through plain values
    and back; one that says nothing of them is as it was (exact)."""
    scenario = importlib.import_module(f"scenarios.{name}").SCENARIO
    assert "rates" not in scenario.to_dict() and scenario.at_rates() == (scenario,)
    rates = ("1/12", 0.25, Fraction(1, 48), "1/12")
    over = replace(scenario, rates=rates, snr_db=(10.0,), users=1)
    assert over.rates == (Fraction(1, 48), Fraction(1, 12), Fraction(1, 4))
    assert over.cbr == Fraction(1, 4)
    single = replace(scenario, snr_db=(10.0,), users=1)
    assert over.at_rates() == tuple(replace(single, cbr=r) for r in over.rates)
    assert over.to_dict()["rates"] == ["1/48", "1/12", "1/4"]
    again = type(scenario).from_dict(
        json.loads(json.dumps(over.to_dict(), default=str))
    )
    assert again == over and hash(again) == hash(over)
