r"""How a receiver chooses among candidates by what arrived.

Distance of vectors, equations 14 to 19 of the MMSemCom paper: the mean of cosine and
Euclidean distance,

.. math::
    D(a, b) = \frac{1}{2} \left(1 - \frac{\langle a, b \rangle}
        {\lVert a \rVert \lVert b \rVert} + \lVert a - b \rVert \right)
"""

from dataclasses import dataclass

import numpy as np


def distances(value, candidates):
    """D of one vector to each candidate.

    Input
    -----
    value : [..., n], `float`

    candidates : [num, ..., n], `float`

    Output
    ------
    : [num, ...], `float64`
    """
    value, candidates = np.asarray(value, float), np.asarray(candidates, float)
    length = np.linalg.norm(candidates, axis=-1) * np.linalg.norm(value, axis=-1)
    cosine = np.sum(candidates * value, axis=-1) / np.maximum(length, 1e-12)
    return (1 - cosine + np.linalg.norm(candidates - value, axis=-1)) / 2


@dataclass(frozen=True)
class Closest:
    """The candidate of least distance, of several equal ones the first.

    Parameters
    ----------
    part : `str`
        Of the values that are sent: "fused", "image", "plain" or "prompts"; of prompts
        the mean distance counts
    """

    part: str

    def choose(self, value, candidates):
        """Number of a candidate.

        Input
        -----
        value : `dict` of part -> [...]
            That arrived; prompts [num_prompts, text_width]

        candidates : `dict` of part -> [num, ...]
        """
        return int(np.argmin(self.of(self.part, value, candidates)))

    @staticmethod
    def of(part, value, candidates):
        """Distance of every candidate in one part, [num]."""
        found = distances(value[part], candidates[part])
        return found.reshape(len(found), -1).mean(1)

    def describe(self):
        return f"least distance of {self.part}"


@dataclass(frozen=True)
class TextThenImage:
    """The K candidates closest by their prompts, and of them the closest by image
    features.

    Parameters
    ----------
    top : `int`
        K
    """

    top: int

    def choose(self, value, candidates):
        """As of :meth:`Closest.choose`."""
        by_text = Closest.of("prompts", value, candidates)
        kept = np.argsort(by_text, kind="stable")[: self.top]
        by_image = distances(value["image"], candidates["image"][kept])
        return int(kept[np.argmin(by_image)])

    def describe(self):
        return f"the {self.top} closest by prompts, of them the closest by image"
