"""Groups of consecutive frames."""

import pytest

from semcom_phy.simulation.statistics.drives import describe_groups, drive_segments


def test_drives_are_cut_into_segments_of_consecutive_frames():
    """Segments are counted within each drive, also where drives alternate, and the last
    one takes what is left (exact)."""
    names = ["0001TP_008550", "Seq05VD_f00000", "0001TP_008580", "0001TP_008610"]
    groups = drive_segments(names, 2)
    assert groups == ["0001TP/0", "Seq05VD/0", "0001TP/0", "0001TP/1"]
    assert drive_segments([f"a_{i}" for i in range(25)])[9:21:11] == ["a/0", "a/2"]


def test_groups_are_described_for_the_result_file():
    """Count and rule are plain JSON values (exact)."""
    assert describe_groups(["a", "b", "a"], "by name") == {
        "count": 2,
        "rule": "by name",
    }


@pytest.mark.parametrize("length", [0, -1, 2.5])
def test_a_segment_has_at_least_one_frame(length):
    """The value received is in the message (exact)."""
    with pytest.raises(ValueError, match=f"frames_per_segment is {length}"):
        drive_segments(["a_1"], length)
