"""The table of all transmissions: plain arrays, whole, the same in any order."""

import io

import numpy as np
import pytest

from semcom_phy.simulation.rows import pack_rows, unpack_rows


def columns(num=4, **more):
    return {
        "image": np.arange(num),
        "group": np.array([f"drive/{i % 2}" for i in range(num)]),
        "psnr_db": np.linspace(20, 30, num),
        "outage": np.arange(num) == 1,
    } | more


def test_points_come_back_as_they_were():
    """Values, types and texts of every point survive; points may be of other lengths
    (exact)."""
    points = {10.0: columns(3), -2.5: columns(5)}
    again = unpack_rows(pack_rows(points))
    assert list(again) == [-2.5, 10.0]
    for snr, point in points.items():
        for name, values in point.items():
            np.testing.assert_array_equal(again[snr][name], values)
            assert again[snr][name].dtype.kind == values.dtype.kind


def test_the_bytes_do_not_depend_on_the_order():
    """Points that were finished in another order, and packed again after reading, with
    columns in another order, give the same bytes (exact)."""
    points = {0.0: columns(), 5.0: columns(score=np.ones(4))}
    turned = {snr: dict(reversed(points[snr].items())) for snr in (5.0, 0.0)}
    content = pack_rows(points)
    assert pack_rows(turned) == content
    assert pack_rows(unpack_rows(content)) == content


def test_a_column_that_a_point_lacks_is_not_a_number():
    """Points without a figure have NaN there, never 0 (exact)."""
    points = {0.0: columns(), 5.0: columns(score=np.ones(4), lost=np.ones(4, bool))}
    again = unpack_rows(pack_rows(points))
    assert np.isnan(again[0.0]["score"]).all() and np.isnan(again[0.0]["lost"]).all()
    np.testing.assert_array_equal(again[5.0]["lost"], 1)


def test_anyone_reads_it_without_pickle():
    """The file is one of plain columns with the SNR beside them (exact)."""
    content = pack_rows({0.0: columns(), 5.0: columns()})
    with np.load(io.BytesIO(content), allow_pickle=False) as table:
        assert set(table.files) == {"snr_db", *columns()}
        np.testing.assert_array_equal(table["snr_db"], np.repeat([0.0, 5.0], 4))
        assert {table[name].shape for name in table.files} == {(8,)}


@pytest.mark.parametrize(
    "values", [np.ones(3), np.ones((4, 1)), np.array([None, 1, 2, 3], object)]
)
def test_columns_that_are_none_are_refused(values):
    """Other lengths, shapes and objects are named with the column (exact)."""
    with pytest.raises(ValueError, match="column 'score' at 0 dB"):
        pack_rows({0.0: columns(score=values)})
