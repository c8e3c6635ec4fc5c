"""A small residual network that tells the class of a picture.

picture --> 3x3, w0 --> 3x3, stride 2, w --> x + f(x) --> ... --> most over the places
                        '----------- once for each width -------'         |
                                       probabilities <-- softmax <-- linear

It is trained from scratch on one data set; it shares no weights, no layers and no other
data with the models that say or draw what a picture shows.
"""

import numpy as np

from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.embedded_weights import SHIPPED, load_weights
from semcom_phy.knowledge_base.loading import INSTALL

_BATCH = 64


def conv_network(widths, num_classes, stem_stride):
    """The network, a torch module: [batch, 3, H, W] of -1 to 1 -> logits.

    Parameters
    ----------
    widths : sequence of `int`
        Channels of the first convolution, then of every stage, which halves the sides

    num_classes : `int`

    stem_stride : 1 | 2
        Of the first convolution
    """
    from torch import nn

    def convolution(inputs, outputs, stride=1):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    class Residual(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.body = nn.Sequential(
                convolution(width, width), convolution(width, width)
            )

        def forward(self, x):
            return x + self.body(x)

    layers = [convolution(3, widths[0], stem_stride)]
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [convolution(inputs, outputs, 2), Residual(outputs)]
    return nn.Sequential(
        *layers,
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(widths[-1], num_classes),
    )


def scaled(images):
    """[batch, H, W, 3], `uint8` -> torch [batch, 3, H, W] of -1 to 1, channels last."""
    import torch

    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return (x.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


class ConvClassifier:
    """The shipped network of a data set.

    Parameters
    ----------
    name : `str`
        "cifar10", "tinyimagenet24", "catsdogs", or what was trained into ``folder``

    folder : path, (default: that of the shipped weights)
        Where ``classifier_<name>.safetensors`` and ``.json`` lie

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing or damaged.

    ImportError
        If the extra is not installed.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition",
    CVPR 2016.
    """

    def __init__(self, name, folder=SHIPPED):
        try:
            import torch
        except ImportError as error:
            raise ImportError(f"classifiers run on PyTorch: {INSTALL}") from error
        label = f"classifier_{name}"
        tensors, record = load_weights(label, folder)
        config = record["config"]
        network = conv_network(**config["network"])
        network.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
        network = network.eval().requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)
        self.side = config["side"]
        self.class_names = tuple(config["class_names"])
        self.identity = {"model": label, "sha256": record["sha256"]}
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
        found = self._cache.answers(list(np.asarray(images)), self._ask)
        return np.array(found, "float32").reshape(-1, len(self.class_names))

    def _ask(self, images):
        import torch

        with torch.inference_mode():
            parts = [
                torch.softmax(self.network(self._prepared(images[i : i + _BATCH])), -1)
                for i in range(0, len(images), _BATCH)
            ]
        return torch.cat(parts).numpy()

    def _prepared(self, images):
        import torch

        x = scaled(np.stack(images))
        if x.shape[2:] != (self.side, self.side):
            x = torch.nn.functional.interpolate(
                x, (self.side, self.side), mode="bicubic", antialias=True
            ).clamp(-1, 1)
        return x
