"""Search for the best operating point, on a codec whose table is known."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from semcom_phy.source_coding import BudgetError, RateLadder, shared_codec
from semcom_phy.sources.images import load_images


class TableCodec:
    """Step s of "fine" takes 10 + 4 s bytes, of "coarse" 6 + 2 s; the error falls
    with s, and "coarse" keeps a floor."""

    name = "table"
    branches = ("fine", "coarse")
    num_steps = 40

    def __init__(self):
        self.num_encodes = 0

    def check_image(self, image):
        return image

    def ceiling(self, image, branch):
        return float("inf")

    def encode_step(self, image, branch, step):
        self.num_encodes += 1
        fine = branch == "fine"
        size = 10 + 4 * step if fine else 6 + 2 * step
        error = 60 - step if fine else max(64 - step, 45)
        return bytes([error]) + bytes(size - 1)

    def decode(self, data):
        return np.full((16, 16, 3), data[0], np.uint8)


class SlowCodec(TableCodec):
    """Encodes so slowly that threads meet."""

    def encode_step(self, image, branch, step):
        time.sleep(0.002)
        return super().encode_step(image, branch, step)


IMAGE = np.zeros((16, 16, 3), np.uint8)


def exhaustive(max_bytes):
    """Smallest error under the budget over the whole table, or `None`."""
    codec = TableCodec()
    streams = [
        codec.encode_step(IMAGE, branch, step)
        for branch in codec.branches
        for step in range(codec.num_steps)
    ]
    errors = [stream[0] for stream in streams if len(stream) <= max_bytes]
    return min(errors, default=None)


def test_finds_the_exhaustive_optimum():
    """On monotone tables the search equals the full sweep at every budget (exact), and
    below the smallest stream it raises."""
    ladder = RateLadder(TableCodec())
    for max_bytes in range(200):
        expected = exhaustive(max_bytes)
        if expected is None:
            with pytest.raises(BudgetError, match="table needs 6 bytes"):
                ladder.best(IMAGE, max_bytes)
        else:
            encoded = ladder.best(IMAGE, max_bytes)
            assert encoded.bytes[0] == expected
            assert len(encoded.bytes) <= max_bytes


def test_remembers_streams():
    """The same image at the same budget is not encoded again, at a near budget hardly
    (at most 4 of some 12 encodes)."""
    codec = TableCodec()
    ladder = RateLadder(codec)
    ladder.best(IMAGE, 100)
    first = codec.num_encodes
    ladder.best(IMAGE.copy(), 100)
    assert codec.num_encodes == first <= 16
    ladder.best(IMAGE, 101)
    assert codec.num_encodes <= first + 4


def test_an_image_that_is_asked_for_twice_at_once_is_encoded_once():
    """Eight threads with one image and one budget find one stream in the encodes of a
    single search (exact)."""
    alone, shared = TableCodec(), SlowCodec()
    expected = RateLadder(alone).best(IMAGE, 100)
    ladder = RateLadder(shared)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ladder.best(IMAGE, 100), range(8)))
    assert found == [expected] * 8
    assert shared.num_encodes == alone.num_encodes


def test_result_does_not_depend_on_history():
    """A budget's result is the same after other budgets as in a fresh ladder, on a
    codec whose sizes are not monotone (exact)."""
    image = load_images("sample", 1, seed=5)[0][0]
    codec = shared_codec("webp", (32, 32))
    budgets = [180, 400, 120, 260, 181, 179]
    busy = RateLadder(codec)
    for max_bytes in budgets:
        found = busy.best(image, max_bytes).bytes
        assert found == RateLadder(codec).best(image, max_bytes).bytes


def test_memory_is_bounded():
    """Images beyond the memory limit are forgotten, oldest first."""
    codec = TableCodec()
    ladder = RateLadder(codec, memory_limit=20_000)
    images = [np.full((16, 16, 3), value, np.uint8) for value in range(20)]
    for image in images:
        ladder.best(image, 100)
    held = sum(points.num_bytes_held for points in ladder._images.values())
    assert held <= 20_000
    before = codec.num_encodes
    ladder.best(images[-1], 100)
    assert codec.num_encodes == before
    ladder.best(images[0], 100)
    assert codec.num_encodes > before


def test_curve_is_non_dominated():
    """The curve rises strictly in size and PSNR and holds the best of each budget
    (exact)."""
    ladder = RateLadder(TableCodec())
    curve = ladder.curve(IMAGE)
    sizes, qualities = zip(*curve, strict=True)
    assert np.all(np.diff(sizes) > 0) and np.all(np.diff(qualities) > 0)
    for max_bytes in (6, 40, 90, 200):
        at_budget = max(quality for size, quality in curve if size <= max_bytes)
        assert at_budget == ladder.best(IMAGE, max_bytes).psnr


def test_pixels_are_not_kept():
    """Streams alone are held, so that 64 large pictures at many rates fit (exact)."""
    codec = TableCodec()
    ladder = RateLadder(codec)
    for max_bytes in range(20, 150):
        ladder.best(IMAGE, max_bytes)
    streams = sum(
        10 + 4 * step if branch == "fine" else 6 + 2 * step
        for points in ladder._images.values()
        for branch, step in points._streams
    )
    held = sum(points.num_bytes_held for points in ladder._images.values())
    assert held == streams
    assert ladder.smallest(IMAGE) == 6
