"""Domain after domain, with a learner that is easy to follow."""

import numpy as np
import pytest
from last_words import WORDS, LastWords, three_domains

from link_models.training.continual.domains import Domain
from link_models.training.continual.memory import Selection
from link_models.training.continual.results import (
    Scores,
    relevance_text,
    summary_text,
)
from link_models.training.continual.training import ContinualRun, Plan

PLAN = Plan(
    rounds=3, steps_per_round=4, batch_size=6, stm_size=10, ltm_size=20,
    test_captions=5, checkpoint_steps=7,
)  # fmt: skip


def run_of(path, selection):
    return ContinualRun(LastWords(), three_domains(), PLAN, selection, path)


def test_only_with_a_memory_the_first_domain_is_kept(tmp_path):
    """Without one, batches are of the last captions, and what came before is lost."""
    tables = {}
    for name, selection in (("none", None), ("text", Selection("text"))):
        run = run_of(tmp_path / f"{name}.npz", selection)
        report = run.fit()
        scores = Scores(run.domains, run.tested, report["received"])
        tables[name] = scores.table(1)
        about = scores.describe()
        last = np.mean([cell["mean"] for cell in about["bleu_1"][-1]])
        assert about["final_mean_bleu_1"] == pytest.approx(last)
        lost = tables[name][0, 0] - tables[name][2, 0]
        assert about["forgotten_bleu_1"]["mean"] == pytest.approx(lost)
    np.testing.assert_array_equal(np.diag(tables["none"]), 1)
    assert tables["none"][2, 0] == pytest.approx(0.25)  # "a" of "a thing on it"
    np.testing.assert_array_equal(tables["text"][np.tril_indices(3)], 1)


def test_scores_are_those_of_the_texts_that_arrived():
    """Of four words four, two and one; forgotten is what the first domain has lost."""
    domain = Domain("one", ("x",), ("a b c d", "a b c d"), (0, 1))
    arrived = [[["a b c d"] * 2], [["a b x x"] * 2], [["a x x x"] * 2]]
    scores = Scores([domain], [[0, 1]], arrived)
    np.testing.assert_allclose(scores.table(1)[:, 0], [1, 0.5, 0.25])
    np.testing.assert_allclose(scores.table(2)[:, 0], [1, (0.5 / 3) ** 0.5, 0])
    forgotten = scores.describe()["forgotten_bleu_1"]
    assert forgotten["mean"] == pytest.approx(0.75)
    assert forgotten["captions"] == 2


def test_stream_is_the_same_with_and_without_memory(tmp_path):
    """New captions of a round: as many as the short-term memory holds, all of a domain
    before one comes again, in all runs."""
    runs = [run_of(tmp_path / "x.npz", own) for own in (None, Selection("equation"))]
    rounds = [np.concatenate([r._arrivals(1, n) for n in range(3)]) for r in runs]
    np.testing.assert_array_equal(*rounds)
    assert set(rounds[0][:25]) == set(range(25, 50))
    assert rounds[0].min() == 25 and rounds[0].max() == 49
    assert rounds[0][25:].tolist() != rounds[0][:5].tolist()  # in another order


def test_rounds_are_told(tmp_path):
    """What was remembered, from where, by which R."""
    run = run_of(tmp_path / "x.npz", Selection("text", share=0.3))
    rounds = run.fit()["rounds"]
    assert [entry["domain"] for entry in rounds] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [entry["moved"] for entry in rounds] == [10, 3, 3, 3, 3, 3, 3, 3, 3]
    assert rounds[0]["relevance"] is None
    assert rounds[3]["ltm"] == [16, 3, 0]
    assert sum(rounds[-1]["ltm"]) == 20
    # One step apart of 10 with tau = 10: exp(-1/2).
    np.testing.assert_allclose(rounds[3]["relevance"]["quantiles"], 0.60653)
    assert rounds[0]["losses"] == {"semantic": 2.5}  # steps 1 to 4
    assert rounds[1]["losses"] == {"semantic": 6.5}
    record = {"run": run.identity(), "rounds": rounds}
    lines = relevance_text(record).splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(WORDS)
    assert lines[2].split()[-3:] == ["100.0", "%", "9"]


class Stopped(Exception):
    pass


def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    """From the last checkpoint, in the middle of a round: same batches, same memory."""
    whole = run_of(tmp_path / "whole.npz", Selection("text"))
    expected = whole.fit()

    first = run_of(tmp_path / "x.npz", Selection("text"))
    learn = first.learner.learn

    def stop_after_18(texts, seed):
        if float(first.learner.count) == 18:
            raise Stopped
        return learn(texts, seed)

    monkeypatch.setattr(first.learner, "learn", stop_after_18)
    with pytest.raises(Stopped):
        first.fit()
    second = run_of(tmp_path / "x.npz", Selection("text"))
    second.resume()
    assert second.step == 14
    assert second.fit() == expected
    assert second.learner.seen == whole.learner.seen[14:]


def test_a_checkpoint_of_another_memory_is_refused(tmp_path):
    """By what differs, and neither overwritten."""
    run_of(tmp_path / "x.npz", Selection("text")).save()
    other = run_of(tmp_path / "x.npz", Selection("equation"))
    with pytest.raises(ValueError, match="selection.reading"):
        other.resume()
    with pytest.raises(FileExistsError, match="holds an earlier run"):
        other.fit()


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, monkeypatch):
    """With what to do."""
    run = run_of(tmp_path / "x.npz", None)
    monkeypatch.setattr(run.learner, "learn", lambda texts, seed: {"semantic": np.nan})
    with pytest.raises(ValueError, match="semantic loss is nan after 0 steps: lower"):
        run.fit()


def test_summary_names_every_memory():
    """A line for each run."""
    record = {
        "forgotten_bleu_1": {"mean": 0.1234, "ci95": (0.1, 0.15)},
        "final_mean_bleu_1": 0.8,
    }
    lines = summary_text({"none": record, "text": record}).splitlines()
    assert lines[1].split()[:2] == ["none", "0.123"]
    assert lines[2].startswith("text")


def test_a_plan_out_of_range_is_refused():
    """By the name of the value."""
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        Plan(rounds=0)
