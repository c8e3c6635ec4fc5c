"""What the checkpoints of SwinJSCC and WITT hold, entry by entry.

Names and shapes are those of github.com/semcomm/SwinJSCC, a6d0e6d, and of
github.com/KeYang8/WITT, 2460db5, which agree.
"""

from link_models.training.published.entries import (
    Entry,
    is_stage_buffer,
    layer_entries,
    matrix_entries,
    norm_entries,
    size_of_axes,
    sizes_of_stages,
    stage_entries,
)
from semcom_phy.layers.adaptation.modnet import NUM_STEPS

CODEC = "swinjscc_official"
VARIANTS = {  # what to import as -> (SA, RA)
    "swinjscc_wo": (False, False),
    "swinjscc_sa": (True, False),
    "swinjscc_ra": (False, True),
    "swinjscc_sa_ra": (True, True),
    "witt": (True, False),
    "witt_wo": (False, False),
}
_HALVES = ("encoder", "decoder")
_MODNET_WIDTH = 1.5
_TRAINED_SIDE = {2: 32, 4: 256}  # stages -> side of the authors' training images


def sizes_of(arrays, variant):
    """Constructor arguments of the codec, but for the image's shape.

    Parameters
    ----------
    arrays : `dict` of name -> array
        All entries of the checkpoint

    variant : `str`
        A key of ``VARIANTS``

    Raises
    ------
    ValueError
        As of :func:`~link_models.training.published.entries.sizes_of_stages`.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    snr_adaptive, rate_adaptive = VARIANTS[variant]
    sizes = sizes_of_stages(shapes, _HALVES, "SwinJSCC or WITT")
    features = None
    if not rate_adaptive:
        axes = [("encoder.head_list.weight", 0), ("encoder.head_list.bias", 0)]
        axes += [("decoder.head_list.weight", 1)]
        features = size_of_axes(shapes, axes, 1)
    return sizes | {
        "num_features": features,
        "snr_adaptive": snr_adaptive,
        "rate_adaptive": rate_adaptive,
    }


def trained_side(sizes):
    """Side of the authors' training images, `None` where there are none of these
    sizes [pixels]."""
    return _TRAINED_SIDE.get(len(sizes["dims"]))


def encoder_entries(encoder):
    """Entries of a built encoder, used and unused ones."""
    yield from layer_entries("encoder.patch_embed.proj", encoder.embed)
    for i, stage in enumerate(encoder.stages):
        if i:
            merge = encoder.merges[i - 1]
            yield from matrix_entries(
                f"encoder.layers.{i}.downsample.reduction", merge.linear
            )
            yield from norm_entries(f"encoder.layers.{i}.downsample.norm", merge.norm)
        yield from stage_entries(f"encoder.layers.{i}", stage)
    yield from norm_entries("encoder.norm", encoder.norm)
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
        yield from stage_entries(f"decoder.layers.{i}", stage)
        yield from matrix_entries(
            f"decoder.layers.{i}.upsample.increment", split.linear
        )
        yield from norm_entries(f"decoder.layers.{i}.upsample.norm", split.norm)
    yield from _head("decoder", decoder)
    if decoder.snr_adaptive or not decoder.rate_adaptive:
        modnet = decoder.snr_modnet if decoder.snr_adaptive else None
        yield from _modnet("decoder", "", decoder.dims[-1], modnet)


def is_buffer(name):
    """Whether an entry follows from the sizes, or is of the authors' loss."""
    return is_stage_buffer(name) or name in (
        "distortion_loss.dist.window",
        "distortion_loss.dist.weights",
    )


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
        yield from layer_entries(f"{half}.head_list", layers.head)


def _linear(name, inputs, outputs, layer):
    kernel, bias = (layer.kernel, layer.bias) if layer else (None, None)
    yield Entry(f"{name}.weight", (outputs, inputs), kernel)
    yield Entry(f"{name}.bias", (outputs,), bias)
