"""Differences of two records, in the words of the options that make them."""

from semcom_phy.differences import differences, tell_differences

A, B = "a" * 64, "b" * 64
OPTIONS = {"num_images": "--images", "seed": "--seed", "codec_config": "--codec-config"}


def test_every_leaf_is_compared():
    """Nested, missing, in lists of one length; lists of other lengths as a whole."""
    was = {"a": {"b": 1, "c": 2}, "d": [1, {"e": 2}], "f": [1]}
    now = {"a": {"b": 1, "c": 3}, "d": [1, {"e": 4}], "f": [1, 2], "g": None}
    assert list(differences(was, now)) == [
        (("a", "c"), 2, 3),
        (("d", "1", "e"), 2, 4),
        (("f",), [1], [1, 2]),
        (("g",), "absent", None),
    ]
    assert tell_differences(now, now, OPTIONS) == ""


def test_options_are_told_in_place_of_what_follows_from_them():
    """The hash and the bandwidth changed because of the option (exact)."""
    was = {"scenario": {"num_images": 64}, "seed": 1, "used": 5, "data sha256": A}
    now = {"scenario": {"num_images": 32}, "seed": 2, "used": 4, "data sha256": B}
    assert tell_differences(was, now, OPTIONS) == (
        "--images 64 then, 32 now; --seed 1 then, 2 now"
    )
    assert tell_differences(was, now) == (
        "scenario.num_images 64 then, 32 now; seed 1 then, 2 now; used 5 then, 4 now"
    )
    now = was | {"used": 4, "data sha256": B}
    assert tell_differences(was, now, OPTIONS) == "used 5 then, 4 now"
    now = was | {"data sha256": B}
    short = f"{A[:12]}... then, {B[:12]}... now"
    assert tell_differences(was, now, OPTIONS) == f"data sha256 {short}"


def test_what_stands_below_an_option_is_told():
    """One option holds many values (exact)."""
    was = {"codec_config": {"encoder": {"filters": 8}}}
    now = {"codec_config": {"encoder": {"filters": 9, "depth": 2}}}
    assert tell_differences(was, now, OPTIONS) == (
        "--codec-config (encoder.depth) absent then, 2 now; "
        "--codec-config (encoder.filters) 8 then, 9 now"
    )
