"""The bar of a sweep: pictures of all, whoever computes them and whenever they end."""

from types import SimpleNamespace

import numpy as np
import pytest

from semcom_phy.simulation import sweep
from semcom_phy.sources.samples import Samples

SAMPLES = Samples(np.zeros((10, 16, 16, 3), "uint8"), None, {})
FILE = SimpleNamespace(
    title="HEVC",
    axis=SimpleNamespace(names=lambda snr: f"{snr:g} dB"),
    unfinished=lambda snr_db: [snr for snr in snr_db if snr > 0],
    record=lambda snr, point: None,
    points={},
    chunks=SimpleNamespace(
        tidy=lambda points: None,
        load=lambda snr, span: None,
        keep=lambda snr, span, chunk: None,
    ),
)


class Bar:
    """A bar that keeps what it showed; ``disable`` as on a terminal or off it."""

    def __init__(self, disable, total, initial, **_):
        self.disable, self.total, self.n, self.seen = disable, total, initial, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def set_postfix_str(self, text, refresh):
        self.text = text

    def update(self, count):
        self.n += count
        self.seen.append((self.n, self.text))


class Engine:
    """Counts in turn for two points; the first one ends early."""

    def map(self, function, shared, items, on_progress=None):
        first, second = items
        for task, count in ((first, 1), (second, 4), (first, 2), (second, 6)):
            if on_progress is not None:
                on_progress(task, count)
        yield second, "chunk"
        yield first, "chunk"


@pytest.mark.parametrize("on_terminal", [True, False])
def test_the_bar_counts_pictures(monkeypatch, on_terminal):
    """Points that are computed at once are counted picture by picture; one that is done
    early counts as whole, and a finished one (0 dB) from the start. Off a terminal
    points alone are counted (exact)."""
    bars = []

    def bar(disable, **options):
        bars.append(Bar(disable=not on_terminal, **options))
        return bars[-1]

    monkeypatch.setattr(sweep, "tqdm", bar)
    monkeypatch.setattr(sweep, "joined_point", lambda *args: None)
    settings = sweep.SweepSettings()
    sweep.run_sweep({"build": FILE}, SAMPLES, [0, 5, 9], settings, engine=Engine())
    (bar,) = bars
    assert bar.total == bar.n == 30
    if on_terminal:
        assert bar.seen[:4] == [
            (11, "HEVC 5 dB"),
            (15, "HEVC 9 dB"),
            (17, "HEVC 5 dB"),
            (23, "HEVC 9 dB"),
        ]
    else:
        assert [number for number, _ in bar.seen] == [20, 30]
