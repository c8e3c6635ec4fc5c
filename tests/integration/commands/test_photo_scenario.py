"""Whole photographs on the command line: a small folder as Kodak's, odd sizes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from link_models.systems.table import SYSTEMS, build_system
from scenarios import kodak_2x2, kodak_awgn, runner
from scenarios.definitions import definition_card
from scenarios.scenario import Scenario
from semcom_phy.seeding import image_seeds
from semcom_phy.sources.samples import Samples

TINY = replace(
    kodak_awgn.SCENARIO,
    image_size=(33, 50),
    cbr="1/4",
    snr_db=(10.0,),
    systems=("ntscc", "webp_ldpc"),
    metrics=("psnr_db",),
)


@pytest.fixture
def kodak(tmp_path, monkeypatch):
    """$SEMCOM_DATA/kodak: two landscapes and a portrait."""
    folder = tmp_path / "kodak"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i, shape in enumerate([(33, 50), (50, 33), (33, 50)], start=1):
        cells = rng.integers(0, 256, (shape[0] // 8, shape[1] // 8, 3), np.uint8)
        picture = Image.fromarray(cells).resize(shape[::-1], Image.Resampling.BICUBIC)
        picture.save(folder / f"kodim{i:02}.png")
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    return folder


def test_all_pictures_on_the_command_line(kodak, tmp_path, capsys):
    """Fewer than 24 are all sent; the portrait on its side; all of it is told, and that
    weights were made for another size (exact)."""
    out = ["--out", str(tmp_path / "out")]
    assert runner.main(out, TINY) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "lie across are turned by 90 degrees" in printed
    for name in TINY.systems:
        result = json.loads((tmp_path / "out" / f"{name}.json").read_text())
        data = result["data"]
        assert data["num_images"] == data["num_available"] == 3
        assert data["converted"] == {"turned by 90 degrees": 1}
        assert data["size"] == [33, 50] and data["dataset"] == "kodak"
        assert result["scenario"]["turn"] is True
    ntscc = json.loads((tmp_path / "out" / "ntscc.json").read_text())
    assert ntscc["description"]["weights_image_size"] == [192, 256]
    assert ntscc["bandwidth"]["data_symbols"] == 33 * 50 * 3 // 4
    portrait = replace(TINY, turn=False)
    assert "lie across are cut to" in definition_card(portrait)["Pictures"]
    assert runner.main([*out, "--no-turn", "--restart"], TINY) == 2
    assert "kodim02.png has an image of 50x33, smaller" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["--turn --no-turn", "--no-turn --turn", "--turn --turn"]
)
def test_turned_and_not_turned_is_refused(words, tmp_path, capsys):
    """In one line; argparse would keep the last (exact)."""
    assert kodak_awgn.main([*words.split(), "--out", str(tmp_path)]) == 2
    told = f"{' and '.join(words.split())} are both given: give one of them\n"
    if words == "--turn --turn":
        told = "--turn is given twice: give it once\n"
    assert capsys.readouterr().err == f"scenarios.kodak_awgn: error: {told}"


@pytest.mark.parametrize("scenario", [kodak_awgn.SCENARIO, kodak_2x2.SCENARIO])
def test_pictures_that_are_missing(scenario, tmp_path, monkeypatch, capsys):
    """One line says what is missing, where it is from and what else will do."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    out = ["--out", str(tmp_path / "out")]
    assert runner.main(out, scenario) == 2
    (line,) = capsys.readouterr().err.splitlines()
    for part in (
        *(str(tmp_path), "no folder kodak", "kodim01.png ... kodim24.png"),
        *("http://r0k.us/graphics/kodak/", "--dataset FOLDER"),
    ):
        assert part in line


def test_the_two_scenarios():
    """Whole pictures of 512x768, 73,728 symbols at cbr 1/16, ten images at once
    (exact); all systems are in the table."""
    for scenario in (kodak_awgn.SCENARIO, kodak_2x2.SCENARIO):
        assert scenario.image_shape == (512, 768, 3) and scenario.turn
        assert scenario.num_symbols == 73728 and scenario.images_at_once == 10
        assert set(scenario.systems) <= set(SYSTEMS)
        again = type(scenario).from_dict(json.loads(json.dumps(scenario.to_dict())))
        assert again == scenario
    assert kodak_awgn.SCENARIO.csi == "perfect"
    assert kodak_2x2.SCENARIO.csi == "estimated"
    assert kodak_2x2.SCENARIO.channel == "rayleigh"


def test_few_large_images_at_once():
    """4 million pixels, or one image (exact); those of earlier scenarios are 64."""
    sizes = {(192, 256): 64, (512, 768): 10, (1024, 1536): 2, 4096: 1}
    for size, expected in sizes.items():
        scenario = Scenario("test", image_size=size, cbr="1/2000")
        assert scenario.images_at_once == expected


@pytest.mark.parametrize("name", ["hevc_ldpc", "hevc_capacity", "deepjscc_patches"])
def test_odd_sizes_are_sent_and_charged_within_the_frame(name):
    """A 33x50 image arrives as one, its symbols within the budget of the picture
    itself (exact)."""
    scenario = replace(TINY, dataset="sample", systems=(name,))
    system = build_system(name, scenario)
    rng = np.random.default_rng(2)
    image = rng.integers(100, 120, (1, 33, 50, 3), np.uint8)
    seeds = image_seeds(1, 0, range(1))
    h = np.ones((1, 1, 1, 1, 1, 1), np.complex64)
    sent = system.transmit(Samples(image, None, {}), 20.0, h, seeds)
    assert sent.delivered.images.shape == image.shape and not sent.outage.any()
    assert 0 < sent.spent.data[0] <= scenario.num_symbols == 1237
    assert np.abs(sent.delivered.images.astype(float) - image).mean() < 30
