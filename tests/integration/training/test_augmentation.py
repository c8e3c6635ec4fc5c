"""Pictures as they might have been taken as well."""

import numpy as np
import pytest
import torch

from link_models.training.knowledge.augmentation import augmented

X = torch.rand((40, 3, 12, 16), generator=torch.Generator().manual_seed(1)) + 0.1


def change(x=X, seed=1, **options):
    return augmented(x, np.random.default_rng(seed), **options)


def test_mirrored_or_not():
    """Without anything else a picture is itself, or itself mirrored, about half of them
    (1e-5; 20 of 40 within 4 standard errors)."""
    same = (change() - X).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (change() - X.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert (same ^ mirrored).all()
    assert abs(int(mirrored.sum()) - 20) <= 13


def test_moved_by_whole_pixels():
    """Nothing is blurred: the values of the middle are those of the picture (1e-5), and
    the moves go to their bound."""
    found, moves = change(shift=2), set()
    for before, after in zip(X, found, strict=True):
        middle = after[:, 2:-2, 2:-2]
        fits = [
            (down, right)
            for source in (before, before.flip(2))
            for down in range(5)
            for right in range(5)
            if torch.allclose(
                middle, source[:, down : down + 8, right : right + 12], atol=1e-5
            )
        ]
        moves.update(fits)
        assert len(fits) == 1
    assert {down for down, _ in moves} == {right for _, right in moves} == set(range(5))


def test_covered():
    """A square of the side that is asked for, less what is beyond the edges, and
    nothing besides (exact)."""
    covered = (change(cutout=6) == 0).all(1)
    counts = covered.sum((1, 2))
    assert counts.max() == 36 and counts.min() >= 9
    for one in covered:
        rows, columns = one.any(1), one.any(0)
        assert torch.equal(one, rows[:, None] & columns)


def test_brightness_and_zoom():
    """Within their bounds (1e-4)."""
    flat = torch.ones((40, 3, 12, 16))
    factors = change(flat, gain=0.2)
    assert factors.min() >= 0.8 - 1e-4 and factors.max() <= 1.2 + 1e-4
    assert factors.std() > 0.05
    ramp = torch.linspace(-1, 1, 16).expand(40, 3, 12, 16)
    slope = (change(ramp, zoom=0.3).diff(dim=3)[..., 7] * 15 / 2).abs()
    assert slope.min() >= np.exp(-0.3) - 1e-4 and slope.max() <= np.exp(0.3) + 1e-4
    assert slope.std() > 0.05


@pytest.mark.parametrize(
    "options", [{}, {"shift": 2, "zoom": 0.2, "gain": 0.1, "cutout": 4}]
)
def test_a_function_of_what_is_drawn(options):
    """The same generator gives the same pictures, another one others (exact)."""
    torch.testing.assert_close(change(**options), change(**options), rtol=0, atol=0)
    assert not torch.equal(change(**options), change(seed=2, **options))
