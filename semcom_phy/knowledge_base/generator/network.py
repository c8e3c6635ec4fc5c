"""Networks that take the noise off pictures, told the level of it and a text.

===================  ================================================================
network              works on
===================  ================================================================
`ResidualMLP`        coefficients of a picture (:mod:`.spectrum`); shipped
`TextUNet`           pixels; four stages with attention, for a GPU
===================  ================================================================

A text is the vector of its sentence, or `null` for "whatever it shows".
"""

import math

import torch
from torch import nn

from semcom_phy.knowledge_base.sentence_encoder import WIDTH as TEXT_WIDTH


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

    Input
    -----
    x : [batch, num_coefficients]
        Noisy, of unit variance

    time : [batch]
        Level of noise, 0 to 1

    text : [batch, 384]

    Output
    ------
    : [batch, num_coefficients]
    """

    def __init__(self, num_coefficients, width, hidden, depth, condition_width):
        super().__init__()
        self.null = nn.Parameter(torch.zeros(TEXT_WIDTH))
        self.of_time = nn.Linear(2 * _FREQUENCIES, condition_width)
        self.of_text = nn.Linear(TEXT_WIDTH, condition_width)
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
        text = self.of_text(text * math.sqrt(TEXT_WIDTH))
        condition = silu(self.mix(silu(self.of_time(_waves(time)) + text)))
        y = self.enter(x)
        for block in self.blocks:
            y = block(y, condition)
        return self.leave(self.norm(y))


_FREQUENCIES = 32


def _waves(time):
    """[batch] of 0 to 1 -> [batch, 2 * 32]: cosines and sines."""
    octaves = torch.exp(torch.linspace(0, math.log(500), _FREQUENCIES))
    phase = time[:, None] * octaves.to(time) * math.pi
    return torch.cat([phase.cos(), phase.sin()], dim=-1)
