"""The figure of captions: what was sent, and what was received of it."""

import numpy as np
import pytest
from matplotlib.text import Text

from semcom_phy.simulation.figures import captions as plotting_captions
from semcom_phy.simulation.figures.captions import has_captions, plot_captions
from semcom_phy.simulation.results import Point, ResultFile
from semcom_phy.simulation.shown import Shown, encode_strip

SENT = ["a dog runs", "costs $5 or $6", "two cats"]
PICTURES = np.random.default_rng(1).integers(0, 256, (3, 16, 24, 3), np.uint8)
GOT = {0.0: ("", "costs", "two two"), 5.0: ("a dog", "$5", "cats"), 9.0: tuple(SENT)}


@pytest.fixture
def figures(monkeypatch):
    """Figures in the place of files."""
    kept = []
    monkeypatch.setattr(
        plotting_captions, "save", lambda figure, path: kept.append(figure)
    )
    return kept


def curve(tmp_path, name="words", images=None, data=None, texts=True):
    header = {
        "scenario": {
            "num_tx_ant": 1,
            "num_rx_ant": 1,
            "channel": "awgn",
            "csi": "perfect",
        },
        "system": name,
        "description": {"title": name.capitalize()},
        "bandwidth": {"cbr": 0.1667},
        "seed": 1,
        "data": data or {},
        "metrics": [{"name": "bleu_1", "title": "BLEU-1", "unit": ""}],
        "original": encode_strip(PICTURES),
        "original_texts": [[text] for text in SENT],
    }
    points = {
        snr: Point(
            "done",
            {},
            shown=Shown(
                images, got if texts else None, (None, ()), tuple(not t for t in got)
            ),
        )
        for snr, got in GOT.items()
    }
    return ResultFile(tmp_path / f"{name}.json", header, list(GOT), points)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_what_was_sent_and_received_stands_in_the_figure(tmp_path, figures):
    """At the lowest, a middle and the highest SNR, of every system, with the pictures
    that were sent; outages in a colour of their own (exact)."""
    curves = [curve(tmp_path), curve(tmp_path, "others")]
    plot_captions(curves, tmp_path / "captions.png")
    found = texts_of(figures[0])
    for text in (*SENT, "Words", "Others", "SNR 0 dB", "SNR 5 dB", "SNR 9 dB"):
        assert text in found
    assert found.count("(nothing)") == 2 and found.count("two two") == 2
    assert found.count("a dog runs") == 3  # sent, and received by both
    shown = [image.get_array() for image in figures[0].axes[0].images]
    assert len(shown) == 3
    np.testing.assert_array_equal(shown[1], PICTURES[1])
    (one, other) = (t for t in figures[0].findobj(Text) if t.get_text() == "(nothing)")
    assert one.get_color() == other.get_color() == plotting_captions._OUTAGE_COLOUR


def test_images_that_became_of_texts_stand_beside_them(tmp_path, figures):
    """Three captions at three SNRs, beside the pictures that were sent (exact)."""
    plot_captions([curve(tmp_path, images=PICTURES[::-1])], tmp_path / "captions.png")
    shown = [image.get_array() for image in figures[0].axes[0].images]
    assert len(shown) == 3 + 9
    np.testing.assert_array_equal(shown[1], PICTURES[2])


def test_captions_without_pictures(tmp_path, figures):
    """Grey images are not shown (exact)."""
    alone = curve(tmp_path, data={"has_pictures": False})
    plot_captions([alone], tmp_path / "captions.png", snr_db=[5.0], num_captions=2)
    assert not figures[0].axes[0].images
    found = texts_of(figures[0])
    assert "SNR 5 dB" in found and "SNR 0 dB" not in found and "two cats" not in found


def test_letters_that_fonts_lack_make_no_noise(tmp_path, recwarn):
    """A box stands for them."""
    strange = curve(tmp_path)
    strange.header["original_texts"] = [["犬 が 走る"]] * 3
    plot_captions([strange], tmp_path / "captions.png")
    assert (tmp_path / "captions.png").is_file()
    assert not [w for w in recwarn if "Glyph" in str(w.message)]


def test_who_has_captions(tmp_path):
    """Systems that deliver texts; nothing is drawn without a common SNR."""
    assert has_captions(curve(tmp_path))
    assert not has_captions(curve(tmp_path, texts=False, images=PICTURES))
    one, other = curve(tmp_path), curve(tmp_path, "others")
    one.points = {0.0: one.points[0.0]}
    other.points = {5.0: other.points[5.0]}
    with pytest.raises(ValueError, match="no SNR point was simulated for all"):
        plot_captions([one, other], tmp_path / "captions.png")
