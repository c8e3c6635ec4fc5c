"""README and documentation: examples run, and tables are those of the code."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from link_models.systems.table import SYSTEMS
from scenarios import compare, runner
from scenarios.command.options import scenario_parser
from scenarios.mimo_2x2 import SCENARIO
from scenarios.report import __main__ as report
from semcom_phy.metrics.image import psnr

ROOT = Path(__file__).resolve().parents[3]


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


CODEC = text_of("docs/how_to/own_codec.md")
RADIO = text_of("docs/how_to/own_channel.md")
COMMANDS = text_of("docs/command_line.md")


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def python_blocks(*texts):
    pattern = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [block for text in texts for block in pattern.findall(text)]


def write_modules(folder):
    """The files ``cells.py`` and ``levels.py`` of the page on codecs."""
    for name in ("cells", "levels"):
        mark = f"class {name[:-1].capitalize()}Encoder"
        (text,) = (block for block in python_blocks(CODEC) if mark in block)
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        sys.modules.pop(name, None)  # of another test's folder


def test_examples_run(tmp_path, monkeypatch):
    """The Python blocks run one after the other, and the codec trained in them beats
    the mean colour by 3 dB at 10 dB (it codes half of the coefficients)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    write_modules(tmp_path)
    blocks = python_blocks(text_of("docs/systems.md"), CODEC, RADIO)
    assert len(blocks) == 7
    script = tmp_path / "readme_examples.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    names = {"__name__": "readme_examples"}
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), names)
    images = names["samples"].images
    colour = np.rint(images.mean((0, 1, 2))).astype("uint8")
    blank = psnr(images, np.broadcast_to(colour, images.shape)).mean()
    assert names["point"].metrics["psnr_db"].mean > blank + 3
    assert (tmp_path / "runs" / "levels_from_python.weights.h5").is_file()
    # Between a third and all of 768 symbols, and the byte that tells.
    assert 256 < names["point"].extras["cbr_total"].mean * 3072 < 768 + 128


@pytest.mark.parametrize("name", ["cells", "levels"])
def test_own_codecs_run_from_the_command_line(name, tmp_path, monkeypatch, capsys):
    """Both commands of a codec, with fewer steps: it is trained, and swept beside a
    system of the table by the name of its file; what it spends varies if it adapts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    write_modules(tmp_path)
    pattern = rf"^python -m scenarios.mimo_2x2 (.*{name}:.*)$"
    commands = re.findall(pattern, CODEC, re.MULTILINE)
    assert len(commands) == 2
    few = ["--snr", "10", "--images", "12", "--out", "results"]
    training = re.sub(r"--steps \d+", "--steps 5", commands[0])
    assert runner.main(training.split(), SCENARIO) == 0
    assert runner.main([*commands[1].split(), *few], SCENARIO) == 0
    told = "Spent: cbr with side information" in capsys.readouterr().out
    assert told == (name == "levels")
    rows = np.load(tmp_path / "results" / f"{name}.rows.npz")
    spent = np.unique(np.rint(rows["cbr"] * 3072))
    assert set(spent) <= {256, 512, 768}
    assert (len(spent) > 1) == (name == "levels")
    assert np.all((rows["side_cbr"] > 0) == (name == "levels"))


def test_codecs_and_systems_share_a_folder(tmp_path, monkeypatch, capsys):
    """A codec joins systems that lie there already, and another codec joins both; each
    has the title that it gives itself, by default its file's name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    write_modules(tmp_path)
    with (tmp_path / "levels.py").open("a", encoding="utf-8") as module:
        module.write('\n\nLevelEncoder.title = "Three levels"\n')
    few = ["--snr", "10", "--images", "4", "--out", "results"]
    assert runner.main(["--systems", "linear", *few], SCENARIO) == 0
    for name, kind in (("cells", "Cell"), ("levels", "Level")):
        codec = ["--codec", f"{name}:{kind}Encoder,{kind}Decoder"]
        train = ["train", *codec, "--data", "sample", "--steps", "2", "--label", name]
        assert runner.main(train, SCENARIO) == 0
        # Each beside the same baseline, which is the same beside either.
        run = [*codec, "--weights", f"runs/{name}", "--systems", name, "linear", *few]
        assert runner.main(run, SCENARIO) == 0
    results = [json.loads(path.read_text()) for path in Path("results").glob("*.json")]
    assert {r["scenario"]["codec"] for r in results if r["system"] == "linear"} == {
        None
    }
    titles = {result["description"]["title"] for result in results}
    assert titles == {"cells", "Three levels", "Linear analogue (scale sent)"}
    assert compare.main(["results", "cells", "levels"]) == 0
    assert "cells - levels, paired" in capsys.readouterr().out
    assert runner.main(["plot", "--out", "results"], SCENARIO) == 0


def test_a_codec_is_named_once(tmp_path, monkeypatch, capsys):
    """--system beside --codec is refused, and a name that neither gives says which
    name the codec has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    write_modules(tmp_path)
    codec = ["--codec", "cells:CellEncoder,CellDecoder"]
    assert runner.main(["train", *codec, "--system", "adjscc"], SCENARIO) == 2
    assert "leave out --system" in capsys.readouterr().err
    assert runner.main([*codec, "--systems", "cell"], SCENARIO) == 2
    assert "and 'cells' by --codec" in capsys.readouterr().err
    assert runner.main([*codec, "--systems", "linear"], SCENARIO) == 2
    assert "add 'cells' to them, or leave out --codec" in capsys.readouterr().err


def test_the_adaptive_codec_is_short():
    """At most 40 lines, imports and all (exact)."""
    (text,) = (block for block in python_blocks(CODEC) if "class LevelEncoder" in block)
    assert len(text.splitlines()) <= 40


def test_own_channel_and_detector_run(tmp_path, monkeypatch):
    """The module and the command of the page, with fewer images: the result states
    channel and detector, and zero forcing shows worse pictures than L-MMSE."""
    module = python_blocks(RADIO)[0]
    command = re.search(r"^python -m scenarios.mimo_2x2 (.*)$", RADIO, re.MULTILINE)
    (tmp_path / "my_radio.py").write_text(module, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    few = ["--systems", "adjscc", "--images", "16", "--snr", "5"]
    psnr_db = {}
    own = re.sub(r"--out \S+", "", command.group(1)).split()
    for name, words in (("own", own), ("lmmse", own[:2])):
        assert runner.main([*words, *few, "--out", name], SCENARIO) == 0
        document = json.loads((tmp_path / name / "adjscc.json").read_text())
        assert document["scenario"]["channel"] == "my_radio:MyChannel"
        detector = "my_radio:detect" if name == "own" else None
        assert document["scenario"]["detector"] == detector
        assert "my_radio.py" in document["code"]["modules"]
        (psnr_db[name],) = document["psnr_db"]["mean"]
    assert psnr_db["own"] < psnr_db["lmmse"] - 0.5


def test_systems_table_is_complete():
    """The table lists every system of the command line, and no other (exact)."""
    rows = re.findall(r"^\| (`.*?) \|", text_of("docs/systems.md"), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(SYSTEMS)


def test_options_table_is_complete():
    """The page names every option of the command line, and no other (exact)."""
    text = COMMANDS.split("\n## Paired differences\n")[0]
    listed = set(re.findall(r"`(--[a-z-]+)", text))
    actions = scenario_parser(SCENARIO)._actions
    options = {name for action in actions for name in action.option_strings}
    assert listed == {o for o in options if o.startswith("--")} - {"--help"}


def test_options_of_the_comparison_are_named():
    """The section on pairs names every option of its command, and no other (exact)."""
    text = section(COMMANDS, "Paired differences")
    actions = compare._parser()._actions
    options = {name for action in actions for name in action.option_strings}
    assert set(re.findall(r"`(--[a-z-]+)", text)) == options - {"-h", "--help"}


def test_options_of_the_report_are_named():
    """The section on reports names every option of its command, no other (exact)."""
    text = section(COMMANDS, "A report to send on")
    actions = report._parser()._actions
    options = {name for action in actions for name in action.option_strings}
    assert set(re.findall(r"`(--[a-z-]+)", text)) == options - {"-h", "--help"}


def test_links_lead_somewhere():
    """Every link to a file of the repository finds it (exact)."""
    for document in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))):
        if "_build" in document.parts:
            continue
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document}: {target}"


def test_version_is_that_of_the_package():
    """README and changelog name the version of pyproject.toml (exact)."""
    package = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.*)"', package, re.MULTILINE).group(1)
    assert f"version = {{{version}}}" in text_of("README.md")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
