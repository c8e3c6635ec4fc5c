"""What a picture shows, seen through prompts: cross-attention of texts over places."""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense


@keras.saving.register_keras_serializable(package="semcom_phy")
class PromptFusion(keras.layers.Layer):
    r"""Fuses prompts with a spatial map of features into one vector.

    .. math::
        T = P W_t + b_t, \quad I = M W_i + b_i, \quad
        T' = \text{LN}(T + \text{MHA}(T, I, I)), \\
        F = \text{LN}(T' + W_2\, \text{ReLU}(W_1 T' + b_1) + b_2), \quad
        f = \frac{1}{K} \sum_{k=1}^{K} F_k

    with the prompts as queries and the places as keys and values. With the picture's
    pooled vector as the only key, every attention weight would be 1.

    Parameters
    ----------
    width : `int`, (default 64)
        Of all projections and of the result; a multiple of ``num_heads``

    num_heads : `int`, (default 4)

    Input
    -----
    maps : [batch, places, cnn_width], `float32`
        Features of places

    prompts : [batch, num_prompts, text_width], `float32`
        Vectors of texts; a row of zeros is no prompt. At least one is one

    Output
    ------
    : [batch, width], `float32`

    Raises
    ------
    ValueError
        If the width is no multiple of the number of heads.

    References
    ----------
    Equations 6 to 8 of "Image generation with supervised selection based on multimodal
    features for semantic communications" (MMSemCom).
    """

    def __init__(self, width=64, num_heads=4, **kwargs):
        super().__init__(**kwargs)
        if num_heads < 1 or width % num_heads:
            raise ValueError(
                f"width must be a multiple of num_heads, received {width} and "
                f"{num_heads}."
            )
        self.width = width
        self.num_heads = num_heads
        self.of_map = Dense(width, name="of_map")
        self.of_prompts = Dense(width, name="of_prompts")
        self.attention = keras.layers.MultiHeadAttention(
            num_heads, width // num_heads, name="attention"
        )
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm_{i}")
            for i in range(2)
        ]
        self.enter = Dense(4 * width, activation="relu", name="enter")
        self.leave = Dense(width, name="leave")

    def build(self, maps_shape, prompts_shape):
        self.of_map.build(tuple(maps_shape))
        self.of_prompts.build(tuple(prompts_shape))
        inside = (None, None, self.width)
        self.attention.build(inside, inside)
        for norm in self.norms:
            norm.build(inside)
        self.enter.build(inside)
        self.leave.build((None, None, 4 * self.width))

    def call(self, maps, prompts):
        rows, _ = self.rows(maps, prompts)
        return _mean(rows, _given(prompts))

    def rows(self, maps, prompts):
        """What every prompt adds, before the mean, and where it looks.

        Output
        ------
        rows : [batch, num_prompts, width], `float32`

        attention : [batch, num_heads, num_prompts, places], `float32`
            Adds up to 1 over the places
        """
        places, queries = self.of_map(maps), self.of_prompts(prompts)
        seen, attention = self.attention(
            queries, places, return_attention_scores=True, training=False
        )
        rows = self.norms[0](queries + seen)
        return self.norms[1](rows + self.leave(self.enter(rows))), attention

    def shares(self, maps, prompts):
        r"""Share of every prompt in the result, [batch, num_prompts], `float32`.

        .. math::
            w_k = \frac{\langle F_k, f \rangle}{K \lVert f \rVert^2}, \qquad
            \sum_k w_k = 1

        The paper gives weights of its prompts that do not add up to 1, and does not
        define them.
        """
        rows, _ = self.rows(maps, prompts)
        given = _given(prompts)
        fused = _mean(rows, given)
        along = ops.einsum("bkw,bw->bk", rows, fused) * given
        square = ops.sum(ops.square(fused), axis=-1, keepdims=True)
        return along / (ops.sum(given, axis=1, keepdims=True) * square)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "num_heads": self.num_heads,
        }


def _given(prompts):
    """1 for prompts, 0 for rows of zeros: [batch, num_prompts], `float32`."""
    return ops.cast(ops.any(prompts != 0, axis=-1), "float32")


def _mean(rows, given):
    """Mean over the prompts that are given."""
    total = ops.sum(rows * given[..., None], axis=1)
    return total / ops.sum(given, axis=1, keepdims=True)
