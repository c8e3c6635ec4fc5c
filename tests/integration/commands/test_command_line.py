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
from PIL import Image

from link_models.systems import table
from scenarios import (
    caption_awgn,
    compare,
    edited_awgn,
    generated_awgn,
    kodak_awgn,
    mimo_2x2,
    mimo_4x4,
    runner,
    siso_awgn,
    siso_rayleigh,
)
from scenarios import scenario as scenario_module
from scenarios.command.link_builder import LinkBuilder
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.sweep import SweepSettings, simulate_point
from semcom_phy.snr import SNR_RANGE_DB
from semcom_phy.sources.images import load_samples

ROOT = Path(__file__).resolve().parents[3]
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
    assert {Path(path).name for path in re.findall("^wrote (.*)", out, re.M)} == names
    document = json.loads((tmp_path / "fragile.json").read_text())
    assert document["scenario"]["name"] == "mimo_2x2"
    assert document["bandwidth"]["data_symbols"] == 768
    assert document["psnr_db"]["num_transmissions"] == [16, 16]
    assert document["extras"]["block_error"] == document["outage"]
    assert f"{document['psnr_db']['mean'][1]:.2f}" in out
    assert compare.main([str(tmp_path), "pixels", "fragile"]) == 0
    assert "pixels - fragile, paired" in capfd.readouterr().out


def test_plot_redraws_from_the_files(tmp_path, capsys):
    """Figures that were deleted come back as they were (byte by byte), in another form
    beside them; other commands draw PNG alone."""
    assert run("--quick", "--out", tmp_path) == 0
    figure = tmp_path / "psnr_vs_snr.png"
    before = figure.read_bytes()
    figure.unlink()
    assert run("plot", "--out", tmp_path) == 0
    assert figure.read_bytes() == before
    assert run("plot", "--format", "pdf", "--out", tmp_path) == 0
    assert figure.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
    capsys.readouterr()
    assert run("plot", "--systems", "nosuch", "--out", tmp_path) == 2
    assert "nosuch.json; " in (error := capsys.readouterr().err)
    assert error.endswith(f"{tmp_path} holds: fragile, pixels\n")
    assert run("--format", "pdf", "--out", tmp_path) == 2
    assert "error: --format is of 'plot'" in capsys.readouterr().err


def test_published_curves_are_laid_under_and_told(tmp_path, capsys):
    """`plot --published` names what it draws, or what there is; `evaluate` refuses it;
    `plot` alone draws as before (exact)."""
    siso = replace(siso_awgn.SCENARIO, systems=("pixels",), num_images=8)
    for scenario, folder in ((siso, tmp_path / "a"), (SCENARIO, tmp_path / "b")):
        extra = () if scenario is siso else ("--cbr", "1/5")
        assert run("--quick", "--out", folder, *extra, scenario=scenario) == 0
    figure = tmp_path / "a" / "psnr_vs_snr.png"
    before = figure.read_bytes()
    capsys.readouterr()
    assert run("plot", "--published", "--out", tmp_path / "a", scenario=siso) == 0
    out = capsys.readouterr().out
    assert out.count("published: ") == 6 and figure.read_bytes() != before
    assert "WITT on CIFAR-10, not the pictures of this figure: WITT paper" in out
    assert run("plot", "--out", tmp_path / "a", scenario=siso) == 0
    assert figure.read_bytes() == before
    capsys.readouterr()
    assert run("plot", "--published", "--out", tmp_path / "b") == 0
    (line,) = re.findall("no published curve is of .*", capsys.readouterr().out)
    assert "on sample over 2x2 rayleigh, cbr 0.1999, over the SNR point; " in line
    assert "CIFAR-10 over 2x2 rayleigh" in line
    assert run("--published", "--out", tmp_path / "c") == 2
    assert "error: --published is of 'plot'" in capsys.readouterr().err


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


def test_antennas_and_pilots_reach_the_link(tmp_path):
    """More receive antennas and one pilot symbol: they stand in the file, and the
    account has one pilot symbol of a slot fewer (exact)."""
    found = {}
    for name, more in (("a", ""), ("b", "--rx-antennas 4 --pilots 2")):
        words = f"--systems pixels --snr 7 --images 2 {more} --out {tmp_path / name}"
        assert run(*words.split()) == 0
        found[name] = json.loads((tmp_path / name / "pixels.json").read_text())
    antennas = [found["b"]["scenario"][f"num_{end}_ant"] for end in ("tx", "rx")]
    assert antennas == [2, 4]
    assert found["b"]["scenario"]["pilot_ofdm_symbols"] == [2]
    pilots = [found[name]["bandwidth"]["pilot_res"] for name in ("a", "b")]
    assert pilots[1] < pilots[0]


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


def test_intervals_count_photographs(tmp_path, capsys):
    """Crops of one photograph are one group: in the file's intervals (to the digits of
    the file), on the card and in the table, which say how many there are."""
    options = "--systems pixels --snr 10 --images 24 --batch-size 24"
    assert run(*options.split(), "--out", tmp_path) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "95 %, clustered by photograph" in out
    assert "24 images of 32x32 in 12 groups (by photograph): photographs" in out
    assert "mean over 24 images in 12 groups (by photograph) [dB]" in out
    document = json.loads((tmp_path / "pixels.json").read_text())
    assert document["data"]["groups"] == {"count": 12, "rule": "photograph"}
    samples = load_samples("sample", 24)
    point = simulate_point(
        LinkBuilder(SCENARIO, "pixels", "tiny_systems")(),
        samples,
        10,
        SweepSettings(seed=1, batch_size=24),
    )
    expected = point.metrics["psnr_db"].ci95
    assert document["psnr_db"]["ci95"][0] == pytest.approx(expected, rel=1e-7)


def test_a_folder_of_crops(tmp_path, capsys):
    """--group-by tells which pictures are alike, --strict-images refuses what would be
    converted (exact)."""
    for index in range(6):
        pixels = np.random.default_rng(index).integers(0, 256, (32, 32), np.uint8)
        place = tmp_path / "crops" / "class"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"picture{index // 2}_{index % 2}.png")
    options = ["--systems", "pixels", "--snr", 10, "--images", 6]
    options += ["--dataset", tmp_path / "crops", "--out", tmp_path / "out"]
    assert run(*options, "--group-by", "name") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert 'in 3 groups (by file name up to its last "_"): folder of 6 files' in out
    assert "converted: 6 grey" in out
    assert run(*options, "--strict-images") == 2
    assert re.search("picture.*'L' .grey.*--strict-images", capsys.readouterr().err)


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
        ("--channel carrier-pigeon", "--channel must be.*rayleigh.*carrier-pigeon"),
        ("--csi guessed", "--csi must be one of perfect, estimated.*guessed"),
        ("--interpolation cubic", "interpolation must be one of.*cubic"),
        ("--snr 0 nan", "--snr must be a number from -100 to 60 dB, got nan"),
        ("--snr 0 inf", "--snr must be .*got inf"),
        ("--snr 0 -inf", "--snr must be .*got -inf"),
        ("--snr 0 400", "--snr must be a number from -100 to 60 dB, got 400"),
        ("--snr -4e2", "--snr must be .*got -400"),
        ("--snr ten", "invalid float value: 'ten'"),
        ("--snr 0,5,10", "got '0,5,10'; give .* separated by blanks: --snr 0 5 10$"),
        ("--distance 50, 100", "separated by blanks: --distance 50$"),
        ("--pilots 2,11", "separated by blanks: --pilots 2 11$"),
        ("bits --mcs 4,9", "separated by blanks: --mcs 4 9$"),
        ("--target-ci 0,5", "invalid float value: '0,5'$"),
        (
            "--codec a:E,D --codec b:E,D",
            "--codec is given twice, a:E,D and b:E,D: a run has one codec; .*--out",
        ),
        ("--codec no_such:E,D", "there is no module 'no_such'"),
        ("bits --uncoded 3", "--uncoded: invalid choice: 3"),
        (
            "--tx-antennas 5 --rx-antennas 5",
            "5 streams, one from every transmit antenna, .* 1, 2, 3, 4, 6, 8 antennas",
        ),
        ("--csi perfect --csi=estimated", "twice, perfect and estimated: give one"),
        (
            "--systems pixels --snr 0 5 --systems fragile",
            "--systems is given twice, pixels and fragile: write all values behind one",
        ),
        ("--images 0", "--images must be at least 1, got 0"),
        ("--draws 0", "--draws must be at least 1, got 0"),
        ("--seed -1", "--seed must be from 0 to .*got -1"),
        ("--cbr inf", "--cbr must be a number or a fraction.*'inf'"),
        ("--cbr -1e-1", r"--cbr must be in \(0, 1\], got -1/10"),
        ("--cbr 0", r"--cbr must be in \(0, 1\], got 0"),
        ("--cbr 3/2", r"cbr must be in \(0, 1\], got 3/2"),
        ("--cbr much", "cbr must be a number or a fraction.*'much'"),
        ("--cbr 1/4,1/8", "--cbr must be .* separated by blanks, got '1/4,1/8'"),
        ("--cbr 1/4000", "less than one symbol per image"),
        ("--image-size 32 48 64", "one number, or height and width, got 3 numbers"),
        ("--dataset cifar10 --image-size 32 48", "size is 32x48; cifar10 images are"),
        ("--dataset no/such/folder", "error: --dataset 'no/such/folder'"),
        ("--group-by name", "--group-by is 'name', but 'sample' is no folder"),
        ("--group-by class", "invalid choice: 'class'"),
        (
            "--systems pixel",
            "unknown system 'pixel'; did you mean 'pixels'. All are in docs/systems.md",
        ),
        (
            "--systems pixels,fragile",
            "system 'pixels,fragile'; separate names by blanks: pixels fragile$",
        ),
        ("--metrics psnr", "unknown metric 'psnr'; did you mean 'psnr_db'. .*NAME$"),
        ("--metrics quality", "unknown metric 'quality'; there are: psnr_db, .*bleu_4"),
        ("--metrics psnr_db,ssim", "separate names by blanks: psnr_db ssim$"),
        ("--batch-size 0", "--batch-size must be at least 1, got 0"),
        ("--target-ci -1", "--target-ci must be a number from .*, got -1"),
        ("--target-ci nan", "--target-ci must be .*got nan"),
        ("--target-ci -1e1", "--target-ci must be .*got -10"),
        ("--workers 0", "--workers must be at least 1, got 0"),
        ("--tx-antennas 4", "--tx-antennas = 4 streams cannot be separated by"),
        ("--rx-antennas 9", "--rx-antennas must be from 1 to 8, got 9"),
        ("--pilots 2 14", "--pilots must be distinct indices below"),
        ("--unheard-of=1", "unknown option --unheard-of; --help lists all$"),
        ("--system_s pixels", "unknown option --system_s; did you mean '--systems'"),
        ("-systems pixels", "unknown option -systems; did you mean '--systems'"),
        ("estimate", "invalid choice: 'estimate'"),
        ("--out {file}/inside", "cannot write to the folder.*--out"),
        ("train --data nodata", "error: --data 'nodata': no such folder"),
        ("train --label a/b", "'a/b' must be a plain name.*--out says the folder"),
        ("train --label .", "'.' must be a plain name"),
        ("plot --out {empty}", "holds no result"),
        ("--system fragile", "--system is of 'train': .*'evaluate', or give --systems"),
        ("train --dataset cifar10", "--dataset is of 'evaluate': .* or give --data"),
        ("train --weights a", "--weights is of 'evaluate': .* or give --start-from"),
        ("bits --images 4", "--images is of 'evaluate': leave --images out of 'bits'"),
        ("--steps 10000", "--steps is of 'train': leave --steps out of 'evaluate'"),
        (
            "--image-size 4096",
            "--image-size is 4096, but .* has 1411x1411 pixels: give at most",
        ),
        (
            "bits --mcs 99",
            "--mcs is 99, but --mcs-table 1 has the indices 0 to 28: give",
        ),
        ("bits --mcs 4 --mcs-table 4", "argument --mcs-table: invalid choice: 4 .*1"),
        (
            "--dataset {file}",
            "--dataset '.*/file' is a file: give the folder that it is",
        ),
        ("--strict-images", "--strict-images is set, but 'sample' is no folder of pic"),
        (
            "--strict-images --dataset camvid",
            "--strict-images is set, but 'camvid' are",
        ),
        ("--workers 2 --dask tcp://a:1", "--workers 2 and --dask exclude each other, "),
        ("bits --group-by picture", "--group-by is of 'evaluate': leave"),
        ("bits --strict-images", "--strict-images is of 'evaluate': leave"),
        ("bits --feedback-delay 1", "--feedback-delay is of 'evaluate': leave"),
        ("bits --link-adaptation csi", "--link-adaptation is of 'evaluate': leave"),
        ("bits --as-published", "--as-published is of 'evaluate': leave"),
        ("train --workers 2", "--workers is of 'evaluate': leave --workers out of 't"),
        ("train --keep", "--keep is of 'evaluate': leave --keep out of 'train'"),
        ("train --quick", "--quick is of 'evaluate': leave --quick out of 'train'"),
        ("train --link-adaptation csi", "--link-adaptation is of 'evaluate': leave"),
        ("train --as-published", "--as-published is of 'evaluate': leave"),
        (
            "--interpolation lmmse",
            "--interpolation is 'lmmse', .* a 'rayleigh' channel",
        ),
        (
            "--speed 3",
            "--speed is 3, .* a 'rayleigh' channel: give --channel tdl or cdl",
        ),
        ("--speed 3 --channel my:own", "--speed is 3, .* a 'my:own' channel: give"),
        (
            "--channel tdl --csi perfect --interpolation lmmse",
            "--interpolation is 'lmmse', which says nothing of perfect CSI: give --csi",
        ),
        ("bits --mcs 4 --speed 3", "--speed is 3, which says nothing of a 'rayleigh'"),
        ("train --mcs 4", "--mcs is of 'bits': leave --mcs out of 'train'"),
        ("--imag 4", "unknown option --imag; did you mean '--images'.$"),
        ("train --resum", "unknown option --resum; did you mean '--resume'.$"),
        (
            "bits --full-pictures",
            "--full-pictures is of 'evaluate', whose .* of 'bits'",
        ),
        (
            "plot --systems fragile --out {empty}",
            "there is no result .*fragile.json; .*empty holds none$",
        ),
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


@pytest.mark.parametrize("text", ["-10", "-10.0", "-1e1", "-1E+1", "-.1e2", "-100e-1"])
def test_negative_numbers_in_any_form(tmp_path, text):
    """What float() reads is a number after an option, not an option (exact)."""
    options = ["--systems", "pixels", "--images", 2, "--snr", 0, text, "--seed", 3]
    assert run(*options, "--out", tmp_path) == 0
    document = json.loads((tmp_path / "pixels.json").read_text())
    assert document["snr_db"] == [-10, 0] and document["seed"] == 3


BAD = (float("nan"), float("inf"), -float("inf"), "many", None)


@pytest.mark.parametrize(
    "field, values",
    [
        ("snr_db", [(0.0, bad) for bad in (*BAD, 101, -101)]),
        ("rician_k_db", [*BAD, 400.0, -400.0]),
        ("delay_spread", [*BAD, -1e-9, 1.0]),
        ("carrier_frequency", [*BAD, 0.0, 1e15]),
        ("speed", [*BAD, -1.0, 3e8]),
        ("subcarrier_spacing", [*BAD, 0.0, 1e9]),
        ("cbr", [*BAD, 0, -1, 2]),
        ("image_size", [*BAD, 15, 5000, (32, 8)]),
        ("num_images", [*BAD, 0, 2.5]),
        ("draws", [*BAD, 0, 2.5]),
        ("seed", [*BAD, -1, 2**32]),
        ("num_tx_ant", [*BAD, 0, 9]),
        ("num_rx_ant", [*BAD, 0, 9]),
        ("fft_size", [*BAD, 0]),
        ("num_ofdm_symbols", [*BAD, 1, 15]),
    ],
)
def test_every_number_of_a_scenario_is_checked(field, values):
    """NaN, infinities, other types and absurd values are refused with the field and the
    value, whether or not the channel would use it (exact)."""
    for value in values:
        with pytest.raises(ValueError, match=f"^{field} ") as refused:
            replace(mimo_2x2.SCENARIO, **{field: value})
        shown = value[1] if isinstance(value, tuple) else value
        assert f"got {shown}" in str(refused.value).replace("'", ""), refused.value


@pytest.mark.parametrize(
    "field", ["draws", "batch_size", "min_images", "num_shown", "seed", "target_ci"]
)
def test_every_number_of_a_sweep_is_checked(field):
    """The same of the settings of a sweep (exact)."""
    for value in (*BAD[:4], -1):
        with pytest.raises(ValueError, match=f"^{field} must be .*got .?{value}"):
            SweepSettings(**{field: value})


def test_ranges_are_those_of_the_library():
    """A scenario may be loaded without a backend, so that it holds the range of SNRs a
    second time (exact)."""
    assert scenario_module._SNR_DB == SNR_RANGE_DB


def test_a_system_that_does_not_fit_is_named(tmp_path, capsys):
    """With what would fit, as a cbr (exact)."""
    words = f"--systems hevc_ldpc adjscc --cbr 1/8 --images 2 --out {tmp_path}"
    assert mimo_2x2.main(words.split()) == 2
    error = capsys.readouterr().err
    assert "received 384: give a cbr from 512/3072 to 768/3072, or" in error
    assert error.endswith("(system 'adjscc')\n")


def test_weights_that_no_system_reads_are_refused(tmp_path, capsys):
    """Before anything is written; beside a system that reads them, by itself or by the
    one whose images it edits, they are looked for (exact)."""
    words = ["--weights", "runs/none", "--images", "2", "--out", str(tmp_path / "out")]
    assert mimo_2x2.main([*words, "--systems", "hevc_ldpc", "linear"]) == 2
    told = "--weights is 'runs/none', which none of hevc_ldpc, linear reads: leave it"
    assert told in capsys.readouterr().err
    assert mimo_2x2.main([*words, "--systems", "hevc_ldpc", "adjscc"]) == 2
    assert "no weights 'runs/none'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    others = ("hevc_ldpc_edited", "gened_sc_plain_edited", "mask_and_caption")
    others += ("hevc_ldpc_mask", "hevc_ldpc_labels")
    assert [table.SYSTEMS[name].reads_weights for name in others] == [0, 1, 1, 1, 0]


def test_options_of_motion_and_interpolation_where_they_count(tmp_path):
    """Over selective channels, and for feedback with an age, none included (exact)."""
    for number, words in enumerate(
        (
            "--channel tdl --interpolation lmmse --speed 3",
            "--channel rician --feedback-delay 0 --speed 3",
        )
    ):
        out = tmp_path / str(number)
        words += f" --systems pixels --images 2 --snr 10 --out {out}"
        assert run(*words.split()) == 0
        document = json.loads((out / "pixels.json").read_text())
        assert document["scenario"]["speed"] == 3


def test_what_a_generator_has_seen_is_no_folder(tmp_path, capsys):
    """Options of folders are refused (exact)."""
    for option in ("--strict-images", "--group-by name"):
        words = f"--dataset seen {option} --systems linear --out {tmp_path}"
        assert generated_awgn.main(words.split()) == 2
        told = (
            "--dataset 'seen' is no folder of pictures: leave out --group-by and --st"
        )
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "module, command, option",
    [
        (caption_awgn, "bits", "--captioner tags"),
        (caption_awgn, "train", "--generate"),
        (edited_awgn, "bits", "--dual-encoder embedded"),
        (edited_awgn, "train", "--editor embedded"),
        (generated_awgn, "bits", "--cnn embedded"),
        (generated_awgn, "train", "--candidates 9"),
        (kodak_awgn, "bits", "--no-turn"),
        (kodak_awgn, "train", "--turn"),
    ],
)
def test_options_of_a_scenario_s_samples_are_of_evaluate(
    tmp_path, capsys, module, command, option
):
    """Bits are no samples, and what receivers make of them is not trained (exact)."""
    words = f"{command} {option} --steps 0 --mcs 4 --out {tmp_path}"
    words = words.replace("--mcs 4 " if command == "train" else "--steps 0 ", "")
    assert module.main(words.split()) == 2
    told = option.split()[0].replace("--no-", "--")
    assert f"{told} is of 'evaluate': leave {told} out of" in capsys.readouterr().err


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
    assert "holds another simulation: --seed 1 then, 2 now; give" in error
    for more, told in (
        (("--images", 3), "--images 8 then, 3 now; give"),
        (("--cbr", "1/5"), '--cbr "1/4" then, "1/5" now; give'),
        (("--csi", "perfect", "--draws", 2), '--csi "estimated" then, "perfect" now; '),
        (("--images", 3, "--seed", 5), "--images 8 then, 3 now; --seed 1 then, 5 now"),
    ):
        assert run("--quick", "--out", tmp_path, *more) == 2
        error = capsys.readouterr().err
        assert told in error and "sha256" not in error, error
    assert (tmp_path / "pixels.json").read_bytes() == before
    assert run("--quick", "--out", tmp_path, "--seed", 2, "--restart") == 0
    assert (tmp_path / "pixels.json").read_bytes() != before


def test_figures_of_another_scenario_are_not_overwritten(tmp_path, capsys, monkeypatch):
    """Results of other systems with other CSI, rate or images in the folder: refused
    before anything is simulated, naming the difference and --out; plot refuses a folder
    that holds both (exact)."""
    assert run("--quick", "--out", tmp_path, "--systems", "pixels") == 0
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    monkeypatch.setattr("semcom_phy.simulation.sweep.run_sweep", None)
    for options, key in (
        ("--csi perfect", 'scenario.csi = "estimated", asked is "perfect"'),
        ("--cbr 1/6", "scenario.cbr"),
        ("--images 3", "data.sha256|scenario.num_images"),
        ("--seed 2 --restart", "seed"),
    ):
        argv = ["--quick", "--out", tmp_path, "--systems", "fragile", *options.split()]
        assert run(*argv) == 2
        error = capsys.readouterr().err
        assert re.search(f"holds pixels.json, computed with .*({key})", error), error
        assert "--out" in error and error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before


def test_every_neighbour_is_looked_at(tmp_path, capsys):
    """Behind one that can be compared, a foreign JSON file and a folder the one that
    cannot is found; without it the others stop nothing (exact)."""
    assert run("--quick", "--out", tmp_path, "--systems", "pixels") == 0
    header = ResultFile.read(tmp_path / "pixels.json").header
    header |= {"system": "another", "scenario": header["scenario"] | {"csi": "perfect"}}
    ResultFile.open(tmp_path / "another.json", header, [0.0])
    (tmp_path / "b.json").write_text("[1, 2]")
    (tmp_path / "c.json").mkdir()
    capsys.readouterr()
    argv = ["--quick", "--out", tmp_path, "--systems", "fragile", "--csi", "perfect"]
    assert run(*argv) == 2
    out, err = capsys.readouterr()
    assert "holds pixels.json, computed with scenario.csi" in err
    assert "left out" not in out
    (tmp_path / "pixels.json").unlink()
    assert run(*argv) == 0


def test_plot_refuses_what_cannot_be_compared(tmp_path, capsys):
    """Two CSI in one folder: one line with the difference, no figure (exact)."""
    for system, csi in (("pixels", "perfect"), ("fragile", "estimated")):
        argv = ["--quick", "--out", tmp_path / csi, "--systems", system, "--csi", csi]
        assert run(*argv) == 0
    for path in (tmp_path / "perfect").glob("pixels.*"):
        path.rename(tmp_path / "estimated" / path.name)
    figure = tmp_path / "estimated" / "psnr_vs_snr.png"
    figure.unlink()
    capsys.readouterr()
    assert run("plot", "--out", tmp_path / "estimated") == 2
    error = capsys.readouterr().err
    assert "cannot share a figure: scenario.csi is" in error and error.count("\n") == 1
    assert not figure.exists()
    argv = ["plot", "--out", tmp_path / "estimated", "--systems", "pixels"]
    assert run(*argv) == 0 and figure.exists()


def test_plot_passes_over_what_is_no_result(tmp_path, capsys):
    """Foreign JSON files and a system without points are left out with a line each
    (exact)."""
    assert run("--quick", "--out", tmp_path, "--systems", "pixels") == 0
    figure = (tmp_path / "psnr_vs_snr.png").read_bytes()
    header = ResultFile.read(tmp_path / "pixels.json").header
    ResultFile.open(tmp_path / "other.json", header | {"system": "other"}, [0.0])
    for name, text in (("a", "[1, 2]"), ("b", '{"format": 3}'), ("c", "none")):
        (tmp_path / f"{name}.json").write_text(text)
    capsys.readouterr()
    assert run("plot", "--out", tmp_path) == 0
    out = capsys.readouterr().out
    for name in "abc":
        assert out.count(f"{name}.json is left out: {tmp_path}") == 1
    assert "other.json is left out: no point was simulated yet\n" in out
    assert (tmp_path / "psnr_vs_snr.png").read_bytes() == figure


def test_keeping_and_starting_over_exclude_each_other(tmp_path, capsys):
    """Two answers to the same question are none (exact)."""
    assert run("--keep", "--restart", "--out", tmp_path) == 2
    assert "--keep and --restart" in capsys.readouterr().err


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
