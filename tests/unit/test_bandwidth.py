"""What an image costs."""

import json

import numpy as np
import pytest

from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.phy.framing import Framing


def test_the_three_rates_of_2x2_quarter():
    """768 symbols of a 32x32 image over 2 streams: the definitions, by hand (exact)."""
    spent = spent_bandwidth(Framing(768, 2), (32, 32, 3))
    assert (spent.cbr, spent.cr_real, spent.uses_per_dim) == (1 / 4, 1 / 2, 1 / 8)
    assert (spent.data_res, spent.pilot_res, spent.num_slots) == (384, 144, 1)
    assert spent.side_info_symbols == 0


def test_side_information_is_on_top():
    """Side-information symbols are reported apart from the data's cbr (exact)."""
    spent = spent_bandwidth(Framing(768 + 24, 2), (32, 32), side_info_symbols=24)
    assert spent.cbr == 1 / 4
    assert spent.side_info_cbr == 24 / 3072
    assert spent.side_info_res == 12


def test_half_empty_resource_element_is_charged_whole():
    """7 symbols over 2 streams occupy 4 resource elements (exact)."""
    assert spent_bandwidth(Framing(7, 2), (1, 7, 3)).uses_per_dim == 4 / 21


def test_masked_symbols_are_not_charged():
    """Empty symbols cost nothing, a resource element counts if any stream is on."""
    mask = np.zeros((2, 8))
    mask[0, :3] = 1  # 3 symbols on 2 resource elements
    mask[1, [0, 7]] = 1  # 2 symbols on 2 resource elements
    spent = spent_bandwidth(Framing(8, 2), (2, 2, 3), mask=mask)
    assert (spent.data_symbols, spent.data_res) == (2.5, 2.0)


def test_as_dict_is_plain_json():
    """The record goes into a result file as it is."""
    spent = spent_bandwidth(Framing(768, 2), (32, 32, 3), mask=np.ones((1, 768)))
    assert json.loads(json.dumps(spent.as_dict()))["cbr"] == 0.25


def test_bad_arguments_are_errors():
    """Side information without room, masks and images of wrong shape are refused."""
    framing = Framing(8, 2)
    with pytest.raises(ValueError, match="side_info_symbols"):
        spent_bandwidth(framing, (2, 2), side_info_symbols=8)
    with pytest.raises(ValueError, match="mask"):
        spent_bandwidth(framing, (2, 2), mask=np.ones((1, 7)))
    with pytest.raises(ValueError, match="image_shape"):
        spent_bandwidth(framing, (0, 2))
