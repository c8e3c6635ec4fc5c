"""Mixed precision: the heavy layers of a codec in 16 bits, all else in 32."""

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def set_precision(codec, precision):
    """Lets the heavy layers of an encoder or decoder compute in 16 bits.

    Symbols, channel, detection, power, transforms and losses stay in 32 bits: 16 would
    put a floor under the error. Which layers bear it is for the codec to say, with a
    method ``reduced_precision_layers()``. Weights are always stored in 32 bits, so
    that the same file serves every precision.

    Parameters
    ----------
    codec : :class:`~semcom_phy.codecs.contract.SemanticCodec`
        Encoder or decoder

    precision : `str`
        "float32", "mixed_bfloat16", or "mixed_float16" (for devices without bfloat16;
        train with a loss scale)

    Raises
    ------
    ValueError
        If the precision is unknown, or the codec names no such layers.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(PRECISIONS)}, received {precision!r}."
        )
    heavy = codec.reduced_precision_layers()
    if not heavy and precision != "float32":
        raise ValueError(
            f"{type(codec).__name__} does not say which of its layers bear 16 bits: "
            "give it a method reduced_precision_layers(), or train in float32."
        )
    for outer in heavy:
        for layer in outer._flatten_layers():
            layer.dtype_policy = precision
