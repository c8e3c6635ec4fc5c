"""The embedded dual encoder, on small random weights."""

import json

import numpy as np
import torch

from semcom_phy.knowledge_base.dual_encoder.embedded import EmbeddedDualEncoder
from semcom_phy.knowledge_base.dual_encoder.network import DualNetwork
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.sources.images import load_samples


def small_encoder(folder):
    torch.manual_seed(1)
    net = DualNetwork(width=8, hidden=16)
    tensors = {k: v.numpy() for k, v in net.state_dict().items()}
    record = {"config": net.config, "command": "none"}
    save_weights("dual_encoder", tensors, record, folder)
    return EmbeddedDualEncoder(folder)


def test_features_are_unit_vectors_of_images_places_and_texts(tmp_path):
    """Shapes as documented, norms 1 (1e-5), the same alone and in a batch (1e-4)."""
    encoder = small_encoder(tmp_path)
    images = load_samples("sample", 3, 64).images
    texts = ["a dog", "two boats on a lake"]
    found = {
        (3, 8): encoder.image_features(images),
        (2, 8): encoder.text_features(texts),
        (3, 7, 7, 8): encoder.patch_features(images),
    }
    for shape, features in found.items():
        assert features.shape == shape and features.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(features, axis=-1), 1, atol=1e-5)
    alone = small_encoder(tmp_path).image_features(images[1:2])
    np.testing.assert_allclose(alone[0], found[3, 8][1], atol=1e-4)
    json.dumps(encoder.identity)


def test_a_picture_is_the_mean_of_its_places():
    """Before they are scaled to unit vectors, the image tower is linear (1e-4)."""
    torch.manual_seed(1)
    net = DualNetwork(width=8, hidden=16).eval()
    net.mean += 0.3
    maps = torch.rand(2, 7, 7, 1280)
    with torch.no_grad():
        places = net.image_projection((maps - net.mean) / net.deviation)
        mean = torch.nn.functional.normalize(places.mean((1, 2)), dim=-1)
        whole = net.images(maps.mean((1, 2)))
    np.testing.assert_allclose(mean, whole, atol=1e-4)


def test_the_loss_is_least_where_pairs_match():
    """Right pairs beat wrong ones; texts that fit several pictures are no mistake."""
    torch.manual_seed(2)
    net = DualNetwork(width=8, hidden=16, image_dropout=0.0, text_dropout=0.0)
    features, sentences = torch.rand(6, 1280), torch.rand(3, 384)
    said = torch.tensor([0, 0, 1, 1, 2, 2])
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = net.loss(features, sentences[said], said)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        similar = net.images(features) @ net.texts(sentences).T
        assert similar.argmax(1).tolist() == said.tolist()
        wrong = net.loss(features, sentences[(said + 1) % 3], (said + 1) % 3)
    assert wrong > loss


def test_every_weight_learns():
    net = DualNetwork(width=8, hidden=16)
    net.loss(torch.rand(4, 1280), torch.rand(4, 384), torch.arange(4)).backward()
    for name, weight in net.named_parameters():
        assert torch.isfinite(weight.grad).all() and weight.grad.abs().max() > 0, name


def test_details_are_those_of_earlier_layers(tmp_path):
    """16x16 places of 152 numbers, the same alone and in a batch (1e-4), and asked for
    once; they change most where the picture does."""
    encoder = small_encoder(tmp_path)
    images = load_samples("sample", 2, 64).images
    details = encoder.detail_features(images)
    assert details.shape == (2, 16, 16, 152) and details.dtype == np.float32
    alone = small_encoder(tmp_path).detail_features(images[1:])
    scale = np.abs(details).max()
    np.testing.assert_allclose(alone[0] / scale, details[1] / scale, atol=1e-4)
    changed = images[:1].copy()
    changed[0, 40:48, 8:16] = 255 - changed[0, 40:48, 8:16]
    moved = np.abs(encoder.detail_features(changed)[0] - details[0]).sum(-1)
    row, column = np.unravel_index(moved.argmax(), moved.shape)
    assert 9 <= row <= 12 and 1 <= column <= 4  # patches of 4 pixels
    encoder._looks = None  # what was seen is kept
    np.testing.assert_array_equal(encoder.detail_features(images), details)
