"""A transformer that writes a caption word by word, looking at places of a picture.

features of 7x7 places --> linear, place --> memory
words so far --> embedding, position --> layers of (words before, memory, dense)
             --> logits of the next word, by the embedding itself
"""

import math

import torch
from torch import nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from semcom_phy.knowledge_base.captioner.vocabulary import BEGIN, END, PAD, UNKNOWN


class CaptionNetwork(nn.Module):
    """Writes captions of 7x7x1280 features.

    Parameters
    ----------
    num_words : `int`
        Size of the vocabulary, signs included

    width, num_layers, num_heads, hidden : `int`
        Of the transformer

    max_length : `int`
        Most words and signs of a caption

    dropout : `float`
        While it is trained
    """

    def __init__(
        self,
        num_words,
        width=256,
        num_layers=3,
        num_heads=8,
        hidden=768,
        max_length=28,
        dropout=0.2,
        num_places=49,
        feature_width=1280,
    ):
        super().__init__()
        self.config = {
            "num_words": num_words,
            "width": width,
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden": hidden,
            "max_length": max_length,
            "dropout": dropout,
            "num_places": num_places,
            "feature_width": feature_width,
        }
        self.max_length = max_length
        self.look = nn.Linear(feature_width, width)
        self.place = nn.Parameter(0.02 * torch.randn(num_places, width))
        self.look_norm = nn.LayerNorm(width)
        self.word = nn.Embedding(num_words, width)
        nn.init.normal_(self.word.weight, std=width**-0.5)
        self.position = nn.Parameter(0.02 * torch.randn(max_length, width))
        self.layers = nn.ModuleList(
            Layer(width, num_heads, hidden, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)

    def memory(self, features):
        """[n, 7, 7, 1280] -> keys and values of every layer, [n, 49, width] each."""
        places = self.drop(features).flatten(1, 2)
        places = self.look_norm(self.look(places) + self.place)
        return [layer.look_at.remember(places) for layer in self.layers]

    def forward(self, memory, words):
        """Logits of the word after each.

        Input
        -----
        memory : of :meth:`memory`, of n pictures

        words : [n, k, length], `int64`
            k captions of every picture

        Output
        ------
        : [n, k, length, num_words]
        """
        length = words.shape[-1]
        scale = math.sqrt(self.word.embedding_dim)
        x = self.drop(self.word(words) * scale + self.position[:length])
        for layer, own in zip(self.layers, memory, strict=True):
            x = layer(x, own)
        return self.norm(x) @ self.word.weight.T

    def loss(self, features, words, smoothing=0.1):
        """Cross entropy of the words, [n, k, length], given those before."""
        logits = self(self.memory(features), words[..., :-1])
        return cross_entropy(
            logits.flatten(0, 2),
            words[..., 1:].flatten(),
            ignore_index=PAD,
            label_smoothing=smoothing,
        )

    @torch.inference_mode()
    def write(self, features, beams, length_power):
        """The caption of each picture that beam search finds.

        Input
        -----
        features : [n, 7, 7, 1280]

        beams : `int`
            Captions that are pursued at a time

        length_power : `float`
            A caption is judged by the sum of its log-probabilities divided by its
            length to this power

        Output
        ------
        : [n, max_length], `int64`
        """
        n, memory = len(features), self.memory(features)
        words = torch.full((n, 1, 1), BEGIN)
        score = torch.zeros(n, 1)
        best = torch.full((n, self.max_length), PAD)
        best_score = torch.full((n,), -torch.inf)
        for length in range(1, self.max_length):
            log_p = self(memory, words)[:, :, -1].log_softmax(-1)
            log_p[..., [PAD, BEGIN, UNKNOWN]] = -torch.inf
            ended = (score + log_p[..., END]) / length**length_power
            value, which = ended.max(1)
            better = value > best_score
            found = torch.nn.functional.pad(
                words[torch.arange(n), which, 1:], (0, self.max_length - length + 1)
            )
            best = torch.where(better[:, None], found, best)
            best_score = torch.where(better, value, best_score)
            log_p[..., END] = -torch.inf
            total = (score[..., None] + log_p).flatten(1)
            score, index = total.topk(min(beams, total.shape[1]), 1)
            beam, word = index // log_p.shape[-1], index % log_p.shape[-1]
            kept = words[torch.arange(n)[:, None], beam]
            words = torch.cat([kept, word[..., None]], -1)
            # No longer caption can be better: log-probabilities only fall.
            if bool((score[:, 0] / self.max_length**length_power < best_score).all()):
                break
        return best


class Layer(nn.Module):
    """Attention to the words before, attention to the picture, dense layers."""

    def __init__(self, width, num_heads, hidden, dropout):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.read = Attention(width, num_heads)
        self.look_at = Attention(width, num_heads)
        self.dense = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x, memory):
        n, k, length, width = x.shape
        y = self.norms[0](x).flatten(0, 1)
        y = self.read(y, self.read.remember(y), causal=True)
        x = x + self.drop(y.view(n, k, length, width))
        y = self.norms[1](x).flatten(1, 2)
        x = x + self.drop(self.look_at(y, memory).view(n, k, length, width))
        return x + self.drop(self.dense(self.norms[2](x)))


class Attention(nn.Module):
    """Of several heads; keys and values are made apart, once for all queries."""

    def __init__(self, width, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def remember(self, x):
        """[n, places, width] -> keys and values, [n, heads, places, width / heads]."""
        return tuple(self._split(y) for y in self.key_value(x).chunk(2, -1))

    def forward(self, x, memory, causal=False):
        key, value = memory
        y = scaled_dot_product_attention(
            self._split(self.query(x)), key, value, is_causal=causal
        )
        return self.out(y.transpose(1, 2).flatten(2))

    def _split(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
