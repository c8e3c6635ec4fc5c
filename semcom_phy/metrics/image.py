"""Fidelity of 8-bit images: PSNR, SSIM, MS-SSIM (also in dB), per image.

All functions take batches ``uint8 [batch, H, W, 3]`` and calculate in double
precision with a peak of 255. SSIM is scikit-image's; so is each scale of MS-SSIM,
which scikit-image does not have as a whole.
"""

import numpy as np
from skimage.metrics import structural_similarity

LOSSLESS_PSNR = 60.0  # [dB]; also of an MS-SSIM of 1
SSIM_WINDOW = 11
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

_EDGE = SSIM_WINDOW // 2
_PEAK = 255.0
_PIXELS_AT_ONCE = 2**20  # colours counted; bounds the memory
_LUMINANCE = 0.01  # K1 of the SSIM
# With a K1 this large the luminance term is 1 in double precision, and scikit-image's
# SSIM is the contrast-structure term that MS-SSIM takes at all scales but the last.
_NO_LUMINANCE = 1e8


def mse(images, images_hat):
    r"""Mean squared error of each image.

    Input
    -----
    images, images_hat : [batch, H, W, 3], `uint8`

    Output
    ------
    : [batch], `float64`
        Mean over pixels and colours, 0 ... 65025

    Raises
    ------
    ValueError
        If the batches are not `uint8` images of one shape.
    """
    images, images_hat = check_batches(images, images_hat)
    total = np.zeros(len(images))
    for rows in _strips(images.shape[1], images[:, 0].size):
        error = images[:, rows].astype(np.float64) - images_hat[:, rows]
        total += np.sum(error**2, axis=(1, 2, 3))  # whole numbers: in any order
    return total / images[0].size


def psnr(images, images_hat):
    r"""Peak signal-to-noise ratio of each image.

    .. math::
        \mathrm{PSNR} = 10 \log_{10} \frac{255^2}{\mathrm{MSE}}

    A lossless image counts as 60 dB, and no image counts more.

    Output
    ------
    : [batch], `float64`
        [dB], 0 ... 60

    Example
    -------
    >>> images = np.full((2, 8, 8, 3), 100, np.uint8)
    >>> images_hat = images.copy()
    >>> images_hat[1] += 10
    >>> psnr(images, images_hat).round(2).tolist()
    [60.0, 28.13]
    """
    return mse_to_psnr(mse(images, images_hat))


def psnr_of_mean_mse(images, images_hat):
    r"""PSNR of the mean squared error over the whole batch.

    Lower than the mean of per-image PSNR (Jensen's inequality); published figures mix
    the two.

    Output
    ------
    : `float`
        [dB], 0 ... 60

    Example
    -------
    >>> images = np.full((2, 8, 8, 3), 100, np.uint8)
    >>> images_hat = images.copy()
    >>> images_hat[1] += 10
    >>> round(psnr_of_mean_mse(images, images_hat), 2)  # the mean of PSNRs is 44.07
    31.14
    """
    return float(mse_to_psnr(np.mean(mse(images, images_hat))))


def ssim(images, images_hat):
    r"""Structural similarity of each image, mean over the three colours.

    Gaussian window of 11x11 pixels, standard deviation 1.5, over the positions where
    it lies inside the image; population covariance; K1 = 0.01, K2 = 0.03.

    Output
    ------
    : [batch], `float64`
        -1 ... 1, 1 for equal images

    Raises
    ------
    ValueError
        If a side of the images is shorter than the window.

    References
    ----------
    Z. Wang et al., "Image quality assessment: from error visibility to structural
    similarity", IEEE Trans. Image Process. 13(4), 2004.
    """
    images, images_hat = check_batches(images, images_hat, SSIM_WINDOW)
    return _by_groups(_ssim_of_group, images, images_hat)


def num_ms_ssim_scales(height, width):
    """Scales at which the 11x11 window fits: 5 from 176 pixels on, 2 at 32x32."""
    scales = 0
    while scales < len(MS_SSIM_WEIGHTS) and min(height, width) >= SSIM_WINDOW:
        scales += 1
        height, width = height // 2, width // 2
    return scales


def ms_ssim(images, images_hat):
    r"""Multi-scale structural similarity of each image, fitted to small images.

    .. math::
        \prod_{j=1}^{M-1} c_j^{w_j} \cdot s_M^{w_M}

    with contrast-structure :math:`c_j` and SSIM :math:`s_M` at scale `j`, each half
    the size of the one before (mean of 2x2 pixels). The original has `M` = 5 scales
    and needs 176 pixels a side. Here `M` is the number of scales at which the
    11x11 window fits into the image (2 at 32x32, 3 at 44, 4 at 88), with the first
    `M` of the five weights, scaled to sum to 1. Negative factors count as 0. Mean over
    the three colours.

    Output
    ------
    : [batch], `float64`
        0 ... 1, 1 for equal images. Comparable only at equal image size.

    Raises
    ------
    ValueError
        If a side of the images is shorter than the window.

    References
    ----------
    Z. Wang, E. Simoncelli, A. Bovik, "Multi-scale structural similarity for image
    quality assessment", Asilomar 2003.
    """
    images, images_hat = check_batches(images, images_hat, SSIM_WINDOW)
    return _by_groups(_ms_ssim_of_group, images, images_hat)


def ms_ssim_db(images, images_hat):
    r"""MS-SSIM of each image on a logarithmic scale.

    .. math::
        -10 \log_{10} (1 - \text{MS-SSIM})

    Near 1, where good images lie close together, it tells them apart. The mean over
    images is the mean of these dB, as is that of the PSNR; it is not the dB of the mean
    MS-SSIM. A lossless image counts as 60 dB, and no image counts more.

    Output
    ------
    : [batch], `float64`
        [dB], 0 ... 60
    """
    distortion = 1 - ms_ssim(images, images_hat)
    return -10 * np.log10(np.maximum(distortion, 10 ** (-LOSSLESS_PSNR / 10)))


def factors_of_scales(images, images_hat, mirrored=False):
    """What MS-SSIM is made of: at all scales but the last the contrast-structure term,
    there the SSIM.

    Input
    -----
    images, images_hat : [batch, H, W, 3], `uint8`

    mirrored : `bool`, (default `False`)
        Positions of all pixels, with the images mirrored at their edges; else those
        whose window lies inside

    Output
    ------
    : iterator of ([batch, 3, h, w] `float64`, `float`)
        Values at all positions of a scale, and its weight; the finest first
    """
    a, b = images, images_hat
    num_scales = num_ms_ssim_scales(*images.shape[1:3])
    weights = np.array(MS_SSIM_WEIGHTS[:num_scales])
    for scale, weight in enumerate(weights / weights.sum()):
        last = scale == num_scales - 1
        shown = (_mirrored(a), _mirrored(b)) if mirrored else (a, b)
        yield _similarity(*shown, _LUMINANCE if last else _NO_LUMINANCE), weight
        a, b = halve(a), halve(b)


def mse_to_psnr(mean_squared_error):
    """PSNR [dB], at most 60, of a mean squared error; NaN stays NaN."""
    floor = _PEAK**2 * 10 ** (-LOSSLESS_PSNR / 10)
    return 10 * np.log10(_PEAK**2 / np.maximum(mean_squared_error, floor))


def _by_groups(function, images, images_hat, *more):
    """What a function gives for as many images at once as memory should hold."""
    group = max(1, _PIXELS_AT_ONCE // images[0].size)
    starts = range(0, len(images), group)
    pairs = [(images[i : i + group], images_hat[i : i + group]) for i in starts]
    return np.concatenate([function(*pair, *more) for pair in pairs])


def _ssim_of_group(images, images_hat):
    values = _similarity(images, images_hat, _LUMINANCE)
    return values.mean(axis=(-2, -1)).mean(axis=-1)


def _ms_ssim_of_group(images, images_hat):
    product = np.ones((len(images), images.shape[-1]))
    for factor, weight in factors_of_scales(images, images_hat):
        product *= np.maximum(factor.mean(axis=(-2, -1)), 0.0) ** weight
    return product.mean(axis=-1)


def _similarity(images, images_hat, k1):
    """scikit-image's SSIM of every image and colour at every position whose window lies
    inside, [batch, 3, h, w]."""
    batch, height, width, colours = images.shape
    values = np.empty((batch, colours, height - 2 * _EDGE, width - 2 * _EDGE))
    group = max(1, _PIXELS_AT_ONCE // images[0].size)
    for start in range(0, batch, group):
        some = slice(start, start + group)
        for rows in _strips(values.shape[2], width * colours):
            seen = slice(rows.start, rows.stop + 2 * _EDGE)  # by the windows
            pair = images[some, seen], images_hat[some, seen]
            values[some, :, rows] = _similarity_of_group(*pair, k1)
    return values


def _strips(height, row_size):
    """Rows of large images that are seen at once: slices."""
    at_once = max(1, _PIXELS_AT_ONCE // row_size)
    starts = range(0, height, at_once)
    return [slice(start, min(start + at_once, height)) for start in starts]


def _similarity_of_group(images, images_hat, k1):
    """One call for all, below each other: a call for each takes five times as long."""
    batch, height, width, colours = images.shape
    tall = (
        np.moveaxis(pixels, -1, 1).reshape(-1, width).astype(np.float64)
        for pixels in (images, images_hat)
    )
    _, similarity = structural_similarity(
        *tall,
        data_range=_PEAK,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        K1=k1,
        full=True,
    )
    similarity = similarity.reshape(batch, colours, height, width)
    return similarity[:, :, _EDGE:-_EDGE, _EDGE:-_EDGE]


def _mirrored(images):
    edge = (_EDGE, _EDGE)
    return np.pad(images, ((0, 0), edge, edge, (0, 0)), mode="symmetric")


def halve(images):
    """Mean of 2x2 pixels; an odd last row or column is dropped."""
    batch, height, width, colours = images.shape
    height, width = height // 2, width // 2
    images = images[:, : 2 * height, : 2 * width]
    return images.reshape(batch, height, 2, width, 2, colours).mean((2, 4))


def check_batches(images, images_hat, min_side=1):
    """Both as arrays; `ValueError` unless they are uint8 [batch, H, W, 3], alike."""
    images, images_hat = np.asarray(images), np.asarray(images_hat)
    for batch in (images, images_hat):
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[-1] != 3:
            raise ValueError(
                f"images are {batch.dtype} {batch.shape}; give uint8 [batch, H, W, 3]"
            )
    if images.shape != images_hat.shape:
        raise ValueError(
            f"images are {images.shape} but their estimates {images_hat.shape}"
        )
    if min(images.shape[1:3]) < min_side or len(images) == 0:
        raise ValueError(
            f"images are {images.shape}; this metric needs at least one image, and "
            f"{min_side} pixels a side"
        )
    return images, images_hat
