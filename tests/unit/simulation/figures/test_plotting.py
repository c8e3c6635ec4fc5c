"""Figures: drawn from the files alone, and for what was simulated only."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.lines import CARETDOWNBASE
from PIL import Image

from semcom_phy.simulation.figures import curves as plotting
from semcom_phy.simulation.figures import images as plotting_images
from semcom_phy.simulation.metric_table import IMAGE_METRICS, metrics_of
from semcom_phy.simulation.published.matching import LaidUnder
from semcom_phy.simulation.results import Point, ResultFile, describe_metrics
from semcom_phy.simulation.shown import Shown, encode_strip
from semcom_phy.simulation.statistics.intervals import Estimate

IMAGES = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), "uint8")
RECEIVED = np.random.default_rng(2).integers(0, 256, (4, 16, 16, 3), "uint8")


NAMES = tuple(metric.name for metric in IMAGE_METRICS)
SAME_RATE = {"cbr_total": Estimate(0.25, (0.25, 0.25), 4, 8)}


def make_curve(
    path,
    title,
    outage,
    snr_db=(0, 10),
    run=(0, 10),
    extras=SAME_RATE,
    num=4,
    metrics=NAMES,
    received=RECEIVED,
    **changes,
):
    """A result file; ``changes`` are those of its scenario, or its ``data``."""
    names = metrics
    header = {
        "scenario": {
            "name": "t",
            "num_tx_ant": 2,
            "num_rx_ant": 2,
            "channel": "rayleigh",
            "csi": "estimated",
        }
        | {key: value for key, value in changes.items() if key != "data"},
        "system": title,
        "description": {"title": title},
        "bandwidth": {"cbr": 0.25},
        "seed": 1,
        "sweep": {},
        "data": changes.get("data", {"sha256": ""}),
        "definitions": {},
        "versions": {},
        "metrics": describe_metrics(metrics_of(names)),
        "original": encode_strip(IMAGES[:num]),
    }
    file = ResultFile.open(path / f"{title}.json", header, snr_db)
    for snr in run:
        psnr = Estimate(20.0 + snr, (19.0 + snr, 21.0 + snr), 4, 8)
        metrics = dict.fromkeys(names, psnr)
        metrics["outage"] = Estimate(outage, (0.0, outage + 0.1), 4, 8)
        file.record(
            snr,
            Point(
                "done",
                metrics,
                extras,
                Shown(
                    None if received is None else received[:num],
                    ("a dog",) * num,
                    (names[0], (20.0,) * num),
                    ((False,) * 3 + (True,))[:num],
                ),
                {"image": np.arange(4)},
            ),
        )
    return file


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, in place of files."""
    drawn = []
    for module in (plotting, plotting_images):
        monkeypatch.setattr(module, "save", lambda figure, _: drawn.append(figure))
    return drawn


def test_figures_come_from_the_files_alone(tmp_path):
    """Files that were read back give the same figures, pixel by pixel (exact)."""
    curves = [make_curve(tmp_path, name, 0.2) for name in ("a", "b")]
    drawn = [np.asarray(Image.open(p)) for p in plotting.plot_all(curves, tmp_path)]
    again = [ResultFile.read(curve.path) for curve in curves]
    paths = plotting.plot_all(again, tmp_path)
    assert [path.name for path in paths] == [
        "psnr_vs_snr.png",
        "reconstructions.png",
        "outage_vs_snr.png",
    ]
    for before, path in zip(drawn, paths, strict=True):
        np.testing.assert_array_equal(before, np.asarray(Image.open(path)))


@pytest.mark.parametrize(("form", "start"), [("pdf", b"%PDF-"), ("svg", b"<?xml")])
def test_figures_as_vector_graphics(tmp_path, form, start):
    """All figures are files of that kind, the same bytes each time (exact); no font of
    a PDF is of type 3, which publishers refuse."""
    curves = [make_curve(tmp_path, name, 0.2) for name in ("a", "b")]
    paths = plotting.plot_all(curves, tmp_path, form=form)
    names = [f"{name}.{form}" for name in ("psnr_vs_snr", "reconstructions")]
    assert [path.name for path in paths] == [*names, f"outage_vs_snr.{form}"]
    drawn = [path.read_bytes() for path in paths]
    assert all(data.startswith(start) for data in drawn)
    assert not any(b"/Type3" in data for data in drawn)
    again = plotting.plot_all(curves, tmp_path, form=form)
    assert [path.read_bytes() for path in again] == drawn


def test_the_metrics_that_are_asked_for_are_drawn(tmp_path):
    """One figure each in the place of that of the first metric; one that was not
    measured is refused with those that were (exact)."""
    curves = [make_curve(tmp_path, "a", 0.0)]
    asked = curves[0].metrics[1:3]
    paths = plotting.plot_all(curves, tmp_path, metrics=asked)
    assert [path.name for path in paths] == [
        *(f"{name.removesuffix('_db')}_vs_snr.png" for name in asked),
        "reconstructions.png",
    ]
    with pytest.raises(ValueError, match="'lpips' was not measured; there are: psnr"):
        plotting.plot_all(curves, tmp_path, metrics=["lpips"])


def test_the_grid_shows_the_stored_images(tmp_path):
    """The colours of the first three originals and reconstructions are all drawn,
    those of the fourth are not (exact; 1 % for pixels under the outage frame)."""
    curve = make_curve(tmp_path, "a", 0.0)
    plotting.plot_reconstructions([curve], tmp_path / "grid.png")
    figure = np.asarray(Image.open(tmp_path / "grid.png").convert("RGB"))
    drawn = {tuple(c) for c in np.unique(figure.reshape(-1, 3), axis=0)}

    def share_drawn(images):
        return np.mean([tuple(c) in drawn for c in images.reshape(-1, 3)])

    assert share_drawn(IMAGES[:3]) > 0.99
    assert share_drawn(RECEIVED[:3]) > 0.99
    assert share_drawn(IMAGES[3]) < 0.1
    assert share_drawn(RECEIVED[3]) < 0.1


def test_no_outage_no_outage_figure(tmp_path):
    """A probability that is zero everywhere is not drawn (exact)."""
    paths = plotting.plot_all([make_curve(tmp_path, "a", 0.0)], tmp_path)
    assert [path.name for path in paths] == ["psnr_vs_snr.png", "reconstructions.png"]


def test_points_that_were_not_run_are_left_out(tmp_path):
    """An open point at the end draws nothing, a missing curve is an error (exact)."""
    half = make_curve(tmp_path, "half", 0.0, run=(0,))
    plotting.plot_metric([half], "psnr_db", tmp_path / "a.png")
    plotting.plot_reconstructions([half], tmp_path / "b.png")
    empty = make_curve(tmp_path, "empty", 0.0, run=())
    with pytest.raises(ValueError, match="simulated"):
        plotting.plot_metric([empty], "psnr_db", tmp_path / "a.png")
    with pytest.raises(ValueError, match="simulated"):
        plotting.plot_reconstructions([half, empty], tmp_path / "b.png")


def test_scores_by_importance_are_drawn(tmp_path):
    """A panel per level, also where no image has that level or another system has no
    scores; the figure is that of files read back (exact)."""
    scores = {"psnr_high": Estimate(30.0, (29.0, 31.0), 4, 8), "psnr_low": None}
    scored = make_curve(tmp_path, "scored", 0.0, extras=scores)
    curves = [make_curve(tmp_path, "plain", 0.0), scored]
    paths = plotting.plot_all(curves, tmp_path)
    assert [path.name for path in paths][2:] == ["psnr_by_importance.png"]
    drawn = paths[-1].read_bytes()
    plotting.plot_by_importance(
        [ResultFile.read(curve.path) for curve in curves], paths[-1]
    )
    assert paths[-1].read_bytes() == drawn
    other = {"psnr_high": Estimate(20.0, (19.0, 21.0), 4, 8)}
    curves[1] = make_curve(tmp_path, "other", 0.0, extras=other)
    plotting.plot_by_importance(curves, paths[-1])
    assert paths[-1].read_bytes() != drawn


def test_only_systems_with_scores_enter_the_panels(tmp_path, monkeypatch):
    """A curve is drawn in a panel where it has points, and nowhere else (exact)."""
    scores = {"psnr_high": Estimate(30.0, (29.0, 31.0), 4, 8), "psnr_low": None}
    scored = make_curve(tmp_path, "scored", 0.0, extras=scores)
    drawn = []
    monkeypatch.setattr(
        plotting,
        "_draw_curve",
        lambda _, points, curve, *__: drawn.append((curve.title, points)),
    )
    curves = [make_curve(tmp_path, "plain", 0.0), scored]
    plotting.plot_by_importance(curves, tmp_path / "a.png")
    assert drawn == [("scored", [(snr, scores["psnr_high"]) for snr in (0.0, 10.0)])]


def test_no_scores_no_figure_by_importance(tmp_path):
    """Without scores there is nothing to draw (exact)."""
    curve = make_curve(tmp_path, "plain", 0.0)
    with pytest.raises(ValueError, match="no point with a PSNR by importance"):
        plotting.plot_by_importance([curve], tmp_path / "a.png")


def test_groups_are_named_in_the_caption(tmp_path):
    """A figure says how many groups stand behind its intervals (exact)."""
    curve = make_curve(tmp_path, "a", 0.0)
    assert plotting.count([curve]) == "4 images, 8 transmissions"
    curve.header["data"]["groups"] = {"count": 2, "rule": "pairs"}
    assert plotting.count([curve]) == "4 images in 2 groups, 8 transmissions"


@pytest.mark.parametrize(
    "changes, key",
    [
        ({"csi": "perfect"}, "scenario.csi"),
        ({"cbr": "1/6"}, "scenario.cbr"),
        ({"num_images": 1}, "scenario.num_images"),
        ({"data": {"sha256": "0b"}}, "data.sha256"),
        ({"data": {"sha256": "", "groups": {"count": 2, "rule": "pairs"}}}, "groups"),
    ],
)
def test_only_what_can_be_compared_shares_a_figure(tmp_path, changes, key):
    """Other CSI, rate, images or groups of any curve are refused with the difference,
    and no figure is written or replaced (exact)."""
    curves = [make_curve(tmp_path, name, 0.0) for name in ("a", "same")]
    curves.append(make_curve(tmp_path, "b", 0.0, **changes))
    with pytest.raises(ValueError, match="a.json and b.json cannot share.*" + key):
        plotting.plot_metric(curves, "psnr_db", tmp_path / "c.png")
    with pytest.raises(ValueError, match=key):
        plotting.plot_rate_distortion(curves, tmp_path / "c.png")
    with pytest.raises(ValueError, match=key):
        plotting.plot_reconstructions(curves, tmp_path / "c.png")
    with pytest.raises(ValueError, match=key):
        plotting.plot_all(curves, tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_other_weights_and_names_do_share_one(tmp_path):
    """Weights belong to a system, a name says nothing (exact)."""
    other = make_curve(tmp_path, "b", 0.0, weights="mine", name="u")
    assert plotting.plot_all([make_curve(tmp_path, "a", 0.0), other], tmp_path)


def test_files_that_show_fewer_images(tmp_path):
    """As many images are shown as every file holds, whichever comes first (exact)."""
    shown = {"a": 4, "b": 1, "c": 4}
    a, b, c = (make_curve(tmp_path, name, 0.0, num=n) for name, n in shown.items())
    widths = []
    for curves in ([b], [a, b, c], [b, c, a], [c, a, b]):
        plotting.plot_reconstructions(curves, tmp_path / "grid.png")
        widths.append(Image.open(tmp_path / "grid.png").width)
    assert len({*widths}) == 1


def test_a_system_without_points_stops_nothing(tmp_path):
    """It is left out of all figures; without a common SNR there is no grid (exact)."""
    full, empty = make_curve(tmp_path, "a", 0.2), make_curve(tmp_path, "b", 0.0, run=())
    drawn = [path.read_bytes() for path in plotting.plot_all([full], tmp_path)]
    both = plotting.plot_all([empty, full], tmp_path)
    assert [path.read_bytes() for path in both] == drawn
    other = make_curve(tmp_path, "c", 0.0, snr_db=(5,), run=(5,))
    names = [path.name for path in plotting.plot_all([full, other], tmp_path)]
    assert names == ["psnr_vs_snr.png", "outage_vs_snr.png"]
    with pytest.raises(ValueError, match="no point was simulated yet"):
        plotting.plot_all([empty], tmp_path)


def test_points_of_older_code_are_marked(tmp_path):
    """Open markers, a star at the images, and a word in the caption (exact)."""
    curve = make_curve(tmp_path, "a", 0.0)
    before = [path.read_bytes() for path in plotting.plot_all([curve], tmp_path)]
    curve.points[10.0] = dataclasses.replace(curve.points[10.0], code="old: x changed")
    after = [path.read_bytes() for path in plotting.plot_all([curve], tmp_path)]
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert "older code" in plotting.caption([curve])


def test_points_of_this_code_are_not_marked(tmp_path, figures):
    """Of three points the old one alone is open, over the SNR and over the rate, and
    its images alone have a star (exact)."""
    rate = {"cbr_total": Estimate(0.1, (0.05, 0.15), 4, 8)}
    snr_db = (0, 10, 20)
    curve = make_curve(tmp_path, "a", 0.0, snr_db=snr_db, run=snr_db, extras=rate)
    curve.points[10.0] = dataclasses.replace(curve.points[10.0], code="old: x changed")
    plotting.plot_metric([curve], "psnr_db", None)
    plotting.plot_rate_distortion([curve], None)
    for figure, x in zip(figures, (10.0, 0.2), strict=True):
        (drawn,) = (
            line.get_data()
            for line in figure.axes[0].lines
            if line.get_markerfacecolor() == "white"
        )
        np.testing.assert_array_equal(drawn, ([x], [30.0]))
    plotting.plot_reconstructions([curve], None)
    texts = [text.get_text() for text in figures[-1].axes[0].texts]
    assert (texts.count("20.0"), texts.count("20.0*")) == (6, 3)


def test_where_none_was_seen_an_arrow_hangs(tmp_path, figures):
    """From the upper end of the interval, and where one was seen none does (exact)."""
    curve = make_curve(tmp_path, "a", 0.2)
    curve.points[10.0].metrics["outage"] = Estimate(0.0, (0.0, 0.1), 4, 8)
    plotting.plot_metric([curve], "outage", None)
    seen, arrow = figures[0].axes[0].containers
    np.testing.assert_array_equal(seen.lines[0].get_data(), ([0.0], [0.2]))
    np.testing.assert_array_equal(arrow.lines[0].get_data(), ([10.0], [0.1]))
    heads = [
        [cap.get_marker() for cap in bars.lines[1]].count(CARETDOWNBASE)
        for bars in (seen, arrow)
    ]
    assert heads == [0, 1]


def test_outages_are_framed(tmp_path, figures):
    """The fourth image was lost, and is the only one in a frame (exact)."""
    curve = make_curve(tmp_path, "a", 0.0)
    plotting.plot_reconstructions([curve], None, snr_db=[0.0], num_images=4)
    axes = figures[0].axes[0]
    (frame,) = axes.patches
    left, right, *_ = axes.images[-1].get_extent()
    assert (frame.get_x(), frame.get_x() + frame.get_width()) == (left, right)


def test_the_first_metric_is_drawn(tmp_path, figures):
    """Curve, rate figure and the numbers below the images are those of the first metric
    listed, with its title and unit (exact)."""
    rate = {"cbr_total": Estimate(0.1, (0.05, 0.15), 4, 8)}
    curves = [
        make_curve(tmp_path, "a", 0.0, metrics=("ssim", "psnr_db"), extras=extras)
        for extras in (rate, SAME_RATE)
    ]
    paths = plotting.plot_all(curves, tmp_path)
    names = ["ssim_vs_snr", "reconstructions", "rate_vs_snr", "rate_distortion"]
    assert [path.stem for path in paths] == names
    labels = [f.axes[0].get_ylabel() for f in figures]
    assert (labels[0], labels[3]) == ("SSIM", "SSIM")
    texts = [text.get_text() for text in figures[1].axes[0].texts]
    assert "20.000" in texts and "below each image its SSIM;" in texts[-1]


def test_rates_are_drawn_where_they_differ(tmp_path, figures):
    """Between points or between systems, by more than a hundredth: as real symbols,
    side information included, of all systems (exact)."""
    rates = {"a": 0.25, "b": 0.2, "c": 0.249}
    a, b, c = (
        make_curve(
            tmp_path, name, 0.0, extras={"cbr_total": Estimate(rate, None, 4, 8)}
        )
        for name, rate in rates.items()
    )
    for curves, differ in (([a], False), ([a, c], False), ([a, b], True)):
        names = [path.name for path in plotting.plot_all(curves, tmp_path)]
        assert ("rate_vs_snr.png" in names) == differ
        assert ("rate_distortion.png" in names) == differ
    over_snr, over_rate = figures[-2].axes[0], figures[-1].axes[0]
    assert over_snr.get_ylabel() == "cr_real with side information"
    assert over_rate.get_xlabel() == "cr_real with side information"
    drawn = [bars.lines[0].get_ydata()[0] for bars in over_snr.containers[::2]]
    assert drawn == [0.5, 0.4]
    b.points[10.0].extras["cbr_total"] = Estimate(0.3, None, 4, 8)
    names = [path.name for path in plotting.plot_all([b], tmp_path)]
    assert "rate_vs_snr.png" in names


def test_systems_without_images_are_not_in_the_grid(tmp_path, figures):
    """Of a system that delivers texts alone there is a curve and no picture (exact)."""
    texts = make_curve(tmp_path, "texts", 0.0, metrics=("bleu_4",), received=None)
    images = make_curve(tmp_path, "images", 0.0, metrics=("bleu_4",))
    names = [path.name for path in plotting.plot_all([texts], tmp_path)]
    assert names == ["bleu_4_vs_snr.png"]
    names = [path.name for path in plotting.plot_all([texts, images], tmp_path)]
    assert names == ["bleu_4_vs_snr.png", "reconstructions.png"]
    titles = [text.get_text() for text in figures[-1].axes[0].texts]
    assert "images" in titles and "texts" not in titles


@pytest.mark.parametrize("shape", [(16, 48), (48, 16)])
def test_tiles_have_the_shape_of_the_images(tmp_path, figures, shape):
    """Wide and tall images keep their aspect ratio and do not overlap (exact)."""
    received = np.zeros((4, *shape, 3), "uint8")
    curve = make_curve(tmp_path, "a", 0.0, received=received)
    curve.header["original"] = encode_strip(received)
    plotting.plot_reconstructions([curve], None, snr_db=[0.0])
    extents = [np.array(tile.get_extent()) for tile in figures[0].axes[0].images]
    for left, right, bottom, top in extents:
        ratio = (bottom - top) / (right - left)
        assert ratio == pytest.approx(shape[0] / shape[1])
    (_, right, bottom, _), *_ = extents
    assert right < extents[2][0] and bottom < extents[1][3]


def test_a_first_metric_that_is_null_has_no_figure(tmp_path):
    """Neither over the SNR nor over the rate; all others are drawn (exact)."""
    curves = []
    for name, rate in (("a", 0.25), ("b", 0.5)):
        spent = {"cbr_total": Estimate(rate, (rate, rate), 4, 8)}
        curve = make_curve(tmp_path, name, 0.0, extras=spent)
        for snr, point in curve.points.items():
            curve.points[snr] = dataclasses.replace(
                point, metrics=point.metrics | {NAMES[0]: None}
            )
        curves.append(curve)
    paths = plotting.plot_all(curves, tmp_path)
    assert [path.name for path in paths] == ["reconstructions.png", "rate_vs_snr.png"]


def test_large_images_are_shown_in_part_with_their_place(tmp_path, figures):
    """Every row has the crops; above them stands the whole picture with a frame where
    they are, and the place in words (exact)."""
    curve = make_curve(tmp_path, "a", 0.0, image_size=[320, 640])
    whole = np.zeros((4, 64, 128, 3), "uint8")
    curve.header |= {"overview": encode_strip(whole)}
    curve.header |= {"crops": [[40, 160, 16], [0, 0, 16], [304, 624, 16], [8, 8, 16]]}
    plotting.plot_reconstructions([curve], None, snr_db=[0.0, 10.0])
    axes = figures[0].axes[0]
    tiles = [tile.get_array() for tile in axes.images]
    assert len(tiles) == 2 * 3 * 3
    for k in range(3):
        np.testing.assert_array_equal(tiles[3 * k], whole[k])
        np.testing.assert_array_equal(tiles[3 * k + 1], IMAGES[k])
        np.testing.assert_array_equal(tiles[3 * k + 2], RECEIVED[k])
    left, right, bottom, top = axes.images[0].get_extent()
    frame = axes.patches[0]
    assert frame.get_x() == pytest.approx(left + (right - left) * 160 / 640)
    assert frame.get_y() == pytest.approx(top + (bottom - top) * 40 / 320)
    assert frame.get_width() == pytest.approx((right - left) * 16 / 640)
    assert frame.get_height() == pytest.approx((bottom - top) * 16 / 320)
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("16 px at 40, 160") == 2 and "whole picture" in texts
    assert any("parts of pictures, at row, column" in text for text in texts)
    boxes = [tile.get_extent() for tile in axes.images[:9]]
    assert all(b[1] < c[0] for b, c in zip(boxes[::3], boxes[3::3], strict=False))
    assert boxes[0][2] < boxes[1][3] and boxes[1][2] < boxes[2][3]


def test_parts_at_other_places_share_no_figure(tmp_path):
    """Crops of two systems at different places say nothing beside each other."""
    curves = [make_curve(tmp_path, name, 0.0) for name in ("a", "b")]
    for curve, left in zip(curves, (0, 8), strict=True):
        curve.header["crops"] = [[0, left, 16]]
    with pytest.raises(ValueError, match="cannot share a figure: crops.0.1 is 0 in"):
        plotting.plot_all(curves, tmp_path)


def test_published_curves_lie_below_ours(tmp_path, figures):
    """Dashed, grey and thin below the rest, with all points and labels in the legend;
    only in the figure of the first metric (exact)."""
    curve = make_curve(tmp_path, "a", 0.2)
    label = "B on Kodak: a paper (" + "digitised; " * 12 + "a note)"
    published = [
        LaidUnder(label, ((1.0, 25.0), (7.0, 27.5))),
        LaidUnder("C on Kodak", ((10.0, 26.0),)),
    ]
    plotting.plot_all([curve], tmp_path, published)
    metric, *others = figures
    (axes,) = metric.axes
    lines = {line.get_label().replace("\n", " "): line for line in axes.lines}
    below = lines[label]
    assert list(below.get_xdata()) == [1.0, 7.0]
    assert list(below.get_ydata()) == [25.0, 27.5]
    assert below.get_linestyle() != "-" and below.get_linewidth() < 1.4
    red, green, blue = to_rgb(below.get_color())
    assert red == green == blue
    assert list(lines["C on Kodak"].get_xdata()) == [10.0]
    (legend,) = metric.legends
    told = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    assert told == ["a", label, "C on Kodak"]
    sizes = [text.get_fontsize() for text in legend.get_texts()]
    assert sizes[0] > sizes[1] == sizes[2]
    assert others
    for figure in others:
        drawn = [str(line.get_label()) for axes in figure.axes for line in axes.lines]
        assert not any("Kodak" in name for name in drawn)
