"""One form for all captions."""

import pytest

from semcom_phy.knowledge_base.captioner.clean_caption import clean_caption


@pytest.mark.parametrize(
    "text, cleaned",
    [
        ("A Dog\n runs  .", "a dog runs"),
        (" two cats... ", "two cats"),
        ("mr. brown and st. paul's", "mr. brown and st. paul's"),
        ("who is it?", "who is it?"),
        (" . ", ""),
        ("", ""),
    ],
)
def test_lower_case_single_blanks_no_stop(text, cleaned):
    """Marks inside stay (exact); cleaning twice changes nothing."""
    assert clean_caption(text) == cleaned
    assert clean_caption(cleaned) == cleaned
