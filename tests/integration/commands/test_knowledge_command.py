"""The command ``python -m scenarios.knowledge``, with the models that are shipped."""

import huggingface_hub
import numpy as np
import pytest
from PIL import Image

from scenarios.knowledge import main
from semcom_phy.simulation.figures.grid import grid_figure


def run(command, folder, *options):
    small = ["--images", "2", "--image-size", "64"]
    return main([command, "--out", str(folder), *small, *options])


@pytest.mark.parametrize("captioner", ["embedded", "tags"])
def test_captions_are_printed_and_drawn(captioner, tmp_path, capsys):
    """A line for each picture, and a figure."""
    assert run("caption", tmp_path, "--captioner", captioner) == 0
    first, second, wrote = capsys.readouterr().out.splitlines()
    assert first.startswith("0: ") and second.startswith("1: ") and "wrote" in wrote
    assert len(first.split()) > 3
    assert Image.open(tmp_path / "caption.png").width > 200


def test_prompts_are_those_of_the_file(tmp_path, capsys):
    """The best of the candidates that were given, with their probabilities."""
    candidates = tmp_path / "own.txt"
    candidates.write_text("a dog\na cat\na ship\n")
    options = ["--prompts-file", str(candidates), "--num", "3"]
    assert run("prompts", tmp_path, *options) == 0
    line = capsys.readouterr().out.splitlines()[0].removeprefix("0: ")
    words = [part.rsplit(" ", 1) for part in line.split(", ")]
    assert sorted(name for name, _ in words) == ["a cat", "a dog", "a ship"]
    assert sum(float(share) for _, share in words) == pytest.approx(1, abs=0.02)


def test_generated_and_edited_pictures_are_drawn(tmp_path, capsys):
    """Every caption has a row; the same command draws the same bytes."""
    options = ["--prompt", "a red boat", "a dog", "--num", "2", "--seed", "3"]
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert main(["generate", "--out", str(folder), *options]) == 0
    pictures = [
        np.asarray(Image.open(tmp_path / name / "generate.png"))
        for name in ("one", "two")
    ]
    np.testing.assert_array_equal(*pictures)
    for editor in ("embedded", "embedded-diffusion"):
        assert run("edit", tmp_path / editor, "--editor", editor) == 0
        assert (tmp_path / editor / "edit.png").is_file()
    capsys.readouterr()


@pytest.mark.parametrize(
    "argv, told",
    [
        (["caption", "--captioner", "no/such-model"], ["no/such-model", "HF_HOME"]),
        (["prompts", "--dual-encoder", "no/such-model"], ["no/such-model", "HF_HOME"]),
        (["generate", "--generator", "no/such-model", "--prompt", "a"], ["HF_HOME"]),
        (["edit", "--editor", "no/such-model"], ["no/such-model", "HF_HOME"]),
        (["generate"], ["--prompt"]),
        (["caption", "--images", "0"], ["num_images is 0"]),
        (["prompts", "--prompts-file", "none.txt"], ["none.txt"]),
        (["caption", "--captioner", "http://example.com/v1"], ["https"]),
    ],
)
def test_what_is_wrong_is_one_line(argv, told, tmp_path, monkeypatch, capsys):
    """Exit code 2, the value and the remedy, no traceback."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert main([*argv, "--out", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    line = [x for x in lines if x.startswith("scenarios.knowledge: error: ")]
    assert len(line) == 1 and all(word in line[0] for word in told), lines


@pytest.mark.parametrize(
    "argv, option, readers",
    [
        (["generate", "--prompt", "a", "--dataset", "sample"], "--dataset", "caption"),
        (["generate", "--prompt", "a", "--images", "6"], "--images", "edit"),
        (["generate", "--prompt", "a", "--image-size", "64"], "--image-size", "edit"),
        (["generate", "--prompt", "a", "--captioner", "tags"], "--captioner", "cap"),
        (["caption", "--prompt", "a"], "--prompt", "generate, edit"),
        (["caption", "--num", "3"], "--num", "prompts, generate"),
        (["edit", "--num", "3"], "--num", "prompts, generate"),
        (["edit", "--temperature", "0.01"], "--temperature", "prompts"),
        (["prompts", "--prompt", "a"], "--prompt", "generate, edit"),
    ],
)
def test_what_a_command_does_not_read_is_refused(
    argv, option, readers, tmp_path, capsys
):
    """With the commands that do, even if it is the default; nothing is written."""
    assert main([*argv, "--out", str(tmp_path / "none")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{argv[0]} does not read {option}" in line and readers in line
    assert not (tmp_path / "none").exists()


def test_rows_and_titles_belong_together():
    with pytest.raises(ValueError, match="1 titles stand beside 2 rows"):
        grid_figure(np.zeros((2, 1, 8, 8, 3), "uint8"), ["one"])
