"""The figure of bit links: what is drawn where, and what is not drawn."""

import numpy as np
import pytest
from bit_samples import header, point
from matplotlib.markers import CARETDOWNBASE

from semcom_phy.metrics.link import qam_ber_awgn, qam_ber_rayleigh, qpsk_ber_rayleigh
from semcom_phy.simulation.bits.results import BitResultFile
from semcom_phy.simulation.bits.theory import closed_form_ber
from semcom_phy.simulation.figures import bits as plotting_bits


def file_with(tmp_path, points, **changes):
    return BitResultFile(tmp_path / "bits_a.json", header(**changes), [], points)


@pytest.fixture
def drawn(monkeypatch):
    """Figures in the place of files."""
    figures = []
    monkeypatch.setattr(
        plotting_bits, "save", lambda figure, path: figures.append(figure)
    )
    return figures


def lines_of(axes):
    return [line for line in axes.lines if line.get_linestyle() in ("-", "--")]


def test_curves_stand_beside_their_theory(tmp_path, drawn):
    """BER and BLER on logarithmic axes; the closed form over the SNRs measured, dashed,
    beside the BER (exact)."""
    file = file_with(tmp_path, {0.0: point(50, 60), 5.0: point(20, 60)})
    plotting_bits.plot_bits([file], tmp_path / "x.png")
    ber, bler = drawn[0].axes
    assert ber.get_yscale() == bler.get_yscale() == "log"
    np.testing.assert_allclose(lines_of(bler)[0].get_ydata(), [50 / 60, 20 / 60])
    (theory,) = [line for line in ber.lines if line.get_linestyle() == "--"]
    expected = qam_ber_rayleigh(theory.get_xdata(), 2)
    np.testing.assert_allclose(theory.get_ydata(), expected)
    assert not [line for line in bler.lines if line.get_linestyle() == "--"]


def test_no_error_hangs_from_the_upper_end(tmp_path, drawn):
    """A point without an error is an arrow down from the end of its interval, and no
    part of the curve (exact)."""
    points = {0.0: point(50, 60), 20.0: point(0, 60)}
    file = file_with(tmp_path, points)
    plotting_bits.plot_bits([file], tmp_path / "x.png")
    bler = drawn[0].axes[1]
    curve, arrow = bler.containers
    np.testing.assert_array_equal(curve.lines[0].get_xdata(), [0.0])
    np.testing.assert_array_equal(arrow.lines[0].get_xdata(), [20.0])
    upper = points[20.0].bler.ci95[1]
    np.testing.assert_allclose(arrow.lines[0].get_ydata(), [upper])
    assert arrow.lines[1][0].get_marker() == CARETDOWNBASE


def test_nothing_but_zeros_can_be_drawn(tmp_path):
    """A figure of arrows alone is a figure."""
    path = tmp_path / "x.png"
    plotting_bits.plot_bits([file_with(tmp_path, {0.0: point(0, 9)})], path)
    assert path.stat().st_size > 0


def test_no_point_is_refused(tmp_path):
    """In words (exact)."""
    with pytest.raises(ValueError, match="no point of a bit link"):
        plotting_bits.plot_bits([file_with(tmp_path, {})], tmp_path / "x.png")


@pytest.mark.parametrize(
    "scenario, order, code, expected",
    [
        ({"channel": "awgn"}, 4, "none", qam_ber_awgn(10.0, 4)),
        ({"channel": "awgn", "num_tx_ant": 2}, 6, "none", qam_ber_awgn(10.0, 6)),
        ({}, 8, "none", qam_ber_rayleigh(10.0, 8)),
        ({"csi": "estimated"}, 2, "none", qpsk_ber_rayleigh(10.0, 0.1 / 4)),
        ({"csi": "estimated"}, 4, "none", None),
        ({"channel": "awgn", "csi": "estimated"}, 2, "none", None),
        ({"num_rx_ant": 2}, 2, "none", None),
        ({"channel": "tdl"}, 2, "none", None),
        ({}, 2, "5G LDPC", None),
    ],
)
def test_closed_forms_are_given_where_there_is_one(scenario, order, code, expected):
    """And nowhere else (1e-12)."""
    about = header()
    about["scenario"] |= scenario
    about["description"] |= {"modulation_order": order, "code": code}
    found = closed_form_ber(about, 10.0)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))
