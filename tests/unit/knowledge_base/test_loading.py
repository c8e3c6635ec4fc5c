"""What a model of others is called in results."""

import shutil

import huggingface_hub
import pytest

from semcom_phy.knowledge_base.loading import folder_identity


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "mine"
    (path / "unet").mkdir(parents=True)
    (path / "config.json").write_text("{}")
    (path / "unet" / "model.safetensors").write_bytes(b"weights")
    return path


def test_a_folder_is_told_by_what_is_in_it(folder, tmp_path):
    """The same wherever it lies; another one with other weights, settings or places."""
    identity = folder_identity(folder, steps=3)
    assert identity["model"] == "mine" and identity["steps"] == 3
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "mine")
    assert folder_identity(copy, steps=3) == identity
    (copy / "README.md").write_text("a remark")
    assert folder_identity(copy, steps=3) == identity
    seen = {identity["sha256"]}
    (copy / "unet" / "model.safetensors").write_bytes(b"others")
    seen.add(folder_identity(copy)["sha256"])
    (copy / "config.json").write_text("{ }")
    seen.add(folder_identity(copy)["sha256"])
    (copy / "unet").rename(copy / "vae")
    seen.add(folder_identity(copy)["sha256"])
    assert len(seen) == 4


def test_a_model_of_the_hub_is_told_by_its_commit(tmp_path, monkeypatch):
    """That which was loaded lies in the cache, under its commit (exact)."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    place = tmp_path / "models--our--model"
    (place / "snapshots" / "abc123").mkdir(parents=True)
    (place / "snapshots" / "abc123" / "config.json").write_text("{}")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc123")
    identity = folder_identity("our/model", side=8)
    assert identity == {"model": "our/model", "revision": "abc123", "side": 8}
