r"""Perceptual distances: how far apart two pictures are in the features of a network.

==========================  ==============================  ===========================
distance                    features                        layers are
==========================  ==============================  ===========================
`perceptual_hed`            VGG16 tuned on edges, embedded  averaged, of equal weight
`perceptual_efficientnet`   EfficientNet-Lite0, embedded    one, the last
`load_lpips`                VGG16 or AlexNet from a file    weighted by trained heads
==========================  ==============================  ===========================

Only the last one is LPIPS as others report it. The first two have its form without its
trained weights, and are comparable with themselves alone.

References
----------
R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual
metric", CVPR 2018, arXiv:1801.03924.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.knowledge_base.feature_networks import (
    hed_vgg16,
    load_alexnet,
    load_vgg16,
    read_tensors,
)
from semcom_phy.knowledge_base.packaged_file import packaged_file
from semcom_phy.layers.pretrained.alexnet import MIN_SIDE
from semcom_phy.metrics.image import check_batches

_EPSILON = 1e-8  # below the root of the norm, as torchmetrics has it
_BACKBONES = {  # loader, least side [pixels], heads in torchmetrics, their SHA-256
    "vgg16": (
        load_vgg16,
        16,
        "vgg.pth",
        "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    ),
    "alexnet": (
        load_alexnet,
        MIN_SIDE,
        "alex.pth",
        "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    ),
}


def layer_distances(maps, maps_hat, heads=None):
    r"""Distances of feature maps, layer by layer.

    .. math::
        d_l = \frac{1}{H_l W_l} \sum_{h, w} \sum_c w_{lc}
        (\hat f_{lhwc} - \hat g_{lhwc})^2, \qquad
        \hat f = f / \sqrt{\textstyle\sum_c f_c^2 + 10^{-8}}

    Input
    -----
    maps, maps_hat : lists of [batch, rows, columns, channels], `float32`
        Tensors; the result can be differentiated

    heads : list of [channels], `float32`, (default `None`)
        Weights of the channels of every layer; `None`: 1 each

    Output
    ------
    : [batch, layers], `float32`
        At least 0 (with weights that are)
    """
    found = []
    for number, (one, other) in enumerate(zip(maps, maps_hat, strict=True)):
        squares = ops.square(_unit(one) - _unit(other))
        if heads is not None:
            squares = squares * ops.convert_to_tensor(heads[number])
        found.append(ops.mean(ops.sum(squares, axis=-1), axis=(1, 2)))
    return ops.stack(found, axis=-1)


def perceptual_hed(images, images_hat):
    """Distance in the features of :func:`hed_vgg16`, mean over its five blocks.

    Not LPIPS: the network was tuned on edges, and no layer or channel weighs more than
    another.

    Input
    -----
    images, images_hat : [batch, height, width, 3], `uint8`
        At least 16 pixels a side

    Output
    ------
    : [batch], `float64`
        0 (equal) ... 2 (no feature in common)

    Raises
    ------
    ValueError
        If the batches are not `uint8` images of one shape.

    ImportError
        If the extra is not installed.
    """
    images, images_hat = check_batches(images, images_hat)
    return _by_image(_hed_distances(), images, images_hat).mean(axis=1)


def perceptual_efficientnet(images, images_hat):
    """Distance in the last map, 7x7 places, of EfficientNet-Lite0: a second judge that
    knows classes of ImageNet and no edges.

    Input
    -----
    images, images_hat : [batch, height, width, 3], `uint8`

    Output
    ------
    : [batch], `float64`
        0 (equal) ... 2 (no feature in common)

    Raises
    ------
    ValueError
        If the batches are not `uint8` images of one shape.

    ImportError
        If the extra is not installed.
    """
    from semcom_phy.knowledge_base.efficientnet import efficientnet

    images, images_hat = check_batches(images, images_hat)
    network, found = efficientnet(), []
    for one, other in zip(images, images_hat, strict=True):
        distance = layer_distances(
            [network.maps(one[None])], [network.maps(other[None])]
        )
        found.append(ops.convert_to_numpy(distance)[0, 0])
    return np.array(found, "float64")


class Lpips:
    """LPIPS with a network and heads; see :func:`load_lpips`.

    Parameters
    ----------
    network : layer, images in [0, 1] -> list of feature maps
        Frozen

    heads : list of [channels] arrays
        Weights of the channels of each map

    least_side : `int`
        Pixels that the network needs

    identity : `dict`
        What tells the weights apart, plain JSON
    """

    def __init__(self, network, heads, least_side, identity):
        self.network = network
        self.heads = heads
        self.least_side = least_side
        self.identity = identity
        self._distances = _compiled(network, heads)

    def distance(self, images, images_hat):
        """LPIPS of each pair of images, the sum over the layers.

        Input
        -----
        images, images_hat : [batch, height, width, 3], `uint8`

        Output
        ------
        : [batch], `float64`
            0 (equal) and up, rarely above 1; lower is better

        Raises
        ------
        ValueError
            If the batches are not `uint8` images of one shape, or too small.
        """
        images, images_hat = check_batches(images, images_hat, self.least_side)
        return _by_image(self._distances, images, images_hat).sum(axis=1)


def load_lpips(backbone, path):
    """LPIPS, version 0.1, with torchmetrics' heads and a network of the user.

    Parameters
    ----------
    backbone : "vgg16" | "alexnet"
        LPIPS that is reported for quality is mostly that of AlexNet

    path : `str` or path
        The weights of ImageNet in torchvision's layout, of :func:`load_vgg16` or
        :func:`load_alexnet`; the figure is LPIPS with these weights alone

    Output
    ------
    : :class:`Lpips`

    Raises
    ------
    ValueError
        If the backbone is unknown, or the file does not hold it.

    FileNotFoundError, ImportError
        If the file is missing, or the extra not installed.
    """
    if backbone not in _BACKBONES:
        raise ValueError(
            f"unknown backbone {backbone!r}; there are: {', '.join(_BACKBONES)}"
        )
    load, least_side, name, sha256 = _BACKBONES[backbone]
    network = load(path)
    where = f"functional/image/lpips_models/{name}"
    tensors = read_tensors(packaged_file("torchmetrics", where, sha256))
    heads = [tensors[f"lin{k}.model.1.weight"].reshape(-1) for k in range(5)]
    content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    identity = {"model": f"lpips-{backbone}", "sha256": content, "heads": sha256}
    return Lpips(network, heads, least_side, identity)


@lru_cache(maxsize=1)
def _hed_distances():
    return _compiled(hed_vgg16())


def _compiled(network, heads=None):
    """Function of two batches in [0, 1], -> [batch, layers]."""

    def distances(images, images_hat):
        return layer_distances(network(images), network(images_hat), heads)

    return compile_fn(distances, jit=False)


def _by_image(distances, images, images_hat):
    """[batch, layers], `float64`, one by one: a result does not depend on a batch, nor
    does the memory."""
    found = []
    for pair in zip(images, images_hat, strict=True):
        one, other = (
            ops.convert_to_tensor(x[None].astype("float32") / 255) for x in pair
        )
        found.append(ops.convert_to_numpy(distances(one, other))[0])
    return np.array(found, "float64")


def _unit(features):
    square = ops.sum(ops.square(features), axis=-1, keepdims=True)
    return features / ops.sqrt(square + _EPSILON)
