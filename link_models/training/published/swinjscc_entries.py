"""What the checkpoints of SwinJSCC and WITT hold, entry by entry.

Names and shapes are those of github.com/semcomm/SwinJSCC, a6d0e6d, and of
github.com/KeYang8/WITT, 2460db5, which agree.
"""

import re
from collections import Counter
from typing import Any, NamedTuple

from semcom_phy.layers.modnet import NUM_STEPS

VARIANTS = {  # what to import as -> (SA, RA)
    "swinjscc_wo": (False, False),
    "swinjscc_sa": (True, False),
    "swinjscc_ra": (False, True),
    "swinjscc_sa_ra": (True, True),
    "witt": (True, False),
    "witt_wo": (False, False),
}
_BLOCK = re.compile(r"(encoder|decoder)\.layers\.(\d+)\.blocks\.(\d+)\.(.+)")
_MLP_RATIO, _MODNET_WIDTH = 4, 1.5
_OF_A_BLOCK = 13  # parameters


class Entry(NamedTuple):
    """One entry of a checkpoint.

    Attributes
    ----------
    name : `str`

    shape : `tuple` of `int`

    variable : `keras.Variable` or `None`
        Where it goes; `None`: this variant does not use it
    """

    name: str
    shape: tuple
    variable: Any = None


def sizes_of(shapes, variant):
    """Constructor arguments of the codec, but for the image's shape.

    They are read off the entries by majority, so that one wrong entry is found to be
    wrong, and not all others.

    Parameters
    ----------
    shapes : `dict` of name -> `tuple` of `int`
        All entries of the checkpoint

    variant : `str`
        A key of ``VARIANTS``

    Raises
    ------
    ValueError
        If there is no Swin transformer in it, or nothing tells where windows shift.
    """
    snr_adaptive, rate_adaptive = VARIANTS[variant]
    blocks, found = _blocks(shapes)
    if not blocks:
        raise ValueError(
            "no entries of Swin blocks (encoder.layers.0.blocks.0...): it is no "
            "checkpoint of SwinJSCC or WITT"
        )
    count = 1 + max(stage for stage, _ in blocks)
    stages = [[own for (s, _), own in found.items() if s == i] for i in range(count)]
    if any(not own for own in stages):
        raise ValueError("no entries of some stages between others")
    tables = [_votes(own, 2, "attn.relative_position_bias_table") for own in stages]
    shifted = [any("attn_mask" in own for own in entries) for entries in stages]
    depths = [1 + max(b for s, b in blocks if s == i) for i in range(count)]
    if not any(shifted) and max(depths) > 1:
        raise ValueError(
            "no entry attn_mask: nothing tells which stages shift their windows; "
            "import the file as it was published, with its buffers"
        )
    vectors = ("attn.proj.bias", "mlp.fc2.bias", "norm1.bias", "norm2.bias")
    features = None
    if not rate_adaptive:
        heads = [
            shapes[name][axis]
            for name, axis in (
                ("encoder.head_list.weight", 0),
                ("encoder.head_list.bias", 0),
                ("decoder.head_list.weight", 1),
            )
            if len(shapes.get(name, ())) > axis
        ]
        features = _most_common(heads) if heads else 1  # they are told to be missing
    return {
        "dims": tuple(_votes(own, 1, *vectors)[0] for own in stages),
        "depths": tuple(depths),
        "heads": tuple(table[1] for table in tables),
        "windows": tuple((round(table[0] ** 0.5) + 1) // 2 for table in tables),
        "shifted": tuple(shifted),
        "num_features": features,
        "snr_adaptive": snr_adaptive,
        "rate_adaptive": rate_adaptive,
    }


def _blocks(shapes):
    """Blocks that are there for the most part, as (stage from the finest, number), and
    their entries in both halves."""
    matches = [m for m in map(_BLOCK.fullmatch, shapes) if m]
    own = Counter((m[1], int(m[2]), int(m[3])) for m in matches)
    there = {key for key, count in own.items() if count > _OF_A_BLOCK // 2}
    last = max((stage for _, stage, _ in there), default=0)
    blocks, found = set(), {}
    for half, stage, block in there:
        place = (stage if half == "encoder" else last - stage, block)
        blocks.add(place)
    for m in matches:
        key = (m[1], int(m[2]), int(m[3]))
        if key in there:
            stage = key[1] if key[0] == "encoder" else last - key[1]
            entries = found.setdefault((stage, (key[0], key[2])), {})
            entries[m[4]] = shapes[m[0]]
    return blocks, found


def _votes(entries, rank, *names):
    """The most common shape of entries of these names in the blocks of a stage."""
    shapes = [own[n] for own in entries for n in names if len(own.get(n, ())) == rank]
    if not shapes:
        raise ValueError(f"no entry {names[0]} in any block of a stage")
    return _most_common(shapes)


def _most_common(values):
    return Counter(values).most_common(1)[0][0]


def encoder_entries(encoder):
    """Entries of a built encoder, used and unused ones."""
    yield from _layer("encoder.patch_embed.proj", encoder.embed)
    for i, stage in enumerate(encoder.stages):
        if i:
            merge = encoder.merges[i - 1]
            yield from _matrix(f"encoder.layers.{i}.downsample.reduction", merge.linear)
            yield from _norm(f"encoder.layers.{i}.downsample.norm", merge.norm)
        yield from _stage(f"encoder.layers.{i}", stage)
    yield from _norm("encoder.norm", encoder.norm)
    channels, both = encoder.dims[-1], encoder.snr_adaptive and encoder.rate_adaptive
    last = encoder.rate_modnet if encoder.rate_adaptive else None
    last = encoder.snr_modnet if encoder.snr_adaptive and last is None else last
    yield from _modnet("encoder", "", channels, last)
    if both:
        yield from _modnet("encoder", "1", channels, encoder.snr_modnet)
    yield from _head("encoder", encoder)


def decoder_entries(decoder):
    """Entries of a built decoder, used and unused ones."""
    for i, (stage, split) in enumerate(
        zip(decoder.stages, decoder.splits, strict=True)
    ):
        yield from _stage(f"decoder.layers.{i}", stage)
        yield from _matrix(f"decoder.layers.{i}.upsample.increment", split.linear)
        yield from _norm(f"decoder.layers.{i}.upsample.norm", split.norm)
    yield from _head("decoder", decoder)
    if decoder.snr_adaptive or not decoder.rate_adaptive:
        modnet = decoder.snr_modnet if decoder.snr_adaptive else None
        yield from _modnet("decoder", "", decoder.dims[-1], modnet)


def is_buffer(name):
    """Whether an entry follows from the sizes, or is of the authors' loss."""
    return name.endswith((".attn_mask", ".relative_position_index")) or name in (
        "distortion_loss.dist.window",
        "distortion_loss.dist.weights",
    )


def _stage(name, stage):
    for j, block in enumerate(stage.blocks):
        own, attention = f"{name}.blocks.{j}", block.attention
        yield from _norm(f"{own}.norm1", block.norm_attention)
        table = attention.bias
        yield Entry(
            f"{own}.attn.relative_position_bias_table", tuple(table.shape), table
        )
        yield from _layer(f"{own}.attn.qkv", attention.qkv)
        yield from _layer(f"{own}.attn.proj", attention.projection)
        yield from _norm(f"{own}.norm2", block.norm_mlp)
        yield from _layer(f"{own}.mlp.fc1", block.expand)
        yield from _layer(f"{own}.mlp.fc2", block.contract)


def _modnet(half, number, channels, modnet):
    """A ModNet of the encoder or decoder; `None`: it is there and unused."""
    hidden = int(_MODNET_WIDTH * channels)
    for i in range(NUM_STEPS):
        for j in range(3):
            name = f"{half}.bm_list{number}.{i}.fc.{2 * j}"
            layer = modnet and modnet.modulators[i][j]
            yield from _linear(name, hidden if j else 1, hidden, layer)
    for i in range(NUM_STEPS + 1):
        layer = modnet and [*modnet.steps, modnet.last][i]
        inputs = hidden if i else channels
        outputs = hidden if i < NUM_STEPS else channels
        yield from _linear(f"{half}.sm_list{number}.{i}", inputs, outputs, layer)


def _head(half, layers):
    """The linear layer to or from C values; with RA it is not used, of any C."""
    if layers.rate_adaptive:
        channels = layers.dims[-1]
        shape = (None, channels) if half == "encoder" else (channels, None)
        yield Entry(f"{half}.head_list.weight", shape)
        yield Entry(f"{half}.head_list.bias", shape[:1])
    else:
        yield from _layer(f"{half}.head_list", layers.head)


def _linear(name, inputs, outputs, layer):
    kernel, bias = (layer.kernel, layer.bias) if layer else (None, None)
    yield Entry(f"{name}.weight", (outputs, inputs), kernel)
    yield Entry(f"{name}.bias", (outputs,), bias)


def _layer(name, layer):
    """A dense or convolutional layer with a bias."""
    *inner, inputs, outputs = layer.kernel.shape
    yield Entry(f"{name}.weight", (outputs, inputs, *inner), layer.kernel)
    yield Entry(f"{name}.bias", (outputs,), layer.bias)


def _matrix(name, layer):
    yield Entry(f"{name}.weight", tuple(layer.kernel.shape[::-1]), layer.kernel)


def _norm(name, layer):
    yield Entry(f"{name}.weight", tuple(layer.gamma.shape), layer.gamma)
    yield Entry(f"{name}.bias", tuple(layer.beta.shape), layer.beta)
