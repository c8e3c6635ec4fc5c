"""What of a picture matters: a mask of patches, and what its branches are told."""

from typing import Any, NamedTuple

import keras
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.matrix_conv import MatrixConv2D
from semcom_phy.layers.transforms.spectrum import to_cells

TEMPERATURE = 1.0  # of the Gumbel softmax
_FURTHEST = 2.0  # an offset [places]


class Routing(NamedTuple):
    """What :class:`ImportanceRouting` finds.

    Attributes
    ----------
    logits : [batch, rows, columns], `float32`
        Of the foreground, against the background

    mask : [batch, rows, columns], `float32`
        1 for patches of the foreground, 0 for those of the background; with the
        gradient of the relaxed choice

    offsets : [batch, height, width, 2], `float32`
        [places]

    channel : [batch, 1, 1, channels], `float32`, in (0, 2)
        Attention of the channels

    spatial : [batch, height, width, 1], `float32`, in (0, 2)
        Attention of the places
    """

    logits: Any
    mask: Any
    offsets: Any
    channel: Any
    spatial: Any


@keras.saving.register_keras_serializable(package="semcom_phy")
class ImportanceRouting(keras.layers.Layer):
    r"""Semantic importance prediction module (SIPM).

    .. math::
        Z = [F; S; G], \quad G = \text{CNN}(F), \qquad
        m_p = \text{GumbelSoftmax}(\text{MLP}(\text{mean}_p Z))

    The perceptron adds to the score of its patch, so that the mask starts as what the
    score says. Offsets start at 0 and both attentions at 1.

    Parameters
    ----------
    patch : `int`, (default 2)
        Side of a patch [places]

    hidden : `int`, (default 32)
        Of the perceptrons, and channels of G

    Input
    -----
    features : [batch, height, width, channels], `float32`

    scores : [batch, height / patch, width / patch], `float32`
        Of :class:`~semcom_phy.layers.semantics.semantic_score.SemanticScore`

    uniform : [batch, rows * columns], `float32`, in (0, 1), or `None`
        Of the draw in training; `None`: the more likely of the two

    Output
    ------
    : :class:`Routing`

    References
    ----------
    Equations 12 to 14 of the GenED-SC paper; E. Jang, S. Gu, B. Poole, "Categorical
    reparameterization with Gumbel-softmax", ICLR 2017.
    """

    def __init__(self, patch=2, hidden=32, **kwargs):
        super().__init__(**kwargs)
        if patch < 1 or hidden < 1:
            raise ValueError(
                f"patch and hidden must be positive, received {patch}, {hidden}."
            )
        self.patch = patch
        self.hidden = hidden

    def build(self, features_shape, scores_shape, uniform_shape=None):
        _, height, width, channels = features_shape
        self.modulation = MatrixConv2D(self.hidden, name="modulation")
        self.modulation.build(features_shape)
        depth = channels + 1 + self.hidden
        self.enter = Dense(self.hidden, activation="gelu", name="enter")
        self.leave = Dense(1, kernel_initializer="zeros", name="leave")
        self.channels = Dense(channels, kernel_initializer="zeros", name="channels")
        self.enter.build((None, None, None, depth))
        self.leave.build((None, None, None, self.hidden))
        self.channels.build((None, depth))
        self.places = MatrixConv2D(3, kernel_initializer="zeros", name="places")
        self.places.build((None, height, width, depth))

    def call(self, features, scores, uniform=None):
        _, height, width, _ = features.shape
        fine = ops.repeat(ops.repeat(scores, self.patch, 1), self.patch, 2)[..., None]
        condition = [features, fine, ops.silu(self.modulation(features))]
        condition = ops.concatenate(condition, axis=-1)
        _, rows, columns = scores.shape
        cells = ops.reshape(
            to_cells(condition, self.patch),
            (-1, rows, columns, self.patch**2, condition.shape[-1]),
        )
        logits = scores + self.leave(self.enter(ops.mean(cells, axis=3)))[..., 0]
        places = self.places(condition)
        return Routing(
            logits,
            self._choice(logits, uniform),
            _FURTHEST * ops.tanh(places[..., :2]),
            2.0
            * ops.sigmoid(self.channels(ops.mean(condition, axis=(1, 2))))[
                :, None, None
            ],
            2.0 * ops.sigmoid(places[..., 2:]),
        )

    @staticmethod
    def _choice(logits, uniform):
        if uniform is None:
            return ops.cast(logits > 0, "float32")
        # Of two classes, the difference of the Gumbel variables is logistic.
        drawn = ops.reshape(uniform, ops.shape(logits))
        drawn = ops.log(drawn) - ops.log(1.0 - drawn)
        soft = ops.sigmoid((logits + drawn) / TEMPERATURE)
        hard = ops.cast(soft > 0.5, "float32")
        return soft + ops.stop_gradient(hard - soft)

    def get_config(self):
        return {**super().get_config(), "patch": self.patch, "hidden": self.hidden}
