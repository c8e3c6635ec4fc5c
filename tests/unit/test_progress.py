"""Progress: every image is told once, and only to those who listen."""

from semcom_phy.progress import advance, counted, listening


def test_listeners_are_told_inside_their_block():
    """The innermost listener alone is told, and none after its block (exact)."""
    outer, inner = [], []
    with listening(outer.append):
        advance()
        with listening(inner.append):
            advance(3)
        with listening(None):
            advance(5)
        advance(2)
    advance(7)
    assert outer == [1, 2]
    assert inner == [3]


def test_a_batch_is_counted_once():
    """A batch of 4 is told as 4, whether its images are counted inside, in part, not at
    all, or with others that fill it up (exact)."""
    for inside, told in (
        ([], [4]),
        ([1, 2], [1, 2, 1]),
        ([1] * 6, [1] * 4),
        ([9], [4]),
    ):
        heard = []
        with listening(heard.append), counted(4):
            for count in inside:
                advance(count)
        assert [count for count in heard if count] == told


def test_without_a_listener_nothing_happens():
    """Counting outside of a sweep is no error."""
    with counted(2):
        advance()
