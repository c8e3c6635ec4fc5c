"""AlexNet without its classifier: the feature maps of the usual LPIPS."""

import keras
from keras import ops

from semcom_phy.layers.matrix_conv import MatrixConv2D
from semcom_phy.layers.pretrained.vgg16 import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    normalised_colours,
)

MIN_SIDE = 31  # pixels, of which one place is left at the end
_FIRST, _OTHERS = (64, 11, 4), ((192, 5), (384, 3), (256, 3), (256, 3))
_POOLED = (0, 1)  # after these convolutions


@keras.saving.register_keras_serializable(package="semcom_phy")
class AlexNetFeatures(keras.layers.Layer):
    r"""Feature maps of the five convolutions of AlexNet, behind the ReLU.

    The network is torchvision's, of a single branch. The weights are whatever is loaded
    (:mod:`semcom_phy.knowledge_base.feature_networks`); random ones before that.

    Input
    -----
    images : [batch_size, height, width, 3], `float32`
        RGB in [0, 1]; at least 31 pixels a side

    Output
    ------
    maps : list of 5 [batch_size, rows, columns, channels], `float32`
        Of 64, 192, 384, 256, 256 channels

    References
    ----------
    A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
    arXiv:1404.5997.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        filters, size, stride = _FIRST
        first = keras.layers.Conv2D(filters, size, stride, data_format="channels_last")
        self.convs = [first, *(MatrixConv2D(*each) for each in _OTHERS)]

    def build(self, input_shape):
        for conv in self.convs:
            conv.build((None, MIN_SIDE, MIN_SIDE, input_shape[-1]))
            input_shape = (None, conv.filters)

    def call(self, images):
        x = normalised_colours(images, IMAGENET_MEAN, IMAGENET_DEVIATION)
        x = ops.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
        maps = []
        for number, conv in enumerate(self.convs):
            maps.append(ops.relu(conv(x)))
            x = maps[-1]
            if number in _POOLED:
                x = ops.max_pool(x, 3, 2, "valid", data_format="channels_last")
        return maps

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [None if side is None else (side - 7) // 4 + 1 for side in sides]
        shapes = []
        for number, conv in enumerate(self.convs):
            shapes.append((batch, *sides, conv.filters))
            if number in _POOLED:
                sides = [None if side is None else (side - 1) // 2 for side in sides]
        return shapes
