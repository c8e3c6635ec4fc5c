"""Options of ``python -m link_models.training``: bad ones are told in one line."""

import pytest

from link_models.training import __main__ as training_command
from semcom_phy.channel_coding import measure_bler

NEEDED = {
    "ship": ["weights"],
    "import": ["file", "--as", "witt"],
    "probe": ["--dataset", "cifar10"],
}
TRAINERS = ("captioner", "dual_encoder", "restoration", "classifier", "generator")


@pytest.fixture(autouse=True)
def no_data(tmp_path, monkeypatch):
    """A command that begins its work finds nothing and writes nothing elsewhere."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def refused(argv, capsys):
    """What a command says that ends with 2, which is one line."""
    assert training_command.main(argv) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1, told
    return told


@pytest.mark.parametrize(
    "command", ["words", "word_model", "klt", "captioner", "restoration", "probe"]
)
def test_missing_data_are_told(command, capsys):
    """By their folder; no traceback."""
    assert "holds no folder" in refused([command, *NEEDED.get(command, [])], capsys)


def test_an_error_of_several_lines_is_told_in_one(monkeypatch, capsys):
    """Whatever a command lets through; errors of the program are not hidden."""
    from link_models.training import klt

    def fails(error):
        def main(argv):
            raise error

        monkeypatch.setattr(klt, "main", main)

    fails(ImportError("no\n  such library"))
    assert refused(["klt"], capsys) == "error: no such library\n"
    for error in (KeyError, TypeError):
        fails(error("a mistake"))
        with pytest.raises(error):
            training_command.main(["klt"])


@pytest.mark.parametrize("again", [["--steps", "5"], ["--steps=5"]])
def test_an_option_given_twice_is_refused(again, capsys):
    """Before anything begins; argparse would take the last value (exact)."""
    told = refused(["restoration", "--steps", "4", *again], capsys)
    assert told.startswith("error: --steps is given twice: give it once")


def test_a_word_model_is_an_npz_file(tmp_path, monkeypatch, capsys):
    """Said before the captions are read."""
    from link_models.training import word_model

    monkeypatch.setattr(word_model, "training_captions", pytest.fail)
    told = refused(["word_model", "--out", "model"], capsys)
    assert "--out model" in told and "model.npz" in told
    (tmp_path / "file").touch()
    assert "choose another" in refused(["word_model", "--out", "file/a.npz"], capsys)


@pytest.mark.parametrize("command", TRAINERS)
def test_threads_are_counted_from_one(command, capsys):
    told = refused([command, "--threads", "0"], capsys)
    assert told == "error: --threads must be from 1 to 1024, got 0\n"


@pytest.mark.parametrize("device", ["bogus", "meta", "cuda:99"])
@pytest.mark.parametrize("what", [[], ["--classes", "sample"]])
def test_a_device_that_is_not_there(device, what, capsys):
    """Neither a name that PyTorch does not know, nor one that holds no numbers, nor a
    GPU that this machine lacks."""
    told = refused(["generator", *what, "--device", device], capsys)
    assert f"--device {device} is not there" in told and "--device cpu" in told


@pytest.mark.parametrize(
    "options, told",
    [
        (["--datasets", "cifar10", "mine"], ["--datasets mine", "birds525"]),
        (["--datasets", "catsdogs", "cifar10", "catsdogs"], ["catsdogs", "once"]),
        (["--pictures", "200"], ["--pictures 200", "--classes"]),
        (
            ["--classes", "sample", "--datasets", "cifar10"],
            ["--datasets cifar10", "--classes"],
        ),
    ],
)
def test_a_generator_refuses_what_it_does_not_read(options, told, capsys):
    """And data sets that it does not know or would see twice, before any is read."""
    line = refused(["generator", *options], capsys)
    assert all(words in line for words in told), line


@pytest.mark.parametrize("command", training_command.COMMANDS)
def test_abbreviations_are_not_taken(command, capsys):
    """They would change their meaning with the next option, and the record of weights
    tells options as they were given."""
    with pytest.raises(SystemExit, match="2"):
        training_command.main([command, *NEEDED.get(command, []), "--ou"])
    assert "unrecognized arguments: --ou" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv, told",
    [
        (["generator", "--class", "sample", "--device", "bogus"], "--class sample"),
        (["classifier", "--data", "catsdogs", "--threads", "0"], "--data catsdogs"),
    ],
)
def test_abbreviations_of_what_is_read_first(argv, told, capsys):
    """Of options that choose the defaults of others."""
    with pytest.raises(SystemExit, match="2"):
        training_command.main(argv)
    assert f"unrecognized arguments: {told}" in capsys.readouterr().err


def test_abbreviations_are_not_taken_by_measure_bler(capsys):
    with pytest.raises(SystemExit, match="2"):
        measure_bler.main(["--ou"])
    assert "unrecognized arguments: --ou" in capsys.readouterr().err
