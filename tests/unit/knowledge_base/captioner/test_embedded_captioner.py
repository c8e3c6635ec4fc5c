"""The embedded captioner, on small random weights and on the shipped ones."""

import itertools
import json

import numpy as np
import pytest
import torch

from semcom_phy.knowledge_base.captioner.embedded import EmbeddedCaptioner
from semcom_phy.knowledge_base.captioner.network import CaptionNetwork
from semcom_phy.knowledge_base.captioner.vocabulary import (
    BEGIN,
    END,
    PAD,
    UNKNOWN,
    Vocabulary,
)
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.sources.images import load_samples

WORDS = ("a", "dog", "runs", "on", "grass")


def small_network(**more):
    torch.manual_seed(3)
    sizes = {"width": 16, "num_layers": 2, "num_heads": 2, "hidden": 16}
    return CaptionNetwork(4 + len(WORDS), **sizes, max_length=5, **more).eval()


def test_vocabulary_keeps_frequent_words_in_order_of_frequency():
    """Words between blanks in lower case; rare ones are unknown, none is lost twice."""
    own = Vocabulary.of_texts(["A dog runs", "a dog", "A cat"], least=2)
    assert own.words == ("a", "dog") and len(own) == 6
    assert own.encode("a Cat") == [BEGIN, 4, UNKNOWN, END]
    assert own.decode([4, 5, END, 4]) == "a dog"
    with pytest.raises(ValueError, match="once"):
        Vocabulary(["a", "a"])


def test_a_word_depends_on_those_before_alone():
    """Other words later, other captions beside it and padding change no logit before
    (1e-5)."""
    net = small_network()
    memory = net.memory(torch.rand(1, 7, 7, 1280))
    words = torch.tensor([[[BEGIN, 4, 5, 6], [BEGIN, 4, 7, PAD]]])
    with torch.no_grad():
        both, one = net(memory, words), net(memory, words[:, :1, :2])
    np.testing.assert_allclose(both[0, 0, :2], one[0, 0], atol=1e-5)
    np.testing.assert_allclose(both[0, 0, :2], both[0, 1, :2], atol=1e-5)
    assert np.abs(both[0, 0, 2] - both[0, 1, 2]).max() > 1e-3


def test_beam_search_finds_the_best_of_all_captions():
    """With as many beams as there are captions, as an exhaustive search does."""
    net = small_network()
    features = 4 * torch.rand(2, 7, 7, 1280)
    power = 0.7
    with torch.no_grad():
        net.word.weight *= 4  # so that captions are told apart
        memory = net.memory(features)
        found = net.write(features, beams=5**4, length_power=power)
        for n in range(2):
            own = [tuple(x[n : n + 1] for x in m) for m in memory]
            best = max(
                (
                    said
                    for k in range(4)
                    for said in itertools.product(range(4, 9), repeat=k)
                ),
                key=lambda said: _value(net, own, said, power),
            )
            assert found[n, : len(best)].tolist() == list(best)
            assert set(found[n, len(best) :].tolist()) == {PAD}


def _value(net, memory, said, power):
    words = torch.tensor([[[BEGIN, *said]]])
    log_p = net(memory, words)[0, 0].log_softmax(-1)
    total = sum(log_p[i, w] for i, w in enumerate([*said, END]))
    return float(total) / (len(said) + 1) ** power


def test_every_weight_learns():
    """All gradients of the loss are finite, and none is zero throughout."""
    net = small_network().train()
    words = torch.tensor([[[BEGIN, 4, 5, END], [BEGIN, 6, END, PAD]]])
    net.loss(torch.rand(1, 7, 7, 1280), words).backward()
    for name, weight in net.named_parameters():
        assert torch.isfinite(weight.grad).all() and weight.grad.abs().max() > 0, name


def test_a_caption_belongs_to_its_picture_alone(tmp_path):
    """Alone, in a batch, asked twice, from another process' files: the same."""
    net = small_network()
    with torch.no_grad():
        net.word.weight *= 4
    tensors = {k: v.numpy() for k, v in net.state_dict().items()}
    record = {"config": net.config, "command": "none", "words": WORDS}
    save_weights("captioner", tensors, record, tmp_path)
    images = load_samples("sample", 5, 48, seed=2).images
    together = EmbeddedCaptioner(folder=tmp_path).caption(images)
    model = EmbeddedCaptioner(folder=tmp_path)
    assert [model.caption(image[None])[0] for image in images] == together
    assert model.caption(images[::-1]) == together[::-1]
    json.dumps(model.identity)
    assert set(" ".join(together).split()) <= set(WORDS)


def test_altered_weights_are_refused(tmp_path):
    net = small_network()
    tensors = {k: v.numpy() for k, v in net.state_dict().items()}
    record = {"config": net.config, "command": "none", "words": WORDS}
    save_weights("captioner", tensors, record, tmp_path)
    path = tmp_path / "captioner.h5"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="truncated or altered"):
        EmbeddedCaptioner(folder=tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="captioner.h5"):
        EmbeddedCaptioner(folder=tmp_path)
