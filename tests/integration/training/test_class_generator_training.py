"""How the image generator of classes is trained, by its command."""

import json

import numpy as np
import pytest
import torch
from tiny_generator import CONFIG

from link_models.training import __main__ as training_command
from link_models.training.knowledge import class_generator as module
from link_models.training.knowledge.class_generator import class_loss
from semcom_phy.knowledge_base.generator.classes import ClassGenerator
from semcom_phy.knowledge_base.generator.network import make_network
from semcom_phy.knowledge_base.generator.noise import Noise

OPTIONS = ["--batch-size", "4", "--warmup-steps", "2"]
OPTIONS += ["--checkpoint-steps", "1", "--steps", "3"]
NAME = "generator_classes_sample"


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(module.NETWORKS, "mlp", CONFIG)


def train(folder, *more, pictures=24):
    command = ["generator", "--classes", "sample", *OPTIONS, "--out", str(folder)]
    return training_command.main([*command, "--pictures", str(pictures), *more])


def test_an_interrupted_run_ends_at_the_same_weights(tmp_path, monkeypatch):
    """Bit for bit; what is kept paints its classes, knows what it has seen, and says
    how it was made."""
    assert train(tmp_path / "straight") == 0
    whole, calls = class_loss, []

    def fails_at_the_third(*batch):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*batch)

    monkeypatch.setattr(module, "class_loss", fails_at_the_third)
    assert train(tmp_path / "stopped") != 0
    monkeypatch.setattr(module, "class_loss", whole)
    assert train(tmp_path / "stopped", "--resume") == 0
    straight, stopped = (
        (tmp_path / name / f"{NAME}.h5").read_bytes()
        for name in ("straight", "stopped")
    )
    assert straight == stopped

    record = json.loads((tmp_path / "straight" / f"{NAME}.json").read_text())
    assert "generator --classes sample --pictures 24" in record["command"]
    assert 0 < record["validation"]["loss_of_seen"] < 10
    assert record["loss"]["steps"] == [1, 2, 3] and len(record["loss"]["mean"]) == 3
    assert record["config"]["seen"]["num_images"] == 24
    generator = ClassGenerator("sample", tmp_path / "straight", steps=2, done=2)
    assert len(generator.seen()) == 24
    name = generator.class_names[0]
    assert generator.generate([name], seed=1).shape == (1, 1, 32, 32, 3)


def test_a_run_goes_on_with_the_same_pictures_alone(tmp_path, capsys):
    """Others are refused in one line."""
    assert train(tmp_path) == 0
    assert train(tmp_path, "--resume", pictures=36) == 2
    assert "most 24 then, 36 now" in capsys.readouterr().err.splitlines()[-1]


def test_fewer_pictures_than_classes(tmp_path, capsys):
    """In one line, without a traceback."""
    assert train(tmp_path, pictures=2) == 2
    told = capsys.readouterr().err
    assert "2 pictures of 12 classes" in told and "Traceback" not in told


def test_the_loss_is_l1_and_l2_of_the_velocity():
    """A network that guesses nothing has E|v| + E v^2 of a velocity of unit variance,
    sqrt(2 / pi) + 1 (4 standard errors, 8,000 numbers), and weights count."""
    rng = np.random.default_rng(1)
    num, width = 400, 20
    network = make_network(CONFIG | {"num_coefficients": width, "text_width": 3})
    values = torch.from_numpy(rng.standard_normal((num, width), "float32"))
    classes = torch.eye(3)[torch.arange(num) % 3]
    told = network, Noise(), torch.ones(width), values, classes
    loss = class_loss(*told, np.random.default_rng(2)).item()
    expected = (2 / np.pi) ** 0.5 + 1
    deviation = 2.0  # of |v| + v^2, v normal: below this
    assert loss == pytest.approx(expected, abs=4 * deviation / (num * width) ** 0.5)
    weighted = *told[:2], 3 * torch.ones(width), *told[3:]
    thrice = class_loss(*weighted, np.random.default_rng(2)).item()
    assert thrice == pytest.approx(3 * loss, rel=1e-5)
