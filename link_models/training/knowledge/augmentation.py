"""Pictures as they might have been taken as well: mirrored, moved, zoomed, covered."""

import numpy as np


def augmented(x, rng, shift=0, zoom=0.0, gain=0.0, cutout=0):
    """Each picture in its own way; nothing is lost by interpolation without zoom.

    Input
    -----
    x : torch tensor [batch, 3, H, W]

    rng : `numpy.random.Generator`
        What is drawn is a function of it alone

    shift : `int`, (default 0)
        Most that a picture is moved by [pixels]; what is missing is mirrored

    zoom : `float`, (default 0)
        Sides are scaled by exp(-zoom) to exp(zoom), each by its own factor

    gain : `float`, (default 0)
        Brightness of each colour changes by this share at most

    cutout : `int`, (default 0)
        Side of a square that is set to zero [pixels]

    Output
    ------
    : torch tensor [batch, 3, H, W]

    References
    ----------
    T. DeVries, G. Taylor, "Improved regularization of convolutional neural networks
    with cutout", arXiv:1708.04552.
    """
    import torch

    batch, _, height, width = x.shape
    scale = np.exp(rng.uniform(-zoom, zoom, (batch, 2)))
    scale[:, 0] *= rng.choice((-1, 1), batch)  # mirrored
    moved = 2 * rng.integers(-shift, shift + 1, (batch, 2)) / (width, height)
    theta = np.zeros((batch, 2, 3), "float32")
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = scale[:, 0], scale[:, 1], moved
    grid = torch.nn.functional.affine_grid(
        torch.from_numpy(theta), x.shape, align_corners=False
    )
    x = torch.nn.functional.grid_sample(
        x, grid, padding_mode="reflection", align_corners=False
    )
    if gain:
        factors = rng.uniform(1 - gain, 1 + gain, (batch, 3, 1, 1)).astype("float32")
        x = x * torch.from_numpy(factors)
    if cutout:
        rows = _covered(rng, batch, height, cutout)
        columns = _covered(rng, batch, width, cutout)
        x = x * ~(rows[:, None, :, None] & columns[:, None, None, :])
    return x


def _covered(rng, batch, side, cutout):
    """Whether a row or column is covered, [batch, side]; at an edge fewer are."""
    import torch

    first = rng.integers(-cutout // 2, side - cutout // 2, batch)[:, None]
    place = np.arange(side)
    return torch.from_numpy((place >= first) & (place < first + cutout))
