"""The rate of one picture: the best one, in few encodes, and never nothing in vain."""

import threading

import numpy as np
import pytest

from semcom_phy.progress import listening
from semcom_phy.source_coding import BudgetError, MissingCodecError
from semcom_phy.source_coding.rate_choice import choose_rate, choose_rates
from semcom_phy.source_coding.rate_ladder import Encoded

IMAGE = np.zeros((16, 16, 3), np.uint8)


class Ladder:
    """Streams of 100, 110, 121, ... bytes, half a decibel apart from ``lowest`` on."""

    def __init__(self, lowest=20.0, num_steps=60):
        self.sizes = np.round(100 * 1.1 ** np.arange(num_steps)).astype(int)
        self.psnr = lowest + 0.5 * np.arange(num_steps)
        self.asked = []

    def best(self, image, max_bytes):
        self.asked.append(max_bytes)
        step = np.searchsorted(self.sizes, max_bytes, side="right") - 1
        if step < 0:
            raise BudgetError("too small")
        return Encoded(bytes(int(self.sizes[step])), float(self.psnr[step]))

    def smallest(self, image):
        return int(self.sizes[0])


def expected_psnr(ladder, num_bytes, outage, outage_psnr):
    steps = np.searchsorted(ladder.sizes, num_bytes, side="right") - 1
    quality = np.where(steps < 0, -np.inf, ladder.psnr[np.maximum(steps, 0)])
    return (1 - outage) * quality + outage * outage_psnr


@pytest.mark.parametrize("width", [0.3, 2.0, 20.0])
def test_choice_is_the_maximum(width):
    """The choice equals a search by brute force, for steep and for flat outages of 200
    rates (exact), and a fifth of the rates is encoded at most."""
    num_bytes = np.unique(np.geomspace(20, 20_000, 200).astype(int))
    rate_db = 10 * np.log10(num_bytes)
    for threshold in (18.0, 25.0, 33.0):
        ladder = Ladder()
        outage = 1 / (1 + np.exp((threshold - rate_db) / width))
        every = expected_psnr(ladder, num_bytes, outage, 12.0)
        choice = choose_rate(ladder, IMAGE, num_bytes, outage, 12.0)
        assert choice.expected_psnr == pytest.approx(every.max(), abs=1e-12)
        assert len(choice.encoded.bytes) <= num_bytes[choice.index]
        assert choice.outage == outage[choice.index]
        assert len(ladder.asked) <= len(num_bytes) / 5


@pytest.mark.parametrize("width", [0.3, 2.0, 20.0])
def test_for_the_mean_mse_the_least_expected_mse_is_taken(width):
    """The choice equals a search by brute force over 200 rates (1e-12), and is never
    the riskier one of the two goals."""
    num_bytes = np.unique(np.geomspace(20, 20_000, 200).astype(int))
    outage = 1 / (1 + np.exp((25.0 - 10 * np.log10(num_bytes)) / width))
    ladder = Ladder()
    steps = np.searchsorted(ladder.sizes, num_bytes, side="right") - 1
    mse = np.where(steps < 0, np.inf, 10 ** (-ladder.psnr[np.maximum(steps, 0)] / 10))
    expected = (1 - outage) * mse + outage * 10**-1.2
    choice = choose_rate(ladder, IMAGE, num_bytes, outage, 12.0, "mse")
    assert expected[choice.index] == pytest.approx(expected.min(), rel=1e-12)
    other = choose_rate(Ladder(), IMAGE, num_bytes, outage, 12.0)
    assert choice.outage <= other.outage


def test_of_equal_rates_the_safer_is_taken():
    """Two rates that hold the same stream, in either order (exact)."""
    for order in ((0, 1), (1, 0)):
        num_bytes = np.array([100, 109])[list(order)]
        outage = np.array([0.001, 0.01])[list(order)]
        choice = choose_rate(Ladder(num_steps=2), IMAGE, num_bytes, outage, 12.0)
        assert choice.outage == 0.001


def test_something_is_sent_whenever_it_fits_and_may_arrive():
    """A picture that is worse than the outage's colour, and a scheme that nearly always
    fails, are sent; at a certain failure and where nothing fits nothing is (exact)."""
    poor = choose_rate(Ladder(10.0, 2), IMAGE, [99, 100, 110], [0.0, 0.004, 0.2], 30.0)
    assert (poor.index, poor.outage) == (1, 0.004)
    assert poor.smallest_bytes is None
    risky = choose_rate(Ladder(), IMAGE, [100], [0.9999], 12.0)
    assert risky.index == 0
    certain = choose_rate(Ladder(), IMAGE, [100], [1.0], 12.0)
    assert (certain.index, certain.encoded, certain.outage) == (None, None, 1.0)
    assert certain.expected_psnr == 12.0
    nothing = choose_rate(Ladder(), IMAGE, [0, 60, 99], [0.0, 0.0, 0.5], 12.0)
    assert nothing.index is None
    assert (nothing.smallest_bytes, nothing.room_bytes) == (100, 60)


def test_the_room_is_told_where_the_picture_does_not_fit():
    """Sent at a risk because no safe rate holds the smallest stream: both are told; not
    where a safe rate would do, nor where no rate is safe (exact)."""
    options = [50, 90, 200], [0.0, 0.002, 0.3]
    choice = choose_rate(Ladder(), IMAGE, *options, 12.0)
    assert (choice.index, choice.smallest_bytes, choice.room_bytes) == (2, 100, 90)
    worth_it = choose_rate(Ladder(), IMAGE, [100, 2000], [0.0, 0.02], 12.0)
    assert (worth_it.index, worth_it.smallest_bytes) == (1, None)
    fading = choose_rate(Ladder(), IMAGE, [150, 200], [0.05, 0.3], 12.0)
    assert fading.smallest_bytes is None


class MeetingLadder(Ladder):
    """Answers only when two images are searched at once."""

    def __init__(self):
        super().__init__()
        self.meeting = threading.Barrier(2)

    def best(self, image, max_bytes):
        self.meeting.wait(timeout=30)
        return super().best(image, max_bytes)


def test_several_images_are_searched_at_once(monkeypatch):
    """With two cores two images are searched at a time; each has the choice that it has
    alone, in the order of the images, and is counted (exact)."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    num_bytes = np.array([[300], [2000], [130], [700]])
    images, told = np.stack([IMAGE] * 4), []
    outage, value = np.zeros((4, 1)), np.full(4, 12.0)
    with listening(told.append):
        found = choose_rates(MeetingLadder(), images, num_bytes, outage, value)
    alone = [choose_rate(Ladder(), IMAGE, own, np.zeros(1), 12.0) for own in num_bytes]
    assert found == alone
    assert len({len(choice.encoded.bytes) for choice in found}) == 4
    assert told == [1] * 4


def test_what_fails_for_one_image_is_raised():
    """A codec that fails in a thread stops the batch (exact)."""

    class BrokenLadder(Ladder):
        def best(self, image, max_bytes):
            raise MissingCodecError("gone")

    images = np.stack([IMAGE] * 3)
    with pytest.raises(MissingCodecError, match="gone"):
        choose_rates(
            BrokenLadder(), images, np.full((3, 1), 300), np.zeros((3, 1)), np.zeros(3)
        )
