"""A small network that tells the importance of patches without an annotator.

An addition of this project: in the SA-OOSC paper the annotator's knowledge is distilled
into the codec itself, and the annotator stands at the transmitter as well. With this
student, taught by any annotator, a transmitter needs none.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.matrix_conv import MatrixConv2D
from semcom_phy.layers.padding import pad_edges
from semcom_phy.layers.residual_trunk import ResidualTrunk
from semcom_phy.layers.spectrum import grid_coordinates, to_cells

STRIDES = (4, 2, 2)  # together the patch size, 16 pixels
TEMPERATURE = 4.0  # the best of 1, 2 and 4 on CamVid's split val


@keras.saving.register_keras_serializable(package="semcom_phy")
class ImportanceStudent(keras.Model):
    """Levels of the patches of an image.

    Cells of 4x4 pixels, merged twice by 2x2, with residual convolutions over each grid;
    the position of a patch and the mean over the scene go in beside its features,
    because importance depends on both.

    Parameters
    ----------
    filters : 3 `int`, (default (32, 64, 96))
        Channels at 1/4, 1/8 and 1/16 of the sides

    blocks : 3 `int`, (default (1, 1, 2))
        Residual blocks there

    num_classes : `int`, (default 12)
        Semantic classes whose shares of a patch are learned beside, so that few
        pictures teach more; not used afterwards

    Input
    -----
    image : [batch, H, W, 3], `float32`
        In [0, 1]; padded by their last rows and columns to multiples of 16 pixels

    Output
    ------
    levels : [batch, H / 16, W / 16, 4], `float32`
        Logits of ``LEVELS``; H / 16 and W / 16 rounded up

    classes : [batch, H / 16, W / 16, num_classes], `float32`
        Logits of the semantic classes
    """

    def __init__(
        self, filters=(32, 64, 96), blocks=(1, 1, 2), num_classes=12, **kwargs
    ):
        super().__init__(**kwargs)
        if len(filters) != 3 or len(blocks) != 3:
            raise ValueError(
                f"filters and blocks are of three grids, got {filters} and {blocks}"
            )
        self.filters = tuple(filters)
        self.blocks = tuple(blocks)
        self.num_classes = num_classes
        inputs = 3
        for i, (stride, width, depth) in enumerate(
            zip(STRIDES, self.filters, self.blocks, strict=True)
        ):
            merge = Dense(width, name=f"merge_{i}")
            merge.build((None, stride**2 * inputs))
            trunk = ResidualTrunk(width, depth, None, name=f"trunk_{i}")
            trunk.build((None, None, None, width), None)
            setattr(self, f"merge_{i}", merge)
            setattr(self, f"trunk_{i}", trunk)
            inputs = width
        self.mix = MatrixConv2D(inputs, name="mix")
        self.mix.build((None, None, None, 2 * inputs + 2))
        self.heads = Dense(len(LEVELS) + num_classes, name="heads")
        self.heads.build((None, inputs))
        self.built = True

    def call(self, image):
        x = 4.0 * (pad_edges(image, int(np.prod(STRIDES))) - 0.4)
        for i, stride in enumerate(STRIDES):
            merged = getattr(self, f"merge_{i}")(to_cells(x, stride))
            x = getattr(self, f"trunk_{i}")(merged, None)
        scene = ops.broadcast_to(ops.mean(x, axis=(1, 2), keepdims=True), ops.shape(x))
        place = ops.convert_to_tensor(grid_coordinates(*x.shape[1:3]))
        place = ops.broadcast_to(place, (*ops.shape(x)[:-1], 2))
        x = ops.silu(self.mix(ops.concatenate([x, scene, place], axis=-1)))
        out = self.heads(x)
        return out[..., : len(LEVELS)], out[..., len(LEVELS) :]

    def levels(self, images):
        """Most likely level of every patch, [batch, rows, columns] `int32`.

        Input
        -----
        images : [batch, H, W, 3], `uint8`
        """
        logits, _ = self(ops.convert_to_tensor(images.astype("float32") / 255.0))
        return ops.convert_to_numpy(ops.argmax(logits, axis=-1)).astype("int32")

    def expected_levels(self, images):
        """Expectation of the level of every patch, [batch, rows, columns] `float32`.

        A patch that may well be important is worth more than the most likely level
        says: most objects that the student misses are among such. The probabilities
        are softened by ``TEMPERATURE``, because the student is too sure of scenes that
        it has not seen.

        Input
        -----
        images : [batch, H, W, 3], `uint8`
        """
        logits, _ = self(ops.convert_to_tensor(images.astype("float32") / 255.0))
        number = ops.arange(len(LEVELS), dtype="float32")
        expected = ops.sum(ops.softmax(logits / TEMPERATURE) * number, axis=-1)
        return ops.convert_to_numpy(expected)

    def get_config(self):
        names = ("filters", "blocks", "num_classes")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
