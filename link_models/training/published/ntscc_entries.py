"""What the checkpoints of NTSCC hold, entry by entry.

Names and shapes are those of github.com/wsxtyrdd/NTSCC_JSAC22, dd3c745, whose entropy
models are those of CompressAI 1.2.
"""

import numpy as np

from link_models.training.published.entries import (
    entry_as_it_is,
    is_stage_buffer,
    layer_entries,
    matrix_entries,
    norm_entries,
    size_of_axes,
    sizes_of_stages,
    stage_entries,
)

CODEC = "ntscc_official"
VARIANTS = {"ntscc_official": False, "ntscc_official_z": True}  # -> refinement by z
_FAMILY, _SIDE = "NTSCC", 256  # of the authors' training images
_REFINEMENT = "hyprior_refinement"
_RATES = "fe.rate_choice_tensor"
_COPIES = ("fd.rate_choice_tensor", "fe.rate_adaption.rate_choice_tensor")
_BUFFERS = {
    _RATES,
    *_COPIES,
    "fe.rate_adaption.mask",
    "entropy_bottleneck.target",
    "gaussian_conditional.scale_table",
    "gaussian_conditional.scale_bound",
    "gaussian_conditional.lower_bound_scale.bound",
    *(
        f"{model}.{name}"
        for model in ("entropy_bottleneck", "gaussian_conditional")
        for name in (
            "_offset",
            "_quantized_cdf",
            "_cdf_length",
            "likelihood_lower_bound.bound",
        )
    ),
}


def refuse_ntscc_plus(names):
    """Refuses NTSCC+ and CompatibleNTSCC by the entries that only they have.

    Raises
    ------
    ValueError
        In one line.
    """
    if any(n.endswith(".attn.rpb") or n.startswith("f_e0.") for n in names):
        raise ValueError(
            "it is a checkpoint of NTSCC+ or CompatibleNTSCC, whose transforms need "
            "neighbourhood attention: not supported; NTSCC of JSAC 2022 is"
        )


def sizes_of(arrays, variant):
    """Constructor arguments of the codec, but for the image's shape and eta.

    Parameters
    ----------
    arrays : `dict` of name -> array
        All entries of the checkpoint

    variant : `str`
        A key of ``VARIANTS``

    Raises
    ------
    ValueError
        As of :func:`~link_models.training.published.entries.sizes_of_stages`; if the
        variant is another one, or nothing tells the rates.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    stages = sizes_of_stages(shapes, ("ga", "gs"), _FAMILY)
    code = sizes_of_stages(shapes, ("fe", "fd"), _FAMILY, shifted=False)
    if any(n.startswith(("fe.", "fd.")) and n.endswith(".attn_mask") for n in shapes):
        raise ValueError(
            "fe or fd has an attn_mask: their windows shift, as in no published "
            "configuration of NTSCC"
        )
    refined = VARIANTS[variant]
    if any(name.startswith(_REFINEMENT) for name in shapes) != refined:
        other = next(name for name, with_z in VARIANTS.items() if with_z != refined)
        raise ValueError(
            f"it has {'no' if refined else 'an'} {_REFINEMENT}: it is of the variant "
            f"--as {other}, not {variant}"
        )
    last = [("ha.4.weight", 0), ("ha.4.bias", 0), ("hs.0.weight", 0)]
    last += [("entropy_bottleneck.quantiles", 0), ("entropy_bottleneck._matrix0", 0)]
    analysis = (
        [("ha.0.weight", 0), ("ha.0.bias", 0), ("ha.2.weight", 1)],
        [("ha.2.weight", 0), ("ha.2.bias", 0), ("ha.4.weight", 1)],
        last,
    )
    synthesis = (
        [("hs.0.weight", 1), ("hs.0.bias", 0), ("hs.2.weight", 0)],
        [("hs.2.weight", 1), ("hs.2.bias", 0), ("hs.4.weight", 0)],
    )
    return stages | {
        "code_depth": code["depths"][0],
        "code_heads": code["heads"][0],
        "code_window": code["windows"][0],
        "rates": _rates(arrays),
        "hyper_analysis": tuple(size_of_axes(shapes, axes, 1) for axes in analysis),
        "hyper_synthesis": tuple(size_of_axes(shapes, axes, 1) for axes in synthesis),
        "refined": refined,
    }


def _rates(arrays):
    """The table of rates, which must be the same wherever it is."""
    if _RATES not in arrays:
        raise ValueError(
            f"missing: {_RATES}: nothing tells the rates; import the file as it was "
            "published, with its buffers"
        )
    rates = arrays[_RATES]
    if rates.ndim != 1 or rates.dtype.kind not in "iu":
        raise ValueError(f"wrong values: {_RATES} must hold a row of integers")
    for name in _COPIES:
        if name in arrays and not np.array_equal(arrays[name], rates):
            raise ValueError(f"wrong values: {name} holds others than {_RATES}")
    return tuple(int(rate) for rate in rates)


def trained_side(sizes):
    """Side of the authors' training images [pixels]."""
    return _SIDE


def encoder_entries(encoder):
    """Entries of a built encoder."""
    yield from layer_entries("ga.patch_embed.proj", encoder.embed)
    yield from norm_entries("ga.patch_embed.norm", encoder.embed_norm)
    for i, stage in enumerate(encoder.stages):
        yield from stage_entries(f"ga.layers.{i}", stage)
        if i:
            own, merge = f"ga.layers.{i}.downsample", encoder.merges[i - 1]
            yield from matrix_entries(f"{own}.reduction", merge.linear)
            yield from norm_entries(f"{own}.norm", merge.norm)
    yield from norm_entries("ga.norm", encoder.norm)
    for i, layer in enumerate(encoder.analysis.convolutions):
        yield from layer_entries(f"ha.{2 * i}", layer)
    yield from _hyperprior(encoder)
    yield from _code("fe", encoder)
    yield from _perceptron("fe.refine", encoder.refine)
    yield from norm_entries("fe.norm", encoder.code_norm)


def decoder_entries(decoder):
    """Entries of a built decoder; with refinement some that the encoder has, too."""
    yield from _code("fd", decoder)
    if decoder.refined:
        yield from _hyperprior(decoder)
        yield from _perceptron(_REFINEMENT, decoder.refinement)
    for i, (stage, split) in enumerate(
        zip(decoder.stages, decoder.splits, strict=True)
    ):
        own = f"gs.layers.{i}"
        yield from stage_entries(own, stage)
        yield from matrix_entries(f"{own}.upsample.increment", split.linear)
        yield from norm_entries(f"{own}.upsample.norm", split.norm)
    yield from layer_entries("gs.outconv", decoder.last)


def is_buffer(name):
    """Whether an entry follows from the sizes, or is of the entropy coder, which is
    another one here."""
    return is_stage_buffer(name) or name in _BUFFERS


def _hyperprior(half):
    for i, layer in enumerate(half.synthesis.convolutions):
        yield from layer_entries(f"hs.{2 * i}", layer)
    own, model = "entropy_bottleneck", half.bottleneck
    for name, arrays in (
        ("matrix", model.matrices),
        ("bias", model.biases),
        ("factor", model.factors),
    ):
        for i, variable in enumerate(arrays):
            yield entry_as_it_is(f"{own}._{name}{i}", variable)
    yield entry_as_it_is(f"{own}.quantiles", model.quantiles)


def _code(name, half):
    yield entry_as_it_is(f"{name}.rate_token", half.rate_token)
    yield from stage_entries(f"{name}.layers.0", half.code)
    yield entry_as_it_is(f"{name}.rate_adaption.weight", half.rate_adaption.kernel)
    yield entry_as_it_is(f"{name}.rate_adaption.bias", half.rate_adaption.bias)


def _perceptron(name, layers):
    for i, layer in enumerate(layers):
        yield from layer_entries(f"{name}.fc{i + 1}", layer)
