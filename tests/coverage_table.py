"""Writes docs/coverage.md from what `make coverage` measured; the status is 1 where a
public module is covered too little.

    python tests/coverage_table.py results/coverage/report.json docs/coverage.md TESTS
"""

import json
import sys
from pathlib import Path

LEAST = 80.0  # of the lines of a public module [%]
SHOWN = 95.0  # modules below stand in the table [%]
TEXT = """# Coverage

Lines of `semcom_phy`, `link_models` and `scenarios` that the tests below ran on a CPU,
with TensorFlow where not stated:
**{percent:.1f} %** of {statements:,} in {modules} public modules. No public module may
be below {least:.0f} %. `make coverage` measures again, and writes this page; `make
test` does not measure.

Tests that were run: {tests}.

What the figures do not say:

- What Numba compiles is never seen by a tracer: functions under `@_compiled` are left
  out. The same operations in NumPy (`message_passing.py`) are counted, and a test holds
  the compiled ones to them bit by bit.
- Functions that TensorFlow traces or XLA compiles (`backend.compile_fn`, without
  AutoGraph) count where Python runs them to trace: every line of a graph once.
- Lines for a GPU are counted as not run, and so are those for torch that the tests
  named `torch:` do not reach.
- Tests marked `slow` and `browser` are not among those that were run.

Public modules below {shown:.0f} %:

| Module | Lines | Not run | Covered |
| --- | ---: | ---: | ---: |
{rows}

## Properties

`tests/unit/properties` states what holds for any input, and Hypothesis looks for one
that breaks it: what is sent comes back, what is spent is counted, what cannot be meant
is a `ValueError`. `make test` tries 25 cases of each property, the same ones in every
run; `make slow-test` tries 10,000 others each time. Where a case takes a polar list
decoder (`tests/cases.py`), it is 1 in 20, or 1 in 100 of up to 100 payloads each.
"""


def module_name(path):
    """`a.b.c` of a/b/c.py, `a.b` of a/b/__init__.py."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_public(name):
    """No part of its name begins with an underscore, as that of a command does."""
    return not any(part.startswith("_") for part in name.split("."))


def public_modules(report):
    """Name -> (statements, missing) of those that have statements."""
    found = {}
    for path, file in report["files"].items():
        summary, name = file["summary"], module_name(path)
        if is_public(name) and summary["num_statements"]:
            found[name] = summary["num_statements"], summary["missing_lines"]
    return found


def share(statements, missing):
    """Of the lines that were run [%]."""
    return 100.0 * (statements - missing) / statements


def page(modules, tests):
    """The text of docs/coverage.md."""
    rows = sorted((share(*lines), name, *lines) for name, lines in modules.items())
    statements = sum(lines[0] for lines in modules.values())
    missing = sum(lines[1] for lines in modules.values())
    return TEXT.format(
        percent=share(statements, missing),
        statements=statements,
        modules=len(modules),
        least=LEAST,
        shown=SHOWN,
        tests=", ".join(f"`{test}`" for test in tests),
        rows="\n".join(
            f"| `{name}` | {lines} | {left} | {percent:.1f} % |"
            for percent, name, lines, left in rows
            if percent < SHOWN
        ),
    )


def main(argv):
    source, target, *tests = argv
    modules = public_modules(json.loads(Path(source).read_text()))
    Path(target).write_text(page(modules, tests))
    low = {n: round(share(*m), 1) for n, m in modules.items() if share(*m) < LEAST}
    if low:
        print(f"public modules below {LEAST:.0f} %: {low}; add tests", file=sys.stderr)
    return bool(low)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
