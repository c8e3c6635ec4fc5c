"""What a definition rests on: names, imports, data; neither comments nor other code."""

import importlib
import sys
import types

import pytest

from semcom_phy.simulation.identity import own_modules
from semcom_phy.simulation.identity.compiled_code import compiled_text
from semcom_phy.simulation.identity.source_graph import DRAWING, TABLES, source_graph

CODEC = '''
"""Of a user."""
import numpy as np
from user_parts import gain as loud
from user_parts import never

STEP = 2  # a comment

class Codec:
    """Rounds."""

    def decode(self, x):
        """To steps."""
        return np.rint(loud(x) / STEP)

def other(x):
    return never(x)
'''
PARTS = """
import json
from pathlib import Path

TABLE = Path(__file__).with_name("table.json")

def gain(x):
    return x * json.loads(TABLE.read_text())["gain"]

def never(x):
    from scipy import fft
    return fft.fft(x)
"""


@pytest.fixture
def user(tmp_path, monkeypatch):
    """Modules of a user: two files and a table; returns what writes and follows."""
    monkeypatch.syspath_prepend(tmp_path)
    files = {
        "user_codec.py": CODEC,
        "user_parts.py": PARTS,
        "table.json": '{"gain": 1}',
    }

    def graph(name="Codec", **changes):
        for file, text in files.items():
            old, new = changes.get(file.partition(".")[0], ("", ""))
            assert old in text
            text = text.replace(old, new) if old else text
            (tmp_path / file).write_bytes(text.encode())
        importlib.invalidate_caches()
        own_modules.is_own.cache_clear()
        return source_graph([("user_codec", name)])

    yield graph
    own_modules.is_own.cache_clear()


def test_all_that_is_used_is_reached_and_nothing_else(user):
    """Names are followed through imports, under another name too, to files of data and
    packages of others; what no name leads to is left out (exact)."""
    graph = user()
    assert set(graph.modules) == {"user_codec.py", "user_parts.py"}
    assert set(graph.data) == {"table.json"}
    assert graph.external == {"numpy", "json", "pathlib"}
    texts = graph.modules["user_codec.py"] | graph.modules["user_parts.py"]
    assert not any("never" in text for text in texts)
    assert user("other").external == {"scipy"}


@pytest.mark.parametrize(
    "changes",
    [
        {"user_codec": ("STEP = 2", "STEP = 3")},
        {"user_codec": ("gain as loud", "never as loud")},
        {"user_codec": ("numpy as np", "scipy as np")},
        {"user_codec": ("loud(x) / STEP", "0 * loud(x) / STEP")},
        {"user_parts": ("return x *", "return 0 * x *")},
        {"table": ("1", "2")},
    ],
)
def test_a_change_of_what_is_used_is_seen(user, changes):
    """A constant, an import, the code itself, code and data it rests on (exact)."""
    before, after = user(), user(**changes)
    assert (before.modules, before.data) != (after.modules, after.data)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_codec": ("# a comment", "# another")},
        {"user_codec": ('"""To steps."""', '"""To whole steps,\n        rounded."""')},
        {"user_codec": ('"""Rounds."""\n', '"""Rounds"""\n    "more text"\n')},
        {"user_codec": ("loud(x) / STEP", "(\n            loud(x)  / STEP\n        )")},
        {"user_codec": ("\n", "\r\n")},
        {"user_parts": ("return fft.fft(x)", "return 0")},
        {"user_parts": ("def gain", "UNUSED = 1\n\ndef gain")},
    ],
)
def test_other_changes_are_not(user, changes):
    """Comments, docstrings, layout, line endings, code that is not used (exact)."""
    before, after = user(), user(**changes)
    assert (before.modules, before.data) == (after.modules, after.data)


def test_line_endings_of_a_table_do_not_count(user, tmp_path):
    """A JSON file as another system checks it out is the same file (exact)."""
    before = user(table=("{", "{\n")).data
    assert before == user(table=("{", "{\r\n")).data


def test_own_code_is_told_from_that_of_others(user):
    """The project's packages are own wherever they lie, installed ones are not (exact).
    A label holds no folder of the machine."""
    user()
    for own in ("semcom_phy.snr", "link_models", "user_codec", "__main__"):
        assert own_modules.is_own(own)
    for other in ("numpy.linalg", "keras", "json", "pytest", "no_such_module"):
        assert not own_modules.is_own(other)
    assert own_modules.label("semcom_phy.snr") == "semcom_phy/snr.py"
    assert own_modules.label("semcom_phy.phy") == "semcom_phy/phy/__init__.py"
    assert own_modules.label("user_codec") == "user_codec.py"


def test_the_tables_that_are_not_followed_exist():
    """A table that is renamed would be followed in whole (exact)."""
    for module, name in TABLES:
        assert name in vars(importlib.import_module(module))
    for module in DRAWING:
        importlib.import_module(module)


def test_a_script_counts_by_what_it_defines(tmp_path, monkeypatch):
    """Of the file that is the command only what is used counts: an SNR more in its own
    statements changes nothing, its codec does (exact)."""
    script = tmp_path / "study.py"
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", main)

    def modules(text):
        script.write_text("import os\nclass A:\n    x = 1\n" + text)
        return source_graph([("__main__", "A")]).modules

    before = modules("for snr in (0, 5):\n    print(A, snr)\n")
    assert set(before) == {"study.py"}
    assert modules("for snr in (0, 5, 10):\n    print(A, snr)\n") == before
    assert modules("A.x = 2\n") == before  # a script's own statement
    script.write_text("class A:\n    x = 2\n")
    assert source_graph([("__main__", "A")]).modules != before


def test_a_notebook_counts_by_its_compiled_code():
    """Without a file: code and helpers count, comments and docstrings do not."""

    def text(source):
        names = {"__name__": "__main__"}
        exec(compile(source, "<cell>", "exec"), names)
        return compiled_text([names["A"]])

    cell = "G = 2\ndef h(x): return {1, G} , x\nclass A:\n  '''Doc.'''\n  k = 1\n"
    cell += "  def f(self, x):\n    '''Doc.'''\n    return h(x)\n"
    before = text(cell)
    assert text("# more\n\n" + cell.replace("Doc", "Text")) == before
    for old, new in (
        ("G = 2", "G = 3"),
        ("{1,", "{4,"),
        ("k = 1", "k = 2"),
        ("h(x)\n", "0\n"),
    ):
        assert old in cell and text(cell.replace(old, new)) != before
    with_import = cell.replace("G = 2", "from semcom_phy.snr import snr_db_to_no as h2")
    with_import = with_import.replace("G}", "h2}")
    assert text(with_import)[1] == [("semcom_phy.snr", "snr_db_to_no")]
