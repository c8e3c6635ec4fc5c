"""Pictures as few numbers of unit variance, and back.

picture --> colour transform --> 2-D DCT of each plane --> coefficients of most variance
        --> (value - mean) / standard deviation

Both transforms are orthonormal and fixed: nothing of them has to be stored.
"""

import numpy as np
from scipy.fft import dctn, idctn

SIDE = 32
# Brightness, red against blue, green against both: rows are orthonormal.
COLOURS = np.array(
    [[1, 1, 1], [1, 0, -1], [1, -2, 1]] / np.sqrt([[3], [2], [6]]), "float32"
)
_AXES = (1, 2)
_LARGE = 128  # coefficients whose noise has its full strength
_TENSORS = ("kept", "mean", "deviation", "limit")


class Spectrum:
    """The coefficients that pictures of a kind are made of.

    Parameters
    ----------
    kept : [num], `int`
        Places of the coefficients among the 32 * 32 * 3, row by row, colour last

    mean, deviation : [num], `float32`
        Of each coefficient, of pictures between -1 and 1

    limit : `float`
        Largest whitened value: rare ones beyond it are clipped
    """

    def __init__(self, kept, mean, deviation, limit):
        self.kept = np.asarray(kept)
        self.mean = np.asarray(mean, "float32")
        self.deviation = np.asarray(deviation, "float32")
        self.limit = float(np.squeeze(limit))

    @classmethod
    def of_pictures(cls, images, num, limit):
        """Of training pictures and their mirror images.

        Input
        -----
        images : [num_images, 32, 32, 3], `uint8`

        num : `int` or `None`
            How many coefficients; `None` for all, brought to unit variance together,
            not each by itself

        limit : `float`

        Output
        ------
        spectrum : `Spectrum`

        energy : `float`
            Share of the variance of all coefficients that those kept have
        """
        total, squares = np.zeros(SIDE * SIDE * 3), np.zeros(SIDE * SIDE * 3)
        for start in range(0, len(images), 1000):
            values = _coefficients(images[start : start + 1000])
            total += values.sum(0, dtype="float64")
            squares += np.square(values).sum(0, dtype="float64")
        mean = np.where(_mirror_signs() > 0, total / len(images), 0.0)
        variance = squares / len(images) - mean**2
        if num is None:
            variance[:] = variance.mean()
        kept = np.sort(np.argsort(-variance, kind="stable")[:num])
        deviation = np.sqrt(variance[kept])
        energy = variance[kept].sum() / variance.sum()
        return cls(kept, mean[kept], deviation, limit), float(energy)

    @classmethod
    def of_tensors(cls, tensors):
        """As :meth:`tensors` gave it."""
        return cls(*(tensors[f"spectrum.{name}"] for name in _TENSORS))

    def tensors(self):
        """`dict` of arrays to be stored."""
        values = self.kept, self.mean, self.deviation, np.array([self.limit], "float32")
        names = (f"spectrum.{name}" for name in _TENSORS)
        return dict(zip(names, values, strict=True))

    @property
    def mirror(self):
        """[num], `float32`: -1 where a mirror image has the other sign."""
        return _mirror_signs()[self.kept]

    def encode(self, images):
        """[num_images, 32, 32, 3], `uint8` -> [num_images, num], `float32`."""
        values = _coefficients(images)[:, self.kept]
        return self.clip((values - self.mean) / self.deviation)

    def decode(self, values):
        """[num_images, num], `float32` -> [num_images, 32, 32, 3], `float32`, 0 to 255
        where the picture is not beyond black and white."""
        full = np.zeros((len(values), SIDE * SIDE * 3), "float32")
        full[:, self.kept] = values * self.deviation + self.mean
        planes = idctn(full.reshape(-1, SIDE, SIDE, 3), axes=_AXES, norm="ortho")
        return (planes @ COLOURS + 1) * 127.5

    def clip(self, values):
        return np.clip(values, -self.limit, self.limit)


def noise_strength(deviation):
    """How strong the noise is that coefficients begin as, [num] `float32`.

    1 for large coefficients, for others by their deviation: the many small ones can
    hardly be guessed, and their noise would stay in the picture as it is.

    Input
    -----
    deviation : [num], `float32`
    """
    least = np.sort(deviation)[-min(_LARGE, len(deviation))]
    return np.minimum(deviation / least, 1)


def _coefficients(images):
    planes = (np.asarray(images, "float32") / 127.5 - 1) @ COLOURS.T
    return dctn(planes, axes=_AXES, norm="ortho").reshape(len(images), -1)


def _mirror_signs():
    """A mirror image has the same DCT, odd horizontal frequencies negated."""
    signs = np.ones((SIDE, SIDE, 3), "float32")
    signs[:, 1::2] = -1
    return signs.ravel()
