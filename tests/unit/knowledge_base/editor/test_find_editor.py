"""Which editor a name stands for."""

import subprocess
import sys

import pytest

from semcom_phy.knowledge_base import editor
from semcom_phy.knowledge_base.editor import find_editor
from semcom_phy.knowledge_base.endpoint import EndpointEditor


def test_embedded_is_the_restoration():
    assert find_editor("embedded").identity["model"] == "restoration"


def test_an_address_is_an_endpoint():
    found = find_editor("https://api.example.com/v1#edits")
    assert isinstance(found, EndpointEditor)


def test_names_of_the_table_are_those_of_their_editors(monkeypatch):
    monkeypatch.setitem(editor.EDITORS, "embedded-diffusion", lambda: "painted")
    assert find_editor("embedded-diffusion") == "painted"


def test_anything_else_is_a_pipeline(tmp_path):
    with pytest.raises(FileNotFoundError, match="an image editing pipeline"):
        find_editor(tmp_path / "nothing")


def test_the_package_needs_no_torch():
    """Import of every module but the network itself leaves torch unloaded where the
    backend does not load it."""
    code = (
        "import sys; sys.modules['torch'] = sys.modules['diffusers'] = None\n"
        "from semcom_phy.knowledge_base.editor import embedded_diffusion\n"
        "from semcom_phy.knowledge_base.editor import restoration\n"
        "from semcom_phy.knowledge_base import endpoint\n"
        "try:\n    restoration.RestorationEditor()\n"
        "except ImportError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if "tensorflow" in sys.modules:
        assert "install semcom-phy[generative]" in run.stdout, run.stderr
