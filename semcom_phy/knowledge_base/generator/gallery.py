"""Pictures that both ends hold, found by what is said of them: nothing is painted."""

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.generator.request import check_request, resized
from semcom_phy.knowledge_base.said import said_of
from semcom_phy.seeding import derived_seed
from semcom_phy.sources.samples import hashes_beside


class Gallery:
    """Gives the pictures whose captions are closest to a caption.

    Closest by the cosine of sentence vectors. Among pictures of the same similarity,
    such as those of one class, the seed draws without replacement: picture number k of
    a caption is the k-th of that order.

    A gallery must not hold what is sent: samples of a split "test" are refused.

    Parameters
    ----------
    samples : :class:`~semcom_phy.sources.samples.Samples`
        With captions, of which the first one of each picture counts, or with classes
        that have names

    encoder : :class:`~semcom_phy.knowledge_base.sentence_encoder.SentenceEncoder`

    Raises
    ------
    ValueError
        If the samples are test images, or nothing can be said of them.
    """

    def __init__(self, samples, encoder):
        said, source = said_of(samples), samples.provenance
        numbers = {}  # Pictures with the same text have the very same similarity.
        self._said = np.array([numbers.setdefault(t, len(numbers)) for t in said])
        self._vectors = encoder.encode_many(list(numbers))
        self._images = samples.images
        self._encoder = encoder
        self.identity = {
            "model": "gallery",
            "dataset": source["dataset"],
            "split": source["split"],
            "images_sha256": array_sha256(samples.images),
            **hashes_beside(texts=[[text] for text in said]),
            "encoder": encoder.identity,
        }

    def generate(self, captions, seed, num=1, size=None, first=0):
        """Pictures of each caption, as of
        :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`.

        Raises
        ------
        ValueError
            If the request is none, or asks for more pictures than there are.
        """
        check_request(captions, num, size, first)
        if first + num > len(self._images):
            raise ValueError(
                f"{first + num} pictures of a caption asked for, the gallery of "
                f"{self.identity['dataset']!r} holds {len(self._images)}"
            )
        vectors = self._encoder.encode(captions)
        return np.stack(
            [
                [
                    resized(self._images[i], size)
                    for i in self._order(text, vector, seed)[first : first + num]
                ]
                for text, vector in zip(captions, vectors, strict=True)
            ]
        )

    def _order(self, caption, vector, seed):
        """All pictures, the closest first; where they are as close, as drawn."""
        cosine = (self._vectors @ vector)[self._said]
        rng = np.random.default_rng(derived_seed(seed, "generate", caption))
        return np.lexsort((rng.permutation(len(cosine)), -cosine))
