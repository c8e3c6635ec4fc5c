r"""A memory of what was learned before: short-term and long-term (MED).

F. Jiang et al., "Visual language model based cross-modal semantic communication
systems", IEEE Trans. Wireless Commun. 2025, arXiv:2407.00020, section IV-C.

    new samples --> STM (500) --full--> which of them? --> LTM (at most 2,000)
                     |                                      |
                     '---- batches, in proportion ----------'

When the short-term memory is full, every sample of it is compared with the long-term
memory,

.. math::
    \mathrm{RBF}(\mathbf{s}_i, \mathbf{s}_j) =
    \exp\Big(-\frac{\|\mathbf{v}_i - \mathbf{v}_j\|^2}{2 \tau^2}\Big), \qquad
    R(\mathbf{s}_i) = \frac{1}{n_{ltm}} \sum_j \mathrm{RBF}(\mathbf{s}_i, \mathbf{s}_j)

(equations 13 and 15), some go over to the long-term memory by their R (16), and the
short-term memory is emptied.

Differences from the paper
--------------------------
* Equation 14 is not equation 13 in matrix form: its argument is the square of an inner
  product, :math:`(\mathbf{v}_i^T\mathbf{v}_j)^2`, and not of a distance. Here 13 holds,
  by :math:`\|\mathbf{v}_i\|^2 + \|\mathbf{v}_j\|^2 - 2\mathbf{v}_i^T\mathbf{v}_j`.
* The text moves samples "that differ" from the long-term memory, equation 16 and
  Algorithm 1 those with R > lambda, which are similar. Both are here.
* With tau = 10 the threshold 0.05 tells nothing: layer-normalised vectors of 128
  features, and means of such, are at most :math:`2 \sqrt{128}` apart, so that no R is
  below exp(-2.56) = 0.077. By the equation all samples move, by the text none. Hence
  the threshold may also be put where a share of the samples moves.
* The paper says nothing of an empty long-term memory, where R is not defined: the first
  full short-term memory moves whole.
* Nor of a full one: it is kept a uniform random sample of all that were ever chosen, so
  that what came early is not washed out (reservoir sampling).
* In Algorithm 1 the sample that arrives at a full memory is lost, and the short-term
  memory is cleared at every sample: here it is cleared when it was full.
"""

from dataclasses import dataclass

import numpy as np

from semcom_phy.checks import check_integer, check_number
from semcom_phy.seeding import derived_seed

READINGS = ("equation", "text")
TAU = 10.0
PRINTED_THRESHOLD = 0.05
STM_SIZE, LTM_SIZE = 500, 2000


def similarities(features, others, tau=TAU):
    """Kernel of equation 13.

    Input
    -----
    features : [n, dim], `float`

    others : [m, dim], `float`

    tau : `float`, (default 10)
        Scale, in the unit of the features

    Output
    ------
    : [n, m], `float64`
        0 ... 1
    """
    features, others = np.asarray(features, "float64"), np.asarray(others, "float64")
    squares = np.sum(features**2, axis=1)[:, None] + np.sum(others**2, axis=1)
    squared = np.maximum(squares - 2 * features @ others.T, 0.0)
    return np.exp(-squared / (2 * tau**2))


@dataclass(frozen=True)
class Selection:
    """Which samples go over to the long-term memory (equation 16).

    Parameters
    ----------
    reading : "equation" | "text"
        Those with R above the threshold, which are similar to what is there; those
        below, which differ

    threshold : `float` or `None`, (default `None`)
        Lambda; the paper has 0.05. `None`: where ``share`` of the samples moves

    share : `float`, (default 0.5)
        Share of a full short-term memory that moves without a threshold: the threshold
        is then a quantile of R. Of samples with the same R those that came first move

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    reading: str
    threshold: float | None = None
    share: float = 0.5

    def __post_init__(self):
        if self.reading not in READINGS:
            raise ValueError(
                f"reading must be one of {', '.join(READINGS)}, got {self.reading!r}"
            )
        if self.threshold is not None:
            check_number("threshold", self.threshold, 0, 1)
        check_number("share", self.share, 0, 1)

    def moved(self, relevance):
        """Which samples move.

        Input
        -----
        relevance : [n], `float`
            R of equation 15

        Output
        ------
        : [n], `bool`
        """
        sign = 1 if self.reading == "text" else -1
        if self.threshold is not None:
            return sign * relevance < sign * self.threshold
        first = np.argsort(sign * relevance, kind="stable")
        chosen = np.zeros(len(relevance), bool)
        chosen[first[: round(self.share * len(relevance))]] = True
        return chosen


class Memory:
    """Short-term and long-term memory of samples.

    A sample is a number; whoever trains knows what it stands for.

    Parameters
    ----------
    selection : :class:`Selection` or `None`
        `None`: nothing is remembered for long

    seed : `int`
        Of what a full long-term memory forgets

    stm_size, ltm_size : `int`, (default 500, 2000)
        Most samples of each

    tau : `float`, (default 10)
        Scale of the kernel

    Raises
    ------
    ValueError
        If a size is below 1, or the long-term memory smaller than the short-term one,
        which moves into it whole.
    """

    def __init__(self, selection, seed, stm_size=STM_SIZE, ltm_size=LTM_SIZE, tau=TAU):
        check_integer("stm_size", stm_size, 1)
        check_integer("ltm_size", ltm_size, stm_size)
        check_number("tau", tau, 1e-6, 1e6)
        self.selection, self.seed = selection, seed
        self.stm_size, self.ltm_size, self.tau = stm_size, ltm_size, tau
        self.stm = self.ltm = np.zeros(0, "int64")
        self._num_chosen = 0

    def store(self, samples):
        """Takes new samples into the short-term memory.

        Input
        -----
        samples : [n], `int`

        Raises
        ------
        ValueError
            If there is no room for them: :meth:`consolidate` first.
        """
        room = self.stm_size - len(self.stm)
        if len(samples) > room:
            raise ValueError(
                f"{len(samples)} samples for a short-term memory with room for {room}: "
                "consolidate it first"
            )
        self.stm = np.concatenate([self.stm, np.asarray(samples, "int64")])

    def draw(self, count, rng):
        """Samples of a batch, from both memories in proportion to what they hold.

        Input
        -----
        count : `int`
            Number of samples

        rng : `numpy.random.Generator`

        Output
        ------
        : [count], `int64`
            With replacement; those of the long-term memory last

        Raises
        ------
        ValueError
            If nothing is stored.
        """
        held = len(self.stm) + len(self.ltm)
        if not held:
            raise ValueError("the memory is empty: store samples first")
        # Rounded up or down at random, so that the mean share is exact.
        old = int(count * len(self.ltm) / held + rng.random())
        parts = ((self.stm, count - old), (self.ltm, old))
        return np.concatenate(
            [own[rng.integers(len(own), size=n)] for own, n in parts if n]
        )

    def relevance(self, features):
        """R of every sample in the short-term memory (equation 15).

        Input
        -----
        features : callable, [n] `int` -> [n, dim] `float`
            Of samples

        Output
        ------
        : [n], `float64`, or `None`
            `None` where the long-term memory is empty
        """
        if not len(self.ltm):
            return None
        new, old = features(self.stm), features(self.ltm)
        return similarities(new, old, self.tau).mean(axis=1)

    def consolidate(self, features):
        """Algorithm 1 with a full short-term memory, which is empty afterwards.

        Input
        -----
        features : as of :meth:`relevance`

        Output
        ------
        relevance : as of :meth:`relevance`
            `None` as well where nothing is remembered for long

        num_moved : `int`
            Samples that were chosen for the long-term memory
        """
        relevance, chosen = None, self.stm[:0]
        if self.selection is not None:
            relevance, chosen = self.relevance(features), self.stm
            if relevance is not None:
                chosen = self.stm[self.selection.moved(relevance)]
        self._remember(chosen)
        self.stm = self.stm[:0]
        return relevance, len(chosen)

    def state(self):
        """All that changes, `dict` of name -> `int64` array, for a checkpoint."""
        return {
            "stm": self.stm,
            "ltm": self.ltm,
            "num_chosen": np.array(self._num_chosen, "int64"),
        }

    def restore(self, state):
        """Puts a :meth:`state` back.

        Raises
        ------
        ValueError
            If it holds more than there is room for.
        """
        stm, ltm = (np.array(state[name], "int64").ravel() for name in ("stm", "ltm"))
        if len(stm) > self.stm_size or len(ltm) > self.ltm_size:
            raise ValueError(
                f"a state of {len(stm)} and {len(ltm)} samples does not fit memories "
                f"of {self.stm_size} and {self.ltm_size}"
            )
        self.stm, self.ltm = stm, ltm
        self._num_chosen = int(state["num_chosen"])

    def _remember(self, chosen):
        """Reservoir sampling (J. Vitter, "Random sampling with a reservoir", 1985)."""
        free = self.ltm_size - len(self.ltm)
        self.ltm = np.concatenate([self.ltm, chosen[:free]])
        self._num_chosen += len(chosen[:free])
        for sample in chosen[free:]:
            self._num_chosen += 1
            rng = np.random.default_rng(derived_seed(self.seed, self._num_chosen))
            place = rng.integers(self._num_chosen)
            if place < self.ltm_size:
                self.ltm[place] = sample
