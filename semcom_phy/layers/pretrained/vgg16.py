"""VGG16 without its classifier: the feature maps that perceptual distances compare."""

import keras
from keras import ops

from semcom_phy.layers.matrix_conv import MatrixConv2D

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
# Of RGB in [0, 1], as most networks of ImageNet were trained with.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package="semcom_phy")
class Vgg16Features(keras.layers.Layer):
    r"""Feature maps after each of the first blocks of VGG16, behind the ReLU.

    The weights are whatever is loaded
    (:mod:`semcom_phy.knowledge_base.feature_networks`); random ones before that.

    Parameters
    ----------
    mean, deviation : three `float`, (default: those of ImageNet)
        Colours are taken less the mean, by the deviation [of RGB in [0, 1]]

    pool_padding : "valid" | "same", (default "valid")
        Whether the last row of an odd number is left out between blocks, or pooled
        alone

    num_blocks : `int`, 1 to 5, (default 5)
        What lies behind is neither held nor computed

    Input
    -----
    images : [batch_size, height, width, 3], `float32`
        RGB in [0, 1]; at least 16 pixels a side for five blocks

    Output
    ------
    maps : list of [batch_size, height / 2^k, width / 2^k, channels], `float32`
        k = 0 ... num_blocks - 1, of 64, 128, 256, 512, 512 channels

    References
    ----------
    K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
    recognition", ICLR 2015, arXiv:1409.1556.
    """

    def __init__(
        self,
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
        pool_padding="valid",
        num_blocks=5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if pool_padding not in ("valid", "same"):
            raise ValueError(
                f"pool_padding must be valid or same, received {pool_padding!r}."
            )
        if num_blocks not in range(1, len(BLOCKS) + 1):
            raise ValueError(
                f"num_blocks must be 1 to {len(BLOCKS)}, received {num_blocks!r}."
            )
        self.mean = tuple(mean)
        self.deviation = tuple(deviation)
        self.pool_padding = pool_padding
        self.num_blocks = num_blocks
        self.blocks = BLOCKS[:num_blocks]
        self.convs = [MatrixConv2D(size, 3) for block in self.blocks for size in block]

    def build(self, input_shape):
        for conv in self.convs:
            conv.build(input_shape)
            input_shape = conv.compute_output_shape(input_shape)

    def call(self, images):
        x = normalised_colours(images, self.mean, self.deviation)
        maps, convs = [], iter(self.convs)
        for block in self.blocks:
            if maps:
                x = ops.max_pool(
                    x, 2, 2, self.pool_padding, data_format="channels_last"
                )
            for _ in block:
                x = ops.relu(next(convs)(x))
            maps.append(x)
        return maps

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        shapes = []
        for block in self.blocks:
            shapes.append((batch, *sides, block[-1]))
            up = 1 if self.pool_padding == "same" else 0
            sides = [None if side is None else (side + up) // 2 for side in sides]
        return shapes

    def get_config(self):
        return {
            **super().get_config(),
            "mean": self.mean,
            "deviation": self.deviation,
            "pool_padding": self.pool_padding,
            "num_blocks": self.num_blocks,
        }


def normalised_colours(images, mean, deviation):
    """Colours less their mean, by their deviation."""
    mean = ops.convert_to_tensor(mean, "float32")
    return (images - mean) / ops.convert_to_tensor(deviation, "float32")
