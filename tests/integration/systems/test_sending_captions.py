"""Scenarios that send captions, through the command line, with a system that loses
words."""

import json

import numpy as np
import pytest

from link_models.systems.captions import painted_texts
from scenarios import caption_2x2, caption_awgn, compare, runner
from scenarios.command.options import scenario_parser
from scenarios.definitions import definition_card
from scenarios.kinds.caption import CaptionScenario
from semcom_phy.simulation.results import ResultFile
from semcom_phy.sources.photographs import CAPTIONS

SCENARIOS = {"awgn": caption_awgn.SCENARIO, "2x2": caption_2x2.SCENARIO}


class Flat:
    """Pictures of one colour a caption."""

    identity = {"model": "flat"}

    def generate(self, captions, seed, num=1, size=None):
        colours = [np.frombuffer(t[:3].encode().ljust(3), np.uint8) for t in captions]
        return np.stack([np.tile(c, (num, *size, 1)) for c in colours])


@pytest.fixture
def flat(monkeypatch):
    """The generator "embedded", as long as the test runs."""
    painter = painted_texts.Painter(Flat())
    monkeypatch.setattr(painted_texts, "find_painter", lambda name: painter)


def run(out, *options, scenario=caption_awgn.SCENARIO, systems="words"):
    argv = ["--systems", *systems.split(), "--out", str(out), *options]
    return runner.main(argv, scenario, "tiny_systems")


def document(out):
    return json.loads((out / "words.json").read_text())


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_arguments_captions_of_photographs_are_sent(name, tmp_path, capsys):
    """No data, no frozen model: the first caption of each of the twelve, at all SNRs;
    figures of BLEU-1 and of the captions."""
    scenario = SCENARIOS[name]
    assert run(tmp_path, scenario=scenario) == 0
    out = capsys.readouterr().out
    assert "12 captions of 32x32 images" in out and "per caption" in out
    assert {"bleu_1_vs_snr.png", "captions.png"} <= {p.name for p in tmp_path.iterdir()}
    file = ResultFile.read(tmp_path / "words.json")
    assert file.snr_db == list(scenario.snr_db)
    assert file.metrics == ["bleu_1", "bleu_4", "word_error_rate"]
    means = [file.estimate("bleu_1", snr).mean for snr in file.snr_db]
    assert means == sorted(means) and 0 < means[-1] < 1
    assert file.estimate("bleu_1", file.snr_db[0]).num_transmissions == 48
    sent = [text for (text,) in file.header["original_texts"]]
    assert set(sent) <= {own[0] for own in CAPTIONS.values()} and len(set(sent)) == 6
    assert file.header["data"]["captioner"] == "data"


def test_frames_hold_512_symbols():
    """At the compression ratio of 1/6, over both links (exact)."""
    for scenario in SCENARIOS.values():
        assert scenario.num_symbols == 512
        assert isinstance(scenario, CaptionScenario)
        assert CaptionScenario.from_dict(scenario.to_dict()) == scenario


def test_every_caption_counts_and_images_are_clusters(tmp_path, capsys):
    """Five captions of four images: 20 samples, 4 groups (exact)."""
    options = "--images 4 --captions-per-image 5 --snr 6 --draws 1".split()
    assert run(tmp_path, *options) == 0
    out = capsys.readouterr().out
    assert "20 captions of 32x32 images in 4 groups (by image)" in out
    data = document(tmp_path)["data"]
    assert (data["num_images"], data["num_captions"]) == (4, 20)
    rows = ResultFile.read(tmp_path / "words.json").rows()[6.0]
    assert len(rows["image"]) == 20
    groups, counts = np.unique(rows["group"], return_counts=True)
    assert len(groups) == 4 and np.all(counts == 5)


def test_texts_become_images_and_are_measured_as_such(tmp_path, flat, capsys):
    """--generate adds metrics of images, figure and definitions; BLEU stays what it is
    without (exact)."""
    few = ["--images", "6", "--snr", "4", "10", "--draws", "1"]
    assert run(tmp_path / "texts", *few) == 0
    capsys.readouterr()
    assert run(tmp_path / "images", *few, "--generate") == 0
    out = capsys.readouterr().out
    assert "received texts become images by the generator 'embedded'" in out
    assert "knows: average SNR, captioner and image generator" in out
    names = {path.name for path in (tmp_path / "images").iterdir()}
    assert {"captions.png", "reconstructions.png", "bleu_1_vs_snr.png"} <= names
    texts, images = (document(tmp_path / name) for name in ("texts", "images"))
    assert images["bleu_1"] == texts["bleu_1"]
    assert [m["name"] for m in images["metrics"]][-2:] == ["psnr_db", "ssim"]
    assert images["description"]["generator"] == {"model": "flat"}
    assert images["scenario"]["generator"] == "embedded"
    point = ResultFile.read(tmp_path / "images" / "words.json").points[10.0].shown
    assert point.images.shape == (6, 32, 32, 3)
    for text, image in zip(point.texts, point.images, strict=True):
        colour = text[:3].encode() if text else bytes((126, 123, 114))
        assert np.all(image == np.frombuffer(colour.ljust(3), np.uint8))


def test_systems_that_send_images_run_beside(tmp_path, flat, capsys):
    """With metrics of images alone; what the one holds and the other does not is
    marked in table and comparison."""
    few = ["--images", "6", "--snr", "4", "10", "--draws", "1", "--generate"]
    metrics = ["--metrics", "psnr_db"]
    assert run(tmp_path, *few, *metrics, systems="words pixels") == 0
    assert "Systems with different letters do not know the same" in (
        capsys.readouterr().out
    )
    assert compare.main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "6 captions in 6 groups" in out
    assert "words knows average SNR, captioner and image generator" in out
    assert run(tmp_path / "b", *few, systems="pixels") == 2
    error = capsys.readouterr().err
    assert "'bleu_1' needs texts, which system 'pixels' does not deliver" in error


def test_a_file_of_captions_is_sent_whatever_its_script(tmp_path, capsys):
    """Every line of it, short or long; there is nothing that images could be measured
    by (1 word of 1000 is lost at 60 dB)."""
    path = tmp_path / "captions.txt"
    lines = ["a dog runs", "犬 が 走る", "🐈 🐈", "zzqx vvkj", " ".join(["dog"] * 500)]
    path.write_text("\n".join(lines), encoding="utf-8")
    options = ["--dataset", str(path), "--images", "5", "--snr", "60", "--draws", "1"]
    assert run(tmp_path / "out", *options) == 0
    assert document(tmp_path / "out")["bleu_1"]["mean"][0] > 0.99
    capsys.readouterr()
    options = [*options, "--metrics", "psnr_db"]
    assert run(tmp_path / "psnr", *options) == 2
    error = capsys.readouterr().err
    assert "metric 'psnr_db' needs pictures, which a file of captions does" in error


def test_the_systems_of_the_table_send_any_script(tmp_path, capsys):
    """Unknown words, emoji and other scripts arrive as they were at 20 dB; what is too
    long, or no word, is one line."""
    path = tmp_path / "captions.txt"
    lines = ["a dog runs", "犬 が", "a cat 🐈", "zzqx vvkj"]
    path.write_text("\n".join(lines), encoding="utf-8")
    options = ["--systems", "text_ldpc", "--dataset", str(path), "--snr", "20"]
    options += ["--draws", "1", "--images"]
    out = tmp_path / "out"
    assert caption_awgn.main([*options, "4", "--out", str(out)]) == 0
    file = ResultFile.read(out / "text_ldpc.json")
    sent = [text for (text,) in file.header["original_texts"]]
    assert list(file.points[20.0].shown.texts) == sent and sorted(sent) == sorted(lines)
    capsys.readouterr()
    path.write_text(" ".join(["dog"] * 500))
    assert caption_awgn.main([*options, "1", "--out", str(tmp_path / "long")]) == 2
    error = capsys.readouterr().err
    assert "has 500 tokens" in error and "shorten it" in error
    assert error.count("\n") == 1


def test_received_texts_of_the_table_become_images(tmp_path, flat):
    """Of separate coding (exact); learned systems: the same line of their entry."""
    options = "--systems text_ldpc --images 4 --draws 1 --snr 20 --generate".split()
    assert caption_awgn.main([*options, "--out", str(tmp_path)]) == 0
    file = ResultFile.read(tmp_path / "text_ldpc.json")
    shown = file.points[20.0].shown
    assert shown.images.shape == (4, 32, 32, 3)
    assert file.header["description"]["generator"] == {"model": "flat"}


@pytest.mark.parametrize(
    "options, told",
    [
        ("--captioner data --dataset sample", "has no captions: put captions.txt"),
        ("--captioner ./no_such_model", "no_such_model"),
        ("--generate --generator ./no_such_model", "no_such_model"),
        ("--generator gallery:cifar10", "give --generate besides"),
        ("--generate --generator gallery", "holds the pictures of 'photographs'"),
        ("--captioner nearest", "captioner 'nearest' holds the pictures of 'phot"),
        ("--captions-per-image 0", "--captions-per-image is 0; give at least 1"),
        ("--captions-per-image 2 --captioner embedded", "says one of each image"),
        ("--images 13", "13 images asked for, photographs has 12"),
        ("--dataset nowhere.txt", "nowhere.txt: no such file of captions"),
        ("--dataset nowhere", "no such folder"),
    ],
)
def test_bad_input_is_one_line(options, told, tmp_path, capsys, monkeypatch):
    """With the option and the remedy, exit code 2, below what libraries log."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run(tmp_path, *options.split()) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("scenarios.caption_awgn: error: ") and told in line


def test_other_scenarios_do_not_have_these_options():
    """Options of captions are those of the scenarios that send captions (exact)."""
    from scenarios.mimo_2x2 import SCENARIO

    own = {"--captioner", "--captions-per-image", "--generate", "--generator"}
    options = [
        {
            name
            for action in scenario_parser(s)._actions
            for name in action.option_strings
        }
        for s in (SCENARIO, caption_awgn.SCENARIO)
    ]
    assert options[1] - options[0] == own


def test_the_card_says_what_holds_for_captions():
    """Whatever it says of images in other scenarios, it says of captions."""
    card = definition_card(caption_2x2.SCENARIO)
    text = " ".join(value for name, value in card.items() if name != "Rate")
    assert "per image" not in text and "mean colour" in card["Outage"]
    assert "empty text" in card["Outage"]
    assert "against the very caption that was sent" in card["Text"]
    assert "512 complex data symbols" in card["Rate"]
    assert "clustered by caption" in card["Interval"]
