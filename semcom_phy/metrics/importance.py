"""Fidelity of the parts of an image that matter more, and less, to a task."""

import numpy as np

from semcom_phy.metrics.image import check_batches, mse_to_psnr

LEVELS = ("background", "low", "medium", "high")
PARTS = ("high", "medium", "low", "background", "non_background")


def psnr_by_level(images, images_hat, levels, patch_size=16):
    r"""PSNR of the patches of each level of importance, image by image.

    .. math::
        \mathrm{PSNR}_l = 10 \log_{10} \frac{255^2}{\mathrm{MSE}_l}, \qquad
        \mathrm{MSE}_l = \frac{1}{3 |P_l|} \sum_{p \in P_l} \sum_{c=1}^3
        (s_{pc} - \hat s_{pc})^2

    with the pixels :math:`P_l` of all patches of level :math:`l`, 60 dB at most. The
    non-background is everything of level 1 and more. An image without such a patch has
    NaN there, which means and intervals leave out.

    Input
    -----
    images, images_hat : [batch, H, W, 3], `uint8`
        What was sent, what was received

    levels : [batch, H / patch_size, W / patch_size], `int`
        0 background, 1 low, 2 medium, 3 high

    patch_size : `int`, (default 16)
        Side of a patch [pixels]

    Output
    ------
    : `dict` of name -> [batch], `float64`
        ``psnr_<part>`` [dB], 0 ... 60, and ``mse_<part>``, 0 ... 65025, of each of
        ``PARTS``; ``share_background``, share of the patches, 0 ... 1

    Raises
    ------
    ValueError
        If a shape or type differs from the above, or a level is none.

    Example
    -------
    >>> images = np.full((1, 16, 32, 3), 100, np.uint8)
    >>> images_hat = images.copy()
    >>> images_hat[:, :, 16:] += 10
    >>> scores = psnr_by_level(images, images_hat, np.array([[[3, 0]]]))
    >>> float(scores["psnr_high"][0]), round(float(scores["psnr_background"][0]), 2)
    (60.0, 28.13)
    """
    images, images_hat = check_batches(images, images_hat)
    levels = _checked(levels, images.shape, patch_size)
    batch, rows, columns = levels.shape
    error = images.astype(np.float64) - images_hat
    patches = (error**2).reshape(batch, rows, patch_size, columns, patch_size, 3)
    patch_mse = patches.mean(axis=(2, 4, 5))
    scores = {}
    for part in PARTS:
        if part == "non_background":
            inside = levels > 0
        else:
            inside = levels == LEVELS.index(part)
        scores[f"mse_{part}"] = _mean_inside(patch_mse, inside)
        scores[f"psnr_{part}"] = mse_to_psnr(scores[f"mse_{part}"])
    scores["share_background"] = np.mean(levels == 0, axis=(1, 2))
    return scores


def _mean_inside(values, inside):
    """Mean over the places inside, NaN where there is none: [batch]."""
    count = inside.sum(axis=(1, 2))
    total = np.where(inside, values, 0.0).sum(axis=(1, 2))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _checked(levels, shape, patch_size):
    levels = np.asarray(levels)
    batch, height, width, _ = shape
    if patch_size < 1 or height % patch_size or width % patch_size:
        raise ValueError(
            f"images are {height}x{width}: choose a patch_size that divides both, "
            f"got {patch_size}"
        )
    expected = (batch, height // patch_size, width // patch_size)
    if levels.shape != expected or levels.dtype.kind not in "iu":
        raise ValueError(
            f"levels are {levels.dtype} {levels.shape}; give int {expected}, one per "
            f"patch of {patch_size}x{patch_size} pixels"
        )
    if levels.min() < 0 or levels.max() >= len(LEVELS):
        raise ValueError(
            f"levels go from {levels.min()} to {levels.max()}; there are 0 to "
            f"{len(LEVELS) - 1}: {', '.join(LEVELS)}"
        )
    return levels
