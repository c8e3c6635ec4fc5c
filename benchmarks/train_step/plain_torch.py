"""The same networks and the same link written plainly in PyTorch, as the yardstick.

Module for module what :mod:`semcom_phy.codecs.adjscc` and
:mod:`benchmarks.train_step.swin_codec` compute, in PyTorch's own idioms: channels
first, `nn.Conv2d`, `nn.Linear`, fused attention, `torch.optim`. The link is 2x2 with
perfect CSI and L-MMSE detection.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.train_step.swin_codec import DEPTHS, HEADS, PATCH, WIDTHS, WINDOW
from semcom_phy.codecs.adjscc import (
    ERROR_KNOTS,
    NUM_BANDS,
    NUM_SCALE_COEFFICIENTS,
    SNR_KNOTS,
)
from semcom_phy.layers.transforms.spectrum import dct_matrix


class Attention(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.hidden = nn.Linear(channels + context, 32)
        self.factor = nn.Linear(32, channels)

    def forward(self, x, context):
        pooled = torch.cat([x.mean((2, 3)), context], 1)
        factor = 2 * torch.sigmoid(self.factor(F.relu(self.hidden(pooled))))
        return x * factor[:, :, None, None]


class Block(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = Attention(channels, context)

    def forward(self, x, context):
        update = self.second(F.silu(self.first(F.silu(x))))
        return x + self.attention(update, context)


class Trunk(nn.Module):
    def __init__(self, channels_in, channels, num_blocks, context):
        super().__init__()
        self.stem = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.blocks = nn.ModuleList(Block(channels, context) for _ in range(num_blocks))
        self.heads = nn.Conv2d(channels, 96, 1)

    def forward(self, x, context):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x, context)
        return F.silu(x)


def hat(value, knots):
    value = value.clamp(knots[0], knots[-1])[..., None]
    knots = torch.tensor(knots, device=value.device)
    return F.relu(1 - (value - knots).abs() / (knots[1] - knots[0]))


class Adjscc(nn.Module):
    """ADJSCC for 32x32 images, 512 to 768 symbols."""

    def __init__(self, num_symbols=768, filters=64):
        super().__init__()
        self.num_symbols, count = num_symbols, 2 * num_symbols
        context, errors = 2 * len(SNR_KNOTS), len(ERROR_KNOTS)
        self.encoder = Trunk(48, filters, 4, context)
        self.decoder = Trunk(96, filters, 6, context + errors + 1)
        self.gains_tx = nn.Linear(context, count, bias=False)
        self.gains_rx = nn.Linear(context, count, bias=False)
        self.content_tx = nn.Linear(filters, count)
        self.content_rx = nn.Linear(64, count)
        self.scale_hidden_tx = nn.Linear(filters + context + 1, 64)
        self.scale_code = nn.Linear(64, NUM_SCALE_COEFFICIENTS)
        inputs = context + errors + NUM_BANDS + NUM_SCALE_COEFFICIENTS
        self.scale_hidden_rx = nn.Linear(inputs, 64)
        self.scale_middle = nn.Linear(64, 64)
        self.scale = nn.Linear(64, 1)
        order = torch.randperm(3072)
        self.register_buffer("order", order)
        self.register_buffer("position", torch.argsort(order))
        self.register_buffer("std", torch.ones(3072))
        self.register_buffer("color", torch.eye(3))
        self.register_buffer("mean", torch.full((3,), 0.5))
        self.register_buffer("dct", torch.from_numpy(dct_matrix(32)))

    def context(self, snr_db):
        snr = hat(snr_db, SNR_KNOTS)
        rate = hat(torch.tensor(float(self.num_symbols)), [512.0, 768.0])
        return (snr[:, :, None] * rate.to(snr.device)).flatten(1)

    def refine(self, image, features, trunk):
        gain, update = trunk.heads(features).chunk(2, 1)
        pixels = F.pixel_unshuffle(image, 4).unflatten(1, (3, 16))
        detail = (pixels - pixels.mean(2, keepdim=True)).flatten(1, 2)
        change = detail * (torch.exp(3 * torch.tanh(gain / 3)) - 1) + update
        return image + F.pixel_shuffle(change, 4)

    def synthesise(self, values):
        count = values.shape[1]
        flat = F.pad(values * self.std[:count], (0, 3072 - count))
        flat = flat.index_select(1, self.position).view(-1, 3, 32, 32)
        return self.dct.T @ flat @ self.dct

    def encode(self, source, snr_db):
        context = self.context(snr_db)
        image = torch.einsum(
            "bchw,cd->bdhw", source - self.mean[:, None, None], self.color
        )
        features = self.encoder(4 * F.pixel_unshuffle(image, 4), context)
        pooled = features.mean((2, 3))
        image = self.refine(image, features, self.encoder)
        values = (self.dct @ image @ self.dct.T).flatten(1)
        values = values.index_select(1, self.order[: 2 * self.num_symbols])
        log_gain = self.gains_tx(context) + self.content_tx(pooled)
        values = values / self.std[: values.shape[1]] * torch.exp(log_gain)
        scale = 0.5 * torch.log(values.square().mean(-1, keepdim=True) + 1e-4)
        hidden = F.silu(self.scale_hidden_tx(torch.cat([pooled, context, scale], -1)))
        code = self.scale_code(hidden) * torch.exp(scale)
        values = torch.cat([values[:, :-NUM_SCALE_COEFFICIENTS], code], -1).float()
        return torch.view_as_complex(values.view(-1, self.num_symbols, 2))

    def decode(self, x_hat, no_eff, snr_db):
        table_context = self.context(snr_db)
        errors = hat(-10 * torch.log10(no_eff), ERROR_KNOTS).mean(1)
        context = torch.cat([table_context, errors], -1)
        received = torch.view_as_real(x_hat).flatten(1)
        no = no_eff.repeat_interleave(2, 1)
        shrunk = received / (1 + no)
        power = shrunk.square().view(-1, NUM_BANDS, no.shape[1] // NUM_BANDS).mean(-1)
        hidden = torch.cat(
            [
                context,
                0.5 * torch.log(power + 1e-4),
                shrunk[:, -NUM_SCALE_COEFFICIENTS:],
            ],
            -1,
        )
        hidden = F.silu(self.scale_middle(F.silu(self.scale_hidden_rx(hidden))))
        log_scale = self.scale(hidden)
        keep = no.shape[1] - NUM_SCALE_COEFFICIENTS
        gain = self.gains_rx(table_context) + self.content_rx(hidden) - log_scale
        gain, no, received = torch.exp(gain)[:, :keep], no[:, :keep], received[:, :keep]
        image = self.synthesise(received * gain / (gain.square() + no))
        loud = self.synthesise(shrunk[:, :keep] / self.std[:keep] * 0.05)
        cells = [4 * F.pixel_unshuffle(image, 4), F.pixel_unshuffle(loud, 4)]
        features = self.decoder(
            torch.cat(cells, 1), torch.cat([context, log_scale], -1)
        )
        image = self.refine(image, features, self.decoder)
        image = torch.einsum("bdhw,cd->bchw", image, self.color)
        return image + self.mean[:, None, None]


class SwinBlock(nn.Module):
    def __init__(self, channels, heads, side, shift):
        super().__init__()
        self.heads, self.shift = heads, shift
        self.norm_attention, self.norm_mlp = (
            nn.LayerNorm(channels),
            nn.LayerNorm(channels),
        )
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.table = nn.Parameter(0.02 * torch.randn((2 * WINDOW - 1) ** 2, heads))
        place = torch.stack(torch.meshgrid(*[torch.arange(WINDOW)] * 2, indexing="ij"))
        place = place.flatten(1)
        offset = place[:, :, None] - place[:, None, :] + WINDOW - 1
        self.register_buffer("relative", offset[0] * (2 * WINDOW - 1) + offset[1])
        region = torch.zeros(side, side)
        if shift:
            edges = [slice(0, -WINDOW), slice(-WINDOW, -shift), slice(-shift, None)]
            for i, rows in enumerate(edges):
                for j, columns in enumerate(edges):
                    region[rows, columns] = 3 * i + j
        region = self.windows(region[None, :, :, None])[..., 0]
        mask = torch.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)
        self.register_buffer("mask", mask)

    @staticmethod
    def windows(x):
        batch, height, width, channels = x.shape
        x = x.view(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
        return x.transpose(2, 3).reshape(-1, WINDOW * WINDOW, channels)

    def attend(self, x):
        batch, height, width, channels = x.shape
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))
        x = self.windows(x)
        tokens = x.shape[1]
        qkv = self.qkv(x).view(-1, tokens, 3, self.heads, channels // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        bias = self.table[self.relative].permute(2, 0, 1)[None] + self.mask[:, None]
        bias = bias.repeat(batch, 1, 1, 1)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = self.projection(x.transpose(1, 2).reshape(-1, tokens, channels))
        x = x.view(batch, height // WINDOW, width // WINDOW, WINDOW, WINDOW, channels)
        x = x.transpose(2, 3).reshape(batch, height, width, channels)
        return x.roll((self.shift, self.shift), (1, 2)) if self.shift else x

    def forward(self, x):
        x = x + self.attend(self.norm_attention(x))
        return x + self.mlp(self.norm_mlp(x))


def swin_stage(stage, side):
    return nn.Sequential(
        *[
            SwinBlock(WIDTHS[stage], HEADS[stage], side, i % 2 * (WINDOW // 2))
            for i in range(DEPTHS[stage])
        ]
    )


class Swin(nn.Module):
    """The benchmark's Swin codec for 32x32 images."""

    def __init__(self, num_symbols=768):
        super().__init__()
        self.num_symbols, self.per_token = num_symbols, 2 * num_symbols // 64
        self.embed = nn.Linear(3 * PATCH**2, WIDTHS[0])
        self.encoder = nn.ModuleList([swin_stage(0, 16), swin_stage(1, 8)])
        self.merge = nn.Linear(4 * WIDTHS[0], WIDTHS[1])
        self.to_symbols = nn.Linear(WIDTHS[1], self.per_token)
        self.from_symbols = nn.Linear(self.per_token, WIDTHS[1])
        self.decoder = nn.ModuleList([swin_stage(1, 8), swin_stage(0, 16)])
        self.split = nn.Linear(WIDTHS[1], 4 * WIDTHS[0])
        self.pixels = nn.Linear(WIDTHS[0], 3 * PATCH**2)

    def encode(self, source, snr_db):
        x = F.pixel_unshuffle(source - 0.5, PATCH).permute(0, 2, 3, 1)
        x = self.encoder[0](self.embed(x)).permute(0, 3, 1, 2)
        x = self.merge(F.pixel_unshuffle(x, 2).permute(0, 2, 3, 1))
        x = self.to_symbols(self.encoder[1](x)).float()
        return torch.view_as_complex(x.reshape(-1, self.num_symbols, 2))

    def decode(self, x_hat, no_eff, snr_db):
        x = torch.view_as_real(x_hat) / (1 + no_eff)[..., None]
        x = self.from_symbols(x.reshape(-1, 8, 8, self.per_token))
        x = self.split(self.decoder[0](x)).permute(0, 3, 1, 2)
        x = self.decoder[1](F.pixel_shuffle(x, 2).permute(0, 2, 3, 1))
        return F.pixel_shuffle(self.pixels(x).permute(0, 3, 1, 2), PATCH) + 0.5


def transmit(z, h, noise, snr_db):
    """Unit power, DFT spreading, 2x2 channel, L-MMSE: x_hat, no_eff."""
    z = z * (z.abs().square().mean(1, keepdim=True) + 1e-12).rsqrt()
    x = torch.fft.fft(z.view(len(z), -1, 2), dim=1, norm="ortho")
    no = 2 * 10 ** (-snr_db / 10)[:, None, None]
    y = x @ h.transpose(1, 2) + noise * no.sqrt()
    h_hermitian = h.conj().transpose(1, 2)
    gram = h_hermitian @ h + no * torch.eye(2, device=h.device)
    w = torch.linalg.solve(gram, h_hermitian)
    gain = (w @ h).diagonal(dim1=1, dim2=2).real
    x_hat = (y @ w.transpose(1, 2)) / gain[:, None]
    no_eff = (1 / gain - 1)[:, None].expand(-1, x.shape[1], -1)
    z_hat = torch.fft.ifft(x_hat, dim=1, norm="ortho")
    return z_hat.reshape(len(z), -1), no_eff.reshape(len(z), -1)


NETWORKS = {"adjscc": Adjscc, "swin": Swin}


def training_step(network, batch_size, precision):
    """A function that makes one step of Adam with clipped gradients on one batch.

    In "mixed_bfloat16" encoder and decoder run under PyTorch's autocast.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    model = NETWORKS[network]().to(device)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    rng = np.random.default_rng(0)

    def normal(*shape):
        parts = rng.standard_normal((*shape, 2), dtype="float32") * 0.5**0.5
        return torch.view_as_complex(torch.from_numpy(parts)).to(device)

    source = rng.random((batch_size, 3, 32, 32), dtype="float32")
    source = torch.from_numpy(source).to(device)
    snr_db = torch.full((batch_size,), 10.0, device=device)
    h, noise = normal(batch_size, 2, 2), normal(batch_size, model.num_symbols // 2, 2)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, precision != "float32"):
            z = model.encode(source, snr_db)
        x_hat, no_eff = transmit(z, h, noise, snr_db)
        with torch.autocast(device, torch.bfloat16, precision != "float32"):
            source_hat = model.decode(x_hat, no_eff, snr_db)
        loss = (source_hat - source).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    return step, sum(p.numel() for p in model.parameters())
