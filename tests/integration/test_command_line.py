"""The command line of a scenario: what it writes, and how it refuses."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_systems

from link_models.transmission import Transmission
from scenarios import compare, mimo_2x2, mimo_4x4, runner, siso_awgn, siso_rayleigh

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = replace(mimo_2x2.SCENARIO, systems=("pixels", "fragile"), num_images=8)


def run(*argv, scenario=SCENARIO):
    return runner.main([str(word) for word in argv], scenario, "tiny_systems")


def test_evaluate_writes_and_prints_everything(tmp_path, capfd):
    """Card, table, one JSON with rows per system, which compare, and the figures
    (exact)."""
    assert run("--out", tmp_path, "--snr", 0, 20, "--draws", 2) == 0
    out, err = capfd.readouterr()
    for word in ("SNR", "cbr = 768", "uses_per_dim", "estimated", "Outage", "8 images"):
        assert word in out
    assert err == ""
    names = {path.name for path in tmp_path.iterdir() if path.name[0] != "."}
    figures = {"psnr_vs_snr.png", "reconstructions.png", "outage_vs_snr.png"}
    curves = {"pixels.json", "pixels.rows.npz", "fragile.json", "fragile.rows.npz"}
    assert names == curves | figures
    document = json.loads((tmp_path / "fragile.json").read_text())
    assert document["scenario"]["name"] == "mimo_2x2"
    assert document["bandwidth"]["data_symbols"] == 768
    assert document["psnr_db"]["num_transmissions"] == [16, 16]
    assert document["extras"]["block_error"] == document["outage"]
    assert f"{document['psnr_db']['mean'][1]:.2f}" in out
    assert compare.main([str(tmp_path), "pixels", "fragile"]) == 0
    assert "pixels - fragile, paired" in capfd.readouterr().out


def test_plot_redraws_from_the_files(tmp_path):
    """Figures that were deleted come back as they were (byte by byte)."""
    assert run("--quick", "--out", tmp_path) == 0
    figure = tmp_path / "psnr_vs_snr.png"
    before = figure.read_bytes()
    figure.unlink()
    assert run("plot", "--out", tmp_path) == 0
    assert figure.read_bytes() == before


def test_options_reach_the_scenario(tmp_path):
    """What is given on the command line stands in the file (exact)."""
    options = "--systems pixels --snr 7 --images 3 --csi perfect --cbr 1/6 --seed 5"
    options += " --channel rician --link-adaptation csi --batch-size 2 --draws 4"
    assert run(*options.split(), "--out", tmp_path) == 0
    document = json.loads((tmp_path / "pixels.json").read_text())
    assert [path.stem for path in tmp_path.glob("*.json")] == ["pixels"]
    scenario = document["scenario"]
    names = ("num_images", "csi", "cbr", "channel", "link_adaptation", "draws")
    assert [scenario[n] for n in names] == [3, "perfect", "1/6", "rician", "csi", 4]
    assert (document["seed"], document["snr_db"]) == (5, [7.0])
    assert document["sweep"]["batch_size"] == 2


@pytest.mark.parametrize(
    "options, size, shape",
    [("--image-size 64", 64, "64x64"), ("--image-size 48 64", [48, 64], "48x64")],
)
def test_one_or_two_numbers_for_the_size(tmp_path, capsys, options, size, shape):
    """One number is a square, two are height and width; both reach images, rate and
    file (exact)."""
    options += " --systems pixels --snr 7 --images 3"
    assert run(*options.split(), "--out", tmp_path) == 0
    assert f"3 images of {shape}" in capsys.readouterr().out
    document = json.loads((tmp_path / "pixels.json").read_text())
    assert document["scenario"]["image_size"] == document["data"]["size"] == size
    height, width = map(int, shape.split("x"))
    assert document["bandwidth"]["data_symbols"] == 3 * height * width / 4


def test_target_interval_stops_early(tmp_path):
    """--target-ci ends the points whose interval is narrow (exact)."""
    options = "--systems pixels --snr 10 --draws 50 --batch-size 8 --target-ci 5"
    assert run(*options.split(), "--out", tmp_path) == 0
    document = json.loads((tmp_path / "pixels.json").read_text())
    assert document["psnr_db"]["status"] == ["target_reached"]
    assert document["psnr_db"]["num_transmissions"] == [8]


@pytest.mark.parametrize(
    "options, message",
    [
        ("--systems pixels jpeg3000", "unknown system 'jpeg3000'.*fragile.*pixels"),
        ("--channel carrier-pigeon", "channel must be.*rayleigh.*carrier-pigeon"),
        ("--csi guessed", "csi must be one of perfect, estimated.*guessed"),
        ("--interpolation cubic", "interpolation must be one of.*cubic"),
        ("--snr 0 nan", "finite.*nan"),
        ("--snr 0 inf", "finite.*inf"),
        ("--snr ten", "invalid float value: 'ten'"),
        ("--images 0", "num_images must be at least 1, got 0"),
        ("--draws 0", "draws must be at least 1, got 0"),
        ("--seed -1", "seed must be from 0 to .*got -1"),
        ("--cbr 0", r"cbr must be in \(0, 1\], got 0"),
        ("--cbr 3/2", r"cbr must be in \(0, 1\], got 3/2"),
        ("--cbr much", "cbr must be a number or a fraction.*'much'"),
        ("--cbr 1/4000", "less than one symbol per image"),
        ("--image-size 32 48 64", "one number, or height and width, got 3 numbers"),
        ("--dataset cifar10 --image-size 32 48", "size is 32x48; cifar10 images are"),
        ("--dataset no/such/folder", "no/such/folder"),
        ("--batch-size 0", "batch_size must be at least 1, got 0"),
        ("--target-ci -1", "target_ci must be positive, got -1"),
        ("--workers 0", "workers must be at least 1, got 0"),
        ("--unheard-of=1", "unrecognized arguments: --unheard-of"),
        ("estimate", "invalid choice: 'estimate'"),
        ("--out {file}/inside", "cannot write to the results folder.*--out"),
        ("plot --out {empty}", "holds no result"),
        ("plot --systems fragile --out {empty}", "fragile.json"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, options, message):
    """Exit code 2 and one line on stderr with the value; no traceback (exact)."""
    places = {"file": tmp_path / "file", "empty": tmp_path / "empty"}
    places["file"].touch()
    places["empty"].mkdir()
    argv = options.format(**places).split()
    if "--out" not in argv:
        argv += ["--out", str(tmp_path / "out")]
    assert run(*argv) == 2
    error = capsys.readouterr().err
    assert error.startswith("scenarios.mimo_2x2: error: ")
    assert error.count("\n") == 1 and error.endswith("\n")
    assert re.search(message, error), error


def test_a_missing_codec_is_one_clear_line(tmp_path, capsys, monkeypatch):
    """A system whose package is missing names the extra, before any work (exact)."""

    def build(scenario):
        raise ImportError("HEVC needs PyAV: pip install semcom-phy[hevc]")

    monkeypatch.setitem(tiny_systems.SYSTEMS, "missing", build)
    assert run("--systems", "pixels", "missing", "--out", tmp_path) == 2
    assert "semcom-phy[hevc]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_results_of_another_run_are_not_overwritten(tmp_path, capsys):
    """Another seed in the same folder is refused; --restart allows it (exact)."""
    assert run("--quick", "--out", tmp_path) == 0
    before = (tmp_path / "pixels.json").read_bytes()
    assert run("--quick", "--out", tmp_path, "--seed", 2) == 2
    error = capsys.readouterr().err
    assert "--restart" in error and "--out" in error
    assert (tmp_path / "pixels.json").read_bytes() == before
    assert run("--quick", "--out", tmp_path, "--seed", 2, "--restart") == 0
    assert (tmp_path / "pixels.json").read_bytes() != before


@pytest.mark.parametrize("module", [siso_awgn, siso_rayleigh, mimo_2x2, mimo_4x4])
def test_every_scenario_is_a_command(module):
    """Each file's scenario bears its name, fits its frame, and has --help (exact)."""
    name = module.__name__.rpartition(".")[2]
    assert module.SCENARIO.name == name
    assert module.SCENARIO.framing().num_slots >= 1
    assert module.main(["--help"]) == 0


def test_the_module_ends_with_its_exit_code():
    """`python -m scenarios.mimo_2x2` with a NaN exits with 2 and no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "scenarios.mimo_2x2", "--snr", "nan"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "nan" in done.stderr


def test_a_transmission_checks_its_shapes():
    """Images and outages of another type or shape are refused (exact)."""
    images, outage = np.zeros((2, 8, 8, 3), "uint8"), np.zeros(2, bool)
    Transmission(images, outage, {"gain": np.ones(2)})
    for bad in (
        (images / 2, outage),
        (images[..., :1], outage),
        (images, outage[:1]),
        (images, outage.astype(int)),
        (images, outage, {"gain": np.ones(3)}),
    ):
        with pytest.raises(ValueError, match="must"):
            Transmission(*bad)
