"""The two towers of the embedded dual encoder: what is trained of them.

features of EfficientNet-Lite0, mean over places --> linear --> unit vector
sentence embedding of all-MiniLM-L6-v2           --> two dense layers --> unit vector

The image tower is linear, so that a place has features of its own, whose mean is that
of the picture before it is scaled to a unit vector.
"""

import math

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

SMOOTHING = 0.1  # of the labels


class DualNetwork(nn.Module):
    """Projections into the common space.

    Parameters
    ----------
    width : `int`
        Of the common space

    hidden : `int`
        Of the text tower

    image_dropout, text_dropout : `float`
        While it is trained
    """

    def __init__(
        self,
        width=256,
        hidden=1024,
        image_dropout=0.5,
        text_dropout=0.2,
        image_width=1280,
        text_width=384,
    ):
        super().__init__()
        self.config = {
            "width": width,
            "hidden": hidden,
            "image_dropout": image_dropout,
            "text_dropout": text_dropout,
            "image_width": image_width,
            "text_width": text_width,
        }
        # Of the training pictures: set before training, stored with the weights.
        self.register_buffer("mean", torch.zeros(image_width))
        self.register_buffer("deviation", torch.ones(image_width))
        self.image_drop = nn.Dropout(image_dropout)
        self.image_projection = nn.Linear(image_width, width)
        self.text_drop = nn.Dropout(text_dropout)
        self.text_projection = nn.Sequential(
            nn.Linear(text_width, hidden),
            nn.GELU(),
            nn.Dropout(text_dropout),
            nn.Linear(hidden, width),
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def images(self, features):
        """[..., 1280] of a picture, or of a place -> unit vectors [..., width]."""
        x = (features - self.mean) / self.deviation
        return normalize(self.image_projection(self.image_drop(x)), dim=-1)

    def texts(self, sentences):
        """[..., 384] -> unit vectors [..., width]."""
        return normalize(self.text_projection(self.text_drop(sentences)), dim=-1)

    def loss(self, features, sentences, said):
        """Symmetric cross entropy of which text belongs to which picture (CLIP).

        Input
        -----
        features : [batch, 1280]

        sentences : [batch, 384]

        said : [batch], `int64`
            The same number where a text fits other pictures of the batch as well, as
            the name of a class does

        References
        ----------
        A. Radford et al., "Learning transferable visual models from natural language
        supervision", ICML 2021; locked towers: X. Zhai et al., "LiT: zero-shot
        transfer with locked-image text tuning", CVPR 2022.
        """
        scale = self.log_scale.exp().clamp(max=100.0)
        logits = scale * self.images(features) @ self.texts(sentences).T
        fits = (said[:, None] == said).float()
        fits = fits / fits.sum(1, keepdim=True)
        forth = cross_entropy(logits, fits, label_smoothing=SMOOTHING)
        back = cross_entropy(logits.T, fits, label_smoothing=SMOOTHING)
        return (forth + back) / 2
