"""Perceptual distances against an independent calculation with torch."""

import numpy as np
import pytest
import torch
from keras import ops
from safetensors.numpy import save_file
from torch.nn import functional

from semcom_phy.backend import gradient_fn
from semcom_phy.knowledge_base.efficientnet import efficientnet
from semcom_phy.knowledge_base.feature_networks import hed_vgg16, read_tensors
from semcom_phy.knowledge_base.packaged_file import packaged_file
from semcom_phy.metrics import perceptual
from semcom_phy.metrics.perceptual import (
    layer_distances,
    load_lpips,
    perceptual_efficientnet,
    perceptual_hed,
)

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (2, 33, 48, 3), "uint8")
NEAR = np.clip(IMAGES + RNG.integers(-9, 10, IMAGES.shape), 0, 255).astype("uint8")
FAR = RNG.integers(0, 256, IMAGES.shape, "uint8")
# torchvision's networks: features.N of its convolutions (filters, inputs, size, stride,
# padding), and what is pooled before them; maps follow those that are marked.
VGG16 = {}
for _n, _size, _inputs in zip(
    (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
    (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512),
    strict=True,
):
    VGG16[_n] = (_size, _inputs, 3, 1, 1)
ALEXNET = {0: (64, 3, 11, 4, 2), 3: (192, 64, 5, 1, 2), 6: (384, 192, 3, 1, 1)}
ALEXNET |= {8: (256, 384, 3, 1, 1), 10: (256, 256, 3, 1, 1)}
CASES = {  # convolutions, those with a map, those behind a pool, its size, heads
    "vgg16": (VGG16, (2, 7, 14, 21, 28), (5, 10, 17, 24), 2, "vgg.pth"),
    "alexnet": (ALEXNET, tuple(ALEXNET), (3, 6), 3, "alex.pth"),
}


def random_weights(convs):
    tensors = {}
    for number, (filters, inputs, size, *_) in convs.items():
        kernel = RNG.standard_normal((filters, inputs, size, size), "float32")
        kernel *= (2 / (inputs * size**2)) ** 0.5
        tensors[f"features.{number}.weight"] = kernel
        tensors[f"features.{number}.bias"] = RNG.random(filters, "float32") / 10
    return tensors


def lpips_by_torch(name, tensors, images, images_hat):
    """As the paper and torchmetrics write it, of images in -1 ... 1."""
    convs, mapped, pooled, pool, heads = CASES[name]
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    where, sha256 = perceptual._BACKBONES[name][2:]
    assert where == heads
    heads = packaged_file(
        "torchmetrics", f"functional/image/lpips_models/{where}", sha256
    )
    heads = torch.load(heads, map_location="cpu", weights_only=True)

    def maps(images):
        x = torch.tensor(images).permute(0, 3, 1, 2).float() / 255 * 2 - 1
        x = (x - shift) / scale
        for number, (*_, stride, padding) in convs.items():
            if number in pooled:
                x = functional.max_pool2d(x, pool, 2)
            kernel, bias = (
                torch.tensor(tensors[f"features.{number}.{n}"])
                for n in ("weight", "bias")
            )
            x = functional.conv2d(x, kernel, bias, stride, padding).relu()
            if number in mapped:
                yield x / torch.sqrt(1e-8 + torch.sum(x**2, 1, keepdim=True))

    total = torch.zeros(len(images))
    for k, (one, other) in enumerate(zip(maps(images), maps(images_hat), strict=True)):
        head = heads[f"lin{k}.model.1.weight"]
        total += functional.conv2d((one - other) ** 2, head).mean((1, 2, 3))
    return total.numpy()


@pytest.mark.parametrize("name", CASES)
def test_lpips_is_that_of_torchmetrics(name, tmp_path):
    """On a network of random weights (float32: 1e-5 of the value); the identity names
    the file."""
    path = tmp_path / "weights.safetensors"
    tensors = random_weights(CASES[name][0])
    save_file(tensors, path)
    lpips = load_lpips(name, path)
    for other in (NEAR, FAR):
        expected = lpips_by_torch(name, tensors, IMAGES, other)
        found = lpips.distance(IMAGES, other)
        assert found.shape == (2,) and found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert lpips.distance(IMAGES, IMAGES).tolist() == [0, 0]
    assert lpips.identity["model"] == f"lpips-{name}"
    assert len(lpips.identity["sha256"]) == 64
    small = IMAGES[:, :15]
    with pytest.raises(ValueError, match="pixels a side"):
        lpips.distance(small, small)


def test_an_unknown_backbone_is_refused(tmp_path):
    """With those that there are (exact)."""
    with pytest.raises(ValueError, match="unknown backbone 'vgg'; there are: vgg16, "):
        load_lpips("vgg", tmp_path)


def unit(x):
    return x / np.sqrt(np.sum(x.astype("f8") ** 2, -1, keepdims=True) + 1e-8)


def test_the_embedded_distances_are_those_of_their_maps():
    """Mean over layers, places, of squares summed over channels (float32: 1e-5); equal
    pictures are 0 apart, near ones less than others; one by one as in a batch (exact).
    """

    def hed_maps(images):
        maps = hed_vgg16()(images.astype("float32") / 255)
        return [ops.convert_to_numpy(each) for each in maps]

    for distance, maps in (
        (perceptual_hed, hed_maps),
        (perceptual_efficientnet, lambda images: [efficientnet().maps(images)]),
    ):
        found = distance(IMAGES, NEAR)
        layers = [
            np.sum((unit(a) - unit(b)) ** 2, -1).mean((1, 2))
            for a, b in zip(maps(IMAGES), maps(NEAR), strict=True)
        ]
        np.testing.assert_allclose(found, np.mean(layers, axis=0), rtol=1e-4)
        assert found.dtype == np.float64 and (found < distance(IMAGES, FAR)).all()
        assert distance(IMAGES, IMAGES).tolist() == [0, 0]
        alone = [distance(IMAGES[k : k + 1], NEAR[k : k + 1])[0] for k in (0, 1)]
        assert found.tolist() == alone
        with pytest.raises(ValueError, match="give uint8"):
            distance(IMAGES / 255, NEAR)


def test_the_distance_has_a_gradient_where_features_are_0():
    """Finite, and not 0 elsewhere: a network can be trained with it."""
    other = ops.convert_to_tensor(RNG.random((1, 2, 2, 3), "float32"))
    maps = RNG.random((1, 2, 2, 3), "float32")
    maps[0, 0, 0] = 0

    def loss(x):
        return ops.sum(layer_distances([x], [other], [np.ones(3, "float32")]))

    found = gradient_fn(loss, compiled=False)(ops.convert_to_tensor(maps))
    found = ops.convert_to_numpy(found)
    assert np.isfinite(found).all() and (found[0, 1] != 0).all()


def test_heads_are_read_as_tensors():
    """Five weights of channels each, none below 0, so that the distance is one
    (exact)."""
    for _, _, name, sha256 in perceptual._BACKBONES.values():
        path = packaged_file(
            "torchmetrics", f"functional/image/lpips_models/{name}", sha256
        )
        tensors = read_tensors(path)
        assert len(tensors) == 5 and all((v >= 0).all() for v in tensors.values())
