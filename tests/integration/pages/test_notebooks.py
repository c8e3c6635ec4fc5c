"""The notebooks: they run from top to bottom, define nothing, and hold no outputs."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"
NAMES = (
    "01_one_image_over_mimo",
    "02_separation_baseline",
    "03_adaptive_rate",
    "04_where_the_symbols_go",
    "05_what_both_ends_know",
    "06_captions_over_the_link",
    "07_select_what_was_imagined",
    "08_send_the_object_imagine_the_rest",
)
CHECKS = Path(__file__).parent / "notebook_checks"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
every_notebook = pytest.mark.parametrize("name", NAMES)


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def test_all_notebooks_are_tested():
    """No notebook is left out of this file (exact)."""
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == list(NAMES)


@every_notebook
def test_nothing_is_defined(name):
    """Notebooks import and plot: no function and no class of their own (exact)."""
    for cell in read(name).cells:
        if cell.cell_type == "code":
            nodes = ast.walk(ast.parse(cell.source))
            found = [node.name for node in nodes if isinstance(node, DEFINITIONS)]
            assert found == []


@every_notebook
def test_no_outputs_are_stored(name):
    """The repository holds no outputs and no execution counts (exact)."""
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def checked(name):
    """The notebook with its checks between the cells, and how many there are."""
    notebook = read(name)
    parts = (CHECKS / f"{name}.py").read_text().split("# after: ")[1:]
    for part in parts:
        text, _, check = part.partition("\n")
        places = [
            i
            for i, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and text in cell.source
        ]
        assert len(places) == 1, f"{len(places)} code cells hold {text!r}"
        cell = nbformat.v4.new_code_cell(check, metadata={"check": text})
        notebook.cells.insert(places[0] + 1, cell)
    return notebook, len(parts)


@every_notebook
def test_runs_and_shows_what_it_computed(name, tmp_path):
    """Every cell runs in a fresh kernel, the figures are drawn, and hold what the
    checks of the notebook expect (tolerances there)."""
    notebook, num_checks = checked(name)
    assert num_checks >= 4
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources=place
    ).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    figures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(figures) >= 6
    printed = [line for o in outputs for line in o.get("text", "").splitlines()]
    for line in printed:
        start, expected, text = line.partition("must be printed: ")
        if expected:
            assert text in printed
