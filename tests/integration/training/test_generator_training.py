"""How the image generator is trained: data, texts, checkpoints, what is kept."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_generator import CONFIG, WordHashes, smooth_pictures

from link_models.training import __main__ as training_command
from link_models.training.knowledge import generator as module
from link_models.training.knowledge.captioned_data import encoded, load_captioned
from link_models.training.knowledge.generator import (
    Pictures,
    error_weight,
    train_generator,
    velocity_error,
)
from link_models.training.knowledge.trainer import TorchRecipe
from semcom_phy.knowledge_base.generator.diffusion import DiffusionGenerator
from semcom_phy.knowledge_base.generator.network import make_network
from semcom_phy.knowledge_base.generator.noise import Noise
from semcom_phy.knowledge_base.generator.spectrum import Spectrum

NAMES = ("cifar10", "catsdogs", "flickr8k_images")
RECIPE = TorchRecipe(steps=4, batch_size=6, warmup_steps=2, checkpoint_steps=2)
UNET = {"kind": "unet", "channels": [4, 8, 8, 8], "head_width": 4, "groups": 2}


def _pack(folder, images, names, **more):
    folder.mkdir()
    files = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        files.append(file.getvalue())
    np.savez(
        folder / "train.npz",
        blob=np.frombuffer(b"".join(files), np.uint8),
        offset=np.cumsum([0, *map(len, files)]),
        names=np.array(names),
        **more,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """60 pictures of CIFAR-10, 50 cats and dogs, 50 photographs with captions."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "cifar10").mkdir()
    np.savez(
        folder / "cifar10" / "train.npz",
        x_train=smooth_pictures(60),
        y_train=np.arange(60) % 10,
    )
    labels = np.arange(50) % 2
    names = [f"{('Cat', 'Dog')[n]}/{i}.png" for i, n in enumerate(labels)]
    _pack(folder / "catsdogs", smooth_pictures(50, 40, 2), names, labels=labels)
    names = [f"{i}.png" for i in range(50)]
    _pack(folder / "flickr8k_images", smooth_pictures(50, 48, 3), names)
    lines = [
        f"{name}\t{k}\tphoto {name} said {k} ." for name in names for k in range(5)
    ]
    (folder / "flickr8k_images" / "train_captions.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture
def data(folder, monkeypatch):
    monkeypatch.setenv("SEMCOM_DATA", str(folder))
    return load_captioned(NAMES)


def test_every_picture_has_what_can_be_said_of_it(data):
    """Templates of its class, or its own five captions; a fiftieth is held back."""
    assert data.images.shape == (160, 32, 32, 3)
    said = [[data.texts[n] for n in own] for own in data.said]
    assert said[3][0] == "a photo of a cat" and said[60][1] == "a cat"
    assert said[112] == [f"photo 2.png said {k}" for k in range(5)]
    assert len(set(data.texts)) == len(data.texts)
    assert len(data.held) == 3
    np.testing.assert_array_equal(np.sort([*data.train, *data.held]), np.arange(160))
    assert set(data.provenance) == {*NAMES, "sha256"}
    assert "terms" in data.provenance["catsdogs"]
    json.dumps(data.provenance)


def test_vectors_of_texts_are_kept(tmp_path):
    """For the same texts of the same encoder; others are encoded anew."""
    asked = []

    class Counting(WordHashes):
        def encode_many(self, texts):
            asked.append(len(texts))
            return self.encode(texts)

    path = tmp_path / "texts.npz"
    first = encoded(["a cat", "a dog"], Counting(), path)
    again = encoded(["a cat", "a dog"], Counting(), path)
    np.testing.assert_array_equal(first, again)
    encoded(["a cat"], Counting(), path)
    assert asked == [2, 1]


def test_a_batch_is_the_pictures_with_noise_and_their_texts(data):
    """Levels are spread evenly; texts are theirs; mirrored ones have other signs."""
    spectrum, _ = Spectrum.of_pictures(data.images, 24, 6.0)
    vectors = WordHashes().encode_many(data.texts)
    pictures = Pictures(data, vectors, spectrum, "cpu")
    index = np.arange(100)
    rng = np.random.default_rng(1)
    values, noise, level, texts, withheld = pictures.drawn(index, rng, 0.5, 1.0)
    expected = spectrum.encode(data.images[:100, :, ::-1])
    np.testing.assert_allclose(values, expected, atol=1e-3)
    assert noise.shape == values.shape and (np.diff(level) > 0).all()
    assert 20 < withheld.sum() < 80
    for row, own in zip(texts.numpy(), data.said[index], strict=True):
        assert (row == vectors[own]).all(-1).any()


@pytest.mark.parametrize("config", [CONFIG, UNET])
def test_an_interrupted_run_ends_at_the_same_weights(
    data, tmp_path, monkeypatch, config
):
    """Bit for bit, for both networks; and what is kept paints pictures."""

    def run(folder, **more):
        path = train_generator(
            config, RECIPE, NAMES, folder, "none", WordHashes(), **more
        )
        return path.with_suffix(".h5").read_bytes(), path

    straight, path = run(tmp_path / "straight")
    whole, calls = velocity_error, []

    def fails_at_the_fourth(*batch):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return whole(*batch)

    monkeypatch.setattr(module, "velocity_error", fails_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped")
    monkeypatch.setattr(module, "velocity_error", whole)
    assert run(tmp_path / "stopped", resume=True)[0] == straight

    record = json.loads(path.read_text())
    assert record["validation"]["num_images"] == 3
    assert record["validation"]["velocity_error"] > 0
    assert 0 < record["config"]["energy"] <= 1.0001
    generator = DiffusionGenerator(path.parent, steps=2, encoder=WordHashes())
    assert generator.generate(["a cat"], seed=1).shape == (1, 1, 32, 32, 3)


def test_a_withheld_text_is_not_seen(data):
    """The network is told the same whatever the text."""
    spectrum, _ = Spectrum.of_pictures(data.images, 24, 6.0)
    vectors = WordHashes().encode(data.texts)
    pictures, noise = Pictures(data, vectors, spectrum, "cpu"), Noise()
    network, weight = make_network(CONFIG), error_weight(spectrum)
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0, 0.3)
    rng = np.random.default_rng(1)
    *batch, texts, _ = pictures.drawn(np.arange(20), rng)

    def errors(texts, withheld):
        told = texts, torch.full((20,), withheld)
        return velocity_error(network, weight, noise, *batch, *told)

    assert torch.equal(errors(texts, True), errors(texts.flip(0), True))
    assert not torch.equal(errors(texts, False), errors(texts.flip(0), False))


def test_training_learns_the_pictures(data):
    """After 150 steps less of the velocity is unknown than at the start."""
    spectrum, _ = Spectrum.of_pictures(data.images, 24, 6.0)
    pictures = Pictures(data, WordHashes().encode(data.texts), spectrum, "cpu")
    torch.manual_seed(1)
    network, noise = make_network({**CONFIG, "width": 48, "hidden": 48}), Noise()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    rng, weight = np.random.default_rng(1), error_weight(spectrum)
    losses = []
    for _ in range(150):
        index = rng.integers(160, size=64)
        batch = pictures.drawn(index, rng)
        loss = velocity_error(network, weight, noise, *batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(1, abs=0.15)
    assert np.mean(losses[-20:]) < 0.9 * losses[0]


def test_the_command_says_what_is_missing(tmp_path, monkeypatch, capsys):
    """In one line, without a traceback."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    options = ["--datasets", "catsdogs", "--out", str(tmp_path)]
    assert training_command.main(["generator", *options]) == 2
    assert "catsdogs" in capsys.readouterr().err
