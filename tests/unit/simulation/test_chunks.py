"""Chunks of a point: the batches of a whole one, joined and kept on disk."""

import dataclasses

import numpy as np
import pytest
from result_samples import HEADER, point

from semcom_phy.simulation.chunk_store import ChunkStore
from semcom_phy.simulation.chunks import MAX_CHUNKS, batches_of, chunks_of
from semcom_phy.simulation.metric_table import IMAGE_METRICS
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.sweep import (
    Link,
    SweepSettings,
    joined_point,
    simulate_chunk,
    simulate_point,
)
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.sources.samples import Delivered, Samples

IMAGES = np.random.default_rng(1).integers(0, 256, (10, 16, 16, 3), "uint8")
SAMPLES = Samples(
    IMAGES, tuple("aabbccddee"), {}, tuple((f"cat {i}",) for i in range(10))
)


class Channel:
    def sample_each(self, seeds):
        return np.array([np.random.default_rng((s, 1)).normal() for s in seeds])


class System:
    """Noise, captions, and outages by the fade."""

    name = "system"

    def transmit(self, samples, snr_db, h, seeds):
        noise = [np.random.default_rng(s).normal(0, 20, (16, 16, 3)) for s in seeds]
        images = np.clip(samples.images + np.stack(noise), 0, 255).astype("uint8")
        batch = len(samples)
        return Transmission(
            Delivered(images=images, texts=[own[0] for own in samples.texts]),
            np.asarray(h) < -1,
            Spent(np.full(batch, 192.0), np.zeros(batch)),
            figures={"gain": np.abs(h)},
        )


LINK = Link(System(), Channel())


def same(one, other):
    """Rows, figures and what is shown, bit by bit."""
    assert one.rows.keys() == other.rows.keys()
    for name, values in one.rows.items():
        np.testing.assert_array_equal(values, other.rows[name], strict=True)
    assert (one.status, one.metrics, one.extras) == (
        other.status,
        other.metrics,
        other.extras,
    )
    assert list(one.extras) == list(other.extras)
    np.testing.assert_array_equal(one.shown.images, other.shown.images, strict=True)
    assert one.shown[1:] == other.shown[1:]


@pytest.mark.parametrize("size", [1, 3, 4, 64])
@pytest.mark.parametrize("num_shown", [1, 5, 10])
def test_a_point_does_not_depend_on_its_chunks(size, num_shown):
    """Every split of the batches joins to the point that was sent at once: rows,
    estimates, what is shown (bit by bit)."""
    settings = SweepSettings(draws=2, batch_size=size, num_shown=num_shown)
    whole = simulate_point(LINK, SAMPLES, 0, settings)
    num_batches = len(batches_of(len(SAMPLES), settings))
    for length in (1, 3, num_batches):
        chunks = [
            simulate_chunk(LINK, SAMPLES, 0, settings, span=(first, first + length))
            for first in range(0, num_batches, length)
        ]
        same(joined_point(chunks, SAMPLES, IMAGE_METRICS), whole)
    assert len(whole.shown.images) == num_shown == len(whole.shown.texts)


@pytest.mark.parametrize("number", [1, 2, 15, 16, 17, 100])
def test_chunks_are_whole_batches(number):
    """Each batch in one chunk, at most 16 chunks of one length but for the last; one
    where a target ends the point (exact)."""
    spans = chunks_of(number, SweepSettings())
    assert [b for first, stop in spans for b in range(first, stop)] == [*range(number)]
    assert len(spans) <= MAX_CHUNKS
    assert len({stop - first for first, stop in spans[:-1]}) <= 1
    assert chunks_of(number, SweepSettings(target_ci=1.0)) == [(0, number)]
    assert chunks_of(number, SweepSettings(), whole=True) == [(0, number)]


def chunk(span):
    settings = SweepSettings(batch_size=4, num_shown=2)
    return simulate_chunk(LINK, SAMPLES, 0, settings, span=span)


def same_chunk(found, own):
    assert found._replace(columns=None, images=None) == own._replace(
        columns=None, images=None
    )
    assert list(found.columns) == list(own.columns)
    for name, values in own.columns.items():
        np.testing.assert_array_equal(found.columns[name], values, strict=True)
    np.testing.assert_array_equal(found.images, own.images)


@pytest.mark.parametrize("span", [(0, 1), (1, 3)])
def test_a_kept_chunk_is_what_it_was(tmp_path, span):
    """With and without something to show, through the file and back (bit by bit); no
    other SNR, batches or identity finds it."""
    store, own = ChunkStore(tmp_path / "a.json", "1234"), chunk(span)
    store.keep(0.5, span, own)
    same_chunk(store.load(0.5, span), own)
    assert store.load(0.5, (0, 3)) is store.load(5.0, span) is None
    assert ChunkStore(tmp_path / "a.json", "5678").load(0.5, span) is None


def test_a_damaged_chunk_is_computed_again(tmp_path):
    """Half a file is none (exact)."""
    store = ChunkStore(tmp_path / "a.json", "1234")
    store.keep(0, (0, 1), chunk((0, 1)))
    (path,) = [p for p in store.folder.iterdir() if p.suffix == ".npz"]
    path.write_bytes(path.read_bytes()[:-200])
    assert store.load(0, (0, 1)) is None


def test_chunks_go_with_their_point_and_their_simulation(tmp_path):
    """Those of a point that was filed are removed, others stay; one of other code
    removes all, and so does --restart (exact)."""
    path = tmp_path / "a.json"
    file = ResultFile.open(path, HEADER, [0, 5])
    own = chunk((0, 1))
    for snr in (0.0, 5.0):
        file.chunks.keep(snr, (0, 1), own)
    file.record(0.0, point(30.0))
    assert file.chunks.load(0.0, (0, 1)) is None
    same_chunk(file.chunks.load(5.0, (0, 1)), own)
    again = ResultFile.open(path, HEADER, [0, 5])
    same_chunk(again.chunks.load(5.0, (0, 1)), own)
    ResultFile.open(path, HEADER, [0, 5], restart=True)
    assert not file.chunks.folder.exists()
    file.chunks.keep(5.0, (0, 1), own)
    other = ResultFile(path, {**HEADER, "code": {"modules": {"a": "b"}}}, [0, 5])
    assert other.chunks.load(5.0, (0, 1)) is None
    other.chunks.tidy(())
    assert not file.chunks.folder.exists()


def test_groups_are_known_to_every_chunk():
    """Names of groups are those of all samples (exact)."""
    assert set(chunk((2, 3)).columns["group"]) == {"e"}
    alone = dataclasses.replace(SAMPLES, groups=None)
    last = simulate_chunk(LINK, alone, 0, SweepSettings(batch_size=4), span=(2, 3))
    assert set(last.columns["group"]) == {"8", "9"}
