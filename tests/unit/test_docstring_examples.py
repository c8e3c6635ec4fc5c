"""The examples in docstrings run, and show what they say they show."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

from semcom_phy.seeding import set_seed

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
HEADING = re.compile(r"^ *(Examples?) *\n *-+$", re.MULTILINE)


def modules_with_examples():
    """Dotted names of all modules of the three packages with an example."""
    files = [
        path
        for package in ("semcom_phy", "link_models", "scenarios")
        for path in sorted((ROOT / package).rglob("*.py"))
        if HEADING.search(text := path.read_text(encoding="utf-8")) or ">>> " in text
    ]
    return [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in files]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_show_what_they_say(name):
    """Every example runs by what it imports and what its module holds, in a section
    named "Example" (exact, with ``...`` for what may differ)."""
    module = importlib.import_module(name)
    set_seed(1)
    tests = doctest.DocTestFinder(exclude_empty=False).find(module)
    sections = {
        test.name: HEADING.findall(test.docstring)
        for test in tests
        if test.examples or HEADING.search(test.docstring or "")
    }
    assert set(map(tuple, sections.values())) == {("Example",)}, sections
    assert all(test.examples for test in tests if test.name in sections)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in tests:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
