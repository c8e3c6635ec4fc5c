"""Whether a codec keeps its contract, before it is trained or sent over a link."""

import inspect

import numpy as np
from keras import ops, tree
from keras.backend import standardize_dtype

from semcom_phy.channel_coding.protection import number_bytes
from semcom_phy.codecs.contract import Packet
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.phy.segments import Analogue
from semcom_phy.seeding import private_streams
from semcom_phy.sources.samples import Delivered

_BATCH = 2
_ALIKE = 1e-3  # of the largest value: rounding may differ from batch to batch
_LARGEST = 16.0  # mean magnitude of images in [0, 1], however badly trained


def check_codec(link):
    """Passes two random images through encoder, bytes and decoder, outside any graph.

    Parameters
    ----------
    link : :class:`~link_models.links.frame_link.FrameLink`

    Raises
    ------
    ValueError
        Naming the method that does not do what the contract says. What the codec itself
        raises goes through, with a note of where it was called.
    """
    try:
        _try(link)
    except Exception as error:
        error.add_note(
            f"raised while {type(link.encoder).__name__} and "
            f"{type(link.decoder).__name__} were tried on two random images"
        )
        raise


def _try(link):
    encoder, rng = link.encoder, np.random.default_rng(0)
    _check_signature(link.decoder.decode, "received", "known", "training")
    source = _tensor(rng.random((_BATCH, *encoder.image_shape), dtype="float32"))
    known = _knowledge(link)
    packets = [link.encode(source, known)]
    if encoder.num_uniform:
        uniform = rng.random((_BATCH, encoder.num_uniform), dtype="float32")
        packets.append(link.encode(source, known, _tensor(uniform)))
    for packet in packets:
        _check_packet(link, packet)
        fed_back = TxKnowledge(known.snr_db, known.h_hat)
        seen = RxKnowledge(known.snr_db, known.h_hat, fed_back)
        if packet.side is None and (encoder.side_values or encoder.side_bytes):
            raise ValueError(
                f"{type(encoder).__name__} says how its side information is sent, but "
                "encode() gives none in side"
            )
        if packet.side is not None:
            _check_side(link, tree.map_structure(_array, packet.side))
        _check_count(link, packet, seen)
        x = link.modulate(packet.data)
        no = ops.full(ops.shape(x), 0.1)
        delivered = link.decode(x, no, packet.side, seen)
        _check_delivered(link, delivered, source)
        _check_decoded_alone(link, delivered, x, no, packet.side, seen)
    _check_alone(
        f"{type(encoder).__name__}.encode()",
        packets[0].data.z,
        lambda one: link.encode(source[one], _cut(known, one)).data.z,
    )


def _check_signature(method, *names):
    """Refuses a method that cannot be called as it will be."""
    try:
        inspect.signature(method).bind(*names)
    except TypeError as error:
        raise ValueError(
            f"{type(method.__self__).__name__}.{method.__name__}() must take "
            f"{', '.join(names)}: {error}"
        ) from error


def _check_alone(name, together, alone):
    """Refuses a codec that makes something else of an image beside another one: what
    comes out would depend on the batch size, and images would tell of each other.

    Parameters
    ----------
    name : `str`
        The method

    together : [batch, ...]
        What it makes of both

    alone : callable, `slice` of the batch -> [1, ...]
        What it makes of one of them
    """
    together = _array(together)
    for i in range(_BATCH):
        single = _array(alone(slice(i, i + 1)))[0]
        difference = np.abs(single - together[i]).max()
        if not difference <= _ALIKE * np.abs(together[i]).max():
            raise ValueError(
                f"{name} makes something else of image {i} alone than beside another "
                "one: nothing may depend on the other images of a batch, nor be drawn "
                "anew in every call (encode() is given uniform where num_uniform says "
                "how many numbers it takes)"
            )


def _check_decoded_alone(link, delivered, x, no, side, seen):
    def part(delivered):
        return delivered.features if delivered.images is None else delivered.images

    def alone(one):
        own = tree.map_structure(lambda v: None if v is None else v[one], side)
        return part(link.decode(x[one], no[one], own, _cut(seen, one)))

    _check_alone(f"{type(link.decoder).__name__}.decode()", part(delivered), alone)


def _cut(known, one):
    """What is known of one image of the batch."""
    cut = {
        name: _cut(value, one) if isinstance(value, TxKnowledge) else value[one]
        for name, value in known._asdict().items()
        if value is not None and name != "num_symbols"
    }
    return known._replace(**cut)


def _knowledge(link):
    """What is known of two fades."""
    snr_db = ops.full((_BATCH,), 10.0)
    h_hat = budget = None
    if link.encoder.feedback == "channel":
        with private_streams(0):
            h_hat = link.channel.sample(_BATCH)
    if link.encoder.fills_frame:
        budget = ops.full((_BATCH,), float(link.num_symbols))
    return TxKnowledge(snr_db, h_hat, budget=budget)


def _check_packet(link, packet):
    name = f"{type(link.encoder).__name__}.encode()"
    if not isinstance(packet, Packet) or not isinstance(packet.data, Analogue):
        raise ValueError(
            f"{name} must return Packet(Analogue(z, count), side), got "
            f"{type(packet).__name__}"
        )
    z, count = packet.data
    _check_finite(name, z)
    if standardize_dtype(z.dtype) != "complex64" or len(z.shape) != 2:
        raise ValueError(
            f"{name} must give z as complex64 [batch, num_symbols] "
            f"(ops.view_as_complex), got {standardize_dtype(z.dtype)} {tuple(z.shape)}"
        )
    if count is None:
        return
    if standardize_dtype(count.dtype) != "int32" or tuple(count.shape) != (_BATCH,):
        raise ValueError(
            f"{name} must give count as int32 [batch], got "
            f"{standardize_dtype(count.dtype)} {tuple(count.shape)}"
        )
    counts, most = _array(count), min(z.shape[1], link.num_symbols)
    if counts.min() < 1 or counts.max() > most:
        raise ValueError(
            f"{name} must give counts from 1 to {most}, the symbols of z that the "
            f"frame holds, got {counts.tolist()}"
        )


def _check_side(link, side):
    """Bytes that are what was announced, and are read as they were written."""
    encoder, name = link.encoder, type(link.encoder).__name__
    if encoder.side_values is None and encoder.side_bytes is None:
        raise unsaid_side(encoder)
    payloads = encoder.side_to_bytes(side)
    if not isinstance(payloads, list) or not all(
        isinstance(payload, bytes) for payload in payloads
    ):
        raise ValueError(f"{name}.side_to_bytes() must return a list of bytes")
    for payload in payloads:
        if encoder.side_values is not None:
            size, number = number_bytes(encoder.side_values), payload
            if len(number) != size or int.from_bytes(number) >= encoder.side_values:
                raise ValueError(
                    f"{name}.side_to_bytes() must give numbers below side_values = "
                    f"{encoder.side_values} as {size} bytes, the highest first, got "
                    f"{payload!r}"
                )
        elif len(payload) > encoder.side_bytes:
            raise ValueError(
                f"{name}.side_to_bytes() gives {len(payload)} bytes, more than "
                f"side_bytes = {encoder.side_bytes}"
            )
    check_same_side(link.decoder, side, link.decoder.side_from_bytes(payloads))


def unsaid_side(encoder):
    """The `ValueError` of side information that would reach the decoder unsaid."""
    return ValueError(
        f"{type(encoder).__name__} gives side information, but does not say how it is "
        "sent: give it side_values (how many messages there are) or side_bytes (of the "
        "longest)"
    )


def check_same_side(decoder, sent, read):
    """Refuses a decoder that does not read what its encoder wrote.

    Parameters
    ----------
    decoder : :class:`~semcom_phy.codecs.contract.SemanticDecoder`

    sent, read : structures of NumPy arrays
        Side information before and after the bytes

    Raises
    ------
    ValueError
        With the first array that differs.
    """
    name = f"{type(decoder).__name__}.side_from_bytes()"
    sent, read = tree.flatten(sent), tree.flatten(read)
    if len(sent) != len(read):
        raise ValueError(
            f"{name} must return {len(sent)} arrays as encode() gives them in side, "
            f"got {len(read)}"
        )
    for one, other in zip(sent, read, strict=True):
        if one is None and other is None:
            continue
        if not isinstance(other, np.ndarray) or (one.dtype, one.shape) != (
            other.dtype,
            other.shape,
        ):
            got = type(other).__name__
            if isinstance(other, np.ndarray):
                got = f"{other.dtype} {list(other.shape)}"
            raise ValueError(
                f"{name} must return arrays as encode() gives them in side, here "
                f"{one.dtype} {list(one.shape)}, got {got}"
            )
        if not np.array_equal(one, other):
            raise ValueError(
                f"{name} reads {other.tolist()} where {one.tolist()} was written"
            )


def _check_count(link, packet, seen):
    counted = link.count_symbols(packet.side, seen)
    check_same_count(link, _array(packet.data.count), _array(counted))


def check_same_count(link, sent, counted, judged=True):
    """Refuses a codec whose ends disagree on how many symbols there are.

    Parameters
    ----------
    link : :class:`~link_models.links.frame_link.FrameLink`

    sent, counted : [batch], `int`, or `None`
        Of the encoder and of the decoder; `None`: all of them

    judged : [batch], `bool`, or `True`
        Where the receiver can know

    Raises
    ------
    ValueError
        With both numbers.
    """
    if sent is None and counted is None:
        return
    if sent is None or counted is None:
        raise ValueError(
            f"encoder {type(link.encoder).__name__} says "
            f"{'all' if sent is None else 'how many'} of its symbols are sent, and "
            f"the decoder takes {'all' if counted is None else 'a part'}: give "
            "Analogue a count and the decoder count_symbols(), or neither"
        )
    wrong = np.flatnonzero((counted != sent) & judged)
    if wrong.size:
        i = wrong[0]
        raise ValueError(
            f"the encoder sends {sent[i]} symbols of sample {i}, the receiver "
            f"expects {counted[i]}: count_symbols() of the decoder must "
            "follow from the side information and from what both ends know"
        )


def _check_delivered(link, delivered, source):
    name = f"{type(link.decoder).__name__}.decode()"
    if not isinstance(delivered, Delivered):
        raise ValueError(
            f"{name} must return Delivered(images), got {type(delivered).__name__}"
        )
    images = delivered.images
    if images is None and delivered.features is None:
        raise ValueError(f"{name} must deliver images or features, got neither")
    if images is not None and tuple(images.shape) != tuple(source.shape):
        raise ValueError(
            f"{name} must deliver images of shape {tuple(source.shape)}, got "
            f"{tuple(images.shape)}"
        )
    if images is not None:
        if not standardize_dtype(images.dtype).startswith(("float", "bfloat")):
            raise ValueError(
                f"{name} must deliver images as float32 in [0, 1], got "
                f"{standardize_dtype(images.dtype)}"
            )
    for values in (images, delivered.features):
        if values is not None:
            _check_finite(name, values)
    if images is not None:
        size = float(np.abs(_array(images)).mean())
        if size > _LARGEST:
            raise ValueError(
                f"{name} must deliver images in [0, 1]; the mean magnitude of what it "
                f"makes of two random ones is {size:.3g}: divide what is in 0 to 255 "
                "by 255"
            )


def _check_finite(name, values):
    if not np.isfinite(_array(values)).all():
        raise ValueError(
            f"{name} gives values that are not finite for plain images at 10 dB: look "
            "for a logarithm, root or division that meets a zero"
        )


def _array(value):
    return None if value is None else np.asarray(ops.convert_to_numpy(value))


def _tensor(value):
    return ops.convert_to_tensor(value)
