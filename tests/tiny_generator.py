"""Tiny image generators with random weights, and an encoder without any."""

import hashlib

import numpy as np

from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.knowledge_base.generator.classes import weights_name
from semcom_phy.knowledge_base.generator.diffusion import WEIGHTS
from semcom_phy.knowledge_base.generator.spectrum import SIDE, Spectrum

CONFIG = {
    "kind": "mlp",
    "num_coefficients": 24,
    "width": 16,
    "hidden": 16,
    "depth": 1,
    "condition_width": 8,
}
CLASSES = ("Cat", "orange", "fire_engine")


class WordHashes:
    """Sentences with common words are close: in the place of a trained encoder."""

    identity = {"model": "word hashes"}

    def encode(self, texts):
        vectors = np.zeros((len(texts), 384), "float32")
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.split():
                seed = hashlib.sha256(word.encode()).digest()[:4]
                rng = np.random.default_rng(int.from_bytes(seed))
                vector += rng.standard_normal(384, "float32")
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_many = encode


def smooth_pictures(num, side=SIDE, seed=1):
    """[num, side, side, 3], `uint8`: gradients of four colours, some noise."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 256, (num, 2, 2, 3))
    ramp = np.linspace(0, 1, side)
    ramps = np.stack([ramp, 1 - ramp])
    pictures = np.einsum("nijc,iy,jx->nyxc", corners, ramps, ramps)
    pictures += rng.normal(0, 8, pictures.shape)
    return np.clip(pictures, 0, 255).astype("uint8")


def save_generator(folder, config=CONFIG, seed=1):
    """Weights in a folder, none of them zero."""
    _save(WEIGHTS, config, {}, folder, seed)
    return folder


def save_class_generator(folder, dataset="tiny", config=CONFIG, seen=None, seed=1):
    """Weights of a generator of the classes :data:`CLASSES`, as of `save_generator`."""
    config = config | {"text_width": len(CLASSES)}
    known = {"class_names": list(CLASSES), "seen": seen or {}}
    _save(weights_name(dataset), config, known, folder, seed)
    return folder


def _save(label, config, known, folder, seed):
    import torch

    from semcom_phy.knowledge_base.generator.network import PREFIX, make_network

    num = config.get("num_coefficients")
    spectrum, _ = Spectrum.of_pictures(smooth_pictures(50), num, 6.0)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = make_network(config)
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(0.1 * torch.randn_like(weights))
    tensors = {
        PREFIX + name: value.numpy() for name, value in network.state_dict().items()
    }
    record = {"config": {"network": config, **known}, "command": "none"}
    save_weights(label, {**tensors, **spectrum.tensors()}, record, folder)
