"""MCS tables against TS 38.214 and Sionna."""

import pytest
from sionna.phy.nr.utils import decode_mcs_index

from semcom_phy.channel_coding.mcs import Mcs, all_schemes, mcs_from_table, mcs_table


@pytest.mark.parametrize(
    ("table", "index", "order", "rate_1024", "efficiency"),
    [
        (1, 0, 2, 120, 0.2344),
        (1, 9, 2, 679, 1.3262),
        (1, 10, 4, 340, 1.3281),
        (1, 16, 4, 658, 2.5703),
        (1, 17, 6, 438, 2.5664),
        (1, 28, 6, 948, 5.5547),
        (2, 4, 2, 602, 1.1758),
        (2, 5, 4, 378, 1.4766),
        (2, 20, 8, 682.5, 5.3320),
        (2, 26, 8, 916.5, 7.1602),
        (2, 27, 8, 948, 7.4063),
        (3, 0, 2, 30, 0.0586),
        (3, 14, 2, 602, 1.1758),
        (3, 28, 6, 772, 4.5234),
    ],
)
def test_well_known_entries(table, index, order, rate_1024, efficiency):
    """Entries are those printed in TS 38.214 (efficiency rounded to 4 digits there)."""
    mcs = mcs_from_table(table, index)
    assert mcs.modulation_order == order
    assert mcs.code_rate == rate_1024 / 1024
    assert mcs.spectral_efficiency == pytest.approx(efficiency, abs=5.1e-5)
    assert (mcs.table, mcs.index) == (table, index)


@pytest.mark.parametrize(("table", "length"), [(1, 29), (2, 28), (3, 29)])
def test_whole_tables_equal_sionna(table, length):
    """All indices that are not reserved equal Sionna's tables (float32 rounding)."""
    schemes = mcs_table(table)
    assert len(schemes) == length
    for mcs in schemes:
        order, rate = decode_mcs_index(mcs.index, table, is_pusch=False)
        assert mcs.modulation_order == int(order)
        assert mcs.code_rate == pytest.approx(float(rate), abs=1e-6)


def test_link_adaptation_has_the_schemes_of_two_tables():
    """Each of tables 1 and 2 once, by rising efficiency, in steps of 30 % at most from
    0.2 bit on (exact)."""
    schemes = all_schemes()
    both = {(m.modulation_order, m.code_rate) for t in (1, 2) for m in mcs_table(t)}
    assert {(m.modulation_order, m.code_rate) for m in schemes} == both
    assert len(schemes) == len(both)
    efficiency = [m.spectral_efficiency for m in schemes]
    assert efficiency == sorted(efficiency)
    assert all(b / a < 1.32 for a, b in zip(efficiency, efficiency[1:], strict=False))


def test_free_form_scheme():
    """A scheme outside the tables needs only modulation order and rate (exact)."""
    mcs = Mcs(4, 0.5)
    assert mcs.spectral_efficiency == 2.0
    assert mcs.table is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mcs(3, 0.5),
        lambda: Mcs(4, 0.0),
        lambda: Mcs(4, 0.96),
        lambda: mcs_table(4),
        lambda: mcs_from_table(1, 29),
        lambda: mcs_from_table(2, -1),
    ],
)
def test_bad_values_raise(make):
    """Values outside the tables or ranges raise and say what was received."""
    with pytest.raises(ValueError, match="Received"):
        make()
