"""Scenarios: plain values, checked at once."""

import json
from fractions import Fraction

import pytest

from scenarios.mimo_2x2 import SCENARIO
from scenarios.scenario import Scenario


def test_dictionary_round_trip():
    """A scenario comes back from its plain values as it was (exact)."""
    values = SCENARIO.to_dict()
    assert values["cbr"] == "1/4" and values["snr_db"] == [0, 5, 10, 15, 20]
    assert Scenario.from_dict(values) == SCENARIO
    assert hash(Scenario.from_dict(values)) == hash(SCENARIO)


@pytest.mark.parametrize("size", [(192, 256), [192, 256]])
def test_images_need_not_be_square(size):
    """Height and width give shape and symbols, come back from plain values, and are
    hashable (exact)."""
    scenario = Scenario("test", image_size=size, cbr="3/100")
    assert scenario.image_shape == (192, 256, 3)
    assert scenario.num_symbols == 4423  # of 147,456 dimensions
    values = scenario.to_dict()
    assert values["image_size"] == [192, 256]
    assert Scenario.from_dict(json.loads(json.dumps(values))) == scenario
    assert hash(Scenario.from_dict(values)) == hash(scenario)


def test_a_square_is_one_number():
    """Equal sides are kept and written as one number (exact)."""
    scenario = Scenario("test", image_size=(64, 64))
    assert scenario == Scenario("test", image_size=64)
    assert scenario.to_dict()["image_size"] == 64
    assert scenario.image_shape == (64, 64, 3)


@pytest.mark.parametrize("cbr", ["1/4", 0.25, Fraction(1, 4), "0.25"])
def test_cbr_counts_symbols(cbr):
    """A quarter of 3072 dimensions is 768 symbols however it is written (exact)."""
    assert Scenario("test", cbr=cbr).num_symbols == 768


def test_frames_of_any_length_in_batches_that_fit():
    """512x768 at cbr 1/8 takes 171 slots, six images at once; small ones 64, a frame
    beyond the bound one (exact)."""
    large = Scenario("test", image_size=(512, 768), cbr="1/8")
    assert large.framing().num_slots == 171
    assert large.images_at_once == 6
    assert SCENARIO.images_at_once == 64
    assert Scenario("test", image_size=4096, cbr=1).images_at_once == 1


def test_a_rate_between_two_counts_spends_the_smaller():
    """0.1 of 3072 dimensions buys 307 symbols, not 308 (exact)."""
    assert Scenario("test", cbr=0.1).num_symbols == 307


def test_a_codec_of_a_users_own_is_a_system_by_the_name_of_its_module():
    """The last part of it; the scenario keeps the text (exact)."""
    for codec, name in (("cells:A,B", "cells"), ("study.of.cells:A,B", "cells")):
        scenario = Scenario("test", codec=codec, weights="runs/cells")
        assert scenario.own_system == name
        assert scenario.to_dict()["codec"] == codec
        assert Scenario.from_dict(scenario.to_dict()) == scenario


def test_snr_points_are_sorted_and_distinct():
    """A repeated SNR is simulated once (exact)."""
    assert Scenario("test", snr_db=(10, 0, 10.0)).snr_db == (0.0, 10.0)


def test_an_unknown_key_is_an_error():
    """The key and the allowed ones are named (exact)."""
    with pytest.raises(ValueError, match="'num_antennas'.*num_tx_ant"):
        Scenario.from_dict({"name": "test", "num_antennas": 2})


@pytest.mark.parametrize(
    "values, message",
    [
        ({"num_tx_ant": 9, "num_rx_ant": 9}, "num_tx_ant must be from 1 to 8, got 9"),
        ({"num_tx_ant": 2.0, "num_rx_ant": 2}, "num_tx_ant must be an integer.*2.0"),
        ({"num_tx_ant": 2}, "2 streams cannot be separated"),
        ({"channel": "awgn", "num_rx_ant": 2}, "'awgn' has as many"),
        ({"channel": "Rayleigh"}, "channel must be one of.*'Rayleigh'"),
        ({"link_adaptation": "none"}, "link_adaptation must be one of average, csi"),
        ({"profile": "F"}, "profile must be one of A to E, got 'F'"),
        ({"image_size": 5}, "image_size must be from 16 to 4096, got 5"),
        ({"image_size": (192, 8)}, "image_size must be from 16 to 4096, got 8"),
        ({"image_size": (192, 9.5)}, "image_size must be an integer, got 9.5"),
        ({"image_size": (1, 2, 3)}, "one number, or height and width, got 3 numbers"),
        ({"image_size": "192"}, "image_size must be an integer, got '192'"),
        ({"image_size": (16, 32), "cbr": "1/9999"}, "of 16x32 images is less than one"),
        ({"num_images": 0}, "num_images must be at least 1, got 0"),
        ({"snr_db": ()}, "at least one SNR"),
        ({"systems": ()}, "systems must name at least one"),
        ({"metrics": ()}, "metrics must name at least one"),
        ({"cbr": -0.5}, r"cbr must be in \(0, 1\], got -1/2"),
        ({"cbr": "1/0"}, "cbr must be a number.*1/0"),
        ({"cbr": float("nan")}, "cbr must be a number.*nan"),
    ],
)
def test_values_out_of_range_are_refused(values, message):
    """The value received and what is allowed are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        Scenario("test", **values)
