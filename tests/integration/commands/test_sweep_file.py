"""Sweeps over scenarios from one TOML file: strict, resumed, told beforehand."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scenarios import sweep
from scenarios.command.options import scenario_parser
from scenarios.mimo_2x2 import SCENARIO
from scenarios.sweep_file import evaluate_options, read_sweep, scenario_names
from semcom_phy.simulation.figures import curves as plotting

EXAMPLE = Path(sweep.__file__).parent / "sweeps" / "example.toml"
GOOD = """
out = "OUT"
[defaults]
images = 2
snr = [0, 5.5]
systems = ["linear"]
metrics = ["psnr_of_mean_mse_db"]
[[run]]
scenario = "siso_awgn"
images = 3
[[run]]
scenario = "kodak_awgn"
name = "turned"
turn = false
cbr = "1/8"
snr = -5
full-pictures = true
strict-images = false
systems = ["deepjscc_photo", "ntscc_photo"]
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "runs.toml"
        path.write_text(text.replace("OUT", str(tmp_path / "out")))
        return path

    return write


def test_keys_are_the_options_of_the_command_line(written, tmp_path):
    """What a run says goes before the defaults, what all runs are given before both;
    flags, lists, negative and single values, fractions (exact)."""
    text = GOOD.replace("images = 3", "images = 3\nworkers = 4")
    siso, kodak = read_sweep(written(text), ["--workers", "2"])
    assert siso.argv == (
        *("evaluate", "--snr", "0", "5.5", "--systems", "linear"),
        *("--metrics", "psnr_of_mean_mse_db", "--images", "3"),
        *("--out", str(tmp_path / "out/siso_awgn"), "--workers", "2"),
    )
    assert siso.scenario.num_images == 3 and siso.scenario.snr_db == (0.0, 5.5)
    assert "--no-turn" in kodak.argv and "--full-pictures" in kodak.argv
    assert "--strict-images" not in kodak.argv
    assert kodak.folder == tmp_path / "out/turned"
    assert kodak.scenario.snr_db == (-5.0,) and kodak.scenario.num_images == 2
    assert str(kodak.scenario.cbr) == "1/8" and not kodak.scenario.turn


def test_one_place_to_compute_at(written):
    """Workers of all runs replace the file's scheduler, and the other way round
    (exact)."""
    for own, more in (("workers = 4", "--dask"), ('dask = "tcp://a:1"', "--workers")):
        value = "tcp://b:1" if more == "--dask" else "2"
        text = GOOD.replace("images = 3", f"images = 3\n{own}")
        siso, _ = read_sweep(written(text), [more, value])
        assert f"--{own.split()[0]}" not in siso.argv
        assert siso.argv[-2:] == (more, value)


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("out = ", "outt = ", "outt: unknown key; did you mean 'out'?"),
        ('out = "OUT"', "out = 3", "out: give the folder of the results"),
        ("[defaults]", "[default]", "default: unknown key; did you mean 'defaults'?"),
        ("[[run]]", "[[runs]]", "runs: unknown key; did you mean 'run'?"),
        ("[defaults]", "[defaults", "is no TOML file: "),
        ('"siso_awgn"', '"siso_agwn"', "[[run]] 1: scenario: unknown scenario 'siso_a"),
        ('scenario = "siso_awgn"', "", "[[run]] 1: scenario: is missing; give one of"),
        ("images = 3", "image = 3", "[[run]] 1 (siso_awgn): image: unknown key; did"),
        ("images = 3", "batch_size = 3", "unknown key; did you mean 'batch-size'?"),
        ("images = 3", 'images = "3"', "(siso_awgn): images: must be a whole number"),
        ("images = 3", "images = 3.0", "images: must be a whole number, got 3.0"),
        ("images = 3", "images = true", "images: must be a whole number, got true"),
        ("images = 3", "images = [3]", "images: needs one value, not a list, got [3]"),
        ("images = 3", "images = 0", "(siso_awgn): --images must be"),
        ("images = 3", "turn = true", "(siso_awgn): turn: unknown key"),
        ("turn = false", 'turn = "no"', "2 (turned): turn: must be true or false, got"),
        ("images = 3", "steps = 5", "steps: unknown key"),
        ("images = 3", "restart = true", "restart: is no key of a sweep"),
        ("images = 3", 'systems = ["lineal"]', "unknown system 'lineal'"),
        ("images = 3", "systems = []", "systems: needs one or more values, got []"),
        ("images = 3", "target-ci = 0", "(siso_awgn): --target-ci must be"),
        ("images = 3", "workers = 0", "--workers must be at least 1, got 0"),
        ("images = 2", "images = 2.5", "[defaults] for [[run]] 1 (siso_awgn): images"),
        ("images = 2", 'name = "x"', "[defaults]: name: is of one run"),
        ('"turned"', '"siso_awgn"', "name: the folder"),
        ('"turned"', '"../turned"', "name: '../turned' is no folder in"),
        ("snr = -5", "snr = [5, nan]", "2 (turned): --snr"),
        ("images = 3", 'group-by = "colour"', "argument --group-by: invalid choice"),
    ],
)
def test_what_is_wrong_is_one_line(written, tmp_path, capsys, old, new, told):
    """File, table, key, value and remedy; nothing is run or written (exact)."""
    path = written(
        GOOD.replace(old, new, 1) if old != "[[run]]" else GOOD.replace(old, new)
    )
    assert sweep.main([str(path)]) == 2
    out, error = capsys.readouterr()
    assert error.startswith(f"scenarios.sweep: error: {path}") and told in error, error
    assert error.count("\n") == 1 and not out
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    """Exit code 2 (exact)."""
    assert sweep.main([str(tmp_path / "none.toml")]) == 2
    assert "none.toml: No such file or directory" in capsys.readouterr().err


def test_a_sweep_is_told_run_and_run_again(written, tmp_path, capsys, monkeypatch):
    """The dry run writes nothing and tells what is done; a run that fails does not stop
    the next one; given again, nothing is sent (exact)."""
    good = GOOD[: GOOD.index('[[run]]\nscenario = "kodak')]
    monkeypatch.setattr(plotting, "plot_all", lambda curves, folder: [])
    lost = '[[run]]\nscenario = "mimo_2x2"\nname = "lost"\ndataset = "no_such_folder"\n'
    good = good.replace("[[run]]", lost + "[[run]]")
    path = str(written(good))
    assert sweep.main([path, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "[[run]] 2 (siso_awgn): 1 systems at 2 points, 3 images, 1 draws" in out
    assert "0 of 2 points are done" in out
    assert not (tmp_path / "out").exists()
    assert sweep.main([path]) == 2
    out, error = capsys.readouterr()
    assert "no_such_folder" in error and "1 of 2 runs failed" in error
    assert "[[run]] 1 (lost): failed" in out
    assert f"[[run]] 2 (siso_awgn): results in {tmp_path / 'out/siso_awgn'}" in out
    assert (tmp_path / "out/siso_awgn/linear.json").exists()
    monkeypatch.setattr("semcom_phy.simulation.sweep.simulate_chunk", None)
    assert sweep.main([path, "--dry-run"]) == 0
    assert "2 of 2 points are done" in capsys.readouterr().out
    assert sweep.main([str(written(good.replace(lost, "")))]) == 0


def test_the_example_is_valid():
    """All of its runs, in folders of their own (exact)."""
    assert [run.folder.name for run in read_sweep(EXAMPLE)] == [
        "siso_awgn",
        "mimo_2x2",
        "mimo_2x2_perfect",
    ]


def test_the_file_of_the_guide_is_valid(tmp_path):
    """As it stands in docs/how_to/sweeps.md (exact)."""
    guide = Path(__file__).parents[3] / "docs/how_to/sweeps.md"
    text = guide.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (tmp_path / "paper.toml").write_text(text)
    runs = read_sweep(tmp_path / "paper.toml")
    assert [run.scenario.csi for run in runs] == ["perfect", "estimated", "perfect"]


def test_every_scenario_and_every_option_of_evaluate_can_be_given():
    """All scenarios are found; options of training and bits are none (exact)."""
    assert {"mimo_2x2", "kodak_awgn", "caption_2x2"} <= set(scenario_names())
    assert not {"runner", "sweep", "scenario"} & set(scenario_names())
    options = evaluate_options(scenario_parser(SCENARIO))
    assert {"snr", "cbr", "target-ci", "workers", "power", "group-by"} <= set(options)
    assert not {"steps", "mcs", "out", "restart", "system"} & set(options)


def test_help_loads_no_building_blocks():
    """--help is answered without the tensor library (exact)."""
    code = (
        "import sys; from scenarios.sweep import main; main(['-h']);"
        "heavy = {'keras', 'tensorflow', 'torch', 'link_models'};"
        "print(sorted(heavy & {*sys.modules}))"
    )
    before = time.monotonic()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--dry-run" in told.stdout and told.stdout.endswith("[]\n")
    assert time.monotonic() - before < 20
