"""Feature compensation at the receiver: a vision transformer completes the maps.

maps, condition --> linear --> [ class token, positions, layers ] --> linear --> +maps
"""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.pretrained.internvit import InternVit


@keras.saving.register_keras_serializable(package="semcom_phy")
class FeatureCompensation(keras.layers.Layer):
    """Completes and denoises received feature maps.

    A position of the maps is a token. The last projection starts at zero and its output
    is added to the maps received (ECA does not say whether it adds), so that an
    untrained module changes nothing.

    Parameters
    ----------
    vit : `dict`
        Constructor arguments of
        :class:`~semcom_phy.layers.pretrained.internvit.InternVit` but for ``grid``:
        InternViT's own, frozen with LoRA and loaded by
        :func:`semcom_phy.knowledge_base.internvit.load_internvit`, or those of a small
        one trained from scratch

    Input
    -----
    maps : [batch_size, height, width, num_maps], `float32`
        Received, 0 where nothing was sent

    condition : [batch_size, num_condition], `float32`
        Channel-condition embedding

    Output
    ------
    refined : [batch_size, height, width, num_maps], `float32`
    """

    def __init__(self, vit, **kwargs):
        super().__init__(**kwargs)
        self.vit = dict(vit)

    def build(self, maps_shape, condition_shape):
        _, height, width, num_maps = maps_shape
        try:
            self.transformer = InternVit((height, width), **self.vit, name="vit")
        except TypeError as error:
            raise ValueError(
                f"the sizes {self.vit} do not fit InternVit: {error}"
            ) from error
        hidden = self.transformer.hidden_size
        self.project_in = Dense(hidden, name="project_in")
        self.project_in.build((None, num_maps + condition_shape[-1]))
        self.transformer.build((None, height * width, hidden))
        self.project_out = Dense(
            num_maps, kernel_initializer="zeros", name="project_out"
        )
        self.project_out.build((None, hidden))

    def call(self, maps, condition, training=None):
        _, height, width, num_maps = maps.shape
        tokens = ops.reshape(maps, (-1, height * width, num_maps))
        shape = (ops.shape(tokens)[0], height * width, condition.shape[-1])
        around = ops.broadcast_to(condition[:, None], shape)
        hidden = self.project_in(ops.concatenate([tokens, around], axis=-1))
        hidden = self.transformer(hidden, training=training)[:, 1:]
        return maps + ops.reshape(self.project_out(hidden), ops.shape(maps))

    def compute_output_shape(self, maps_shape, condition_shape):
        return maps_shape

    def get_config(self):
        return {**super().get_config(), "vit": self.vit}
