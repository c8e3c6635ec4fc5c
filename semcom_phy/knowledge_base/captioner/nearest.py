"""What is said of the picture that looks most alike, among those that both ends hold.

picture --> DualEncoder --.
held ------> DualEncoder --+--> similarity --> the nearest one's caption
"""

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.said import said_of
from semcom_phy.sources.samples import hashes_beside

_BATCH = 32


class NearestCaptioner:
    """The first caption, or the class, of the nearest picture of a gallery.

    Parameters
    ----------
    samples : :class:`~semcom_phy.sources.samples.Samples`
        As of :func:`~semcom_phy.knowledge_base.said.said_of`

    encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`
        Its text side is not used

    Raises
    ------
    ValueError
        If the samples are test images, or nothing is said of them.
    """

    def __init__(self, samples, encoder):
        self._said = said_of(samples)
        self._encoder = encoder
        batches = range(0, len(samples), _BATCH)
        held = [encoder.image_features(samples.images[i : i + _BATCH]) for i in batches]
        self._features = np.concatenate(held)
        self._cache = ContentCache()
        self.identity = {
            "model": "nearest picture",
            "dataset": samples.provenance["dataset"],
            "split": samples.provenance["split"],
            "images_sha256": array_sha256(samples.images),
            **hashes_beside(texts=[[text] for text in self._said]),
            "encoder": encoder.identity,
        }

    def caption(self, images):
        """As of :class:`~semcom_phy.knowledge_base.interfaces.Captioner`."""
        return self._cache.answers(list(images), self._nearest)

    def _nearest(self, images):
        features = self._encoder.image_features(np.stack(images))
        found = np.argmax(features @ self._features.T, axis=-1)
        return [self._said[index] for index in found]
