"""Fidelity of the salient foreground of an image, and of its background, alone."""

import numpy as np

from semcom_phy.metrics.image import (
    SSIM_WINDOW,
    check_batches,
    factors_of_scales,
    halve,
    mse_to_psnr,
)

PARTS = ("foreground", "background")


def psnr_by_mask(images, images_hat, masks):
    r"""PSNR of the pixels of the foreground, and of those of the background.

    .. math::
        \mathrm{PSNR}_F = 10 \log_{10} \frac{255^2}{\mathrm{MSE}_F}, \qquad
        \mathrm{MSE}_F = \frac{1}{3 |F|} \sum_{p \in F} \sum_{c=1}^3
        (s_{pc} - \hat s_{pc})^2

    with the pixels :math:`F` of the part, 60 dB at most. An image without such a pixel
    has NaN there, which means and intervals leave out.

    Input
    -----
    images, images_hat : [batch, H, W, 3], `uint8`
        What was sent, what was received

    masks : [batch, H, W], `uint8`
        1 foreground, 0 background

    Output
    ------
    : `dict` of name -> [batch], `float64`
        ``foreground`` and ``background`` [dB], 0 ... 60

    Raises
    ------
    ValueError
        If a shape or type differs from the above.
    """
    images, images_hat = check_batches(images, images_hat)
    error = np.mean((images.astype(np.float64) - images_hat) ** 2, axis=-1)
    parts = _parts(masks, images.shape)
    return {part: mse_to_psnr(_mean(error, weights)) for part, weights in parts.items()}


def ms_ssim_by_mask(images, images_hat, masks):
    r"""MS-SSIM of the foreground, and of the background.

    That of :func:`~semcom_phy.metrics.image.ms_ssim`, with the same scales and weights,
    where the mean over positions is one weighted by the part: at scale `j` a position
    counts by the share of its :math:`2^j \times 2^j` pixels that are of it. Every pixel
    counts, for images are mirrored at their edges: windows that lie inside cover only
    the central 48 pixels of 128 at the coarsest scale, and would leave out most of the
    background. With a mask of ones it is therefore close to ``ms_ssim`` and not equal.

    A window of a position near the edge of the foreground sees both parts, as a viewer
    does: at the coarsest scale of 128 pixels it covers 88 of them (standard deviation
    12). Errors of the background so weigh on the foreground too, though less.

    Input
    -----
    images, images_hat, masks
        As of :func:`psnr_by_mask`

    Output
    ------
    : `dict` of name -> [batch], `float64`
        ``foreground`` and ``background``, 0 ... 1, 1 for equal images, NaN where an
        image has no such part. Comparable only at equal image size

    Raises
    ------
    ValueError
        As of :func:`psnr_by_mask`; if a side is shorter than the window.
    """
    images, images_hat = check_batches(images, images_hat, SSIM_WINDOW)
    parts = _parts(masks, images.shape)
    found = {part: np.ones((len(images), 3)) for part in PARTS}
    for factor, weight in factors_of_scales(images, images_hat, mirrored=True):
        for part in PARTS:
            mean = _mean(factor, parts[part][:, None])
            found[part] *= np.maximum(mean, 0.0) ** weight
            parts[part] = halve(parts[part][..., None])[..., 0]
    return {part: product.mean(axis=-1) for part, product in found.items()}


def _parts(masks, shape):
    """Weights of the pixels of each part, `dict` of name -> [batch, H, W]."""
    masks = np.asarray(masks)
    if masks.dtype != np.uint8 or masks.shape != shape[:3] or masks.max() > 1:
        raise ValueError(
            f"masks are {masks.dtype} {masks.shape}, up to {masks.max()}; give uint8 "
            f"{shape[:3]} of 1 (foreground) and 0"
        )
    return {"foreground": masks.astype(np.float64), "background": 1.0 - masks}


def _mean(values, weights):
    """Mean over the last two axes by weights, NaN where all of these are 0."""
    total = np.sum(weights, axis=(-2, -1))
    mean = np.sum(values * weights, axis=(-2, -1)) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, mean, np.nan)
