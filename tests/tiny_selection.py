"""Frozen models of selection small enough for tests: no extra, no weights."""

import numpy as np

from link_models.systems.selection import held_candidates
from semcom_phy.knowledge_base import dual_encoder

CLASSES = ("airplane", "cat", "ship")


class TinyCnn:
    """Mean colours of 2x2 places, and their squares."""

    identity = {"model": "tiny cnn"}
    grid, width = (2, 2), 6

    def maps(self, images):
        places = images.reshape(len(images), 2, 16, 2, 16, 3).mean((2, 4)) / 255
        return np.concatenate([places, places**2], axis=-1).astype("float32")


class TinyDualEncoder:
    """Texts and mean colours, each put somewhere on a sphere."""

    identity = {"model": "tiny dual encoder"}

    def image_features(self, images):
        values = images.reshape(len(images), -1, 3).mean(1) / 255 - 0.4
        mixed = values @ np.random.default_rng(0).standard_normal((3, 8))
        return _unit(mixed)

    def text_features(self, texts):
        seeds = ([*text.encode()] for text in texts)
        return _unit([np.random.default_rng(s).standard_normal(8) for s in seeds])


class TinyGenerator:
    """Pictures of a class: one colour each, with some noise."""

    identity = {"model": "tiny generator"}

    def generate(self, captions, seed, num=1, size=None, first=0):
        pictures = []
        for text in captions:
            for k in range(first, first + num):
                rng = np.random.default_rng([seed, k, *text.encode()])
                colour = rng.integers(0, 256, 3)
                noisy = colour + rng.normal(0, 6, (32, 32, 3))
                pictures.append(np.clip(noisy, 0, 255).astype("uint8"))
        return np.stack(pictures).reshape(len(captions), num, 32, 32, 3)


def tiny_models(monkeypatch):
    """Puts them in the place of all frozen models."""
    held_candidates.find_picture_features.cache_clear()
    held_candidates.find_held.cache_clear()
    monkeypatch.setattr(held_candidates, "find_cnn", lambda name: TinyCnn())
    monkeypatch.setattr(
        held_candidates, "find_dual_encoder", lambda name: TinyDualEncoder()
    )
    monkeypatch.setattr(
        dual_encoder, "find_dual_encoder", lambda name: TinyDualEncoder()
    )
    monkeypatch.setattr(held_candidates, "find_generator", lambda name: TinyGenerator())


def _unit(values):
    values = np.asarray(values, "float32")
    return values / np.linalg.norm(values, axis=-1, keepdims=True)
