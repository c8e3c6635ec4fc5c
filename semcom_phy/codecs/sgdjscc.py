r"""SGDJSCC in outline: what a JSCC network receives is denoised, guided by an edge map
and a caption.

M. Zhang et al., "Semantics guided diffusion for deep joint source and channel coding
design", WiOpt 2024.

    image --> [ network of GenED-SC, not routed ] --> values of patches ------> z
          '-> [ steepest patches ] --> edge map ------------------------------> side

    z_hat --> x, alpha_bar --> [ diffusion, from its noise level down ] --> values
                   edge map, caption --^                                      |
    image_hat <-- [ the same network's decoder ] <----------------------------'

Chain            : one analogue segment; the edge map as bytes. The caption, and how it
                   reaches the decoder: :mod:`link_models.systems.edited.guided`
Bandwidth        : as of :mod:`semcom_phy.codecs.gened_sc`
Known at encoder : average SNR [dB]
Known at decoder : no_eff, average SNR [dB], edge map (counted), vector of the caption
                   (counted); zeros for what did not arrive
Trained with     : the network first, by the squared error of images; then the denoiser
                   on its values, the network as it is
                   (:mod:`link_models.training.denoising`)

With the amplitude g of a value and its error variance :math:`\sigma^2` on the link,

.. math::
    \bar\alpha = \frac{g^2}{g^2 + \sigma^2}, \qquad
    x = \frac{y}{\sqrt{g^2 + \sigma^2}} = \sqrt{\bar\alpha}\,x_0 +
        \sqrt{1 - \bar\alpha}\,\epsilon

so that what arrives is a state of the diffusion as it is, and no noise is added. From
there a few deterministic steps (DDIM) go down.

Differences from the paper
--------------------------
* A latent diffusion model trained on many images -> 0.4 million weights on the values
  of one small network, because the codec is trained for minutes, not for days. It shows
  what the guide is worth in outline, and not what the paper reaches.
* One step of the diffusion for an image -> a level for every value: amplitudes and
  streams differ.
* Edges of a detector in pixels -> the 24 patches of the grid with the steepest
  brightness, lossless: a map that a room of 144 symbols holds.
* Caption in cross-attention, of CLIP's tokens -> one vector of the dual encoder, which
  scales and shifts features.
* Guidance with and without a condition (classifier-free) -> one condition, either part
  of which is left out in training now and then, as it may be lost.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.gened_sc import PATCH, PIXELS, GenedScDecoder, GenedScEncoder
from semcom_phy.entropy_coding.mask_coder import ECSSD_EDGES, MaskCoder
from semcom_phy.layers.semantics.edge_map import edge_map
from semcom_phy.layers.semantics.latent_denoiser import LatentDenoiser

SHARE_OF_EDGES = 24 / 256  # of the patches
STEP = 1 / 4  # of the noise, over the signal, that is left by a step
_LEAST = 1e-6


class Guide(NamedTuple):
    """Side information.

    Attributes
    ----------
    edges : [batch, rows, columns], `float32`
        1 for patches with an edge

    arrived : [batch], `float32`
        1 where the receiver knows the edges

    caption : [batch, common_width], `float32`
        Vector of the text that arrived, zeros for none. It is no part of the bytes:
        the caption has a segment of its own
    """

    edges: Any
    arrived: Any
    caption: Any


@keras.saving.register_keras_serializable(package="semcom_phy")
class SgdJsccEncoder(GenedScEncoder):
    """The encoder of GenED-SC without routing, and an edge map.

    Parameters
    ----------
    image_shape, num_symbols, channels, foreground, background, patch_width,
    common_width
        As of :class:`~semcom_phy.codecs.gened_sc.GenedScEncoder`

    Input of `encode`
    -----------------
    source
        As there; the place of the class text holds the vector of the caption, which
        goes into the guide alone
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        num_symbols=1792,
        channels=32,
        foreground="swin",
        background="cbam",
        patch_width=408,
        common_width=256,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            num_symbols,
            channels,
            mask="none",
            foreground=foreground,
            background=background,
            patch_width=patch_width,
            common_width=common_width,
            **kwargs,
        )
        self.num_uniform = 0
        self.num_edges = round(SHARE_OF_EDGES * self.grid[0] * self.grid[1])
        self.side_bytes = self.grid[0] * self.grid[1] + 1  # 8 bits a patch, at most
        self._untitled = np.ones((1, *self.source_shape), "float32")
        start = PIXELS + common_width
        self._untitled[:, -1, start : start + common_width] = 0

    def encode(self, source, known, uniform=None):
        image, _, _, caption = self.unpack(source)
        packet = super().encode(source * self._untitled, known)
        edges = edge_map(image, PATCH, self.num_edges)
        guide = Guide(edges, ops.ones_like(edges[:, 0, 0]), caption)
        return packet._replace(side=guide)

    def side_to_bytes(self, side):
        coder = MaskCoder(ECSSD_EDGES)
        return [coder.encode(edges.astype("uint8")) for edges in side.edges]

    def figures(self, packet):
        """None."""
        return {}

    def get_config(self):
        return _without_routing(super().get_config())


@keras.saving.register_keras_serializable(package="semcom_phy")
class SgdJsccDecoder(GenedScDecoder):
    """The decoder of GenED-SC without routing, its values denoised before.

    Parameters
    ----------
    image_shape, num_symbols, channels, foreground, background
        As of :class:`~semcom_phy.codecs.gened_sc.GenedScDecoder`

    common_width : `int`, (default 256)
        Of the vector of a caption

    denoiser_channels, denoiser_blocks : `int`, (default 64, 4)
        As of :class:`~semcom_phy.layers.semantics.latent_denoiser.LatentDenoiser`

    steps : `int`, (default 4)
        Of the diffusion, each to a quarter of the noise over the signal; the weights do
        not depend on it
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        num_symbols=1792,
        channels=32,
        foreground="swin",
        background="cbam",
        common_width=256,
        denoiser_channels=64,
        denoiser_blocks=4,
        steps=4,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            num_symbols,
            channels,
            mask="none",
            foreground=foreground,
            background=background,
            **kwargs,
        )
        if steps < 1:
            raise ValueError(f"steps must be positive, received {steps}.")
        self.common_width = common_width
        self.denoiser_channels = denoiser_channels
        self.denoiser_blocks = denoiser_blocks
        self.steps = steps
        self.denoiser = LatentDenoiser(
            denoiser_channels, denoiser_blocks, name="denoiser"
        )

    def build(self, z_shape):
        super().build(z_shape)
        values = (None, *self.grid, self.depth)
        edges, caption = (None, *self.grid), (None, self.common_width)
        self.denoiser.build(values, values, edges, caption)

    def side_from_bytes(self, payloads):
        coder = MaskCoder(ECSSD_EDGES)
        edges = np.stack([coder.decode(payload, self.grid) for payload in payloads])
        caption = np.zeros((len(edges), self.common_width), "float32")
        return Guide(edges.astype("float32"), np.ones(len(edges), "float32"), caption)

    def estimates(self, received, snr_db, mask):
        x, alpha_bar = self.state(received, snr_db, mask)
        return self._denoised(x, alpha_bar, received.side), alpha_bar

    def state(self, received, snr_db, mask):
        """State of the diffusion that symbols are as they arrive.

        Input
        -----
        received : :class:`~semcom_phy.codecs.contract.Received`

        snr_db : [batch], `float32`
            Average SNR, by which amplitudes go [dB]

        mask : [batch, rows, columns], `float32`
            Zeros

        Output
        ------
        x : [batch, rows, columns, depth], `float32`
            Of unit variance; 0 where nothing is sent

        alpha_bar : as ``x``, in (0, 1)
            Share of the values in that variance
        """
        linear, alpha_bar = super().estimates(received, snr_db, mask)
        return linear / ops.sqrt(ops.maximum(alpha_bar, _LEAST)), alpha_bar

    def predict(self, x, alpha_bar, guide):
        """Values and noise of a state of the diffusion, by one call of the network.

        Input
        -----
        x, alpha_bar : [batch, rows, columns, depth], `float32`

        guide : :class:`Guide`

        Output
        ------
        values, noise : as ``x``
            Of unit variance
        """
        edges = guide.edges * guide.arrived[:, None, None]
        v = self.denoiser(x, alpha_bar, edges, guide.caption)
        signal, error = ops.sqrt(alpha_bar), ops.sqrt(1.0 - alpha_bar)
        return signal * x - error * v, error * x + signal * v

    def _denoised(self, x, alpha_bar, guide):
        """The values at the end of the deterministic steps."""
        for _ in range(self.steps - 1):
            values, noise = self.predict(x, alpha_bar, guide)
            alpha_bar = alpha_bar / (alpha_bar + STEP * (1.0 - alpha_bar))
            x = ops.sqrt(alpha_bar) * values + ops.sqrt(1.0 - alpha_bar) * noise
        return self.predict(x, alpha_bar, guide)[0]

    def get_config(self):
        names = ("common_width", "denoiser_channels", "denoiser_blocks", "steps")
        own = {name: getattr(self, name) for name in names}
        return {**_without_routing(super().get_config()), **own}


def _without_routing(config):
    return {k: v for k, v in config.items() if k not in ("mask", "foreground_lead")}
