"""A small network that tells the importance of patches without an annotator.

    image --> EfficientNet-Lite0 (frozen, ImageNet) --> features of patches --> levels

An addition of this project: in the SA-OOSC paper the annotator's knowledge is distilled
into the codec itself, and the annotator stands at the transmitter as well. With this
student, taught by any annotator, a transmitter needs none. A few hundred labelled
scenes do not teach what a car looks like; a network that has seen ImageNet knows.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.knowledge_base.efficientnet import PATCH, PATCH_WIDTH, efficientnet
from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.matrix_conv import MatrixConv2D
from semcom_phy.layers.transforms.spectrum import grid_coordinates


@keras.saving.register_keras_serializable(package="semcom_phy")
class ImportanceStudent(keras.Model):
    """Levels of the patches of an image from features of its patches.

    A patch is judged by its own features, those of its neighbours, its position and the
    mean over the scene, because importance depends on all of them.

    Parameters
    ----------
    width : `int`, positive, (default 64)
        Channels

    num_classes : `int`, (default 12)
        Semantic classes whose shares of a patch are learned beside, so that few
        pictures teach more; not used afterwards

    Input
    -----
    features : [batch, rows, columns, 496], `float32`
        Of :func:`patch_features`

    kept : [batch, rows, columns, 496 + 3 width], `float32`, optional
        In training: factors of the features and of three hidden layers, 0 for what is
        dropped

    Output
    ------
    levels : [batch, rows, columns, 4], `float32`
        Logits of ``LEVELS``

    classes : [batch, rows, columns, num_classes], `float32`
        Logits of the semantic classes

    Raises
    ------
    ValueError
        If a size is not positive.
    """

    def __init__(self, width=64, num_classes=12, **kwargs):
        super().__init__(**kwargs)
        if width < 1 or num_classes < 1:
            raise ValueError(
                f"width and num_classes must be positive, got {width} and {num_classes}"
            )
        self.width, self.num_classes = width, num_classes
        self.mean = self.add_weight((PATCH_WIDTH,), "zeros", trainable=False)
        self.deviation = self.add_weight((PATCH_WIDTH,), "ones", trainable=False)
        self.enter = Dense(width, name="enter")
        self.enter.build((None, PATCH_WIDTH))
        self.mix = MatrixConv2D(width, name="mix")
        self.mix.build((None, None, None, 2 * width + 2))
        self.refine = MatrixConv2D(width, name="refine")
        self.refine.build((None, None, None, width))
        self.heads = Dense(len(LEVELS) + num_classes, name="heads")
        self.heads.build((None, width))
        self.built = True

    def adapt(self, features):
        """Takes mean and deviation of the features that it will see."""
        flat = np.asarray(features, "float32").reshape(-1, PATCH_WIDTH)
        self.mean.assign(flat.mean(0))
        self.deviation.assign(flat.std(0) + 1e-3)

    def call(self, features, kept=None):
        x, hidden, mixed, last = (features - self.mean) / self.deviation, 1.0, 1.0, 1.0
        if kept is not None:
            ends = np.cumsum([PATCH_WIDTH, self.width, self.width]).tolist()
            of_features, hidden, mixed, last = ops.split(kept, ends, axis=-1)
            x = x * of_features
        x = ops.silu(self.enter(x)) * hidden
        scene = ops.broadcast_to(ops.mean(x, axis=(1, 2), keepdims=True), ops.shape(x))
        place = ops.convert_to_tensor(grid_coordinates(*x.shape[1:3]))
        place = ops.broadcast_to(place, (*ops.shape(x)[:-1], 2))
        x = ops.silu(self.mix(ops.concatenate([x, scene, place], axis=-1))) * mixed
        out = self.heads((x + ops.silu(self.refine(x))) * last)
        return out[..., : len(LEVELS)], out[..., len(LEVELS) :]

    def probabilities(self, images):
        """Of the levels of every patch, [batch, rows, columns, 4] `float32`.

        Input
        -----
        images : [batch, H, W, 3], `uint8`
            Padded by their last rows and columns to multiples of 16 pixels
        """
        logits, _ = self(ops.convert_to_tensor(patch_features(images)))
        return ops.convert_to_numpy(ops.softmax(logits))

    def levels(self, images):
        """Most likely level of every patch, [batch, rows, columns] `int32`.

        Input
        -----
        images : [batch, H, W, 3], `uint8`
        """
        return self.probabilities(images).argmax(axis=-1).astype("int32")

    def get_config(self):
        names = ("width", "num_classes")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def patch_features(images):
    """What the student looks at, [batch, rows, columns, 496] `float32`.

    Input
    -----
    images : [batch, H, W, 3], `uint8`
        Padded by their last rows and columns to multiples of 16 pixels

    Raises
    ------
    ImportError
        If the extra with EfficientNet-Lite0 is not installed.
    """
    missing = ((0, 0), *((0, -side % PATCH) for side in images.shape[1:3]), (0, 0))
    return efficientnet().patches(np.pad(images, missing, mode="edge"))
