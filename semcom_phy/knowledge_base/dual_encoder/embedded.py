"""The embedded dual encoder: EfficientNet-Lite0 and all-MiniLM-L6-v2, both locked, and
projections into one space, trained on Flickr8k and on what classes are called.

Trained with ``python -m link_models.training dual_encoder``; what it is worth:
docs/knowledge_bases.md.
"""

import numpy as np

from semcom_phy.knowledge_base.checks import check_images, check_texts
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.efficientnet import (
    DETAIL_GRID,
    DETAIL_WIDTH,
    GRID,
    efficientnet,
)
from semcom_phy.knowledge_base.embedded_weights import (
    SHIPPED,
    frozen_network,
    load_weights,
)
from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder


class EmbeddedDualEncoder:
    """Unit vectors of 256 numbers.

    Parameters
    ----------
    folder : path, (default: that of the shipped weights)
        Where ``dual_encoder.h5`` and its JSON lie

    Raises
    ------
    ImportError
        If the extra is not installed.

    FileNotFoundError, ValueError
        If the weights are missing or altered.
    """

    def __init__(self, folder=SHIPPED):
        self._looks, self._reads = efficientnet(), sentence_encoder()

        from semcom_phy.knowledge_base.dual_encoder.network import DualNetwork

        tensors, record = load_weights("dual_encoder", folder)
        network = DualNetwork(**record["config"])
        self._network = frozen_network(network, tensors)
        self._cache = ContentCache()
        self._width = record["config"]["width"]
        self.identity = {
            "model": "embedded dual encoder",
            "sha256": record["sha256"],
            "looks": self._looks.identity,
            "reads": self._reads.identity,
        }

    def image_features(self, images):
        def look(new):
            return self._project(self._network.images, self._looks.pooled(new))

        return self._answers(check_images(images), look, "image")

    def text_features(self, texts):
        def read(new):
            return self._project(self._network.texts, self._reads.encode(new))

        return self._answers(check_texts("texts", texts), read, "text")

    def patch_features(self, images):
        def look(new):
            return self._project(self._network.images, self._looks.maps(new))

        return self._answers(check_images(images), look, "patches", GRID)

    def detail_features(self, images):
        images = check_images(images)
        found = self._cache.answers(
            list(images), lambda new: self._looks.details(np.stack(new)), "details"
        )
        shape = len(images), *DETAIL_GRID, DETAIL_WIDTH
        return np.array(found, "float32").reshape(shape)

    def _answers(self, items, ask, key, grid=()):
        found = self._cache.answers(list(items), ask, key)
        return np.array(found, "float32").reshape(len(items), *grid, self._width)

    def _project(self, tower, features):
        import torch

        with torch.inference_mode():
            return tower(torch.from_numpy(features)).numpy()
