"""Objects of a user's modules by name."""

import sys

import pytest

from semcom_phy.user_objects import (
    check_object_text,
    load_object,
    load_objects,
    names_object,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with modules of names that no other test has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    (tmp_path / "own_parts.py").write_text("class Encoder: ...\nclass Decoder: ...\n")
    (tmp_path / "own_broken.py").write_text("import no_such_package_at_all\n")
    (tmp_path / "own_folder").mkdir()
    (tmp_path / "own_folder" / "__init__.py").touch()
    (tmp_path / "own_folder" / "radio.py").write_text("SPEED = 3\n")
    yield tmp_path
    for name in ("own_parts", "own_folder", "own_folder.radio", "own_late"):
        sys.modules.pop(name, None)


def test_modules_of_the_current_folder_are_found(folder):
    """One object or several, of a file or of a package, written just now or before."""
    encoder, decoder = load_objects("own_parts:Encoder,Decoder", "codec", 2)
    assert (encoder.__name__, decoder.__name__) == ("Encoder", "Decoder")
    assert load_object("own_parts:Decoder", "codec") is decoder
    assert load_object("own_folder.radio:SPEED", "channel") == 3
    (folder / "own_late.py").write_text("x = 4\n")
    assert load_object("own_late:x", "channel") == 4


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "own_missing:A",
            "channel 'own_missing:A': there is no module 'own_missing'; ",
        ),
        ("own_folder.tdl:A", "no module 'own_folder.tdl'; .*own_folder/tdl.py"),
        ("own_parts:Encode", "module 'own_parts' has no 'Encode'; it has Encoder"),
        ("own_parts:zzz", "has no 'zzz'; it has Decoder, Encoder"),
        (
            "own_parts:Encoder,Decoder",
            "channel must be of the form my_module:Name, got",
        ),
    ],
)
def test_what_is_not_found_is_told_with_a_remedy(folder, text, message):
    """The option, the module or name that is missing, and what is there."""
    with pytest.raises(ValueError, match=message):
        load_object(text, "channel")


def test_errors_inside_a_module_are_its_own(folder):
    """An import that fails inside the module is not taken for a missing module."""
    with pytest.raises(ModuleNotFoundError, match="no_such_package_at_all"):
        load_object("own_broken:A", "channel")


@pytest.mark.parametrize("text", ["a", "a:", ":b", "a:b c", "a:1", "a/b:c", 3])
def test_texts_of_another_form_are_refused(text):
    """Nothing is imported for it; the form is in the message."""
    with pytest.raises(ValueError, match="detector must be of the form my_module:N"):
        check_object_text(text, "detector")
    with pytest.raises(ValueError, match="form my_module:Name,Other, got"):
        check_object_text("a:b", "codec", 2)
    with pytest.raises(ValueError, match="not a file: 'radio:detect' in the place of"):
        check_object_text("radio.py:detect", "detector")


def test_names_of_the_project_are_told_from_those_of_users():
    """By the colon (exact)."""
    assert names_object("my_module:MyChannel")
    assert not names_object("rayleigh") and not names_object(None)
