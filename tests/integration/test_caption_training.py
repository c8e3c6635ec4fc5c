"""Captioner and dual encoder from training pictures to files that are found by name."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from link_models.training.__main__ import main
from link_models.training.knowledge import captioner, dual_encoder, labelled_sets
from semcom_phy.knowledge_base.captioner.embedded import EmbeddedCaptioner
from semcom_phy.knowledge_base.captioner.network import CaptionNetwork
from semcom_phy.knowledge_base.dual_encoder.embedded import EmbeddedDualEncoder

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 210)}


def pictures(side, num=8):
    """Pictures of one colour each, and its name."""
    rng = np.random.default_rng(side)
    for number in range(num):
        for name, colour in COLOURS.items():
            noise = rng.integers(-20, 20, (side, side, 3))
            yield (
                f"{name}{number}",
                name,
                np.clip(colour + noise, 0, 255).astype("uint8"),
            )


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with captions and one whose pictures have classes, both tiny."""
    root = tmp_path / "data"
    folder = root / "flickr8k_images" / "train"
    folder.mkdir(parents=True)
    lines = ["image,caption"]
    for name, colour, image in pictures(128):
        Image.fromarray(image).save(folder / f"{name}.png")
        lines += [f"{name}.png,{a} {colour} wall ." for a in ("A", "one", "the")]
    (folder.parent / "captions.txt").write_text("\n".join(lines))
    (root / "catsdogs").mkdir()
    images = np.stack([image for _, _, image in pictures(64)])
    files = [_png(image) for image in images]
    np.savez(
        root / "catsdogs" / "train.npz",
        blob=np.frombuffer(b"".join(files), np.uint8),
        offset=np.cumsum([0, *map(len, files)]),
        names=np.array([f"{n}.png" for n in range(len(files))]),
        labels=np.arange(len(files)) % 3,
        class_names=np.array(list(COLOURS)),
    )
    monkeypatch.setenv("SEMCOM_DATA", str(root))
    monkeypatch.setattr(captioner, "VALIDATION", 3)
    monkeypatch.setattr(captioner, "LABELLED", ("catsdogs",))
    monkeypatch.setattr(dual_encoder, "VALIDATION", 12)
    monkeypatch.setattr(dual_encoder, "SIDES", {"catsdogs": 64})
    monkeypatch.setattr(labelled_sets, "SIDES", {"catsdogs": 64})
    return root


def _png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def test_captioner_from_pictures_to_captions(data, tmp_path, monkeypatch):
    """The command writes weights that say what was learned, and how they were made."""

    def small(num_words):
        return CaptionNetwork(num_words, width=32, num_layers=1, hidden=32, dropout=0.0)

    monkeypatch.setattr(captioner, "CaptionNetwork", small)
    argv = ["captioner", "--out", str(tmp_path), "--steps", "60", "--batch-size", "8"]
    argv += ["--warmup-steps", "5", "--learning-rate", "0.01"]
    assert main(argv) == 0
    record = json.loads((tmp_path / "captioner.json").read_text())
    assert record["command"] == (
        "python -m link_models.training captioner --steps 60 --batch-size 8 "
        "--learning-rate 0.01 --warmup-steps 5"
    )
    assert record["data"]["training"][0]["num_images"] == 24
    assert set(COLOURS) < set(record["words"]) and "." not in record["words"]
    assert 0 < record["validation"]["bleu_1"] <= 1
    _, colours, images = zip(*pictures(128, 1), strict=True)
    said = EmbeddedCaptioner(folder=tmp_path).caption(np.stack(images))
    told = [own.split(" ", 1)[1] for own in said]
    assert told == [f"{colour} wall" for colour in colours]


def test_dual_encoder_from_pictures_to_features(data, tmp_path):
    """Captions are closest to the pictures that they are of; so are prompts."""
    argv = ["dual_encoder", "--out", str(tmp_path), "--steps", "60"]
    argv += ["--batch-size", "16", "--warmup-steps", "5"]
    assert main(argv) == 0
    record = json.loads((tmp_path / "dual_encoder.json").read_text())
    assert record["command"].endswith("--steps 60 --batch-size 16 --warmup-steps 5")
    assert record["validation"]["recall_at_10_image_to_text"] == 1
    encoder = EmbeddedDualEncoder(tmp_path)
    _, colours, images = zip(*pictures(128, 1), strict=True)
    similar = encoder.image_features(np.stack(images)) @ (
        encoder.text_features([f"a {colour} wall" for colour in colours]).T
    )
    assert similar.argmax(1).tolist() == [0, 1, 2]


def test_missing_data_are_one_line(tmp_path, monkeypatch, capsys):
    """The set and the remedy are named."""
    (tmp_path / "flickr8k_images").mkdir()
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    for name in ("captioner", "dual_encoder"):
        assert main([name, "--out", str(tmp_path)]) == 2
        line = capsys.readouterr().err
        assert line.startswith("error: ") and line.count("\n") == 1


def test_a_missing_extra_is_one_line(monkeypatch, capsys):
    """Where PyTorch is not installed, the command says what to install."""
    monkeypatch.delitem(sys.modules, "link_models.training.knowledge.captioner")
    monkeypatch.delitem(sys.modules, "link_models.training.knowledge.trainer")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["captioner"]) == 2
    line = capsys.readouterr().err
    assert line == "error: torch is not there: install semcom-phy[generative]\n"
