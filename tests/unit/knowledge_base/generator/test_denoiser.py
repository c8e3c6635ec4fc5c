"""How noise is taken off, step by step, with networks whose guess is known."""

import numpy as np
import pytest
import torch
from tiny_generator import CONFIG, smooth_pictures

from semcom_phy.knowledge_base.generator.denoiser import Denoiser
from semcom_phy.knowledge_base.generator.network import PREFIX, make_network
from semcom_phy.knowledge_base.generator.noise import LEVELS, Noise
from semcom_phy.knowledge_base.generator.spectrum import Spectrum

RNG = np.random.default_rng(1)
NOISE = RNG.standard_normal((4, 24), "float32")
TEXTS = RNG.standard_normal((4, 384), "float32")


class Knowing:
    """Gives the velocity of pictures that it knows, and counts its questions."""

    def __init__(self, values, untold=None):
        self.null, self.asked = torch.zeros(384), []
        self._values = torch.from_numpy(values)
        self._untold = self._values if untold is None else torch.from_numpy(untold)

    def __call__(self, x, time, texts):
        self.asked.append(len(x))
        noise = Noise()
        level = (time * LEVELS - 0.5).round().long()
        a, s = noise._picture[level], noise._noise[level]
        told = (texts != 0).any(1)
        values = torch.cat([self._values, self._untold])[: len(x)]
        assert told[: len(self._values)].all() and not told[len(self._values) :].any()
        return a * (x - a * values) / s - s * values


@pytest.fixture
def denoiser():
    network = make_network(CONFIG)
    tensors = {PREFIX + k: v.numpy() for k, v in network.state_dict().items()}
    spectrum, _ = Spectrum.of_pictures(smooth_pictures(50), 24, 6.0)
    return Denoiser(CONFIG, tensors | spectrum.tensors())


def test_the_network_that_knows_is_followed(denoiser, monkeypatch):
    """To its pictures, in as many questions as steps; without guidance one row for each
    picture (0.02 of a deviation)."""
    values = np.clip(RNG.standard_normal((4, 24), "float32"), -2, 2)
    network = Knowing(values)
    monkeypatch.setattr(denoiser, "_network", network)
    found = denoiser.denoised(TEXTS, NOISE, 10)
    np.testing.assert_allclose(found, values, atol=0.02)
    assert found.dtype == np.float32 and network.asked == [4] * 10


def test_guesses_are_kept_within_the_limit(denoiser, monkeypatch):
    """That of the spectrum, 6 deviations (0.1)."""
    network = Knowing(np.full((4, 24), 50, "float32"))
    monkeypatch.setattr(denoiser, "_network", network)
    np.testing.assert_allclose(denoiser.denoised(TEXTS, NOISE, 10), 6, atol=0.1)


def test_guidance_goes_away_from_what_is_guessed_untold(denoiser, monkeypatch):
    """Twice as far from 1 to 0.5 is 0; each step asks for both (0.02)."""
    told, untold = (np.full((4, 24), x, "float32") for x in (0.5, 1.0))
    network = Knowing(told, untold)
    monkeypatch.setattr(denoiser, "_network", network)
    found = denoiser.denoised(TEXTS, NOISE, 10, guidance=2)
    np.testing.assert_allclose(found, 0, atol=0.02)
    assert network.asked == [8] * 10


def test_the_last_steps_alone_begin_with_values(denoiser, monkeypatch):
    """As many as are asked for."""
    network = Knowing(np.ones((4, 24), "float32"))
    monkeypatch.setattr(denoiser, "_network", network)
    found = denoiser.denoised(TEXTS, NOISE, 10, last=3, values=np.ones((4, 24)))
    np.testing.assert_allclose(found, 1, atol=0.02)
    assert network.asked == [4] * 3
