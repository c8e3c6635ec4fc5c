"""The candidates that both ends hold, and what is known of them."""

from functools import lru_cache

import numpy as np
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.codecs.mmsemcom import ALL_PARTS
from semcom_phy.knowledge_base.candidates import Candidates
from semcom_phy.knowledge_base.class_prompts import class_prompt
from semcom_phy.knowledge_base.cnn import find_cnn
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
from semcom_phy.knowledge_base.dual_encoder.prompt_list import (
    PROMPTS_FILE,
    read_prompts,
)
from semcom_phy.knowledge_base.generator import find_generator
from semcom_phy.knowledge_base.picture_features import PictureFeatures

_AT_ONCE = 50


class HeldCandidates:
    """Candidates of every class, their pictures, and their values under a codec.

    Parameters
    ----------
    candidates : :class:`~semcom_phy.knowledge_base.candidates.Candidates`

    features : :class:`~semcom_phy.knowledge_base.picture_features.PictureFeatures`

    class_names : sequence of `str`
        Classes, by the labels of the samples
    """

    def __init__(self, candidates, features, class_names):
        self.candidates = candidates
        self.features = features
        self.class_names = tuple(class_names)
        self._remembered = {}
        self._errors, self._targets = ContentCache(), ContentCache()

    @property
    def num(self):
        """Candidates of a class, `int`."""
        return self.candidates.num

    def describe(self):
        """Plain JSON values for the result file."""
        return {
            "generator": self.candidates.generator.identity,
            "candidates": self.num,
            "candidates_seed": self.candidates.seed,
            "classes": list(self.class_names),
        }

    def images(self, label):
        """[num, height, width, 3], `uint8`."""
        return self._once(("images", label), self.candidates.images, label)

    def squared_errors(self, picture, label):
        """Mean squared error of every candidate of a class, [num] `float64`."""

        def compare(new):
            pictures = self.images(label).reshape(self.num, -1).astype("float32")
            off = pictures - np.stack(new).reshape(1, -1)
            return [np.mean(np.square(off), axis=1, dtype="float64")]

        return self._errors.answers([picture], compare, int(label))[0]

    def best(self, picture, label):
        """Number of the candidate of the highest PSNR."""
        return int(np.argmin(self.squared_errors(picture, label)))

    def parts(self, label, valuer):
        """What a :class:`Valuer` makes of every candidate: `dict` of part ->
        [num, ...]."""
        key = {"values": valuer.identity, "features": self.features.identity}

        def make(images):
            return valuer.values(self.features.of(images))

        return self._once(
            ("parts", label, *valuer.identity.values()),
            lambda text: valuer.split(self.candidates.computed(text, key, make)),
            label,
        )

    def target_parts(self, images, valuer):
        """The same of pictures that are sent, `dict` of part -> [batch, ...]."""

        def make(new):
            return valuer.values(self.features.of(np.stack(new)))

        key = tuple(valuer.identity.values())
        return valuer.split(np.stack(self._targets.answers(list(images), make, key)))

    def _once(self, key, ask, label):
        """What is asked about a class, remembered."""
        if key not in self._remembered:
            self._remembered[key] = ask(class_prompt(self.class_names[label]))
        return self._remembered[key]


class Valuer:
    """Values of packed features under an encoder, the same for target and candidate.

    Parameters
    ----------
    encoder : :class:`~semcom_phy.codecs.mmsemcom.MmsemcomEncoder`

    sha256 : `str`
        Of its weights
    """

    def __init__(self, encoder, sha256):
        self.encoder = encoder
        self.identity = {"weights": sha256}
        self._values = compile_fn(self._all_values)

    def values(self, rows):
        """All parts side by side, of blocks of one size, so that none depends on what
        else is asked for: [num, rows, width] -> [num, values], `float32`."""
        found = []
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            block = np.zeros((_AT_ONCE, *rows.shape[1:]), "float32")
            block[: len(part)] = part
            values = ops.convert_to_numpy(self._values(ops.convert_to_tensor(block)))
            found.append(values[: len(part)])
        return np.concatenate(found)

    def split(self, values):
        """Values of :meth:`values` by their part, `dict` of name -> [num, size]; of
        prompts [num, num_prompts, text_width]."""
        sizes = [self.encoder.sizes[part] for part in ALL_PARTS]
        parts = np.split(values, np.cumsum(sizes)[:-1], axis=-1)
        parts = dict(zip(ALL_PARTS, parts, strict=True))
        shape = self.encoder.num_prompts, self.encoder.text_width
        parts["prompts"] = parts["prompts"].reshape(-1, *shape)
        return parts

    def _all_values(self, rows):
        parts = self.encoder.parts(rows)
        return ops.concatenate([parts[part] for part in ALL_PARTS], axis=-1)


@lru_cache(maxsize=4)
def find_picture_features(cnn, dual_encoder, prompt_list, num_prompts):
    """Features by the names of their models, one for all systems of a process.

    Parameters
    ----------
    cnn, dual_encoder : `str`
        As of :func:`~semcom_phy.knowledge_base.cnn.find_cnn` and
        :func:`~semcom_phy.knowledge_base.dual_encoder.find_dual_encoder`

    prompt_list : `str` or `None`
        File of prompts, one a line; `None`: those that are shipped

    num_prompts : `int`
        Of a picture

    Raises
    ------
    ImportError, FileNotFoundError, ValueError
        If the extra is not installed, or one of them is missing or none.
    """
    prompts = read_prompts(prompt_list or PROMPTS_FILE)
    return PictureFeatures(
        find_cnn(cnn), find_dual_encoder(dual_encoder), prompts, num_prompts
    )


@lru_cache(maxsize=4)
def find_held(generator, num, seed, folder, class_names, features):
    """Candidates by the name of their generator, one for all systems of a process.

    Parameters
    ----------
    generator : `str`
        As of :func:`~semcom_phy.knowledge_base.generator.find_generator`

    num, seed, folder
        As of :class:`~semcom_phy.knowledge_base.candidates.Candidates`

    class_names : `tuple` of `str`

    features : of :func:`find_picture_features`
    """
    candidates = Candidates(find_generator(generator), num, seed, folder)
    return HeldCandidates(candidates, features, class_names)
