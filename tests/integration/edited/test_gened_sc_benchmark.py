"""Tables of GenED-SC, with tiny untrained networks over small pictures."""

import re
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from tiny_saliency import pictures_with_masks, save_untrained

from benchmarks import gened_sc_comparison
from benchmarks.gened_sc import (
    ablation,
    failures,
    masks,
    quality,
    sent,
    symbols,
    tables,
)
from link_models.systems.edited import saliency
from link_models.systems.table import SYSTEMS
from link_models.weights import store
from scenarios import edited_awgn
from scenarios.paired_results import Curve
from semcom_phy.knowledge_base import captioner as captioners
from semcom_phy.simulation import sweep
from semcom_phy.simulation.statistics.intervals import Estimate
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.sources.samples import Delivered

SIDE = 128
OURS, PLAIN = "gened_sc_unedited", "gened_sc_plain"
NOISE = {  # of the pixels, and whether there is a caption, an editor
    "gened_sc": (20, True, True),
    OURS: (30, True, False),
    PLAIN: (40, False, False),
    "gened_sc_plain_edited": (35, False, True),
    "gened_sc_unrouted": (40, False, False),
    "gened_sc_unrouted_edited": (35, False, True),
    "hevc_ldpc": (60, False, False),
    "hevc_ldpc_edited": (50, False, True),
    "gened_sc_constant_mask": (50, True, True),
    "gened_sc_no_objective": (10, True, True),
    "gened_sc_cbam": (50, True, True),
    "gened_sc_swin": (50, True, True),
}


class Named:
    """Says the same of every picture."""

    identity = {"model": "named"}

    def caption(self, images):
        return ["a dog on the grass" for _ in images]


class Noisy(NamedTuple):
    """An entry of the table, and the system itself: noise on the pixels."""

    name: str
    num_symbols: int = 0

    title = "Noisy"

    def build(self, name, scenario):
        return self._replace(num_symbols=scenario.num_symbols)

    def describe(self):
        return {"title": self.name, "knows": ["average SNR"], "bandwidth": {}}

    def symbol_maps(self, samples, snr_db, seed):
        return None

    def transmit(self, samples, snr_db, h, seeds):
        level, captioned, edited = NOISE[self.name]
        shape = samples.images.shape[1:]
        noise = np.stack([np.random.default_rng(s).normal(size=shape) for s in seeds])
        images = samples.images + level * 10 ** (-snr_db / 20) * noise
        ones = np.ones(len(samples))
        side, figures = 256 * captioned, {}
        if captioned:
            figures |= {"caption_symbols": 112 * ones, "caption_lost": 0 * ones}
        if edited:
            figures |= {"edited": ones}
        return Transmission(
            Delivered(np.clip(np.rint(images), 0, 255).astype("uint8")),
            np.zeros(len(samples), bool),
            Spent(ones * (self.num_symbols - side), ones * side),
            figures=figures,
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights, and pictures with masks."""
    place = tmp_path_factory.mktemp("gened_sc")
    pictures_with_masks(place / "data", 4, SIDE)
    for data in (768, 1792):
        save_untrained(place, f"gened_sc_{data}", edited_awgn.SCENARIO, data)
    return place


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs parts of the benchmark with the tiny networks; the table that they wrote."""
    monkeypatch.setattr(store, "SHIPPED", folder)
    monkeypatch.setattr(saliency, "SHIPPED", folder)
    monkeypatch.setitem(captioners.CAPTIONERS, "embedded", Named)

    def call(part, *options, out="out"):
        argv = [part, "--dataset", str(folder / "data"), "--images", "3"]
        argv += ["--out", str(folder / out), *map(str, options)]
        assert gened_sc_comparison.main(argv) == 0
        capsys.readouterr()
        name = part if part == "mask" else f"{part}_awgn"
        return (folder / out / f"{name}.md").read_text()

    return call


@pytest.fixture
def noisy(run, folder, monkeypatch):
    """The same with pixels in noise in the place of all systems; and their rows."""
    for name in NOISE:
        monkeypatch.setitem(SYSTEMS, name, Noisy(name))

    def call(part, *options):
        return run(part, *options, out="noisy")

    def curve(name, rate="1-24"):
        path = folder / "noisy" / "awgn" / f"cbr_{rate}" / f"{name}.json"
        return Curve(path, name)

    call.curve = curve
    return call


def cells_of(text, start):
    """Cells of the lines of tables that start so."""
    lines = [line.strip("| ") for line in text.splitlines()]
    return [line.split(" | ") for line in lines if line.startswith(start)]


def numbers(cell):
    """Mean and ends of an interval."""
    return [float(x) for x in re.findall(r"[+-]?\d+\.\d+", cell)]


def test_every_system_is_in_the_table():
    """Of all tables (exact)."""
    named = {*quality.SYSTEMS, *symbols.SYSTEMS, *ablation.SYSTEMS}
    named |= {*sent.EDITED, *sent.EDITED.values()}
    assert named <= set(SYSTEMS)


def test_snr_table_is_of_the_rows(noisy, monkeypatch):
    """Means and paired differences are those of the rows (5e-3), symbols are all that
    was sent, and a second call simulates nothing (exact)."""
    text = noisy("snr", "--systems", OURS, PLAIN)
    rows = {n: noisy.curve(n).rows for n in (OURS, PLAIN)}
    ours = cells_of(text, f"{OURS} |")
    for (_, snr, *cells), point in zip(ours, sent.SNR_DB, strict=True):
        assert float(snr) == point
        own = rows[OURS][point]["psnr_foreground_db"]
        mean, low, high = numbers(cells[0])
        assert mean == pytest.approx(own.mean(), abs=5.1e-3) and low < mean < high
        assert cells[7:] == ["1792 + 256", "0.000", "0.000", "-"]
    found = cells_of(text, f"{OURS} - {PLAIN}")[0]
    assert "foreground" in found[1]
    values = [rows[n][1.0]["psnr_foreground_db"] for n in (OURS, PLAIN)]
    expected = (values[0] - values[1]).mean()
    assert expected > 1
    assert numbers(found[2])[0] == pytest.approx(expected, abs=5.1e-3)
    assert "hevc" not in text
    monkeypatch.setattr(sweep, "simulate_chunk", None)
    assert noisy("snr", "--systems", OURS, PLAIN) == text


def test_masks_stand_between_the_constant_and_the_best(run, monkeypatch):
    """The labels are 1; no mask of patches beats the best of them (exact)."""
    monkeypatch.setattr(masks, "SNR_DB", (10.0,))
    text = run("mask")
    (labels,), (best,) = cells_of(text, "labels"), cells_of(text, "best of patches")
    (ours,) = cells_of(text, "transmitter, without labels")
    assert numbers(labels[1])[0] == 1.0
    assert numbers(ours[1])[0] <= numbers(best[1])[0] < 1.0
    assert 0 < float(ours[3]) <= float(ours[4])
    assert len(cells_of(text, "gened_sc_estimated_mask")[0]) == 2


def test_best_of_patches_is_the_best_of_all_masks():
    """Of 2x2 patches, all 16 masks are tried (exact)."""
    rng = np.random.default_rng(1)
    wanted = (rng.random((20, 16, 16)) < rng.random((20, 1, 1))).astype("uint8")
    wanted[0] = 0
    found = masks.best_of_patches(wanted)
    every = np.array([[k >> i & 1 for i in range(4)] for k in range(16)])
    every = every.reshape(16, 2, 2).repeat(8, 1).repeat(8, 2)
    for own, mask in zip(wanted[1:], found[1:], strict=True):
        shown = np.concatenate([every, mask.repeat(8, 0).repeat(8, 1)[None]])
        iou = masks.foreground_iou(shown, np.broadcast_to(own, shown.shape))
        assert iou[-1] == iou[:-1].max()
    assert not found[0].any()


def test_constant_mask_is_that_of_most_pictures():
    """Nine pictures have the left half, one another one (exact)."""
    wanted = np.zeros((10, 8, 8), "uint8")
    wanted[:9, :, :4] = 1
    wanted[9, :, 4:] = 1
    assert np.array_equal(masks.constant_mask(wanted), wanted[0])


def test_editing_is_paired_with_what_arrived(noisy):
    """After minus before is the mean of differences of rows (1e-4); ours is held
    against the others, edited and not (exact)."""
    text = noisy("editing")
    after, before = (
        noisy.curve(n).rows[1.0]["perceptual_efficientnet"] for n in ("gened_sc", OURS)
    )
    rows = [c for c in cells_of(text, "gened_sc |") if c[1] == "1"]
    assert [c[2] for c in rows] == ["before", "after", "paired difference"]
    expected = before.mean(), after.mean(), (after - before).mean()
    found = [numbers(c[3])[0] for c in rows]
    np.testing.assert_allclose(found, expected, atol=5.1e-5)
    assert found[2] < 0 and rows[1][-1] == "1.000"
    (against,) = cells_of(text, "hevc_ldpc |")
    hevc = noisy.curve("hevc_ldpc").rows[1.0]["psnr_foreground_db"]
    ours = noisy.curve("gened_sc").rows[1.0]["psnr_foreground_db"]
    assert numbers(against[4])[0] == pytest.approx((ours - hevc).mean(), abs=5.1e-3)


def test_symbols_are_shared_out(noisy, folder):
    """Mask and caption have 144 and 112 symbols at every rate (exact)."""
    text = noisy("symbols", "--systems", "gened_sc", PLAIN)
    assert [c[1:6] for c in cells_of(text, "gened_sc |")] == [
        ["1/48", "1024", "144", "112", "25.0%"],
        ["1/24", "2048", "144", "112", "12.5%"],
        ["1/12", "4096", "144", "112", "6.2%"],
    ]
    own = [c[2:6] for c in cells_of(text, f"{PLAIN} |")]
    assert own == [[n, "0", "0", "0.0%"] for n in ("1024", "2048", "4096")]
    drawn = (folder / "noisy" / "symbols_awgn.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")


def test_ablations_are_held_against_ours(noisy):
    """Parts are marked as in Table I; less noise than ours has is said to be in another
    order than the paper's, more is not (exact)."""
    text = noisy("ablation", "--snr", 1)
    (plain,) = (c for c in cells_of(text, "gened_sc_plain_edited |") if len(c) == 9)
    assert plain[1:4] == ["", "", ""] and plain[-1] == "no"
    (ours,) = cells_of(text, "gened_sc |")
    assert ours[1:4] == ["yes", "yes", "yes"] and ours[-1] == "yes"
    told = dict(re.findall(r"^- (\w+), BRISQUE: (.*)$", text, re.MULTILINE))
    assert len(told) == 5
    assert "another order" in told["gened_sc_no_objective"]
    assert "as in the paper" in told["gened_sc_plain_edited"]
    assert "Nothing but the system differs." in text
    assert len(cells_of(text, "Swin branch")) == 1


@pytest.mark.parametrize(
    "metric, interval, told",
    [
        ("brisque", (1, 2), "ours is better, as in the paper"),
        ("brisque", (-2, -1), "ours is worse: another order than the paper's"),
        ("clip_score_embedded", (1, 2), "ours is worse: another order"),
        ("clip_score_embedded", (-2, -1), "ours is better, as in"),
        ("clip_score_embedded", (-2, 1), "not told apart"),
        ("brisque", None, "not told"),
    ],
)
def test_a_verdict_needs_an_interval_beside_zero(metric, interval, told):
    """Lower is better in distances and BRISQUE, higher in the CLIP score (exact)."""
    assert ablation.verdict(Estimate(0.0, interval, 5, 5), metric).startswith(told)


def test_failures_are_the_worst_pictures(run, folder):
    """By the rows of the first draw, at the lowest rate; three images of each are drawn
    (exact)."""
    text = run("failures", "--shown", 2)
    curve = Curve(folder / "out" / "awgn" / "cbr_1-48" / "gened_sc.json", "gened_sc")
    distance = np.sort(curve.rows[1.0]["perceptual_efficientnet"])[::-1]
    told = [float(x) for x in re.findall(r"distance (\d\.\d+)", text)]
    np.testing.assert_allclose(told, distance[:2], atol=5.1e-4)
    assert 'sent: "a dog on the grass"' in text
    with Image.open(folder / "out" / "failures_awgn.png") as image:
        assert image.width > image.height


def test_what_the_worst_are():
    """Of the first draw alone (exact)."""
    rows = {
        "draw": np.array([0, 0, 0, 1]),
        "image": np.array([4, 5, 6, 4]),
        failures.WORST: np.array([0.1, 0.3, 0.2, 0.9]),
    }
    assert failures.worst_of(rows, 2).tolist() == [5, 6]


def test_a_figure_that_a_system_lacks_is_a_dash(noisy):
    """In cells and differences (exact)."""
    noisy("snr", "--systems", OURS, PLAIN)
    one, other = noisy.curve(OURS), noisy.curve(PLAIN)
    assert tables.with_interval(other, "caption_lost", 1.0, 3) == "-"
    assert tables.paired(one, other, "caption_lost", 1.0) is None
    assert tables.signed(None, 2) == "-"


def test_what_is_missing_is_one_line(folder, tmp_path, monkeypatch, capsys):
    """Weights and masks, with the remedy, exit code 2 (exact)."""
    monkeypatch.setitem(captioners.CAPTIONERS, "embedded", Named)
    monkeypatch.setattr(saliency, "SHIPPED", tmp_path)
    argv = ["--out", str(tmp_path), "--images", "2"]
    data = ["--dataset", str(folder / "data")]
    assert gened_sc_comparison.main(["snr", "--systems", OURS, *data, *argv]) == 2
    assert "choose another cbr" in capsys.readouterr().err
    assert gened_sc_comparison.main(["mask", "--dataset", "sample", *argv]) == 2
    assert "has no masks" in capsys.readouterr().err
