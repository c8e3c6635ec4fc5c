"""Training on photographs: data, batches, the command and what it writes."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import fit_length_code
from link_models.training import photo_data
from link_models.training.batches import Batches
from link_models.training.photo_data import load_photo_data
from link_models.training.recipe import Recipe
from link_models.training.tasks import photo as photo_task
from link_models.training.tasks.photo import CBR, CROP, PhotoTask, crop_cbr, frame_sizes
from link_models.training.tasks.scene import RateDistortionLoss
from link_models.training.trainer import Trainer
from scenarios import kodak_2x2
from scenarios.kodak_awgn import main
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing

SIZE = (128, 160)
RECIPE = Recipe(steps=4, batch_size=6, min_snr_db=0.0, max_snr_db=20.0, seed=2)
LENGTHS = (1, 8, 64)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Five pictures of 136x168, the second a portrait; smaller ones are held out."""
    for module in (photo_data, photo_task):
        monkeypatch.setattr(module, "VALIDATION_SIZE", SIZE)
    rng = np.random.default_rng(4)
    for i in range(5):
        coarse = rng.integers(0, 256, (17, 21, 3), np.uint8)
        picture = np.kron(coarse, np.ones((8, 8, 1), np.uint8))
        picture = np.rot90(picture) if i == 1 else picture
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    return tmp_path


def task(**changes):
    crop, whole = (
        EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(n, 2))
        for n in frame_sizes(False)
    )
    return PhotoTask("photographs", crop, whole, RateDistortionLoss(), **changes)


def test_one_picture_in_four_is_held_out_and_portraits_are_turned(folder):
    """The fourth, of which the central part is seen (exact)."""
    data = load_photo_data(folder, CROP)
    assert [picture.shape for picture in data.large] == [(136, 168, 3)] * 4
    turned = np.rot90(np.asarray(Image.open(folder / "1.png")))
    np.testing.assert_array_equal(data.large[1], turned)
    held = np.asarray(Image.open(folder / "3.png"))
    np.testing.assert_array_equal(data.validation, [held[4:132, 4:164]])


def test_pictures_that_will_not_do_are_named(folder):
    """Too few, and one that is too small for the validation."""
    Image.fromarray(np.zeros((130, 150, 3), np.uint8)).save(folder / "small.png")
    with pytest.raises(ValueError, match=r"small.png has 130x150 .* 128x160"):
        load_photo_data(folder, CROP)
    for i in range(2, 5):
        (folder / f"{i}.png").unlink()
    with pytest.raises(ValueError, match="holds 3 pictures, training needs at least 4"):
        load_photo_data(folder, CROP)


def test_a_batch_follows_from_seed_and_step(folder):
    """The same again, another one at the next step; crops of the pictures, budgets in
    their range, and over AWGN the SNR itself as median (exact)."""
    data = load_photo_data(folder, CROP)
    of_task = task(lengths=LENGTHS)
    batches = Batches(data, [of_task], RECIPE)
    one, again, other = (batches.at(step) for step in (0, 0, 1))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    assert np.any(np.asarray(one[0]) != np.asarray(other[0]))
    source, snr_db, median, h, _, budget, latent, hyper = map(np.asarray, one)
    colors = {tuple(c) for p in data.large for c in p.reshape(-1, 3)}
    seen = np.round(source * 255).astype(int).reshape(-1, 3)
    assert {tuple(c) for c in seen.tolist()} <= {tuple(map(int, c)) for c in colors}
    low, high = crop_cbr(False)
    assert low < CBR[0] and high > CBR[1]
    assert np.all((budget >= low * source[0].size) & (budget <= high * source[0].size))
    over_awgn = np.abs(h[:, 0, 0, 1, 0, 0]) == 0
    assert 0 < over_awgn.sum() < len(h)
    np.testing.assert_array_equal(median == snr_db, over_awgn)
    assert np.all(median[~over_awgn] < snr_db[~over_awgn] - 3.0)
    assert latent.shape == (6, 8, 8, 2 * LENGTHS[-1]) and hyper.shape == (6, 4, 4, 16)


def test_equal_lengths_are_trained_at_the_rates_of_pictures():
    """A crop of theirs gets neither more nor less than its picture, but for 10 %."""
    low, high = crop_cbr(True)
    assert low == pytest.approx(CBR[0] / 1.1) and high == pytest.approx(1.1 * CBR[1])
    assert frame_sizes(True)[0] < frame_sizes(False)[0]


def test_the_command_trains_and_says_on_what(folder, monkeypatch, tmp_path, capsys):
    """Two steps write weights, whose JSON holds codec, task and figures by SNR and
    rate, each within its budget."""
    monkeypatch.setattr(PhotoTask, "VALIDATION", ((10, 1 / 16),))
    config = {"filters": 8, "blocks": 1, "lengths": LENGTHS, "fixed": True}
    command = ["train", "--system", "ntscc", "--data", str(folder), "--label", "tiny"]
    command += ["--steps", "2", "--batch-size", "2", "--out", str(tmp_path / "runs")]
    assert main([*command, "--codec-config", json.dumps(config)]) == 0
    record = json.loads((tmp_path / "runs" / "tiny.json").read_text())
    for half in ("encoder", "decoder"):
        assert record["config"][half]["scale_sent"] and record["config"][half]["fixed"]
        assert record["config"][half]["lengths"] == list(LENGTHS)
    assert record["tasks"][0]["name"] == "photographs"
    figures = record["validation"]["photographs"]
    assert figures["snr_db"] == [10] and 0.05 < figures["cbr"][0] <= 1 / 16
    assert np.isfinite(figures["psnr_db"][0])
    assert main([*command, "--annotator", "rule"]) == 2
    assert "--annotator is not for ntscc, which" in capsys.readouterr().err


def test_the_command_trains_at_the_snrs_given(folder, monkeypatch, tmp_path, capsys):
    """From the lowest to the highest; without any from 0 to 20 dB. The pictures that
    crops are cut from are counted (exact)."""
    monkeypatch.setattr(photo_task, "STATISTICS", 20)
    seen = []

    def fit(self, restart):
        seen.append((self.recipe.min_snr_db, self.recipe.max_snr_db))
        return tmp_path / "tiny.json"

    monkeypatch.setattr(Trainer, "fit", fit)
    config = {"filters": 8, "blocks": 1, "lengths": LENGTHS}
    command = ["train", "--system", "ntscc", "--data", str(folder), "--label", "tiny"]
    command += ["--out", str(tmp_path / "runs"), "--codec-config", json.dumps(config)]
    for more in ((), ("--snr", "5", "1", "13")):
        assert main([*command, *more]) == 0
        assert " 4 samples, " in capsys.readouterr().out
    assert seen == [(0, 20), (1, 13)]


@pytest.mark.parametrize(
    "option",
    [
        "--channel tdl",
        "--tx-antennas 1",
        "--rx-antennas 4",
        "--csi estimated",
        "--cbr 1/4",
        "--image-size 64",
    ],
)
def test_options_that_training_replaces_are_refused(option, tmp_path, capsys):
    """The link of photographs, and the size of their crops, are always the same: one
    line with the option, exit code 2 (exact)."""
    argv = ["train", "--system", "ntscc", "--out", str(tmp_path), *option.split()]
    assert kodak_2x2.main(argv) == 2
    error = capsys.readouterr().err
    assert f"{option.split()[0]} is not for ntscc, which" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("fixed", [False, True])
def test_codes_of_side_information_are_fitted(folder, fixed, monkeypatch, tmp_path):
    """To the photographs trained on: every patch is counted once a rate and SNR, orders
    by length; where lengths are equal, no code of them is needed (exact)."""
    monkeypatch.setattr(PhotoTask, "VALIDATION", ((10, 1 / 16),))
    monkeypatch.setattr(photo_task, "STATISTICS", 20)
    config = {"filters": 8, "blocks": 1, "lengths": LENGTHS, "fixed": fixed}
    command = ["train", "--system", "ntscc", "--data", str(folder), "--label", "tiny"]
    command += ["--steps", "1", "--batch-size", "2", "--out", str(tmp_path / "runs")]
    assert (
        main([*command, "--codec-config", json.dumps(config | {"num_orders": 3})]) == 0
    )
    for name, value in (
        ("PHOTOGRAPHS", folder),
        ("VALIDATION_SIZE", SIZE),
        ("PHOTO_STEP", 1),
        ("ROUNDS", 1),
        ("PHOTO_CBRS", ("1/48", "1/8")),
        ("PHOTO_SNR_DB", (10.0,)),
    ):
        monkeypatch.setattr(fit_length_code, name, value)
    assert fit_length_code.main([str(tmp_path / "runs" / "tiny")]) == 0
    record = json.loads((tmp_path / "runs" / "tiny.json").read_text())
    assert ("length_code" in record) != fixed
    orders = np.array(record["order_code"]["counts"])
    assert orders.shape == (len(LENGTHS), 3) and orders.sum() == 2 * 4 * 8 * 10
    if not fixed:
        lengths = np.array(record["length_code"]["counts"])
        np.testing.assert_array_equal(lengths.sum(axis=0), orders.sum(axis=1))
