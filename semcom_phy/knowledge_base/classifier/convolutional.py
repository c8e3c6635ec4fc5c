"""Classifiers of their own: networks trained from scratch on one data set each.

They share no weights, no layers and no other data with the models that say or draw what
a picture shows.

Trained with ``python -m link_models.training classifier``; how often they are right:
``python -m benchmarks.classifier_accuracy``.
"""

import numpy as np

from semcom_phy.knowledge_base.checks import check_images
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.embedded_weights import (
    SHIPPED,
    frozen_network,
    load_weights,
)
from semcom_phy.knowledge_base.loading import INSTALL

_BATCH = 64


class ConvClassifier:
    """The shipped network of a data set.

    Parameters
    ----------
    name : `str`
        "cifar10", "tinyimagenet24", "catsdogs", or what was trained into ``folder``

    folder : path, (default: that of the shipped weights)
        Where ``classifier_<name>.h5`` and ``.json`` lie

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing or damaged.

    ImportError
        If the extra is not installed.
    """

    def __init__(self, name, folder=SHIPPED):
        try:
            import torch

            from semcom_phy.knowledge_base.classifier.network import ConvNetwork
        except ImportError as error:
            raise ImportError(f"classifiers run on PyTorch: {INSTALL}") from error
        label = f"classifier_{name}"
        tensors, record = load_weights(label, folder)
        network = ConvNetwork(**record["config"]["network"])
        network = frozen_network(network, tensors)
        self._network = network.to(memory_format=torch.channels_last)
        self.side = record["config"]["side"]
        self.class_names = tuple(record["config"]["class_names"])
        self.identity = {"classifier": label, "sha256": record["sha256"]}
        self._cache = ContentCache()

    def probabilities(self, images):
        """Probability of each class.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`
            Of another size than the data set's: resized, the aspect ratio not kept

        Output
        ------
        : [num_images, num_classes], `float32`
        """
        found = self._cache.answers(list(check_images(images)), self._ask)
        return np.array(found, "float32").reshape(-1, len(self.class_names))

    def _ask(self, images):
        import torch

        from semcom_phy.knowledge_base.classifier.network import scaled

        with torch.inference_mode():
            logits = [
                self._network(scaled(np.stack(images[i : i + _BATCH]), self.side))
                for i in range(0, len(images), _BATCH)
            ]
        return torch.softmax(torch.cat(logits), -1).numpy()
