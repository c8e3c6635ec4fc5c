"""Arrays on disk: found by what made them, made anew where they are not whole."""

import json
import multiprocessing

import numpy as np
import pytest

from semcom_phy.knowledge_base.array_store import ArrayStore

ABOUT = {"model": "a", "numbers": (1, 2)}
ARRAY = np.arange(6, dtype="float16").reshape(2, 3)


class Counting:
    def __init__(self, array=ARRAY):
        self.array, self.times = array, 0

    def __call__(self):
        self.times += 1
        return self.array


@pytest.fixture
def store(tmp_path):
    return ArrayStore(tmp_path / "made" / "when needed")


def test_made_once(store):
    """And then read, with shape and type, by whoever asks for the same."""
    make = Counting()
    for _ in range(2):
        found = store.array(ABOUT, make)
        np.testing.assert_array_equal(found, ARRAY)
        assert found.dtype == np.float16
    same = {"numbers": [1, 2], "model": "a"}
    ArrayStore(str(store.folder)).array(same, make)
    assert make.times == 1
    store.array({"model": "b"}, Counting(ARRAY + 1))
    np.testing.assert_array_equal(store.array({"model": "b"}, None), ARRAY + 1)
    assert len(list(store.folder.iterdir())) == 4


def test_any_byte_that_is_altered_is_found_out(store):
    """Of array and JSON, whichever byte it is: the array is made anew or the same."""
    store.array(ABOUT, Counting())
    for file in sorted(store.folder.iterdir()):
        whole = file.read_bytes()
        for place in range(len(whole)):
            changed = bytearray(whole)
            changed[place] ^= 0x55
            file.write_bytes(changed)
            make = Counting()
            np.testing.assert_array_equal(store.array(ABOUT, make), ARRAY)
            assert make.times == 1
            assert file.read_bytes() == whole


@pytest.mark.parametrize("length", [0, 60, -2])
def test_a_file_that_is_cut_off_is_made_anew(store, length):
    """So is one that is not there."""
    store.array(ABOUT, Counting())
    for file in sorted(store.folder.iterdir()):
        file.write_bytes(file.read_bytes()[:length])
        make = Counting()
        np.testing.assert_array_equal(store.array(ABOUT, make), ARRAY)
        file.unlink()
        np.testing.assert_array_equal(store.array(ABOUT, make), ARRAY)
        assert make.times == 2


def test_a_failure_leaves_nothing(store):
    """Neither of the making nor of the writing; objects are not stored."""
    with pytest.raises(ValueError, match="pickle"):
        store.array(ABOUT, Counting(np.array([{}])))
    assert list(store.folder.iterdir()) == []
    store.array(ABOUT, Counting())


def _ask(folder, about, barrier, found):
    store = ArrayStore(folder)
    barrier.wait()
    for n in range(20):
        found.put(float(store.array({**about, "n": n}, lambda: ARRAY * n).sum()))  # noqa: B023


def test_several_processes_at_once(store):
    """All read what is right, and no file of a writer is left."""
    spawn = multiprocessing.get_context("spawn")
    barrier, found = spawn.Barrier(2), spawn.Queue()
    args = str(store.folder), ABOUT, barrier, found
    processes = [spawn.Process(target=_ask, args=args) for _ in range(2)]
    for process in processes:
        process.start()
    sums = [found.get(timeout=60) for _ in range(40)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(sums) == sorted([15.0 * n for n in range(20)] * 2)
    names = [file.name for file in store.folder.iterdir()]
    assert len(names) == 40 and not any(".tmp" in name for name in names)
    record = json.loads(next(store.folder.glob("*.json")).read_text())
    assert set(record) == {"about", "sha256"}
