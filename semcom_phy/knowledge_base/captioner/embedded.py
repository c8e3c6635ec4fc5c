"""The embedded captioner: EfficientNet-Lite0 looks, a small transformer writes.

It has learned from the captions of Flickr8k, and from what the classes of small
pictures are called. Trained with ``python -m link_models.training captioner``; what it
is worth: docs/knowledge_bases.md.
"""

from semcom_phy.knowledge_base.captioner.vocabulary import Vocabulary
from semcom_phy.knowledge_base.checks import check_images
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.efficientnet import efficientnet
from semcom_phy.knowledge_base.embedded_weights import (
    SHIPPED,
    frozen_network,
    load_weights,
)

_BATCH = 32


class EmbeddedCaptioner:
    """Captions by beam search, always the same.

    Parameters
    ----------
    beams : `int`, (default 3)
        Captions that are pursued at a time

    length_power : `float`, (default 0.8)
        As of :meth:`~.network.CaptionNetwork.write`

    folder : path, (default: that of the shipped weights)
        Where ``captioner.h5`` and its JSON lie

    Raises
    ------
    ImportError
        If the extra is not installed.

    FileNotFoundError, ValueError
        If the weights are missing or altered.
    """

    def __init__(self, beams=3, length_power=0.8, folder=SHIPPED):
        self._looks = efficientnet()  # says what to install

        from semcom_phy.knowledge_base.captioner.network import CaptionNetwork

        tensors, record = load_weights("captioner", folder)
        self._vocabulary = Vocabulary(record["words"])
        network = CaptionNetwork(**record["config"])
        self._network = frozen_network(network, tensors)
        self._beams, self._length_power = beams, length_power
        self._cache = ContentCache()
        self.identity = {
            "model": "embedded captioner",
            "sha256": record["sha256"],
            "looks": self._looks.identity,
            "beams": beams,
            "length_power": length_power,
        }

    def caption(self, images):
        return self._cache.answers(list(check_images(images)), self._write)

    def _write(self, images):
        import torch

        captions = []
        for start in range(0, len(images), _BATCH):
            maps = self._looks.maps(images[start : start + _BATCH])
            words = self._network.write(
                torch.from_numpy(maps), self._beams, self._length_power
            )
            captions += [self._vocabulary.decode(own) for own in words.tolist()]
        return captions
