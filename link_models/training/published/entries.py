"""Entries of a checkpoint: what several published codecs have in common."""

import re
from collections import Counter
from typing import Any, NamedTuple

_OF_A_BLOCK = 13  # parameters


class Entry(NamedTuple):
    """One entry of a checkpoint.

    Attributes
    ----------
    name : `str`

    shape : `tuple` of `int`

    variable : `keras.Variable` or `None`
        Where it goes; `None`: this variant does not use it

    as_it_is : `bool`
        Its axes stay in their order; those of others, which have outputs first in
        torch, go where Keras has them
    """

    name: str
    shape: tuple
    variable: Any = None
    as_it_is: bool = False


def sizes_of_stages(shapes, halves, family, shifted=None):
    """Sizes of Swin stages that two halves of a codec have, the second as the mirror of
    the first.

    They are read off the entries by majority, so that one wrong entry is found to be
    wrong, and not all others.

    Parameters
    ----------
    shapes : `dict` of name -> `tuple` of `int`
        All entries of the checkpoint

    halves : (`str`, `str`)
        What the names of their entries begin with

    family : `str`
        Of what it is no checkpoint if there are none

    shifted : `bool`, optional
        Whether windows shift, where masks do not tell

    Output
    ------
    : `dict`
        dims, depths, heads, windows, shifted: a `tuple` each

    Raises
    ------
    ValueError
        If there is no Swin transformer in it, or nothing tells where windows shift.
    """
    blocks, found = _blocks(shapes, halves)
    if not blocks:
        raise ValueError(
            f"no entries of Swin blocks ({halves[0]}.layers.0.blocks.0...): it is no "
            f"checkpoint of {family}"
        )
    count = 1 + max(stage for stage, _ in blocks)
    stages = [[own for (s, _), own in found.items() if s == i] for i in range(count)]
    if any(not own for own in stages):
        raise ValueError("no entries of some stages between others")
    tables = [_votes(own, 2, "attn.relative_position_bias_table") for own in stages]
    depths = [1 + max(b for s, b in blocks if s == i) for i in range(count)]
    masked = [any("attn_mask" in own for own in entries) for entries in stages]
    if shifted is not None:
        masked = [shifted] * count
    elif not any(masked) and max(depths) > 1:
        raise ValueError(
            "no entry attn_mask: nothing tells which stages shift their windows; "
            "import the file as it was published, with its buffers"
        )
    vectors = ("attn.proj.bias", "mlp.fc2.bias", "norm1.bias", "norm2.bias")
    return {
        "dims": tuple(_votes(own, 1, *vectors)[0] for own in stages),
        "depths": tuple(depths),
        "heads": tuple(table[1] for table in tables),
        "windows": tuple((round(table[0] ** 0.5) + 1) // 2 for table in tables),
        "shifted": tuple(masked),
    }


def size_of_axes(shapes, axes, default):
    """The most common size of some axes of entries.

    Parameters
    ----------
    shapes : as of :func:`sizes_of_stages`

    axes : sequence of (name, axis)

    default : `int`
        Where there are none of them: they are told to be missing

    Output
    ------
    : `int`
    """
    sizes = [
        shapes[name][axis] for name, axis in axes if len(shapes.get(name, ())) > axis
    ]
    return _most_common(sizes) if sizes else default


def _blocks(shapes, halves):
    """Blocks that are there for the most part, as (stage from the finest, number), and
    their entries in both halves."""
    pattern = re.compile(rf"({'|'.join(halves)})\.layers\.(\d+)\.blocks\.(\d+)\.(.+)")
    matches = [m for m in map(pattern.fullmatch, shapes) if m]
    own = Counter((m[1], int(m[2]), int(m[3])) for m in matches)
    there = {key for key, count in own.items() if count > _OF_A_BLOCK // 2}
    last = max((stage for _, stage, _ in there), default=0)
    blocks, found = set(), {}
    for half, stage, block in there:
        place = (stage if half == halves[0] else last - stage, block)
        blocks.add(place)
    for m in matches:
        key = (m[1], int(m[2]), int(m[3]))
        if key in there:
            stage = key[1] if key[0] == halves[0] else last - key[1]
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


def is_stage_buffer(name):
    """Whether an entry of Swin blocks follows from the sizes."""
    return name.endswith((".attn_mask", ".relative_position_index"))


def stage_entries(name, stage):
    """Of a Swin stage."""
    for j, block in enumerate(stage.blocks):
        own, attention = f"{name}.blocks.{j}", block.attention
        yield from norm_entries(f"{own}.norm1", block.norm_attention)
        table = f"{own}.attn.relative_position_bias_table"
        yield entry_as_it_is(table, attention.bias)
        yield from layer_entries(f"{own}.attn.qkv", attention.qkv)
        yield from layer_entries(f"{own}.attn.proj", attention.projection)
        yield from norm_entries(f"{own}.norm2", block.norm_mlp)
        yield from layer_entries(f"{own}.mlp.fc1", block.expand)
        yield from layer_entries(f"{own}.mlp.fc2", block.contract)


def layer_entries(name, layer):
    """Of a dense or convolutional layer with a bias, transposed ones as well."""
    *inner, inputs, outputs = layer.kernel.shape
    yield Entry(f"{name}.weight", (outputs, inputs, *inner), layer.kernel)
    yield Entry(f"{name}.bias", tuple(layer.bias.shape), layer.bias)


def matrix_entries(name, layer):
    """Of a dense layer without a bias."""
    yield Entry(f"{name}.weight", tuple(layer.kernel.shape[::-1]), layer.kernel)


def norm_entries(name, layer):
    """Of a LayerNorm."""
    yield Entry(f"{name}.weight", tuple(layer.gamma.shape), layer.gamma)
    yield Entry(f"{name}.bias", tuple(layer.beta.shape), layer.beta)


def entry_as_it_is(name, variable):
    """An array whose axes stay in their order."""
    return Entry(name, tuple(variable.shape), variable, as_it_is=True)
