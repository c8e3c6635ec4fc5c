"""Lists of prompts, one a line."""

import pytest

from semcom_phy.knowledge_base.dual_encoder.prompt_list import read_prompts


def test_lines_are_prompts(tmp_path):
    """In their order; blank lines and remarks are none, letters of all languages are
    read, a mark of the byte order is not (exact)."""
    path = tmp_path / "mine.txt"
    path.write_bytes("\ufeffa cat\n\n# remark\n  ein  Bär \r\n犬\n".encode())
    assert read_prompts(path) == ["a cat", "ein Bär", "犬"]


def test_shipped_prompts():
    """About 120, with the classes of the data sets."""
    prompts = read_prompts()
    assert 110 <= len(prompts) <= 130
    assert {"an automobile", "a king penguin", "a cat", "a hatchback"} <= set(prompts)


@pytest.mark.parametrize(
    "content, told",
    [
        (b"caf\xe9", "is not UTF-8"),
        (b"\n# a remark\n", "holds no prompts: write one a line"),
        (b"a cat\na dog\na  cat\n", "line 3 repeats 'a cat' of line 1"),
    ],
)
def test_lists_that_are_none(tmp_path, content, told):
    """ValueError with the file and what is wrong."""
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"mine.txt.*{told}"):
        read_prompts(path)


def test_missing_list(tmp_path):
    """FileNotFoundError with the file."""
    with pytest.raises(FileNotFoundError, match="nowhere.txt.*is missing"):
        read_prompts(tmp_path / "nowhere.txt")
