"""InternViT: the vision encoder of the InternVL models, with low-rank adapters (LoRA).

Z. Chen et al., "InternVL: scaling up vision foundation models and aligning for generic
visual-linguistic tasks", CVPR 2024, arXiv:2312.14238; E. J. Hu et al., "LoRA: low-rank
adaptation of large language models", ICLR 2022, arXiv:2106.09685.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.dense import Dense


@keras.saving.register_keras_serializable(package="semcom_phy")
class LoraDense(Dense):
    r"""Dense layer with a low-rank update beside its kernel.

    .. math::
        \mathbf{y} = \mathbf{x}\mathbf{W} + \mathbf{b} +
        \frac{\alpha}{r}\,\mathrm{dropout}(\mathbf{x})\mathbf{A}\mathbf{B}

    B starts at zero. With ``rank`` 0 it is the dense layer alone. The update is kept
    apart from the kernel, so that freezing the kernel leaves A and B trainable.

    Parameters
    ----------
    units : `int`
        Outputs

    rank : `int`, (default 0)
        Rank r of the update

    alpha : `float`, (default 16)
        Scale of the update

    dropout : `float`, (default 0)
        Share of the inputs of the update that is dropped in training

    use_bias : `bool`, (default `True`)
        Add a bias

    Input
    -----
    x : [..., inputs], `float32`

    Output
    ------
    y : [..., units], `float32`
    """

    def __init__(self, units, rank=0, alpha=16.0, dropout=0.0, use_bias=True, **kwargs):
        super().__init__(units, use_bias=use_bias, **kwargs)
        if rank < 0 or not 0 <= dropout < 1:
            raise ValueError(
                "rank must not be negative and dropout lie in [0, 1), received "
                f"{rank} and {dropout}."
            )
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout

    def build(self, input_shape):
        super().build(input_shape)
        if not self.rank:
            return
        self.lora_a = self.add_weight(
            name="lora_a",
            shape=(input_shape[-1], self.rank),
            initializer=keras.initializers.HeUniform(),
        )
        self.lora_b = self.add_weight(
            name="lora_b", shape=(self.rank, self.units), initializer="zeros"
        )
        if self.dropout:
            self.drop = keras.layers.Dropout(self.dropout)

    def call(self, inputs, training=None):
        if self.use_bias:
            y = super().call(inputs)
        else:
            y = ops.matmul(inputs, self.kernel)
        if self.rank:
            x = self.drop(inputs, training=training) if self.dropout else inputs
            update = ops.matmul(ops.matmul(x, self.lora_a), self.lora_b)
            y = y + update * (self.alpha / self.rank)
        return y

    def get_config(self):
        return {
            **super().get_config(),
            "rank": self.rank,
            "alpha": self.alpha,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class InternVitLayer(keras.layers.Layer):
    r"""Transformer layer of InternViT: both branches scaled by a learned vector.

    .. math::
        \mathbf{x} \leftarrow \mathbf{x} + \boldsymbol\lambda_1 \odot
        \mathrm{MHSA}(\mathrm{LN}(\mathbf{x})), \qquad
        \mathbf{x} \leftarrow \mathbf{x} + \boldsymbol\lambda_2 \odot
        \mathrm{MLP}(\mathrm{LN}(\mathbf{x}))

    Parameters
    ----------
    hidden_size, num_heads, mlp_size : `int`
        Width, attention heads (divide the width), width of the perceptron

    norm : "layer_norm" | "rms_norm", (default "layer_norm")
        Normalisation in front of each branch (InternViT-300M: LayerNorm)

    qkv_bias : `bool`, (default `True`)
        Bias of queries, keys and values

    qk_norm : `bool`, (default `False`)
        RMS normalisation of queries and keys over all heads (InternViT-6B)

    epsilon : `float`, (default 1e-6)
        Of the normalisations

    lora_rank, lora_alpha, lora_dropout
        As in :class:`LoraDense`, on all six projections of attention and MLP

    layer_scale : `float`, (default 0.1)
        Start of both scale vectors

    Input
    -----
    x : [batch_size, tokens, hidden_size], `float32`

    Output
    ------
    y : [batch_size, tokens, hidden_size], `float32`
    """

    def __init__(
        self,
        hidden_size,
        num_heads,
        mlp_size,
        norm="layer_norm",
        qkv_bias=True,
        qk_norm=False,
        epsilon=1e-6,
        lora_rank=0,
        lora_alpha=16.0,
        lora_dropout=0.0,
        layer_scale=0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if norm not in ("layer_norm", "rms_norm"):
            raise ValueError(
                f'norm must be "layer_norm" or "rms_norm", received {norm!r}.'
            )
        if hidden_size % num_heads:
            raise ValueError(
                f"{hidden_size} channels do not split into {num_heads} heads."
            )
        self.hidden_size = hidden_size
        self.num_heads = num_heads
        self.mlp_size = mlp_size
        self.norm = norm
        self.qkv_bias = qkv_bias
        self.qk_norm = qk_norm
        self.epsilon = epsilon
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha
        self.lora_dropout = lora_dropout
        self.layer_scale = layer_scale

        def dense(units, name, bias=True):
            return LoraDense(
                units, lora_rank, lora_alpha, lora_dropout, bias, name=name
            )

        self.norm_1 = self._norm("norm_1")
        self.norm_2 = self._norm("norm_2")
        self.query = dense(hidden_size, "query", qkv_bias)
        self.key = dense(hidden_size, "key", qkv_bias)
        self.value = dense(hidden_size, "value", qkv_bias)
        self.projection = dense(hidden_size, "projection")
        self.expand = dense(mlp_size, "expand")
        self.contract = dense(hidden_size, "contract")
        if qk_norm:
            self.query_norm = keras.layers.RMSNormalization(
                epsilon=epsilon, name="query_norm"
            )
            self.key_norm = keras.layers.RMSNormalization(
                epsilon=epsilon, name="key_norm"
            )

    def _norm(self, name):
        kind = {
            "layer_norm": keras.layers.LayerNormalization,
            "rms_norm": keras.layers.RMSNormalization,
        }[self.norm]
        return kind(epsilon=self.epsilon, name=name)

    def build(self, input_shape):
        shape = (None, None, self.hidden_size)
        for layer in (self.norm_1, self.norm_2, self.query, self.key, self.value):
            layer.build(shape)
        for layer in (self.projection, self.expand):
            layer.build(shape)
        self.contract.build((None, None, self.mlp_size))
        if self.qk_norm:
            self.query_norm.build(shape)
            self.key_norm.build(shape)
        for i in (1, 2):
            vector = self.add_weight(
                name=f"scale_bias_{i}",  # "bias" keeps Muon away from a vector
                shape=(self.hidden_size,),
                initializer=keras.initializers.Constant(self.layer_scale),
            )
            setattr(self, f"scale_{i}", vector)

    def call(self, x, training=None):
        normed = self.norm_1(x)
        q = self.query(normed, training=training)
        k = self.key(normed, training=training)
        v = self.value(normed, training=training)
        if self.qk_norm:
            q, k = self.query_norm(q), self.key_norm(k)
        tokens, depth = x.shape[1], self.hidden_size // self.num_heads
        q, k, v = (
            ops.reshape(part, (-1, tokens, self.num_heads, depth)) for part in (q, k, v)
        )
        y = ops.reshape(
            ops.dot_product_attention(q, k, v), (-1, tokens, self.hidden_size)
        )
        x = x + self.scale_1 * self.projection(y, training=training)
        hidden = ops.gelu(
            self.expand(self.norm_2(x), training=training), approximate=False
        )
        return x + self.scale_2 * self.contract(hidden, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("hidden_size", "num_heads", "mlp_size", "norm", "qkv_bias", "qk_norm")
        names += ("epsilon", "lora_rank", "lora_alpha", "lora_dropout", "layer_scale")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class InternVit(keras.layers.Layer):
    """The layers of InternViT over given tokens: class token, positions, transformer.

    The patch embedding is apart (:class:`InternVitPatchEmbedding`): feature
    compensation puts projected feature maps in its place.

    Parameters
    ----------
    grid : (`int`, `int`)
        Rows and columns of tokens

    num_layers : `int`
        Transformer layers

    hidden_size, num_heads, mlp_size, norm, qkv_bias, qk_norm, epsilon, lora_rank,
    lora_alpha, lora_dropout, layer_scale :
        As in :class:`InternVitLayer`

    trained_grid : (`int`, `int`), optional
        Grid that the position embedding is stored for; it is brought to ``grid`` by
        bicubic interpolation. ``grid`` if not given

    frozen : `bool`, (default `False`)
        Train nothing but the LoRA matrices

    Input
    -----
    tokens : [batch_size, rows * columns, hidden_size], `float32`

    Output
    ------
    : [batch_size, 1 + rows * columns, hidden_size], `float32`
        The class token first
    """

    def __init__(
        self,
        grid,
        num_layers,
        hidden_size,
        num_heads,
        mlp_size,
        norm="layer_norm",
        qkv_bias=True,
        qk_norm=False,
        epsilon=1e-6,
        lora_rank=0,
        lora_alpha=16.0,
        lora_dropout=0.0,
        layer_scale=0.1,
        trained_grid=None,
        frozen=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.grid = tuple(grid)
        self.num_layers = num_layers
        self.hidden_size = hidden_size
        self.layer_config = {
            "num_heads": num_heads,
            "mlp_size": mlp_size,
            "norm": norm,
            "qkv_bias": qkv_bias,
            "qk_norm": qk_norm,
            "epsilon": epsilon,
            "lora_rank": lora_rank,
            "lora_alpha": lora_alpha,
            "lora_dropout": lora_dropout,
            "layer_scale": layer_scale,
        }
        self.trained_grid = tuple(trained_grid or grid)
        self.frozen = frozen
        self.blocks = [
            InternVitLayer(hidden_size, **self.layer_config, name=f"layer_{i}")
            for i in range(num_layers)
        ]

    def build(self, input_shape):
        rows, columns = self.trained_grid
        self.class_token = self.add_weight(
            name="class_embedding",
            shape=(1, 1, self.hidden_size),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self.position = self.add_weight(
            name="position_embedding",
            shape=(1, 1 + rows * columns, self.hidden_size),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        for block in self.blocks:
            block.build((None, None, self.hidden_size))
        if self.frozen:
            self.freeze()

    def freeze(self):
        """Leaves only the LoRA matrices trainable."""
        for weight in self.weights:
            weight.trainable = weight.name.startswith("lora_")

    def call(self, tokens, training=None):
        positions = self.position
        if self.trained_grid != self.grid:
            matrix = _interpolation(self.trained_grid, self.grid)
            grid = ops.matmul(matrix, ops.cast(positions[0, 1:], "float32"))
            grid = ops.cast(grid, positions.dtype)[None]
            positions = ops.concatenate([positions[:, :1], grid], axis=1)
        first = ops.broadcast_to(
            self.class_token, (ops.shape(tokens)[0], 1, self.hidden_size)
        )
        x = ops.concatenate([first, tokens], axis=1) + positions
        for block in self.blocks:
            x = block(x, training=training)
        return x

    def get_config(self):
        return {
            **super().get_config(),
            "grid": self.grid,
            "num_layers": self.num_layers,
            "hidden_size": self.hidden_size,
            **self.layer_config,
            "trained_grid": self.trained_grid,
            "frozen": self.frozen,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class InternVitPatchEmbedding(keras.layers.Layer):
    """Pixels to tokens, as in front of the layers of :class:`InternVit`.

    Parameters
    ----------
    patch_size, hidden_size : `int`
        Side of a patch [pixels], width of a token

    Input
    -----
    images : [batch_size, H, W, 3], `float32`
        Normalised by the mean and standard deviation of ImageNet; sides are multiples
        of the patch

    Output
    ------
    tokens : [batch_size, (H / patch) (W / patch), hidden_size], `float32`
    """

    def __init__(self, patch_size, hidden_size, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size
        self.hidden_size = hidden_size
        self.convolution = keras.layers.Conv2D(
            hidden_size, patch_size, patch_size, name="convolution"
        )

    def build(self, input_shape):
        self.convolution.build((None, None, None, input_shape[-1]))

    def call(self, images):
        x = self.convolution(images)
        return ops.reshape(x, (-1, x.shape[1] * x.shape[2], self.hidden_size))

    def get_config(self):
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "hidden_size": self.hidden_size,
        }


def _interpolation(source, target):
    """Bicubic interpolation over a grid (a = -0.75, edges repeated, no corner
    alignment, as torch does it), [target tokens, source tokens]."""
    return np.kron(*(_cubic(s, t) for s, t in zip(source, target, strict=True)))


def _cubic(source, target):
    a, matrix = -0.75, np.zeros((target, source), "float32")
    for i in range(target):
        place = (i + 0.5) * source / target - 0.5
        base = int(np.floor(place))
        for j in range(base - 1, base + 3):
            x = abs(place - j)
            if x <= 1:
                weight = (a + 2) * x**3 - (a + 3) * x**2 + 1
            else:
                weight = a * (x**3 - 5 * x**2 + 8 * x - 4)
            matrix[i, min(max(j, 0), source - 1)] += weight
    return matrix
