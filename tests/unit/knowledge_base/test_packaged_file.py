"""Files of packages: found without an import, and no other than expected."""

import hashlib
import sys

import pytest

from semcom_phy.knowledge_base.packaged_file import packaged_file


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "only_weights").mkdir()
    (tmp_path / "only_weights/__init__.py").write_text("raise ImportError('no!')")
    (tmp_path / "only_weights/numbers.txt").write_text("1 2 3")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "only_weights"


def test_a_file_is_found_without_import(package):
    """The package could not even be imported (exact)."""
    sha256 = hashlib.sha256(b"1 2 3").hexdigest()
    found = packaged_file("only_weights", "numbers.txt", sha256)
    assert found == package / "numbers.txt"
    assert "only_weights" not in sys.modules


def test_what_is_missing_or_other_is_named(package):
    """With the remedy (exact)."""
    with pytest.raises(ValueError, match=r"numbers.txt is not .*semcom-phy\[gen"):
        packaged_file("only_weights", "numbers.txt", "0" * 64)
    with pytest.raises(FileNotFoundError, match=r"none.txt is missing: install"):
        packaged_file("only_weights", "none.txt", "0" * 64)
    with pytest.raises(ImportError, match=r"package no_such is not there: install"):
        packaged_file("no_such", "none.txt", "0" * 64)
