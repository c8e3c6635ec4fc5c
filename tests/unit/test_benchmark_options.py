"""Options of the benchmarks."""

import importlib
import importlib.metadata
import json
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

import benchmarks
from benchmarks import (
    argument_types,
    class_generator_steps,
    engines,
    phy_overhead,
    picture_cost,
)
from semcom_phy.channel_coding import measure_bler
from semcom_phy.channel_coding.mcs import mcs_table

FOLDER = Path(benchmarks.__file__).parent
SOURCES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.py"))}
WITH_OUT = [
    n for n, text in SOURCES.items() if "def main" in text and '"--out"' in text
]


@pytest.mark.parametrize("name", WITH_OUT)
def test_a_second_value_is_refused(name, capsys):
    """In one line that names both; argparse would keep the last (exact)."""
    main = importlib.import_module(f"benchmarks.{name}").main
    with pytest.raises(SystemExit, match="2"):
        main(["--out", "first", "--out", "second"])
    error = capsys.readouterr().err
    assert "--out is given twice, first and second" in error and error.count("\n") == 1


def test_most_benchmarks_are_among_them():
    assert len(WITH_OUT) > 15


@pytest.mark.parametrize(
    "name, argv, told",
    [
        ("text_codecs", ["--images", "0"], "an integer from 1, got '0'"),
        ("text_codecs", ["--images", "-1"], "an integer from 1, got '-1'"),
        ("separation_large_pictures", ["--pictures", "-2"], "from 1, got '-2'"),
        ("separation_large_pictures", ["--draws", "0"], "from 1, got '0'"),
        ("separation_large_pictures", ["--sizes", "321x481", "9"], "such as 512x768"),
        ("separation_large_pictures", ["--cbr", "1/0"], "got '1/0'"),
        ("picture_cost", ["--pictures", "-1"], "an integer from 1, got '-1'"),
        ("picture_cost", ["--pictures", "some"], "an integer from 1, got 'some'"),
        ("picture_cost", ["--size", "512"], "such as 512x768, got '512'"),
        ("picture_cost", ["--size", "0x768"], "such as 512x768, got '0x768'"),
        ("picture_cost", ["--cbr", "x"], "such as 1/16, got 'x'"),
        ("picture_cost", ["--cbr", "-0.5"], "such as 1/16, got '-0.5'"),
        ("picture_cost", ["--cbr", "2"], "such as 1/16, got '2'"),
        ("start_up_time", ["--rounds", "0"], "an integer from 1, got '0'"),
        ("class_generator_steps", ["--candidates", "0"], "from 1, got '0'"),
        ("phy_overhead", ["--calls", "0"], "an integer from 1, got '0'"),
    ],
)
def test_counts_sizes_and_rates_are_checked(name, argv, told, capsys):
    """In one line, before anything is measured (exact)."""
    main = importlib.import_module(f"benchmarks.{name}").main
    with pytest.raises(SystemExit, match="2"):
        main(argv)
    error = capsys.readouterr().err
    assert f"argument {argv[0]}: must be " in error and told in error
    assert error.count("\n") == 1


def test_an_unknown_system_is_told(tmp_path, capsys):
    """In one line, with the option and what was meant, before a process is started for
    it (exact)."""
    (tmp_path / "picture.png").touch()
    with pytest.raises(SystemExit, match="2"):
        picture_cost.main(["--systems", "hevc_ldpx", "--folder", str(tmp_path)])
    told = "argument --systems: unknown system 'hevc_ldpx'; did you mean 'hevc_ldpc'? "
    error = capsys.readouterr().err
    assert told in error and error.endswith("All are in docs/systems.md\n")
    assert error.count("\n") == 1


def test_a_system_that_does_not_fit_is_told(tmp_path, capfd):
    """In one line of the process that measures it, whose exit code is that of the
    command (exact)."""
    Image.new("RGB", (48, 32)).save(tmp_path / "picture.png")
    options = ["--size", "32x48", "--links", "awgn", "--folder", str(tmp_path)]
    with pytest.raises(SystemExit, match="2"):
        picture_cost.main(["--systems", "mmsemcom_text", *options])
    error = capfd.readouterr().err
    assert error.count("picture_cost.py: error: ") == 1
    assert error.endswith("(system 'mmsemcom_text')\n") and "Traceback" not in error


def test_options_that_are_handed_on_are_not_checked():
    """What follows --more is of the scenario (exact)."""
    args = engines._parser().parse_args(["--images", "9", "--more", "--dataset", "x"])
    assert args.images == 9 and args.more == ["--dataset", "x"]


def test_what_arguments_are_read_as():
    """Plain values (exact)."""
    assert argument_types.count("24") == 24
    assert argument_types.size("321x481") == (321, 481)
    assert argument_types.rate("1/16") == Fraction(1, 16)


def test_a_generator_of_no_classes_is_told(capsys):
    """In one line, with exit code 2."""
    assert class_generator_steps.main(["--dataset", "nothing"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_the_whole_sionna_is_a_version_as_well(monkeypatch, tmp_path):
    """Not that of the wheel without ray tracing alone."""

    def version(name):
        if name == "sionna-no-rt":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.2.2" if name == "sionna" else installed(name)

    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", version)
    few = {"build_links": dict, "build_runs": lambda *a: {}, "measure": lambda *a: {}}
    for name, made in few.items():
        monkeypatch.setattr(phy_overhead, name, made)
    record = phy_overhead.main(["--out", str(tmp_path)])
    assert record["versions"]["sionna"] == "1.2.2"

    curve = {"table": 1, "index": 0, "nominal_info_bits": 400, "info_bits": 400}
    monkeypatch.setattr(measure_bler, "INFO_BITS", (400,))
    monkeypatch.setattr(measure_bler, "measure_curve", lambda *a: curve)
    monkeypatch.setattr(measure_bler, "all_schemes", lambda: mcs_table(1)[6:7])
    measure_bler.main(["--out", str(tmp_path / "bler.json")])
    stored = json.loads((tmp_path / "bler.json").read_text())
    assert stored["versions"]["sionna"] == "1.2.2"
