"""A channel and a detector of a user's own, by their names in a scenario."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from link_models.systems.table import build_channel, build_system
from scenarios import runner
from scenarios.definitions import definition_card
from scenarios.mimo_2x2 import SCENARIO
from scenarios.scenario import Scenario
from semcom_phy.phy.channel_models.sionna_channel import SionnaChannel
from semcom_phy.simulation.identity.code_identity import code_identity
from semcom_phy.simulation.statistics.pairing import _link_names

MODULE = """
from sionna.phy.channel import RayleighBlockFading
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.detection import lmmse_detect

GAIN = {gain}

def Fading(num_rx_ant, num_tx_ant, grid):
    return RayleighBlockFading(1, num_rx_ant, 1, num_tx_ant)

class Flat(BlockRayleigh):
    def __init__(self, num_rx_ant, num_tx_ant, grid):
        super().__init__(num_rx_ant, num_tx_ant)

class Loud(Flat):
    def sample(self, batch, num_slots=1):
        return super().sample(batch, num_slots) * 3

def detect(y, h_hat, error_variance, no):
    x_hat, no_eff = lmmse_detect(y, h_hat, error_variance, no)
    return x_hat, no_eff * GAIN

def unused():
    return {unused}
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes the module anew, and has it loaded anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(gain=1.0, unused=0):
        sys.modules.pop("radio_of_test", None)
        text = MODULE.format(gain=gain, unused=unused)
        (tmp_path / "radio_of_test.py").write_text(text)

    write()
    yield write
    sys.modules.pop("radio_of_test", None)


def own(**changes):
    return replace(SCENARIO, channel="radio_of_test:Fading", **changes)


def test_the_scenario_keeps_the_names():
    """As text, there and back through JSON values (exact)."""
    scenario = own(detector="radio_of_test:detect")
    values = scenario.to_dict()
    assert values["channel"] == "radio_of_test:Fading"
    assert values["detector"] == "radio_of_test:detect"
    assert Scenario.from_dict(values) == scenario
    assert SCENARIO.to_dict()["detector"] is None


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"channel": "a:b:c"}, "channel must be of the form my_module:Name"),
        ({"channel": "tdl_a"}, "channel must be one of awgn.*my_module:MyChannel"),
        ({"detector": "lmmse"}, "detector must be of the form my_module:Name"),
        ({"channel": "a:b", "feedback_delay": 1e-3}, "feedback_delay .*'a:b'"),
    ],
)
def test_names_of_another_form_are_refused(changes, message):
    """By the scenario, before anything is loaded."""
    with pytest.raises(ValueError, match=message):
        replace(SCENARIO, **changes)


def test_channel_and_detector_of_a_scenario(module):
    """They are those of the module; systems share one model, and an object of Sionna's
    or of ours will do (exact)."""
    channel, other = (build_channel(own(detector="radio_of_test:detect", cbr=c))
                      for c in ("1/4", "1/8"))  # fmt: skip
    made = sys.modules["radio_of_test"]
    assert isinstance(channel.channel_model, SionnaChannel)
    assert channel.channel_model is other.channel_model
    assert channel.detector is made.detect
    flat = build_channel(replace(SCENARIO, channel="radio_of_test:Flat"))
    assert type(flat.channel_model) is made.Flat
    assert flat.channel_model.num_rx_ant == 2
    one, two, three = ops.convert_to_numpy(flat.sample_each([1, 2, 1]))
    np.testing.assert_array_equal(one, three)
    assert not np.isclose(one, two).any()


def test_the_module_counts_for_the_result(module):
    """Its source is part of the identity, by what the link uses of it: other numbers in
    the detector or the channel change it, other functions do not (exact)."""

    def identity(**changes):
        module(**changes)
        scenario = own(detector="radio_of_test:detect")
        system = build_system("linear_free_scale", scenario)
        return code_identity(system, build_channel(scenario))

    first = identity()
    assert "radio_of_test.py" in first["modules"]
    assert identity(unused=1) == first
    changed = identity(gain=2.0)
    assert {
        name
        for name in first["modules"]
        if changed["modules"][name] != first["modules"][name]
    } == {"radio_of_test.py"}
    module()
    other = replace(SCENARIO, channel="radio_of_test:Flat")
    alone = code_identity(None, build_channel(own()))["modules"]["radio_of_test.py"]
    flat = code_identity(None, build_channel(other))["modules"]["radio_of_test.py"]
    assert len({alone, flat, first["modules"]["radio_of_test.py"]}) == 3


def test_the_card_states_both():
    """Channel, detector, and what is predicted of it."""
    card = definition_card(own(detector="radio_of_test:detect"))
    assert "radio_of_test:Fading" in card["Link"]
    assert card["Detector"].startswith("radio_of_test:detect, ")
    assert "L-MMSE" not in card["CSI"] and "detector told" in card["CSI"]
    assert "Detector" not in definition_card(SCENARIO)


def test_pairs_of_other_detectors_are_refused():
    """The detector makes another reception, and a user's channel may be selective."""
    names = _link_names({"channel": "a:b"})
    assert "detector" in names and "cbr" in names
    assert "cbr" not in _link_names({"channel": "rayleigh"})


@pytest.mark.parametrize(
    "options, message",
    [
        ("--channel nowhere:A", "--channel 'nowhere:A': there is no module 'nowhere'"),
        ("--channel radio_of_test:B", "--channel 'radio_of_test:B': module .* no 'B'"),
        ("--channel radio_of_test:Loud", "--channel Loud has entries of mean power"),
        ("--channel radio_of_test:GAIN", "--channel must name a function or class"),
        ("--detector radio_of_test:GAIN", "--detector must be a function"),
        ("--detector lmmse", "--detector must be of the form my_module:Name"),
    ],
)
def test_the_command_line_says_what_is_wrong(module, capsys, options, message):
    """One line with the option, and exit code 2."""
    few = ["--systems", "linear_free_scale", "--images", "2", "--csi", "perfect"]
    assert runner.main([*options.split(), *few], SCENARIO) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert re.search(message, error)
