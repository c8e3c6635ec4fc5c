"""Where a picture shows what a text says: a score of every patch."""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.matrix_conv import MatrixConv2D

NUM_HEADS = 4


@keras.saving.register_keras_serializable(package="semcom_phy")
class SemanticScore(keras.layers.Layer):
    r"""Scores of patches by a text that looks at the picture first.

    .. math::
        V = [\bar z; Z], \quad
        v = \text{Decoder}(t, V), \quad
        t' = t + \gamma v, \quad
        S_{ij} = \frac{1}{\tau} \cos(Z_{ij}, t')

    with the patches Z and the whole picture, both from a frozen dual encoder, and a
    decoder of cross-attention and a perceptron. Frozen vectors say what is there, not
    whether it stands out: the patches see each other, by one attention over all of
    them and a convolution, before they are compared.

    Parameters
    ----------
    width : `int`, (default 64)
        Of all projections; a multiple of 4

    Input
    -----
    patches : [batch, rows, columns, patch_width], `float32`

    whole : [batch, whole_width], `float32`
        Of the picture

    text : [batch, text_width], `float32`
        Of a class. Where it is a row of zeros, a learned vector stands in: what stands
        out, whatever it is

    Output
    ------
    scores : [batch, rows, columns], `float32`
        Logits

    References
    ----------
    Equations 27 to 30 of the GenED-SC paper, after Y. Rao et al., "DenseCLIP:
    language-guided dense prediction with context-aware prompting", CVPR 2022.
    """

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        if width < 1 or width % NUM_HEADS:
            raise ValueError(f"width must be a multiple of 4, received {width}.")
        self.width = width
        self.of_patch = Dense(width, name="of_patch")
        self.of_whole = Dense(width, name="of_whole")
        self.of_text = Dense(width, name="of_text")
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm_{i}")
            for i in range(3)
        ]
        self.mixing = self._attention("mixing")
        self.convs = [MatrixConv2D(width, name=f"conv_{i}") for i in range(2)]
        self.looking = self._attention("looking")
        self.enter = Dense(2 * width, activation="relu", name="enter")
        self.leave = Dense(width, name="leave")

    def _attention(self, name):
        size = self.width // NUM_HEADS
        return keras.layers.MultiHeadAttention(NUM_HEADS, size, name=name)

    def build(self, patches_shape, whole_shape, text_shape):
        _, rows, columns, _ = patches_shape
        self.of_patch.build(tuple(patches_shape))
        self.of_whole.build(tuple(whole_shape))
        self.of_text.build(tuple(text_shape))
        inside = (None, None, self.width)
        for layer in (*self.norms, self.enter):
            layer.build(inside)
        self.leave.build((None, None, 2 * self.width))
        self.mixing.build(inside, inside)
        self.looking.build(inside, inside)
        for conv in self.convs:
            conv.build((None, rows, columns, self.width))
        # "embedding" in the names keeps Muon away from tables.
        self.place = self.add_weight(
            name="place_embedding",
            shape=(rows * columns, self.width),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self.anything = self.add_weight(
            name="anything_embedding",
            shape=(self.width,),
            initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        )
        self.gamma = self.add_weight(
            name="gamma_bias", shape=(1,), initializer=keras.initializers.Constant(0.1)
        )
        self.sharpness = self.add_weight(
            name="sharpness_bias", shape=(2,), initializer="zeros"
        )

    def call(self, patches, whole, text):
        _, rows, columns, _ = patches.shape
        seen = ops.reshape(self.of_patch(patches), (-1, rows * columns, self.width))
        seen = ops.gelu(seen + self.place)
        normed = self.norms[0](seen)
        seen = seen + self.mixing(normed, normed, training=False)
        grid = ops.reshape(seen, (-1, rows, columns, self.width))
        for conv in self.convs:
            grid = grid + ops.gelu(conv(grid))
        seen = ops.reshape(grid, (-1, rows * columns, self.width))
        context = ops.concatenate([self.of_whole(whole)[:, None], seen], axis=1)
        context = self.norms[1](context)
        given = ops.cast(ops.any(text != 0, axis=-1, keepdims=True), "float32")
        query = given * self.of_text(text) + (1.0 - given) * self.anything
        found = self.looking(query[:, None], context, training=False)
        found = self.leave(self.enter(self.norms[2](query[:, None] + found)))
        refined = query + self.gamma * found[:, 0]
        cosine = ops.einsum("bnw,bw->bn", _unit(seen), _unit(refined))
        # 1 / tau starts at 10.
        scale = 10.0 * ops.exp(self.sharpness[0])
        scores = scale * cosine + self.sharpness[1]
        return ops.reshape(scores, (-1, rows, columns))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def _unit(vectors):
    square = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors / ops.sqrt(square + 1e-12)
