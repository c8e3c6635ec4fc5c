"""Backbones: image to feature maps and back, for codecs that choose what to send.

    image --> analysis --maps--> (selection, radio link) --maps--> synthesis --> image

Two of them, with one interface:

    analysis(image, condition) -> maps          [batch, H/4, W/4, num_maps]
    synthesis(maps, received, condition) -> image
    order        "importance" or "raster": how the symbols of the maps are ordered
    fit(images)  closed-form start from training images (convolutional only)

``swin`` is the backbone of SwinJSCC in the sizes of the ECA paper. ``conv`` is made for
training on a few cores: residual trunks around a fixed subband transform, silent at the
start, so that the untrained codec is a linear coder.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.refine import refine
from semcom_phy.layers.residual_trunk import ResidualTrunk
from semcom_phy.layers.swin import SwinStage
from semcom_phy.layers.transforms.spectrum import from_cells, to_cells
from semcom_phy.layers.transforms.subbands import BANDS, Subbands

DOWNSAMPLING = 4
PATCH = 2


class _ConvHalf(keras.layers.Layer):
    order = "importance"

    def __init__(
        self,
        image_shape,
        num_maps,
        channel_aware,
        filters=64,
        num_blocks=4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.num_maps = num_maps
        self.channel_aware = channel_aware
        self.filters = filters
        self.num_blocks = num_blocks
        self.subbands = Subbands(self.image_shape, num_maps, name="subbands")
        self.cell_depth = BANDS**2 * self.image_shape[-1]
        self.trunk = ResidualTrunk(
            filters, num_blocks, "ccam" if channel_aware else None, name="trunk"
        )
        self.heads = keras.layers.Dense(
            2 * self.cell_depth, kernel_initializer="zeros", name="heads"
        )

    @property
    def map_scales(self):
        """What a unit of each map is worth in the image, [num_maps]."""
        return ops.convert_to_numpy(self.subbands.std)

    def _build(self, depth, condition_shape):
        grid = (None, *self.subbands.grid)
        self.trunk.build((*grid, depth), condition_shape)
        self.heads.build((*grid, self.filters))

    def get_config(self):
        names = ("image_shape", "num_maps", "channel_aware", "filters", "num_blocks")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class ConvAnalysis(_ConvHalf):
    """Convolutional encoder: the image is predistorted, then cut into subbands.

    Parameters
    ----------
    image_shape : (`int`, `int`, `int`)
        Height and width, multiples of 4, and colours [pixels]

    num_maps : `int`
        Feature maps, C

    channel_aware : `bool`
        A channel condition adaptive module in every block

    filters, num_blocks : `int`, (default 64, 4)
        Size of the trunk

    Input
    -----
    image : [batch_size, H, W, C], `float32`
        In [0, 1]

    condition : [batch_size, num_condition], `float32`
        Channel-condition embedding

    Output
    ------
    maps : [batch_size, H/4, W/4, num_maps], `float32`
        Feature maps
    """

    def fit(self, images):
        self.subbands.fit(images)

    def build(self, image_shape, condition_shape):
        self._build(self.cell_depth, condition_shape)

    def call(self, image, condition):
        image = self.subbands.decorrelate(image)
        cells = to_cells(image, BANDS)
        features = self.trunk(4.0 * cells, condition)
        return self.subbands.analyse(refine(image, cells, self.heads(features), BANDS))


@keras.saving.register_keras_serializable(package="semcom_phy")
class ConvSynthesis(_ConvHalf):
    """Convolutional decoder: subbands to an image, then refined.

    Parameters
    ----------
    image_shape, num_maps, channel_aware, filters, num_blocks
        As in :class:`ConvAnalysis`

    Input
    -----
    maps : [batch_size, H/4, W/4, num_maps], `float32`
        Compensated feature maps

    received : [batch_size, H/4, W/4, num_maps], `float32`
        Feature maps before compensation

    condition : [batch_size, num_condition], `float32`
        Channel-condition embedding

    Output
    ------
    image : [batch_size, H, W, C], `float32`
        Around [0, 1], not clipped
    """

    def build(self, maps_shape, received_shape, condition_shape):
        self._build(2 * self.cell_depth, condition_shape)

    def call(self, maps, received, condition):
        image = self.subbands.synthesise(maps)
        cells = to_cells(image, BANDS)
        before = to_cells(self.subbands.synthesise(received), BANDS)
        features = self.trunk(
            4.0 * ops.concatenate([cells, before], axis=-1), condition
        )
        image = refine(image, cells, self.heads(features), BANDS)
        return self.subbands.recorrelate(image)


class _SwinHalf(keras.layers.Layer):
    order = "raster"

    def __init__(
        self,
        image_shape,
        num_maps,
        channel_aware,
        dims=(96, 128),
        depths=(2, 4),
        heads=(6, 8),
        window=4,
        mlp_ratio=4.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.num_maps = num_maps
        self.channel_aware = channel_aware
        self.dims = tuple(dims)
        self.depths = tuple(depths)
        self.heads = tuple(heads)
        self.window = window
        self.mlp_ratio = mlp_ratio
        height, width, self.colors = self.image_shape
        if any(len(v) != 2 for v in (self.dims, self.depths, self.heads)):
            raise ValueError(
                "dims, depths and heads are of two stages, received "
                f"{dims}, {depths} and {heads}."
            )
        if height % DOWNSAMPLING or width % DOWNSAMPLING:
            raise ValueError(
                f"image height and width must be multiples of {DOWNSAMPLING} (patch 2, "
                f"two stages), received {height}x{width}: crop or pad the images."
            )
        self.fine = (None, height // PATCH, width // PATCH)
        self.coarse = (None, height // DOWNSAMPLING, width // DOWNSAMPLING)
        self.stages = [
            SwinStage(depth, heads, window, mlp_ratio, channel_aware, name=f"stage_{i}")
            for i, (depth, heads) in enumerate(
                zip(self.depths, self.heads, strict=True)
            )
        ]
        self.map_scales = np.ones(num_maps)

    def _build_stage(self, i, shape, condition_shape):
        if self.channel_aware:
            self.stages[i].build(shape, condition_shape)
        else:
            self.stages[i].build(shape)

    def _run_stage(self, i, x, condition):
        if self.channel_aware:
            return self.stages[i](x, condition)
        return self.stages[i](x)

    def get_config(self):
        names = ("image_shape", "num_maps", "channel_aware", "dims", "depths", "heads")
        names += ("window", "mlp_ratio")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinAnalysis(_SwinHalf):
    """Swin encoder: patches of 2x2, stage, patch merging, stage, projection.

    Parameters
    ----------
    image_shape, num_maps, channel_aware
        As in :class:`ConvAnalysis`

    dims, depths, heads : two `int` each, (default (96, 128), (2, 4), (6, 8))
        Channels, blocks and attention heads of the stages

    window : `int`, (default 4)
        Side of the attention windows (not stated in the ECA paper) [tokens]

    mlp_ratio : `float`, (default 4.0)
        Width of the perceptrons over the channels

    Input, Output
    -------------
    As in :class:`ConvAnalysis`
    """

    def build(self, image_shape, condition_shape):
        first, second = self.dims
        self.embed = Dense(first, name="patch_embed")
        self.embed.build((None, PATCH**2 * self.colors))
        self.embed_norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm_in")
        self.embed_norm.build((*self.fine, first))
        self._build_stage(0, (*self.fine, first), condition_shape)
        self.merge_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm_merge"
        )
        self.merge_norm.build((*self.coarse, 4 * first))
        self.merge = Dense(second, name="merge")
        self.merge.build((None, 4 * first))
        self._build_stage(1, (*self.coarse, second), condition_shape)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm_out")
        self.norm.build((*self.coarse, second))
        self.project = Dense(self.num_maps, name="project")
        self.project.build((None, second))

    def call(self, image, condition):
        if tuple(image.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images must have shape {self.image_shape}, received "
                f"{tuple(image.shape[1:])}."
            )
        x = self.embed_norm(self.embed(to_cells(image - 0.5, PATCH)))
        x = self._run_stage(0, x, condition)
        x = self.merge(self.merge_norm(to_cells(x, 2)))
        x = self._run_stage(1, x, condition)
        return self.project(self.norm(x))


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinSynthesis(_SwinHalf):
    """Swin decoder: stage, patch reverse merging, stage, pixels.

    As the ECA paper says, not as a mirror image: the first stage (8x8 tokens) holds 2
    blocks of 8 heads, the second 4 of 6.

    Parameters
    ----------
    image_shape, num_maps, channel_aware, window, mlp_ratio
        As in :class:`SwinAnalysis`

    dims, depths, heads : two `int` each, (default (128, 96), (2, 4), (8, 6))
        Channels, blocks and attention heads of the stages, coarse tokens first

    Input, Output
    -------------
    As in :class:`ConvSynthesis`
    """

    def __init__(
        self,
        image_shape,
        num_maps,
        channel_aware,
        dims=(128, 96),
        depths=(2, 4),
        heads=(8, 6),
        window=4,
        mlp_ratio=4.0,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            num_maps,
            channel_aware,
            dims,
            depths,
            heads,
            window,
            mlp_ratio,
            **kwargs,
        )

    def build(self, maps_shape, received_shape, condition_shape):
        first, second = self.dims
        self.expand = Dense(first, name="expand")
        self.expand.build((None, self.num_maps))
        self._build_stage(0, (*self.coarse, first), condition_shape)
        self.split_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm_split"
        )
        self.split_norm.build((*self.coarse, first))
        self.split = Dense(4 * second, name="split")
        self.split.build((None, first))
        self._build_stage(1, (*self.fine, second), condition_shape)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm_out")
        self.norm.build((*self.fine, second))
        self.pixels = Dense(PATCH**2 * self.colors, name="pixels")
        self.pixels.build((None, second))

    def call(self, maps, received, condition):
        x = self._run_stage(0, self.expand(maps), condition)
        x = from_cells(self.split(self.split_norm(x)), 2)
        x = self._run_stage(1, x, condition)
        return 0.5 + from_cells(self.pixels(self.norm(x)), PATCH)


BACKBONES = {
    "conv": (ConvAnalysis, ConvSynthesis),
    "swin": (SwinAnalysis, SwinSynthesis),
}


def make_backbone(half, kind, image_shape, num_maps, channel_aware, sizes):
    """One half of a backbone from plain values.

    Parameters
    ----------
    half : "analysis" | "synthesis"
        Which

    kind : `str`
        A key of ``BACKBONES``

    sizes : `dict`
        Further constructor arguments

    Raises
    ------
    ValueError
        If there is no such backbone, or the sizes do not fit it.
    """
    if kind not in BACKBONES:
        raise ValueError(
            f"unknown backbone {kind!r}; there are {', '.join(BACKBONES)}."
        )
    layer = BACKBONES[kind][("analysis", "synthesis").index(half)]
    try:
        return layer(image_shape, num_maps, channel_aware, name=half, **sizes)
    except TypeError as error:
        raise ValueError(
            f"the sizes {sizes} do not fit the backbone {kind!r}: {error}"
        ) from error
