"""VGG16 and AlexNet as layers, against torch's convolutions on the same weights."""

import keras
import numpy as np
import pytest
import torch
from keras import ops
from torch.nn import functional

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.pretrained.alexnet import AlexNetFeatures
from semcom_phy.layers.pretrained.vgg16 import BLOCKS, Vgg16Features

RNG = np.random.default_rng(1)
IMAGES = RNG.random((2, 37, 50, 3), "float32")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def vgg16():
    return started(Vgg16Features((0.3, 0.4, 0.5), (0.1, 0.2, 0.3), "same"))


def started(layer):
    """Weights that keep the size of the features, biases too."""
    layer.build((None, None, None, 3))
    for conv in layer.convs:
        kernel, bias = conv.get_weights()
        size = (2 / (kernel.size / kernel.shape[-1])) ** 0.5
        kernel = size * RNG.standard_normal(kernel.shape)
        conv.set_weights([kernel, 0.1 * RNG.standard_normal(bias.shape)])
    return layer


def kernels(layer, sizes):
    """Weights in torch's layout."""
    for conv, size in zip(layer.convs, sizes, strict=True):
        kernel, bias = conv.get_weights()
        kernel = kernel.reshape(size, size, -1, len(bias)).transpose(3, 2, 0, 1)
        yield torch.tensor(kernel), torch.tensor(bias)


def prepared(mean, deviation):
    x = (IMAGES - np.array(mean, "f4")) / np.array(deviation, "f4")
    return torch.tensor(x).permute(0, 3, 1, 2)


def check(maps, expected, layer):
    shapes = layer.compute_output_shape(IMAGES.shape)
    for found, wanted, shape in zip(maps, expected, shapes, strict=True):
        found, wanted = ops.convert_to_numpy(found), wanted.permute(0, 2, 3, 1).numpy()
        assert found.shape == wanted.shape == shape and found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=2e-5 * wanted.max())


def test_vgg16_is_that_of_torch(vgg16):
    """All five maps of an image of odd sides, whose last row is pooled alone (float32:
    2e-5 of the largest)."""
    x, convs = prepared(vgg16.mean, vgg16.deviation), kernels(vgg16, [3] * 13)
    expected = []
    for block in BLOCKS:
        if expected:
            x = functional.max_pool2d(x, 2, 2, ceil_mode=True)
        for _ in block:
            x = functional.relu(functional.conv2d(x, *next(convs), padding=1))
        expected.append(x)
    check(vgg16(IMAGES), expected, vgg16)


def test_alexnet_is_that_of_torch():
    """All five maps (float32: 2e-5 of the largest)."""
    layer = started(AlexNetFeatures())
    x, expected = prepared(MEAN, DEVIATION), []
    for number, (kernel, bias) in enumerate(kernels(layer, [11, 5, 3, 3, 3])):
        stride, padding = (4, 2) if number == 0 else (1, kernel.shape[-1] // 2)
        x = functional.conv2d(x, kernel, bias, stride=stride, padding=padding)
        expected.append(functional.relu(x))
        x = expected[-1]
        if number < 2:
            x = functional.max_pool2d(x, 3, 2)
    check(layer(IMAGES), expected, layer)


def test_the_first_blocks_alone(vgg16):
    """Give the same maps as in the whole network (exact), and hold no others."""
    layer = Vgg16Features(vgg16.mean, vgg16.deviation, "same", num_blocks=3)
    layer.build((None, None, None, 3))
    for conv, of_all in zip(layer.convs, vgg16.convs[:7], strict=True):
        conv.set_weights(of_all.get_weights())
    maps, expected = layer(IMAGES), vgg16(IMAGES)[:3]
    assert layer.compute_output_shape(IMAGES.shape) == [x.shape for x in maps]
    for found, wanted in zip(maps, expected, strict=True):
        found, wanted = ops.convert_to_numpy(found), ops.convert_to_numpy(wanted)
        np.testing.assert_array_equal(found, wanted)
    assert layer.get_config()["num_blocks"] == 3
    for number in (0, 6, 2.5):
        with pytest.raises(ValueError, match=f"must be 1 to 5, received {number}"):
            Vgg16Features(num_blocks=number)


def test_features_have_a_gradient(vgg16):
    """Every pixel has a say, by which a network can be trained (finite, not 0)."""

    def loss(x):
        return ops.mean(ops.square(vgg16(x)[-1]))

    image = ops.convert_to_tensor(IMAGES[:1, :16, :16])
    found = ops.convert_to_numpy(gradient_fn(loss, compiled=False)(image))
    assert np.isfinite(found).all() and (found != 0).mean() > 0.99


def test_layers_are_made_again_from_their_settings(vgg16):
    """The same numbers with the same weights (exact); an unknown padding is refused."""
    for layer in (vgg16, started(AlexNetFeatures())):
        copy = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        assert copy.get_config() == layer.get_config()
        copy.set_weights(layer.get_weights())
        found = ops.convert_to_numpy(copy(IMAGES)[-1])
        np.testing.assert_array_equal(found, ops.convert_to_numpy(layer(IMAGES)[-1]))
    with pytest.raises(ValueError, match="pool_padding must be valid or same, recei"):
        Vgg16Features(pool_padding="full")
