"""The network of the embedded classifiers, a small residual one.

picture --> 3x3, w0 --> 3x3, stride 2, w --> x + f(x) --> ... --> most over the places
                        '----------- once for each width -------'         |
                                            logits of the classes <-- linear

References
----------
K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR
2016.
"""

import numpy as np
import torch
from torch import nn


class ConvNetwork(nn.Module):
    """Logits of the classes, [batch, 3, side, side] of -1 to 1 -> [batch, num_classes].

    Parameters
    ----------
    num_classes : `int`

    widths : sequence of `int`
        Channels of the first convolution, then of every stage, which halves the sides

    stem_stride : 1 | 2
        Of the first convolution
    """

    def __init__(self, num_classes, widths=(24, 48, 96, 128), stem_stride=1):
        super().__init__()
        self.config = {
            "num_classes": num_classes,
            "widths": list(widths),
            "stem_stride": stem_stride,
        }
        layers = [_convolution(3, widths[0], stem_stride)]
        for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
            layers += [_convolution(inputs, outputs, 2), _Residual(outputs)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], num_classes)

    def forward(self, x):
        return self.head(self.body(x).amax((2, 3)))


class _Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            _convolution(width, width), _convolution(width, width)
        )

    def forward(self, x):
        return x + self.body(x)


def _convolution(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def scaled(images, side):
    """Pictures as the network wants them.

    Input
    -----
    images : [batch, height, width, 3], `uint8`

    side : `int`
        Pictures of another size are resized to it, the aspect ratio not kept

    Output
    ------
    : torch tensor [batch, 3, side, side], -1 to 1, channels last in memory
    """
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    x = x.float() / 127.5 - 1
    if x.shape[2:] != (side, side):
        x = nn.functional.interpolate(x, (side, side), mode="bicubic", antialias=True)
        x = x.clamp(-1, 1)
    return x.contiguous(memory_format=torch.channels_last)
