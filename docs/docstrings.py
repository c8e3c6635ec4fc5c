"""Docstrings of the project as reStructuredText.

Read in an editor they have drawings, tables of words and headings; Sphinx wants these
marked. What napoleon knows (Parameters, Input, Output, Raises, ...) is left to it.
"""

import re
from collections import namedtuple

_Field = type(namedtuple("_Tuple", "field").field)
SECTIONS = {
    "Parameters", "Input", "Output", "Raises", "Attributes", "Example", "Examples",
    "Input, Output", "Note", "Notes", "References", "Returns", "Yields", "See Also",
    "Warns",
}  # fmt: skip
_ENTRY = re.compile(r"\S.* : |\S.*\S  +\S")  # of a table of words
_ARROW = re.compile(r"--+>|<--+")
_LIST = re.compile(r"([*-]|\d+\.|\.\.|>>>) ?")
_STAR = re.compile(r"(?<![*\\`\w])\*(\w+)(?![\w*])")  # of a shape: [batch, *shape]


def as_restructured_text(app, what, name, obj, options, lines):
    """Marks what stands above the first section of a docstring, in place; behind it
    types go on one line."""
    head = _length_of_head(lines)
    entries = [_STAR.sub(r"\\*\1", line) for line in _joined(lines[head:])]
    lines[:] = _mark(_STAR.sub(r"\\*\1", line) for line in lines[:head]) + entries


def without_fields(app, what, name, obj, skip, options):
    """Leaves fields of named tuples to the docstring of the tuple: their own says that
    they are an "alias for field number 0". `None`: as Sphinx decides."""
    return True if isinstance(obj, _Field) else None


def _length_of_head(lines):
    for i, line in enumerate(lines[1:], start=1):
        if lines[i - 1].strip() in SECTIONS and set(line.strip()) == {"-"}:
            return i - 1
    return len(lines)


def _joined(lines):
    """Names and types that go on in the next line, which is not indented either."""
    joined = []
    for line in lines:
        previous = joined[-1] if joined else ""
        goes_on = previous.endswith((",", " or", " of", "(default"))
        if goes_on and not any(text.startswith(" ") for text in (previous, line)):
            joined[-1] = f"{previous} {line}"
        else:
            joined.append(line)
    return joined


def _mark(lines):
    """Drawings and tables become literal blocks, headings rubrics."""
    marked = []
    for block in _blocks(lines):
        first = block[0]
        is_heading = len(block) > 1 and set(block[1].strip()) in ({"-"}, {"="})
        if is_heading:
            marked += [f".. rubric:: {first.strip()}", "", *_mark(block[2:])]
        elif _is_literal(block, marked):
            marked += ["::", "", *("    " + line for line in block), ""]
        else:
            marked += [*block, ""]
    return marked


def _is_literal(block, before):
    if before[-2:-1] and before[-2].rstrip().endswith("::"):
        return False
    if all(line.startswith("    ") for line in block):
        # What belongs to an item of a list, or to a directive, is no drawing.
        above = [line for line in before if line and not line.startswith(" ")]
        return not (above and _LIST.match(above[-1]))
    if _LIST.match(block[0]) or block[0].startswith("="):
        return False
    return any(_ARROW.search(line) for line in block) or (
        len(block) > 1 and _ENTRY.match(block[0])
    )


def _blocks(lines):
    """Runs of lines without an empty one between them."""
    block = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
