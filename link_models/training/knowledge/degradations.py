"""What a camera, a codec and a bad channel do to a picture: what restoration undoes.

Blur, noise, coarse coding and loss of pixels, one at a time or mixed, each of a random
strength. All of them work on 8-bit pictures, mirrored at their borders.
"""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter

BLUR_SIGMA = 0.4, 3.0  # pixels
MOTION_LENGTH = 3.0, 11.0  # pixels
NOISE_SIGMA = 1.0, 25.0  # grey levels of 255
QUALITY = 5, 50  # of JPEG and WebP, as Pillow counts
REDUCTION = 1.5, 4.0
_RESAMPLING = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def degraded(image, kind, rng):
    """A picture after one of :data:`KINDS`.

    Parameters
    ----------
    image : [height, width, 3], `uint8`

    kind : `str`
        Of :data:`KINDS`

    rng : `numpy.random.Generator`
        What the strength is drawn from

    Output
    ------
    : [height, width, 3], `uint8`

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; there are {', '.join(KINDS)}")
    return KINDS[kind](image, rng)


def _clean(image, rng):
    return image


def _gaussian_blur(image, rng):
    sigma = rng.uniform(*BLUR_SIGMA)
    return _as_8_bits(gaussian_filter(image.astype("float32"), (sigma, sigma, 0)))


def _motion_blur(image, rng):
    kernel = motion_kernel(rng.uniform(*MOTION_LENGTH), rng.uniform(0, np.pi))
    return _as_8_bits(convolve(image.astype("float32"), kernel[..., None]))


def motion_kernel(length, angle):
    """A straight line of uniform speed, [side, side] with an odd side, of sum 1."""
    radius = int(np.ceil(length / 2)) + 1
    along = np.linspace(-length / 2, length / 2, 8 * radius)
    y, x = radius + along * np.sin(angle), radius + along * np.cos(angle)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), "float32")
    for row, share_y in ((top, top + 1 - y), (top + 1, y - top)):
        for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
            np.add.at(kernel, (row, column), share_y * share_x)
    return kernel / kernel.sum()


def _noise(image, rng):
    sigma = rng.uniform(*NOISE_SIGMA)
    return _as_8_bits(image + sigma * rng.standard_normal(image.shape, "float32"))


def _jpeg(image, rng):
    return _coded(image, "JPEG", rng)


def _webp(image, rng):
    return _coded(image, "WEBP", rng)


def _coded(image, codec, rng):
    quality = int(rng.integers(QUALITY[0], QUALITY[1] + 1))
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, codec, quality=quality)
        return np.array(Image.open(file).convert("RGB"))


def _rescaled(image, rng):
    height, width = image.shape[:2]
    factor = rng.uniform(*REDUCTION)
    small = max(1, round(width / factor)), max(1, round(height / factor))
    down, up = (_RESAMPLING[i] for i in rng.integers(len(_RESAMPLING), size=2))
    picture = Image.fromarray(image).resize(small, down)
    return np.array(picture.resize((width, height), up))


def _mixed(image, rng):
    """Blur or loss of pixels, then noise, then coding, as they follow one another."""
    first = (_clean, _gaussian_blur, _motion_blur, _rescaled)[rng.integers(4)]
    image = first(image, rng)
    if first is _clean or rng.random() < 0.7:
        image = _noise(image, rng)
    if rng.random() < 0.6:
        image = (_jpeg, _webp)[rng.integers(2)](image, rng)
    return image


def _as_8_bits(image):
    return np.clip(np.rint(image), 0, 255).astype("uint8")


KINDS = {
    "clean": _clean,
    "gaussian_blur": _gaussian_blur,
    "motion_blur": _motion_blur,
    "noise": _noise,
    "jpeg": _jpeg,
    "webp": _webp,
    "rescaled": _rescaled,
    "mixed": _mixed,
}
