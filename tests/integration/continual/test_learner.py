"""VLM-CSC as what learns domain after domain, small, over one antenna a side."""

import numpy as np
import pytest
from keras import ops

from link_models.training.continual import learner as learner_module
from link_models.training.continual.command import RECIPE, rayleigh
from link_models.training.continual.learner import CaptionLearner
from link_models.training.tasks.caption import CaptionTask, token_rows
from link_models.training.tasks.mutual_information import MutualInformationCritic
from semcom_phy.backend import train_step_fn

SMALL = {
    "width": 16,
    "word_width": 8,
    "num_layers": 1,
    "num_heads": 2,
    "hidden": 16,
    "symbols_per_token": 2,
}
TEXTS = ["a dog runs", "two men on a boat", "qq zz", "a girl"]


def _plain_step(*args, jit, **more):
    """Without XLA, which takes long to compile."""
    return train_step_fn(*args, jit=False, **more)


@pytest.fixture(scope="module")
def learner():
    critic = MutualInformationCritic(16)
    task = CaptionTask("rayleigh", rayleigh(1, 2), critic, (10.0,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learner_module, "_BLOCK", 3)  # the last block is filled up
        patch.setattr(learner_module, "train_step_fn", _plain_step)
        yield CaptionLearner(task, RECIPE, SMALL)


def test_a_step_trains_both_codecs(learner):
    """Channel codec and semantic codec move; both losses are finite."""
    before = [ops.convert_to_numpy(v) for v in learner.variables]
    losses = learner.learn(TEXTS, seed=1)
    assert list(losses) == ["channel", "semantic"]
    assert np.isfinite(list(losses.values())).all()
    moved = {
        variable.path
        for variable, old in zip(learner.variables, before, strict=True)
        if np.any(ops.convert_to_numpy(variable) != old)
    }
    for part in ("channel_encoder", "channel_decoder", "layer_0", "words"):
        assert any(part in path for path in moved)


def test_features_are_means_over_the_tokens(learner):
    """Of the semantic encoder's output at 5 dB: a caption's own, whatever stands beside
    it, and nothing of the places behind its last token (rounding alone)."""
    found = learner.features(TEXTS)
    assert found.shape == (4, 16)
    np.testing.assert_allclose(learner.features(TEXTS[1:2])[0], found[1], rtol=1e-4)
    rows = ops.convert_to_tensor(token_rows(TEXTS[:1]))
    features, _ = learner.link.encoder.features(rows, ops.full((1,), 5.0))
    expected = ops.convert_to_numpy(features)[0, :3].mean(axis=0)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-6)


def test_what_arrives_depends_on_the_seed(learner):
    """As many texts as were sent; the same fades and noise give the same."""
    first = learner.receive(TEXTS[:2], 10.0, seed=2)
    assert len(first) == 2
    assert learner.receive(TEXTS[:2], 10.0, seed=2) == first
