"""Bit sweeps: what is counted, in which order, and when a point ends."""

import numpy as np
import pytest
from bit_samples import NUM_BITS, BuildKnown, header

from semcom_phy.metrics.link import ErrorCount
from semcom_phy.seeding import image_seeds
from semcom_phy.simulation.bits.results import BitResultFile
from semcom_phy.simulation.bits.sweep import (
    BitSettings,
    BlockTally,
    count_batch,
    measure_points,
    run_bit_sweep,
)

BUILD = BuildKnown()


class LateEngine:
    """Takes four items ahead and hands their answers back in reverse order."""

    def map(self, function, shared, items):
        items = iter(items)
        while ahead := [item for _, item in zip(range(4), items, strict=False)]:
            for item in reversed(ahead):
                yield item, function(shared, item)


def wrong_blocks(num):
    """Which of the first blocks KnownSystem gets wrong."""
    return np.array(
        [seed % BUILD.period == 0 for seed in image_seeds(1, 0, range(num))]
    )


def measured(settings, engine=None, snr_db=(0.0, 10.0)):
    tasks = [(BUILD, snr) for snr in snr_db]
    return {snr: p for (_, snr), p in measure_points(tasks, settings, engine)}


def test_a_point_ends_with_the_block_that_reaches_the_target():
    """The 7th wrong block is the last that counts; at 10 dB all blocks do (exact)."""
    points = measured(BitSettings(1, target_errors=7, max_blocks=90, batch_size=16))
    last = np.flatnonzero(wrong_blocks(90))[6] + 1
    assert points[0.0].bler.count == ErrorCount(7, int(last))
    assert points[0.0].ber.count == ErrorCount(21, int(last) * NUM_BITS)
    assert points[0.0].status == "target_reached"
    assert points[10.0].bler.count == ErrorCount(0, 90)
    assert points[10.0].status == "done"


@pytest.mark.parametrize("engine", [None, LateEngine()])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 200])
def test_counts_depend_neither_on_batches_nor_on_their_order(batch_size, engine):
    """The same points whatever a batch holds, and for late batches (exact)."""
    reference = measured(BitSettings(1, 7, 90, 16))
    assert measured(BitSettings(1, 7, 90, batch_size), engine) == reference


def test_the_interval_of_the_ber_is_clustered_by_block():
    """Three wrong bits of ten come together in every fourth block, a design effect of
    2.4: an interval 1.56 times as wide as that of independent bits (10 %)."""
    rate = measured(BitSettings(1, 50, 1000), snr_db=[0.0])[0.0].ber
    width = rate.ci95[1] - rate.ci95[0]
    low, high = rate.count.interval()
    assert width / (high - low) == pytest.approx(1.56, rel=0.1)
    assert rate.ci95[0] < rate.mean < rate.ci95[1]


def test_no_error_bounds_the_ber_by_the_blocks():
    """Where nothing was wrong, the bits of a block count once: BER and BLER have one
    upper end (1e-9), and the rate is not its own interval."""
    nothing = measured(BitSettings(1, 5, 300), snr_db=[10.0])[10.0]
    assert nothing.ber.mean == nothing.bler.mean == 0
    assert nothing.bler.ci95[1] == pytest.approx(1 - 0.025 ** (1 / 300))
    np.testing.assert_allclose(nothing.ber.ci95, nothing.bler.ci95, atol=1e-9)


def test_a_tally_waits_for_the_blocks_before():
    """A batch counts once those before have come; beyond the end none does (exact)."""
    tally = BlockTally(BitSettings(1, 2, 10))
    tally.add(4, [0, 1, 1, 1])
    assert (tally.num_blocks, tally.is_finished) == (0, False)
    tally.add(0, [0, 0, 0, 1])
    assert (tally.num_blocks, tally.num_errors, tally.is_finished) == (6, 2, True)


def test_blocks_have_seeds_of_their_own():
    """A batch from block 5 on is the tail of one from 0 on (exact)."""
    link, settings = BUILD(), BitSettings(1, batch_size=20)
    whole = count_batch(link, 0.0, 0, settings)
    np.testing.assert_array_equal(count_batch(link, 0.0, 5, settings)[:15], whole[5:])
    assert not np.array_equal(count_batch(link, 0.0, 0, BitSettings(2))[:20], whole)


def test_a_sweep_files_its_points_and_goes_on(tmp_path):
    """Finished points are filed, and only the others simulated in a second run
    (exact)."""
    settings = BitSettings(1, 3, 100)
    path = tmp_path / "bits_a.json"
    file = BitResultFile.open(path, header(), [0.0, 10.0])
    run_bit_sweep({BUILD: file}, [0.0], settings, progress=False)
    again = BitResultFile.open(path, header(), [0.0, 10.0])
    first = again.points[0.0]
    assert again.unfinished([0.0, 10.0]) == [10.0]
    run_bit_sweep({BUILD: again}, [0.0, 10.0], settings, progress=False)
    filed = BitResultFile.read(path)
    assert sorted(filed.points) == [0.0, 10.0] and filed.points[0.0] == first


@pytest.mark.parametrize(
    "name, value",
    [("target_errors", 0), ("max_blocks", 2.5), ("batch_size", -1), ("seed", -1)],
)
def test_settings_out_of_range_are_refused(name, value):
    """With the name and the value (exact)."""
    with pytest.raises(ValueError, match=f"{name} must be .* got {value}"):
        BitSettings(**{name: value})


def test_an_snr_out_of_range_is_refused():
    """NaN, with the name of the value (exact)."""
    with pytest.raises(ValueError, match="snr_db .* nan"):
        measured(BitSettings(), snr_db=[float("nan")])
