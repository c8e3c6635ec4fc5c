"""The command, from domains to the map."""

import json

import pytest
from last_words import LastWords, three_domains

from link_models.training.__main__ import main
from link_models.training.continual import command
from link_models.training.continual.domains import Domain

OPTIONS = {
    "--rounds": 3,
    "--steps-per-round": 2,
    "--batch-size": 6,
    "--stm-size": 6,
    "--ltm-size": 12,
    "--test-captions": 4,
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command with small options, domains and learner; one caption is too long."""
    first, *others = three_domains()
    long = " ".join(["a cat"] * 20)
    first = Domain(first.name, (long, *first.training), first.test, first.groups)
    monkeypatch.setitem(command.DOMAINS, "flickr8k", lambda args: [first, *others])
    monkeypatch.setattr(command, "CaptionLearner", lambda *args: LastWords())

    def run(*argv, **options):
        given = OPTIONS | {f"--{n.replace('_', '-')}": v for n, v in options.items()}
        given["--out"] = tmp_path
        pairs = [str(word) for pair in given.items() for word in pair]
        return main(["continual", *pairs, *argv])

    return run


def read(path):
    return json.loads(path.read_text())


def test_runs_with_and_without_memory_on_one_map(run, tmp_path, capsys):
    """Each writes what the other is compared with."""
    assert run(reading="none") == 0
    assert run(reading="text") == 0
    told = capsys.readouterr().out
    assert "quantiles of R" in told
    assert [line.split()[0] for line in told.splitlines()[-3:-1]] == ["none", "text"]
    assert (tmp_path / "continual_flickr8k.png").is_file()
    none, text = (
        read(tmp_path / f"continual_flickr8k_{own}.json") for own in ("none", "text")
    )
    for record in (none, text):
        assert [len(texts) for texts in record["received"][2]] == [4, 4, 4]
        assert len(record["bleu_2"]) == len(record["bleu_2"][0]) == 3
        about = record["run"]["domains"][0]
        assert about["longer_than_32_tokens"] == {"training": 1, "test": 0}
    assert none["run"]["selection"] is None
    assert sum(none["rounds"][-1]["ltm"]) == 0
    # The first short-term memory, then half of each of eight.
    assert [entry["moved"] for entry in text["rounds"]] == [6] + 8 * [3]
    assert none["forgotten_bleu_1"]["mean"] > text["forgotten_bleu_1"]["mean"] == 0


def test_runs_of_other_settings_are_not_shown_together(run, capsys):
    """What differs is told."""
    assert run(reading="none") == 0
    assert run(reading="text", seed=1) == 0
    told = capsys.readouterr().out
    assert "none.json is of other settings and not shown: seed 0 then, 1 now" in told


def test_a_finished_run_is_not_done_again(run, tmp_path, capsys):
    """It is told, and its results are written again from the checkpoint."""
    path = tmp_path / "continual_flickr8k_text.json"
    assert run(reading="text") == 0
    first = read(path)
    assert run(reading="text") == 2
    assert "go on with --resume" in capsys.readouterr().err
    assert run("--resume", reading="text") == 0
    assert "text: 0 steps to go" in capsys.readouterr().out
    assert read(path)["received"] == first["received"]
    assert run("--resume", reading="text", share=0.2) == 2
    assert "--share 0.5 then, 0.2 now" in capsys.readouterr().err
    assert run("--resume", "--restart", reading="text") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codec_config": "[1]"}, "--codec-config must be a JSON object"),
        ({"threshold": 3}, "threshold must be a number from 0 to 1, got 3.0"),
        ({"ltm_size": 2}, "ltm_size must be at least 6, got 2"),
        ({"snr_db": 400}, "snr_db must be a number"),
    ],
)
def test_bad_options_are_told_in_one_line(run, capsys, options, message):
    """With the value."""
    assert run(**options) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"captioner": "embedded"}, "--captioner embedded is of --domains paper"),
        ({"share": 0.5, "threshold": 0.05}, "--share 0.5 is of a run without --thresh"),
        ({"reading": "none", "share": 0.2}, "--share 0.2 is of a memory"),
        ({"reading": "none", "threshold": 0.1}, "--threshold 0.1 is of a memory"),
    ],
)
def test_what_is_not_read_is_refused(run, capsys, options, message):
    """Even if it is what is taken without it."""
    assert run(**options) == 2
    error = capsys.readouterr().err
    assert message in error and "leave it out" in error
