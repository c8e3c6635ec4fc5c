"""Networks that take the noise off pictures, told the level of it and a text or class.

===================  ================================================================
network              works on
===================  ================================================================
`ResidualMLP`        coefficients of a picture (:mod:`.spectrum`); shipped
`TextUNet`           pixels; four stages with attention, for a GPU
===================  ================================================================

A text is the vector of its sentence, a class has a 1 in its place; `null` stands for
"whatever it shows".
"""

import math

import numpy as np
import torch
from scipy.fft import dct
from torch import nn

from semcom_phy.knowledge_base.embedded_weights import frozen_network
from semcom_phy.knowledge_base.generator.spectrum import SIDE
from semcom_phy.knowledge_base.sentence_encoder import WIDTH as TEXT_WIDTH

PREFIX = "network."
_FREQUENCIES = 32


def _waves(time):
    """[batch] of 0 to 1 -> [batch, 2 * 32]: cosines and sines."""
    octaves = torch.exp(torch.linspace(0, math.log(500), _FREQUENCIES))
    phase = time[:, None] * octaves.to(time) * math.pi
    return torch.cat([phase.cos(), phase.sin()], dim=-1)


class _Block(nn.Module):
    """x + gate * f(normalised x, scaled and shifted): adaptive layer norm."""

    def __init__(self, width, hidden, condition_width):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(condition_width, 3 * width)
        self.enter = nn.Linear(width, hidden)
        self.leave = nn.Linear(hidden, width)
        # Every block starts as the identity.
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x, condition):
        shift, scale, gate = self.modulation(condition).chunk(3, dim=-1)
        y = self.norm(x) * (1 + scale) + shift
        return x + gate * self.leave(nn.functional.silu(self.enter(y)))


class ResidualMLP(nn.Module):
    """Guesses the velocity of noisy coefficients.

    Parameters
    ----------
    num_coefficients, width, hidden, depth, condition_width : `int`
        Of a picture, of the residual path, inside a block, number of blocks, of what
        time and text are made into

    text_width : `int`, (default 384)
        Of a sentence's vector, or how many classes there are

    Input
    -----
    x : [batch, num_coefficients]
        Noisy, of unit variance

    time : [batch]
        Level of noise, 0 to 1

    text : [batch, text_width]

    Output
    ------
    : [batch, num_coefficients]
    """

    def __init__(
        self,
        num_coefficients,
        width,
        hidden,
        depth,
        condition_width,
        text_width=TEXT_WIDTH,
    ):
        super().__init__()
        self.null = nn.Parameter(torch.zeros(text_width))
        self.of_time = nn.Linear(2 * _FREQUENCIES, condition_width)
        self.of_text = nn.Linear(text_width, condition_width)
        self.mix = nn.Linear(condition_width, condition_width)
        self.enter = nn.Linear(num_coefficients, width)
        self.blocks = nn.ModuleList(
            _Block(width, hidden, condition_width) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, num_coefficients)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x, time, text):
        silu = nn.functional.silu
        text = self.of_text(text * math.sqrt(text.shape[-1]))
        condition = silu(self.mix(silu(self.of_time(_waves(time)) + text)))
        y = self.enter(x)
        for block in self.blocks:
            y = block(y, condition)
        return self.leave(self.norm(y))


class TextUNet(nn.Module):
    """The UNet of MMSemCom: four stages down and up, two residual layers in each, and
    attention in all but the first, here to the text as well.

    Coefficients are turned into pixels inside, and its guess back: the transforms are
    orthonormal, so noise is the same in both.

    Parameters
    ----------
    channels : sequence of 4 `int`
        Of each stage

    head_width, groups : `int`
        Of attention and of normalisation; every number of channels is a multiple of
        both

    text_width : `int`, (default 384)
        As of :class:`ResidualMLP`

    Input, Output
    -------------
    As of :class:`ResidualMLP`, of all 3072 coefficients

    References
    ----------
    "Image generation with supervised selection based on multimodal features for
    semantic communications" (MMSemCom).
    """

    def __init__(self, channels, head_width, groups, text_width=TEXT_WIDTH):
        super().__init__()
        from diffusers import UNet2DConditionModel

        self.null = nn.Parameter(torch.zeros(text_width))
        self.unet = UNet2DConditionModel(
            sample_size=SIDE,
            in_channels=3,
            out_channels=3,
            block_out_channels=tuple(channels),
            layers_per_block=2,
            down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
            up_block_types=(*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
            attention_head_dim=head_width,
            norm_num_groups=groups,
            cross_attention_dim=text_width,
        )
        waves = dct(np.eye(SIDE), axis=0, norm="ortho").astype("float32")
        self.register_buffer("waves", torch.from_numpy(waves), persistent=False)

    def forward(self, x, time, text):
        planes = x.reshape(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2)
        pictures = self.waves.T @ planes @ self.waves
        states = text[:, None] * math.sqrt(text.shape[-1])
        guess = self.unet(pictures, time * 1000, states).sample
        guess = self.waves @ guess @ self.waves.T
        return guess.permute(0, 2, 3, 1).reshape(x.shape)


_NETWORKS = {"mlp": ResidualMLP, "unet": TextUNet}


def make_network(config):
    """A network by its configuration: ``kind``, "mlp" or "unet", and its sizes."""
    sizes = dict(config)
    network = _NETWORKS[sizes.pop("kind")](**sizes)
    network.config = dict(config)
    return network


def load_network(config, tensors):
    """A frozen network with the weights that are called ``network.*``."""
    own = {
        name.removeprefix(PREFIX): value
        for name, value in tensors.items()
        if name.startswith(PREFIX)
    }
    return frozen_network(make_network(config), own)
