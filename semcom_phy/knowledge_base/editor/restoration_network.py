r"""A small U-shaped residual network that says what is to be added to a picture.

    picture --> pixels of 2x2 as channels --> level 0 ------------------(+)--> f
                                                 '--> level 1 -----(+)--'
                                                         '--> level 2

Level k works on one pixel of :math:`2^{k+1} \times 2^{k+1}`, with its own width.
"""

from torch import nn
from torch.nn.functional import pad

# Of the shipped weights.
CONFIG = {"widths": [32, 64, 128], "blocks": [2, 2, 3]}


class RestorationNetwork(nn.Module):
    """The picture, and what the network adds to it.

    The last layer starts at zero: an untrained network leaves a picture as it is.

    Parameters
    ----------
    widths : sequence of `int`
        Channels of the levels

    blocks : sequence of `int`
        Residual blocks of the levels, on the way down and again on the way up

    Input
    -----
    x : [num_images, 3, height, width], `float32`, 0 to 1
        Any height and width of at least 16

    Output
    ------
    : [num_images, 3, height, width], `float32`
        Around 0 to 1, not clipped
    """

    def __init__(self, widths, blocks):
        super().__init__()
        self.config = {"widths": list(widths), "blocks": list(blocks)}
        self.multiple = 2 ** len(widths)
        self.first = nn.Sequential(nn.PixelUnshuffle(2), _conv(12, widths[0]))
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        levels = list(zip(widths, blocks, strict=True))
        self.before = nn.ModuleList(_blocks(*level) for level in levels)
        self.after = nn.ModuleList(_blocks(*level) for level in levels[:-1])
        self.last = nn.Sequential(_conv(widths[0], 12), nn.PixelShuffle(2))
        nn.init.zeros_(self.last[0].weight)
        nn.init.zeros_(self.last[0].bias)

    def forward(self, x):
        height, width = x.shape[-2:]
        sides = (0, -width % self.multiple, 0, -height % self.multiple)
        y = self.first(pad(x, sides, mode="reflect"))
        kept = []
        for before, down in zip(self.before[:-1], self.down, strict=True):
            y = before(y)
            kept.append(y)
            y = down(y)
        y = self.before[-1](y)
        for up, after, beside in zip(
            reversed(self.up), reversed(self.after), reversed(kept), strict=True
        ):
            y = after(up(y) + beside)
        return x + self.last(y)[..., :height, :width]


class _Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            _conv(width, width), nn.ReLU(inplace=True), _conv(width, width)
        )
        # Blocks start small, so that a deep chain of them starts as one layer.
        nn.init.zeros_(self.layers[2].bias)
        self.layers[2].weight.data.mul_(0.1)

    def forward(self, x):
        return x + self.layers(x)


def _conv(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _blocks(width, number):
    return nn.Sequential(*(_Block(width) for _ in range(number)))
