"""A linear probe: classes told from the pooled features of EfficientNet-Lite0."""

import numpy as np

from semcom_phy.knowledge_base.checks import check_images
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.efficientnet import EfficientNetLite0, efficientnet
from semcom_phy.knowledge_base.embedded_weights import SHIPPED, load_weights


class ProbeClassifier:
    r"""Softmax of one linear layer on features that were trained on ImageNet-1k.

    .. math::
        p = \operatorname{softmax}(W f(\text{image}) + b)

    NOT independent of the embedded captioner and dual encoder, which see through the
    same features: it may tell as right what they have in common as mistakes. Tiny
    ImageNet's pictures are of ImageNet besides.

    Parameters
    ----------
    name : `str`
        "cifar10", "tinyimagenet24", "catsdogs", or what was fitted into ``folder``

    folder : path, (default: that of the shipped weights)
        Where ``probe_<name>.h5`` and ``.json`` lie

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing or damaged.

    ImportError
        If the extra is not installed.
    """

    def __init__(self, name, folder=SHIPPED):
        label = f"probe_{name}"
        tensors, record = load_weights(label, folder)
        self._weight, self._bias = tensors["weight"], tensors["bias"]
        self._features = efficientnet()
        self.class_names = tuple(record["config"]["class_names"])
        self.identity = {
            "classifier": label,
            "sha256": record["sha256"],
            "features": EfficientNetLite0.identity,
        }
        self._cache = ContentCache()

    def probabilities(self, images):
        """Probability of each class.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : [num_images, num_classes], `float32`
        """
        found = self._cache.answers(list(check_images(images)), self._ask)
        return np.array(found, "float32").reshape(-1, len(self.class_names))

    def _ask(self, images):
        logits = self._features.pooled(np.stack(images)) @ self._weight.T + self._bias
        likely = np.exp(logits - logits.max(-1, keepdims=True))
        return likely / likely.sum(-1, keepdims=True)
