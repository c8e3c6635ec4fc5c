"""Whether a codec keeps its contract, before it is trained or sent over a link."""

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
        _check_delivered(link, link.decode(x, no, packet.side, seen), source)


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
    for values in (images, delivered.features):
        if values is not None:
            _check_finite(name, values)


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
