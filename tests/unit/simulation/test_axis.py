"""What the points of a sweep are called."""

from fractions import Fraction

from matplotlib.figure import Figure

from semcom_phy.simulation.axis import SNR_AXIS, CbrAxis, axis_of

METRES = axis_of({16.595: 50.0, 10.574: 100.0, 4.553: 200.0})


def test_a_sweep_without_distances_is_one_over_the_snr():
    """Names, order and place are those of the SNR (exact)."""
    axis = axis_of({})
    assert axis is SNR_AXIS and axis.stem == "snr"
    assert axis.sort({10.0, -2.5}) == [-2.5, 10.0] and axis.place(10.0) == 10.0
    assert axis.head(10.0) == "10" and axis.heading(10.0) == "SNR 10 dB"
    assert axis.names(-2.5, 10.0) == "-2.5, 10 dB" and axis.note(10.0) == ""
    assert axis.columns(10.0) == {"snr_db": "10"}


def test_distances_increase_with_their_snr_beside_them():
    """The nearest first; every name has metres and decibels (exact)."""
    assert METRES.stem == "distance"
    assert METRES.sort({4.553, 16.595}) == [16.595, 4.553]
    assert METRES.place(10.574) == 100.0
    assert METRES.head(10.574) == "100 m (10.6 dB)"
    assert METRES.heading(10.574) == "100 m (SNR 10.6 dB)"
    assert METRES.names(4.553, 16.595) == "50 m (16.6 dB), 200 m (4.6 dB)"
    assert METRES.note(4.553) == ": 200 m (4.6 dB)"
    assert METRES.columns(4.553) == {"distance_m": "200", "snr_db": "4.553"}


def test_ticks_stand_at_the_points():
    """Those of distances are told with their SNR, a dozen at most (exact)."""
    axes = Figure().add_subplot()
    METRES.set_ticks(axes, {4.553, 10.574, 16.595})
    assert list(axes.get_xticks()) == [50, 100, 200]
    assert axes.get_xticklabels()[1].get_text() == "100 m\n10.6 dB"
    many = axis_of({-float(k): 10.0 * k for k in range(1, 26)})
    many.set_ticks(axes, many.distances)
    assert list(axes.get_xticks()) == [10.0 * k for k in range(1, 26, 3)]
    SNR_AXIS.set_ticks(axes, {5.0, 0.0})
    assert list(axes.get_xticks()) == [0, 5]


def test_rates_are_fractions_on_a_logarithmic_axis():
    """The lowest first, named by their fractions, with the SNR of all (exact)."""
    axis = CbrAxis({1 / 24: Fraction(1, 24), 1 / 6: Fraction(1, 6)}, 10.0)
    axis = axis.joined(CbrAxis({1 / 48: Fraction(1, 48)}, 10.0))
    assert axis.sort(axis.rates) == [1 / 48, 1 / 24, 1 / 6]
    assert axis.head(1 / 24) == "1/24" and axis.heading(1 / 6) == "cbr 1/6"
    assert axis.names(1 / 48, 1 / 6) == "cbr 1/48, 1/6"
    assert axis.place(1 / 24) - axis.place(1 / 48) == 1
    assert axis.columns(1 / 6) == {"cbr": "1/6", "snr_db": "10"}
    assert axis.value(1 / 6) == Fraction(1, 6) and axis.share(1 / 6, 1 / 6) == 1
    assert axis.fixed({}) == "SNR 10 dB" and "SNR 10 dB" in axis.label
    assert SNR_AXIS.fixed({"bandwidth": {"cbr": 0.25}}) == "cbr 0.25"
    axes = Figure().add_subplot()
    axis.set_ticks(axes, axis.rates)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["1/48", "1/24", "1/6"]
