"""Options of the benchmarks."""

import importlib
from pathlib import Path

import pytest

import benchmarks

FOLDER = Path(benchmarks.__file__).parent
SOURCES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.py"))}
WITH_OUT = [
    n for n, text in SOURCES.items() if "def main" in text and '"--out"' in text
]


@pytest.mark.parametrize("name", WITH_OUT)
def test_a_second_value_is_refused(name, capsys):
    """In one line that names both; argparse would keep the last (exact)."""
    main = importlib.import_module(f"benchmarks.{name}").main
    with pytest.raises(SystemExit, match="2"):
        main(["--out", "first", "--out", "second"])
    error = capsys.readouterr().err
    assert "--out is given twice, first and second" in error and error.count("\n") == 1


def test_most_benchmarks_are_among_them():
    assert len(WITH_OUT) > 15
