"""The embedded captioner and dual encoder, and the words of both ends, trained on a few
pictures and captions of their own."""

import json

import numpy as np
import pytest

from link_models.training.__main__ import main
from link_models.training.knowledge import captioner, dual_encoder
from link_models.training.knowledge.features import feature_maps
from semcom_phy.knowledge_base.captioner.embedded import EmbeddedCaptioner
from semcom_phy.knowledge_base.dual_encoder.embedded import EmbeddedDualEncoder
from semcom_phy.sources.samples import Samples

COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}


def pictures(num, seed, size=64):
    """Red and blue ones by turns, with five captions each, and their colours."""
    rng = np.random.default_rng(seed)
    names = [list(COLOURS)[i % 2] for i in range(num)]
    noise = rng.integers(-30, 30, (num, size, size, 3))
    images = np.array([COLOURS[name] for name in names])[:, None, None] + noise
    texts = [
        tuple(f"{start} {name} wall" for start in ("a", "the", "one", "some", "this"))
        for name in names
    ]
    images = np.clip(images, 0, 255).astype("uint8")
    return Samples(images, np.arange(num), {"source": "colours"}, texts=texts), names


@pytest.fixture
def small_sets(tmp_path, monkeypatch):
    """Both trainings see 34 pictures, of which ten are held out, and small sets."""
    for module in (captioner, dual_encoder):
        monkeypatch.setattr(module, "find_data_folder", lambda name: tmp_path)
        monkeypatch.setattr(
            module, "load_samples", lambda *args, **more: pictures(34, 1)[0]
        )
        monkeypatch.setattr(module, "labelled_set", lambda name: pictures(8, 2))
        monkeypatch.setattr(module, "VALIDATION", 10)
    monkeypatch.setattr(captioner, "LABELLED", ("catsdogs", "birds525"))
    monkeypatch.setattr(dual_encoder, "SIDES", {"catsdogs": 64})
    return tmp_path


def test_a_captioner_learns_what_is_said(small_sets):
    """After 40 steps it calls a new picture by its colour (BLEU-1 of the held-out ones
    at least 0.9), and the file tells the command and what was held out."""
    argv = ["captioner", "--out", str(small_sets), "--steps", "40", "--batch-size", "8"]
    assert main([*argv, "--warmup-steps", "5"]) == 0
    written = EmbeddedCaptioner(folder=small_sets).caption(pictures(2, 9)[0].images)
    assert ["red" in written[0], "blue" in written[1]] == [True, True]
    record = json.loads((small_sets / "captioner.json").read_text())
    assert record["validation"]["bleu_1"] >= 0.9
    assert record["command"].endswith("--steps 40 --batch-size 8 --warmup-steps 5")
    assert record["data"]["validation"].startswith("the last 10 pictures")
    assert "wall" in record["words"] and "bird" in record["words"]


def test_a_dual_encoder_learns_what_belongs_together(small_sets):
    """After 40 steps a new picture is closer to the text of its colour."""
    argv = ["dual_encoder", "--out", str(small_sets), "--steps", "40"]
    assert main([*argv, "--batch-size", "16", "--warmup-steps", "5"]) == 0
    both = EmbeddedDualEncoder(folder=small_sets)
    images = both.image_features(pictures(2, 9)[0].images)
    texts = both.text_features([f"a {name} wall" for name in COLOURS])
    closeness = images @ texts.T
    assert (np.argmax(closeness, axis=1) == [0, 1]).all()
    record = json.loads((small_sets / "dual_encoder.json").read_text())
    assert set(record["validation"]) == {
        f"recall_at_10_{way}" for way in ("image_to_text", "text_to_image")
    }


def test_features_are_computed_once(tmp_path, monkeypatch):
    """The second time they are read (exact); other pictures have their own file."""
    images = pictures(3, 4)[0].images
    first = np.array(feature_maps(images, tmp_path, "three"))
    assert first.shape == (3, 7, 7, 1280) and first.dtype == np.float16
    monkeypatch.setattr(
        "link_models.training.knowledge.features.efficientnet", None
    )  # not asked again
    np.testing.assert_array_equal(feature_maps(images, tmp_path, "three"), first)
    with pytest.raises(TypeError):
        feature_maps(images[:2], tmp_path, "two")


def test_words_of_both_ends(tmp_path, monkeypatch, capsys):
    """Frequent words first, none that occurs less than three times; then those of the
    captioner and of the prompts, each once."""
    folder = tmp_path / "captions"
    folder.mkdir()
    lines = ["A zebra xylophone .", "a zebra .", "a zebra", "", "a"]
    (folder / "flickr8k.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    assert main(["words", "--out", str(tmp_path / "words.txt")]) == 0
    words = (tmp_path / "words.txt").read_text(encoding="utf-8").split()
    assert words[:2] == ["a", "zebra"] and "xylophone" not in words
    assert {"dog", "photo"} <= set(words) and len(set(words)) == len(words)
    assert f"wrote {len(words)} words" in capsys.readouterr().out
