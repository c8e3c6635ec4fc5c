"""Candidates: pictures of a class that both ends imagine alike, without a bit sent.

generator, seed, text --> pictures 0, 1, 2, ... --> what is computed of each
                                 '--> disk                  '--> disk
"""

import numpy as np
from tqdm import tqdm

from semcom_phy.array_hash import array_sha256
from semcom_phy.checks import check_integer
from semcom_phy.knowledge_base.array_store import ArrayStore

SIZE = 32, 32  # height and width [pixels]
_AT_ONCE = 50


class Candidates:
    """Pictures of what a text says, made once and kept on disk.

    Picture number k is a function of generator, seed, text and k: those of a larger
    number begin with those of a smaller one.

    Parameters
    ----------
    generator : :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`

    num : `int`
        Pictures of a text

    seed : `int`

    folder : path
        Where they are kept, read again each time they are asked for

    Attributes
    ----------
    identity : `dict`
        Plain values that tell these candidates from others

    Raises
    ------
    ValueError
        If ``num`` or ``seed`` is out of its range.
    """

    def __init__(self, generator, num, seed, folder):
        check_integer("num", num, 1)
        check_integer("seed", seed, 0, 2**32 - 1)
        self.generator, self.num, self.seed = generator, num, seed
        self.identity = {"generator": generator.identity, "num": num, "seed": seed}
        self._store = ArrayStore(folder)

    def images(self, text):
        """Candidates of a text.

        Parameters
        ----------
        text : `str`
            Such as :func:`~semcom_phy.knowledge_base.class_prompts.class_prompt` gives

        Output
        ------
        : [num, 32, 32, 3], `uint8`

        Raises
        ------
        ValueError
            If the generator cannot paint it, or not as often.
        """
        return self._store.array(
            {"candidates": self.identity, "text": text},
            lambda: painted(self.generator, text, self.num, self.seed),
        )

    def sha256(self, text):
        """Hash of the pixels of :meth:`images`, `str`."""
        return array_sha256(self.images(text))

    def computed(self, text, key, make):
        """What is computed of each candidate.

        Parameters
        ----------
        text : `str`
            As of :meth:`images`

        key : `dict`
            Plain values that tell ``make`` from all others

        make : callable, [n, 32, 32, 3], `uint8` -> [n, ...]
            Asked for 50 pictures at once; none may depend on those beside it

        Output
        ------
        : [num, ...]
        """
        images = self.images(text)

        def made():
            blocks = _progress(text, self.num)
            return np.concatenate([make(images[block]) for block in blocks])

        about = {"computed": key, "pixels": array_sha256(images)}
        return self._store.array(about, made)


def painted(generator, text, num, seed):
    """Pictures of a text, [num, 32, 32, 3], `uint8`, in blocks of 50."""
    return np.concatenate(
        [
            generator.generate(
                [text], seed, block.stop - block.start, SIZE, first=block.start
            )[0]
            for block in _progress(text, num)
        ]
    )


def _progress(text, num):
    """Slices of 50, shown on stderr as they are done."""
    with tqdm(total=num, desc=text, unit="picture", disable=None, leave=False) as bar:
        for start in range(0, num, _AT_ONCE):
            block = slice(start, min(start + _AT_ONCE, num))
            yield block
            bar.update(block.stop - block.start)
