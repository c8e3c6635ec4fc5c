"""Scenarios of edited images on the command line: data, captions, parts, bad input."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from scenarios import edited_2x2, edited_awgn, runner
from scenarios.command.options import scenario_parser
from scenarios.definitions import definition_card
from scenarios.kinds.edited import EditedScenario
from scenarios.mimo_2x2 import SCENARIO as OF_IMAGES
from semcom_phy.knowledge_base import captioner as captioners
from semcom_phy.knowledge_base.captioner.questions import DETAILED
from semcom_phy.simulation.results import ResultFile

SCENARIOS = {"awgn": edited_awgn.SCENARIO, "2x2": edited_2x2.SCENARIO}
PARTS = ("psnr_foreground_db", "psnr_background_db")
TINY = replace(
    edited_awgn.SCENARIO,
    image_size=32,
    num_images=3,
    snr_db=(4.0,),
    systems=("pixels",),
    metrics=("psnr_db", *PARTS, "ms_ssim_foreground"),
)


class Counting:
    """Says how many pixels it sees."""

    identity = {"model": "counting"}

    def caption(self, images):
        return [f"{images[0].size} pixels of {image[0, 0]}" for image in images]


@pytest.fixture(autouse=True)
def captioner(monkeypatch):
    """A captioner by the name "embedded"."""
    model = Counting()
    monkeypatch.setitem(captioners.CAPTIONERS, "embedded", lambda: model)
    return model


@pytest.fixture
def folder(tmp_path):
    """Pictures in the layout of ECSSD: in colour, grey, without a salient object."""
    place = tmp_path / "data"
    for name in ("images", "ground_truth_mask"):
        (place / name).mkdir(parents=True)
    rng = np.random.default_rng(1)
    for i in range(3):
        picture = Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8))
        picture = picture.convert("L" if i == 1 else "RGB")
        picture.save(place / "images" / f"{i}.png")
        mask = np.zeros((40, 40), np.uint8)
        mask[10:30, 10 : 10 + 10 * (2 - i)] = 255
        Image.fromarray(mask).save(place / "ground_truth_mask" / f"{i}.png")
    return place


def run(out, *options):
    return runner.main(["--out", str(out), *options], TINY, "tiny_systems")


def test_frames_hold_2048_symbols():
    """Of 128x128 images at four SNRs, over both links, whatever is sent in them; plain
    values make the same scenario again (exact)."""
    for scenario in SCENARIOS.values():
        assert (scenario.num_symbols, scenario.image_size) == (2048, 128)
        assert scenario.snr_db == (1.0, 4.0, 7.0, 10.0)
        assert (scenario.dataset, scenario.caption_as) == ("sample", "coded")
        again = EditedScenario.from_dict(json.loads(json.dumps(scenario.to_dict())))
        assert again == scenario
    assert edited_2x2.SCENARIO.csi == "estimated"
    assert OF_IMAGES.caption_as is None and "caption_as" not in OF_IMAGES.to_dict()


@pytest.mark.parametrize("name", SCENARIOS)
def test_options_are_those_of_the_scenario(name):
    """Every model by its option; the others stay (exact)."""
    scenario = SCENARIOS[name]
    models = ("captioner", "editor", "generator", "dual_encoder")
    argv = ["--caption-as", "utf8"]
    for model in models:
        argv += [f"--{model.replace('_', '-')}", f"my/{model}"]
    args = scenario_parser(scenario).parse_args(argv)
    values = {n: getattr(args, n) for n in (*models, "caption_as")}
    chosen = scenario.chosen(values)
    assert chosen.caption_as == "utf8" and chosen.snr_db == scenario.snr_db
    assert all(getattr(chosen, model) == f"my/{model}" for model in models)


def test_the_card_says_how_captions_are_sent():
    """And which models are used; both ways differ in it (exact)."""
    cards = {}
    for way in ("coded", "utf8"):
        scenario = replace(edited_awgn.SCENARIO, caption_as=way, editor="./mine")
        cards[way] = definition_card(scenario)
        assert "captioner 'embedded'" in cards[way]["Captions"]
        assert "lost_caption" in cards[way]["Captions"]
        assert "editor './mine'" in cards[way]["Editing"]
        assert "no transmitter sees them" in cards[way]["Parts"]
    assert "polar" in cards["coded"]["Captions"] and "LDPC" in cards["utf8"]["Captions"]
    assert "2048 complex data symbols" in cards["utf8"]["Rate"]


def test_without_data_the_sample_photographs_are_sent(tmp_path, capsys):
    """With a caption of each, and figures of parts null with the reason (exact)."""
    assert run(tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "captions said by counting" in out
    assert "3 images of 32x32 in 3 groups (by photograph)" in out
    assert out.count("the data set has no masks of salient objects") == 3
    file = ResultFile.read(tmp_path / "out" / "pixels.json")
    texts = file.header["original_texts"]
    assert [len(own) for own in texts] == [1, 1, 1]
    assert all(" pixels of " in text for (text,) in texts)
    assert file.estimate("psnr_foreground_db", 4.0) is None
    assert file.header["scenario"]["captioner"] == "embedded"
    assert file.header["data"]["captioner"] == Counting.identity


def test_pictures_with_masks_of_all_kinds_are_sent(folder, tmp_path, capsys):
    """A grey one is converted and counted, one without a salient object has no figure
    of the foreground (exact)."""
    assert run(tmp_path / "out", "--dataset", str(folder)) == 0
    out = capsys.readouterr().out
    assert "converted: 1 grey" in out and "masks of ground_truth_mask" in out
    assert "psnr_foreground_db: 1 of 3 images have no foreground" in out
    file = ResultFile.read(tmp_path / "out" / "pixels.json")
    assert file.estimate("psnr_foreground_db", 4.0).num_images == 2
    assert file.estimate("psnr_background_db", 4.0).num_images == 3
    assert sorted(text[:4] for (text,) in file.header["original_texts"]) == ["4800"] * 3


def test_options_reach_the_data(folder, monkeypatch):
    """Size, groups and strictness, and the paper's question the captioner (exact)."""
    asked = []

    def find(name, question):
        asked.append((name, question))
        return Counting()

    monkeypatch.setattr("semcom_phy.sources.sent_captions.find_captioner", find)
    scenario = replace(
        TINY, dataset=str(folder), image_size=(24, 16), captioner="./mine"
    )
    samples = scenario.load_samples(group_by="name")
    assert samples.images.shape == (3, 24, 16, 3)
    assert samples.masks.shape == (3, 24, 16) and len(samples.groups) == 3
    assert asked == [("./mine", DETAILED)]
    with pytest.raises(ValueError, match="1.png has colour mode 'L'"):
        scenario.load_samples(strict=True)


def test_an_empty_caption_stops_nothing(folder, tmp_path, captioner, capsys):
    """The image is sent, and the line above the results counts such images (exact)."""
    captioner.caption = lambda images: ["" for _ in images]
    assert run(tmp_path / "out", "--dataset", str(folder)) == 0
    assert "counting, which says nothing of 3 of them" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options, told",
    [
        (["--caption-as", "morse"], "--caption-as must be one of coded, utf8, got 'm"),
        (["--captioner", "nearest"], "--captioner 'nearest' holds the pictures of 'sa"),
        (["--generator", "gallery"], "--generator 'gallery' holds the pictures of 'sa"),
        (["--captioner", "data"], "captioner is 'data', but the data set 'sample' has"),
        (["--captioner", "./no_model"], "no_model"),
        (["--captioner", "http://localhost:1/v1#x"], "localhost:1 cannot be reached"),
        (["--dataset", "nowhere"], "no such folder"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, capsys, options, told):
    """With the option and the remedy, exit code 2 (exact)."""
    assert run(tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_a_damaged_mask_is_one_line(folder, tmp_path, capsys):
    """Named, not left out (exact)."""
    (folder / "ground_truth_mask" / "2.png").write_bytes(b"no picture")
    assert run(tmp_path / "out", "--dataset", str(folder)) == 2
    error = capsys.readouterr().err
    assert "2.png is damaged" in error and error.count("\n") == 1


def test_scenarios_are_plain_values():
    """Their modules load neither building blocks nor models (exact)."""
    code = (
        "import sys, scenarios.edited_awgn, scenarios.edited_2x2; "
        "print({m for m in sys.modules if m.startswith(('semcom_phy.', 'link_models', "
        "'numpy', 'keras'))} - {'semcom_phy.generation'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
