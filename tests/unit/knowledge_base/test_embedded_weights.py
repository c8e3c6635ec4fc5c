"""Weights of embedded models: stored whole, read as they were written, tied to JSON."""

import json

import numpy as np
import pytest

from semcom_phy.knowledge_base.embedded_weights import (
    SHIPPED,
    load_weights,
    save_weights,
)

RNG = np.random.default_rng(1)
TENSORS = {
    "layer.0.weight": RNG.standard_normal((60, 70)).astype("float32"),
    "layer.0.bias": RNG.standard_normal(60).astype("float32"),
    "scale": np.array(0.25, "float32"),
    "places": np.arange(900).reshape(30, 30),
}
RECORD = {"config": {"width": 60}, "command": "none"}


def test_tensors_come_back(tmp_path):
    """Matrices to 16 bits, vectors, numbers and integers exactly, with the record."""
    path = save_weights("line", TENSORS, RECORD, tmp_path)
    tensors, record = load_weights("line", tmp_path)
    assert path == tmp_path / "line.json" and RECORD.items() <= record.items()
    assert tensors.keys() == TENSORS.keys()
    assert {p.name for p in tmp_path.iterdir()} == {"line.json", "line.h5"}
    for name, wanted in TENSORS.items():
        found = tensors[name]
        assert isinstance(found, np.ndarray) and found.dtype == wanted.dtype
        if name == "layer.0.weight":
            wanted = wanted.astype("float16").astype("float32")
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("bits", [7, 4])
def test_fewer_bits_take_less_room(tmp_path, bits):
    """Matrices alone are rounded (half of the last bit), and the file is smaller."""
    for name, kept in (("whole", 10), ("rounded", bits)):
        save_weights(name, TENSORS, RECORD, tmp_path, kept)
    sizes = [(tmp_path / f"{x}.h5").stat().st_size for x in ("whole", "rounded")]
    assert sizes[1] < sizes[0] - 4200 * (10 - bits) / 8 * 0.8
    tensors, _ = load_weights("rounded", tmp_path)
    for name, wanted in TENSORS.items():
        tolerance = 2.0**-bits if name == "layer.0.weight" else 0
        np.testing.assert_allclose(tensors[name], wanted, rtol=tolerance)


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty"])
def test_damaged_files_are_refused(tmp_path, damage):
    """Before anything is read, with the remedy."""
    save_weights("line", TENSORS, RECORD, tmp_path)
    path = tmp_path / "line.h5"
    data = path.read_bytes()
    changed = bytes([data[-1] ^ 1])
    damaged = {"truncated": data[:-9], "altered": data[:-1] + changed, "empty": b""}
    path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match="truncated or altered.*restore both files"):
        load_weights("line", tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="line.h5 is missing: restore it, or"):
        load_weights("line", tmp_path)


@pytest.mark.parametrize(
    "name, value", [("layer.0.weight", 7e4), ("layer.0.bias", np.nan)]
)
def test_numbers_that_cannot_be_stored(tmp_path, name, value):
    """Nothing is written in place of weights that are there."""
    wrong = TENSORS | {name: np.full_like(TENSORS[name], value)}
    with pytest.raises(ValueError, match=f"{name} of line holds"):
        save_weights("line", wrong, RECORD, tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_shipped_file_is_whole():
    """Each belongs to its JSON, and every JSON has one."""
    names = {path.stem for path in SHIPPED.glob("*.json")}
    assert names == {path.stem for path in SHIPPED.glob("*.h5")} and len(names) > 10
    for name in names:
        tensors, record = load_weights(name)
        assert all(np.isfinite(value).all() for value in tensors.values())
        assert json.loads((SHIPPED / f"{name}.json").read_text()) == record
