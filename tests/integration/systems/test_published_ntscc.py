"""NTSCC of published weights: the importer, and both of its systems."""

import functools
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from keras import ops
from published_state import NTSCC, entries_of, halves, random_state, write_weights
from seeded import samples_of

from link_models.codecs import load_link
from link_models.links.radio import build_channel
from link_models.systems import batch_channel_system, frame_system, semantic_coder
from link_models.systems.table import build_system
from link_models.training.__main__ import main
from link_models.training.published.fill import check_entries, fill
from link_models.training.published.ntscc_entries import (
    VARIANTS,
    is_buffer,
    sizes_of,
)
from scenarios import mimo_2x2, siso_awgn, siso_rayleigh
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.segments import DATA
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.images import load_images

SHAPE, TOKENS, SNR_DB, ETA = NTSCC["image_shape"], 64, 20.0, 0.25
MOST = TOKENS * NTSCC["rates"][-1] // 2
CBR = Fraction(700, 3072)  # side information of some 500 symbols, and data
SCENARIO = replace(siso_awgn.SCENARIO, csi="perfect", cbr=CBR)
FADING = replace(siso_rayleigh.SCENARIO, csi="perfect", cbr=CBR)


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory):
    """A folder with imported weights under runs/, and functions that are run as they
    are: for so few images compiling takes most of the time."""
    folder = tmp_path_factory.mktemp("published")
    for variant in VARIANTS:
        write_weights(variant, folder / "runs", eta=ETA)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for module in (batch_channel_system, frame_system, semantic_coder):
            patch.setattr(module, "compile_fn", lambda fn, jit=True: fn)
        yield


@functools.cache
def system_of(name, scenario):
    return build_system(name, scenario)


def save(state, name="official.pth", wrapped=False):
    entries = {n: torch.from_numpy(a) for n, a in state.items()}
    torch.save({"state_dict": entries, "epoch": 3} if wrapped else entries, name)
    return name


def command(name, variant):
    sides = [str(n) for n in SHAPE[:2]]
    return ["import", name, "--as", variant, "--out", "out", "--image-size", *sides]


def refused(capsys, name, variant="ntscc_official"):
    assert main(command(name, variant)) == 2
    start = "link_models.training import: error: "
    lines = capsys.readouterr().err.splitlines()
    assert lines and all(line.startswith(start) for line in lines)
    return [line.removeprefix(start) for line in lines]


def pictures(count=3):
    return samples_of(load_images("sample", count, size=32)[0])


def transmit(system, scenario, samples, snr_db=SNR_DB):
    seeds = image_seeds(1, 0, range(len(samples)))
    h = sample_fades(build_channel(scenario), seeds)
    return system.transmit(samples, snr_db, h, seeds)


@pytest.mark.parametrize("variant", VARIANTS)
def test_imported_weights_are_the_codec(variant, capsys):
    """Loaded by their label over a link they are those of the entries (exact), which go
    to both ends where both have them; the JSON tells sizes and eta."""
    state = random_state(variant)
    argv = [*command(save(state, wrapped=True), variant), "--eta", "0.5"]
    assert main(argv) == 0
    assert "left out" not in capsys.readouterr().out
    record = json.loads(Path(f"out/{variant}.json").read_text())
    assert record["published"]["as"] == variant
    assert json.loads(json.dumps(NTSCC)).items() <= record["config"]["encoder"].items()
    assert record["config"]["encoder"]["eta"] == 0.5
    fill(state, entries_of(variant))
    channel = EqualizedOFDMChannel(AWGN(), Framing(MOST, 1))
    link, _ = load_link(f"out/{variant}", channel, SHAPE)
    ends = zip(halves(variant), (link.encoder, link.decoder), strict=True)
    for ours, imported in ends:
        assert len(ours.weights) == len(imported.weights) > 30
        for one, two in zip(ours.weights, imported.weights, strict=True):
            np.testing.assert_array_equal(*map(ops.convert_to_numpy, (one, two)))
    table = ops.convert_to_numpy(link.encoder.rate_adaption.kernel)
    np.testing.assert_array_equal(table, state["fe.rate_adaption.weight"])


def test_every_entry_is_checked(capsys):
    """One line each for a missing, an extra and a wrongly shaped one, also where both
    ends have it (exact)."""
    state = random_state("ntscc_official_z")
    del state["ga.norm.weight"], state["hs.0.bias"]
    state["fe.surplus"] = np.zeros((3, 4), "float32")
    state["gs.outconv.weight"] = np.zeros((3, 16, 5, 5), "float32")
    assert sorted(refused(capsys, save(state), "ntscc_official_z")) == [
        "extra: fe.surplus, of shape 3x4",
        "missing: ga.norm.weight, of shape 12",
        "missing: hs.0.bias, of shape 10",
        "wrong shape: gs.outconv.weight has 3x16x5x5, must have 3x16x3x3",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "ga.patch_embed.proj.weight",
        "ha.0.weight",
        "ha.4.weight",
        "hs.2.weight",
        "fe.layers.0.blocks.0.norm1.bias",
        "entropy_bottleneck.quantiles",
        "fd.rate_adaption.weight",
    ],
)
def test_one_wrong_entry_does_not_blame_the_others(name):
    """Sizes are those that most entries have (exact)."""
    state = random_state("ntscc_official")
    sizes = sizes_of(state, "ntscc_official")
    config = halves("ntscc_official")[0].get_config()
    assert {key: config[key] for key in sizes} == sizes
    state[name] = np.zeros([n + 1 for n in state[name].shape], "float32")
    assert sizes_of(state, "ntscc_official") == sizes
    (line,) = check_entries(state, entries_of("ntscc_official"), is_buffer)
    assert line.startswith(f"wrong shape: {name} has ")


def test_what_is_no_ntscc_is_refused_in_one_line(capsys):
    """NTSCC+ and CompatibleNTSCC by name, also wrapped; the other variant; rates that
    are not told, not alike, or odd; windows that would shift (exact)."""
    for extra in ("ntc.g_a1.residual_group.blocks.0.attn.rpb", "f_e0.blocks.0.a"):
        state = random_state("ntscc_official") | {extra: np.zeros(2, "float32")}
        (line,) = refused(capsys, save(state, wrapped=True))
        assert "NTSCC+ or CompatibleNTSCC" in line
        assert "neighbourhood attention: not supported" in line
    (line,) = refused(capsys, save(random_state("ntscc_official_z")))
    assert line.endswith("--as ntscc_official_z, not ntscc_official")
    (line,) = refused(capsys, save(random_state("ntscc_official")), "ntscc_official_z")
    assert "it has no hyprior_refinement" in line
    rates, row = "fe.rate_choice_tensor", np.array(NTSCC["rates"])
    shifting = "fe.layers.0.blocks.0.attn_mask"
    for name, value, message in (
        (rates, None, "nothing tells the rates"),
        (rates, row.astype("float32"), "must hold a row of integers"),
        (rates, row + 2, "holds others than fe.rate_choice_tensor"),
        (shifting, np.zeros((4, 4, 4), "float32"), "their windows shift"),
    ):
        state = random_state("ntscc_official")
        state = {n: a for n, a in state.items() if n != name}
        if value is not None:
            state[name] = value
        (line,) = refused(capsys, save(state))
        assert message in line
    state = random_state("ntscc_official")
    odd = {n: np.array([1, 4, 6, 10, 12]) for n in state if n.endswith("choice_tensor")}
    (line,) = refused(capsys, save(state | odd))
    assert "rates must be even" in line
    argv = ["import", save(random_state("ntscc_official")), "--as", "ntscc_official"]
    assert main([*argv, "--image-size", "40", "32"]) == 2
    assert "multiples of 16 pixels" in capsys.readouterr().err
    argv = ["import", save(random_state("witt")), "--as", "witt", "--eta", "0.3"]
    assert main(argv) == 2
    assert "--eta is of NTSCC, not of witt" in capsys.readouterr().err


@pytest.mark.parametrize("scenario", [SCENARIO, FADING], ids=["awgn", "rayleigh"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_frames_are_filled_and_what_is_charged_is_sent(variant, scenario):
    """Scale, k and with refinement z are a segment that is charged; data and side
    information fill the frame but for one step of a rate or keep to it; power is 1 per
    image and non-zero symbols are those counted (exact; 1e-5)."""
    samples, seeds = pictures(), image_seeds(1, 0, range(3))
    system = system_of(variant, scenario)
    about = system.describe()
    assert about["knows"] == ["average SNR"] and about["side_info"] == "sent"
    h = sample_fades(build_channel(scenario), seeds)
    message = system.coder.encode(samples, SNR_DB, h, seeds)
    placed = system.coder.frame.place(message.segments)
    data, side = placed.counts[DATA], placed.counts["side"]
    assert np.all(side > 0) and np.all(data >= TOKENS)
    assert np.all(data + side <= scenario.num_symbols)
    full = data == MOST
    assert np.all(full | (data + side > scenario.num_symbols - 16))
    np.testing.assert_array_equal(np.count_nonzero(placed.x, axis=1), data + side)
    for row, count, taken in zip(placed.x, data, side, strict=True):
        power = np.mean(np.abs(row[taken : taken + count]) ** 2)
        assert abs(power - 1.0) < 1e-5
    lengths = [len(p) for p in message.segments["side"].payloads]
    fixed = 2 + 3 * TOKENS // 8
    assert set(lengths) == {fixed} or variant == "ntscc_official_z"
    assert variant == "ntscc_official" or min(lengths) > fixed
    sent = system.transmit(samples, SNR_DB, h, seeds)
    np.testing.assert_array_equal(sent.spent.data, data)
    np.testing.assert_array_equal(sent.spent.side, side)
    assert sent.figures["latent_bits"].shape == (3,)


def test_frames_that_do_not_hold_it_are_refused():
    """With the remedy (exact)."""
    small = replace(SCENARIO, cbr=Fraction(80, 3072))
    system = build_system("ntscc_official", small)
    with pytest.raises(ValueError, match="frame of 80 .* raise the cbr"):
        transmit(system, small, pictures())
    with pytest.raises(ValueError, match="8x8 patches take at least 64 symbols"):
        build_system("ntscc_official", replace(SCENARIO, cbr=Fraction(63, 3072)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_authors_charge_by_capacity_and_share_power(variant):
    """Symbols follow from eta; side information costs what an ideal code takes (1e-6);
    an image comes out otherwise with others beside it (exact)."""
    samples = pictures()
    system = system_of(f"{variant}_as_published", SCENARIO)
    about = system.describe()
    assert about["eta"] == ETA and "lengths (ideal code)" in about["knows"]
    assert "power over the batch" in about["knows"]
    sent = transmit(system, SCENARIO, samples)
    encoder = system.link.encoder
    images = ops.convert_to_tensor(samples.images.astype("float32") / 255)
    found = encoder.analyse(images)
    asked = ETA * ops.convert_to_numpy(encoder.information(found.likelihood))
    rates = np.array(NTSCC["rates"])
    index = np.minimum(np.searchsorted(rates, asked), len(rates) - 1)
    assert len(np.unique(index)) > 1, index
    np.testing.assert_array_equal(sent.spent.data, rates[index].sum(axis=(1, 2)) / 2)
    bits = np.full(3, TOKENS * np.log2(len(rates)))
    if variant == "ntscc_official_z":
        hyper = encoder.bottleneck(found.steps)
        bits += ops.convert_to_numpy(hyper).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(sent.spent.side, bits / np.log2(101), rtol=1e-6)
    sent = transmit(system, SCENARIO, samples, -10.0)
    again = transmit(system, SCENARIO, samples, -10.0)
    np.testing.assert_array_equal(again.delivered.images, sent.delivered.images)
    alone = transmit(system, SCENARIO, samples.take(range(1)), -10.0)
    assert np.any(alone.delivered.images[0] != sent.delivered.images[0])


def test_without_noise_the_link_shows_what_the_network_does():
    """At 60 dB on AWGN with room for every symbol, up to the steps of the scale: what
    the decoder makes of the encoder's features, images of random weights within 8 of
    255 levels (mean within 1)."""
    scenario, samples = replace(SCENARIO, cbr=Fraction(1100, 3072)), pictures()
    system = build_system("ntscc_official_z", scenario)
    shown = transmit(system, scenario, samples, 60.0).delivered.images
    link = system.coder.link
    images = ops.convert_to_tensor(samples.images.astype("float32") / 255)
    found = link.encoder.analyse(images)
    index = ops.full((3, 8, 8), len(NTSCC["rates"]) - 1, dtype="int32")
    features, _ = link.encoder.features(*found[:2], index)
    expected = link.decoder.reconstruct(features, index, found.steps)
    expected = np.clip(ops.convert_to_numpy(expected), 0, 1) * 255
    apart = np.abs(shown - expected)
    assert expected.std() > 5 and apart.max() <= 8 and apart.mean() < 1


def test_the_authors_channel_is_awgn():
    """One line with the remedy (exact)."""
    for scenario in (FADING, mimo_2x2.SCENARIO):
        with pytest.raises(ValueError, match="channel awgn, .* run it in siso_awgn$"):
            build_system("ntscc_official_as_published", scenario)
