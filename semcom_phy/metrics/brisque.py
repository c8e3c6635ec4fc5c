r"""BRISQUE: how unnatural a picture looks, told without the picture that was meant.

    grey --> minus local mean, by local deviation --> shapes of 5 distributions -+
    halved --------------------> the same ---------------------------------------+-> SVR

The constants and the details are those of the PyPI package brisque 0.2.0 (Apache-2.0),
so that the scores are its scores: grey in 0 ... 1, windows of 7x7 pixels with zeros
beyond the borders, OpenCV's cubic halving. Of that package one file of text is read,
the support vectors; it is not imported, and neither OpenCV nor libsvm is needed.

References
----------
A. Mittal, A. K. Moorthy, A. C. Bovik, "No-reference image quality assessment in the
spatial domain", IEEE Trans. Image Process. 21(12), 2012; C.-C. Chang, C.-J. Lin,
"LIBSVM: a library for support vector machines", ACM TIST 2(3), 2011.
"""

from functools import lru_cache

import numpy as np
from scipy.optimize import root
from scipy.signal import convolve2d
from scipy.special import gamma
from skimage.color import rgb2gray

from semcom_phy.knowledge_base.packaged_file import packaged_file
from semcom_phy.metrics.image import check_batches

SVM_SHA256 = "19526fb799c4c7992ccc109fcfecddb25976ba024b194cd3ee275d27e8909c8d"
NUM_FEATURES = 36
MIN_SIDE = 16  # pixels, so that the halved picture holds a window
_SIDE, _SIGMA = 7, 7 / 6  # of the window [pixels]
_CONTRAST = 1 / 255  # added to the local deviation
# Features are scaled by these to -1 ... 1: min_ and max_ of models/normalize.pickle in
# brisque 0.2.0, as pickletools lists them.
_LEAST = np.array(
    """
    0.336999 0.019667 0.23 -0.125959 0.000167 0.000616 0.231 -0.125873 0.000165
    0.0006 0.241 -0.128814 0.000179 0.000386 0.243 -0.13308 0.000182 0.000421
    0.436998 0.016929 0.247 -0.200231 0.000104 0.000834 0.257 -0.200017 0.000112
    0.000876 0.257 -0.155072 0.000112 0.000356 0.258 -0.154374 0.000117 0.000351
    """.split(),
    "float64",
)
_MOST = np.array(
    """
    9.999411 0.807472 1.644021 0.202917 0.712384 0.468672 1.644021 0.169548 0.713132
    0.467896 1.553016 0.101368 0.687324 0.533087 1.554016 0.101 0.689177 0.533133
    3.639918 0.800955 1.096995 0.175286 0.755547 0.39927 1.095995 0.155928 0.751488
    0.402398 1.041992 0.093209 0.623516 0.532925 1.042992 0.093714 0.621958 0.534484
    """.split(),
    "float64",
)


def brisque(images):
    r"""BRISQUE of each image; the lower, the more natural.

    .. math::
        \sum_i a_i e^{-\gamma \lVert s_i - f \rVert^2} - \rho

    with the scaled features :math:`f` and the support vectors :math:`s_i`.

    Input
    -----
    images : [batch, height, width, 3], `uint8`
        Of at least 16 pixels a side

    Output
    ------
    : [batch], `float64`
        Around 0 (natural) ... 100 (distorted); may lie outside. NaN for a picture that
        has no distribution to fit, such as one that is black throughout

    Raises
    ------
    ValueError
        If the images are too small or no `uint8` RGB.

    ImportError
        If the extra is not installed.
    """
    scaled = 2 * (brisque_features(images) - _LEAST) / (_MOST - _LEAST) - 1
    weights, vectors, width, rho = _support_vectors()
    distances = np.sum((scaled[:, None] - vectors) ** 2, axis=-1)
    return np.sum(np.exp(-width * distances) * weights, axis=-1) - rho


def brisque_features(images):
    """The 36 shapes of distributions.

    Input
    -----
    images : [batch, height, width, 3], `uint8`

    Output
    ------
    : [batch, 36], `float64`
        For the full and the halved picture: shape and variance of the normalised
        values, then shape, mean and both variances of the products of neighbours
        (beside, below, on both diagonals); NaN where there is nothing to fit

    Raises
    ------
    ValueError
        If the images are too small or no `uint8` RGB.
    """
    images, _ = check_batches(images, images, MIN_SIDE)
    found = np.empty((len(images), NUM_FEATURES))
    for row, image in zip(found, images, strict=True):
        grey = rgb2gray(image)
        row[:] = [*_shapes(grey), *_shapes(_halved(grey))]
    return found


def _shapes(grey):
    x = _normalised(grey)
    alpha, _, left, right = _fit(x)
    neighbours = (
        x[:, :-1] * x[:, 1:],
        x[:-1] * x[1:],
        x[:-1, :-1] * x[1:, 1:],
        x[1:, :-1] * x[:-1, 1:],
    )
    shapes = [alpha, (left + right) / 2]
    for product in neighbours:
        shapes += _fit(product)
    return shapes


def _normalised(grey):
    """Mean-subtracted, contrast-normalised values.

    By SciPy's direct convolution, as in the package: in flat regions the rounding of
    the mean decides which values count as negative.
    """
    y, x = np.indices((_SIDE, _SIDE)) - _SIDE // 2
    window = 1 / (2 * np.pi * _SIGMA**2) * np.exp(-(x**2 + y**2) / (2 * _SIGMA**2))
    window = window / np.sum(window)
    mean = convolve2d(grey, window, "same")
    deviation = np.sqrt(np.abs(mean**2 - convolve2d(grey**2, window, "same")))
    return (grey - mean) / (deviation + _CONTRAST)


def _fit(x):
    """Asymmetric generalised Gaussian by its moments: shape, mean, and the variances
    left and right of 0; NaN where one side is empty."""
    below, above = x[x < 0], x[x >= 0]
    if not len(below) or not len(above) or not above.any():
        return [np.nan] * 4
    left, right = np.mean(below**2), np.mean(above**2)
    ratio = np.sqrt(left) / np.sqrt(right)
    moments = np.mean(np.abs(x)) ** 2 / np.mean(x**2)
    moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    alpha = root(lambda a: _moments(a) - moments, [0.2]).x[0]
    width = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    mean = (np.sqrt(right) - np.sqrt(left)) * width
    mean *= gamma(2 / alpha) / gamma(1 / alpha)
    return [alpha, mean, left, right]


def _moments(alpha):
    return gamma(2 / alpha) ** 2 / (gamma(1 / alpha) * gamma(3 / alpha))


def _halved(grey):
    """Half the height and width by OpenCV's INTER_CUBIC, which takes no mean: every
    pixel lies amidst four, weighted as at half a step, the border repeated."""
    for axis in (0, 1):
        size = grey.shape[axis]
        first = 2 * np.arange(round(size / 2))  # a half is rounded to even
        taps = (-0.09375, 0.59375, 0.59375, -0.09375)  # a = -0.75
        grey = sum(
            weight * np.take(grey, np.clip(first + step, 0, size - 1), axis)
            for step, weight in enumerate(taps, start=-1)
        )
    return grey


@lru_cache(maxsize=1)
def _support_vectors():
    """Weights [n], vectors [n, 36], gamma and rho of a file of libsvm."""
    path = packaged_file("brisque", "models/svm.txt", SVM_SHA256)
    head, _, body = path.read_text().partition("SV\n")
    about = dict(line.split(maxsplit=1) for line in head.splitlines())
    lines = [line.split() for line in body.splitlines()]
    vectors = np.zeros((len(lines), NUM_FEATURES))
    for row, (_, *cells) in zip(vectors, lines, strict=True):
        for cell in cells:  # counted from 1; what is not there is 0
            number, value = cell.split(":")
            row[int(number) - 1] = float(value)
    weights = np.array([float(line[0]) for line in lines])
    return weights, vectors, float(about["gamma"]), float(about["rho"])
