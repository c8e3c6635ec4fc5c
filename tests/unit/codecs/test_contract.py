"""The contract of codecs: what every codec of the project keeps, and what bases do."""

import numpy as np
import pytest
from codec_calls import built, decode, encode, tensor
from keras import ops, tree

from link_models.codecs import CODECS
from semcom_phy.codecs.contract import (
    FrameFillingEncoder,
    Packet,
    Received,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.phy.segments import Analogue
from semcom_phy.seeding import set_seed

MAPS = {"image_shape": (16, 16, 3), "num_maps": 4}
SWIN = MAPS | {
    "backbone": "swin",
    "sizes": {"embed_dims": (8, 8), "depths": (1, 1), "heads": (2, 2)},
}
PATCHES = {"image_shape": (32, 64, 3), "filters": 8, "blocks": 1}
CONFIGS = {
    "adjscc": {
        "image_shape": (16, 16, 3),
        "symbol_counts": (64,),
        "filters": 8,
        "num_blocks": 1,
    },
    "deepjscc": {
        "image_shape": (16, 16, 3),
        "num_symbols": 64,
        "filters": (4, 4, 4, 4),
    },
    "eca": MAPS,
    "swinjscc": MAPS | {"backbone": "conv"},
    "swinjscc_official": {
        "image_shape": (16, 16, 3),
        "dims": (8, 10),
        "depths": (1, 2),
        "heads": (2, 2),
        "num_features": None,
        "rate_adaptive": True,
    },
    "ntscc": PATCHES,
    "ntscc_official": {
        "image_shape": (16, 32, 3),
        "dims": (8, 8),
        "depths": (1, 1),
        "heads": (2, 2),
        "windows": (2, 2),
        "shifted": (False, False),
        "code_depth": 1,
        "code_heads": 2,
        "code_window": 4,
        "rates": (2, 4, 8),
        "hyper_analysis": (4, 4, 4),
        "hyper_synthesis": (4, 8),
        "refined": True,
    },
    "sa_oosc": PATCHES,
}
OF_IMAGES = [name for name, codec in CODECS.items() if codec.encoder.sends_images]
ROOM = {"adjscc": 64, "deepjscc": 64, "ntscc": 900, "sa_oosc": 900}
ROOM |= {"swinjscc_official": 80, "ntscc_official": 120}
SIDE = ("eca", "swinjscc", "swinjscc_official", "ntscc", "ntscc_official", "sa_oosc")


def pair(name):
    """Untrained halves that can send their side information."""
    set_seed(3)
    halves = [built(half(**CONFIGS[name])) for half in CODECS[name]]
    for half in halves:
        code = LengthCode.fit(np.zeros((1, 2, 4), int), len(LENGTHS))
        half.use_record({"length_code": code.to_dict()})
    return halves


def known_of(encoder, snr_db, room):
    rng = np.random.default_rng(1)
    h = rng.standard_normal((4, 1, 2, 2, 1, 1, 2)) @ [1, 0.5j]
    budgets = tensor(np.linspace(100, room, 4)) if encoder.fills_frame else None
    if encoder.rate_steps:
        steps = encoder.rate_steps
        budgets = tensor([steps[0], steps[-1], steps[1], steps[2]])
    h_hat = tensor(h, "complex64") if encoder.feedback == "channel" else None
    return TxKnowledge(tensor(snr_db), h_hat, room, budgets)


def packet_of(name):
    """Halves, what is known, and the packet of four images."""
    encoder, decoder = pair(name)
    source = np.random.default_rng(2).random((4, *encoder.image_shape), "float32")
    room = ROOM.get(name) or encoder.num_symbols
    known = known_of(encoder, np.array([0.0, 5.0, 10.0, 20.0]), room)
    return encoder, decoder, known, encoder.encode(tensor(source), known)


def seen_by(known):
    return RxKnowledge(known.snr_db, known.h_hat, known)


def numpy_of(structure):
    return tree.map_structure(
        lambda v: None if v is None else ops.convert_to_numpy(v), structure
    )


@pytest.mark.parametrize("name", OF_IMAGES)
def test_both_ends_count_the_same_symbols(name):
    """What the decoder takes to be sent is what the encoder says, and no more than
    there is room for; codecs of one length say nothing (exact)."""
    encoder, decoder, known, packet = packet_of(name)
    counted = decoder.count_symbols(packet.side, seen_by(known))
    if name not in SIDE:
        assert packet.side is None and packet.data.count is None and counted is None
        assert packet.data.z.shape == (4, known.num_symbols)
        return
    count = ops.convert_to_numpy(packet.data.count)
    assert count.dtype == np.int32
    np.testing.assert_array_equal(ops.convert_to_numpy(counted), count)
    assert np.all(count > 0) and np.all(count <= known.num_symbols)
    assert name == "eca" or len(set(count.tolist())) > 1  # its choice is trained


@pytest.mark.parametrize("name", SIDE)
def test_side_information_comes_back_from_its_bytes(name):
    """The same numbers of the same types, sample by sample as well as together; numbers
    are within what the encoder says of them (exact)."""
    encoder, decoder, known, packet = packet_of(name)
    side = numpy_of(packet.side)
    payloads = encoder.side_to_bytes(side)
    assert all(isinstance(p, bytes) for p in payloads) and len(payloads) == 4
    if encoder.side_values is not None:
        numbers = [int.from_bytes(p, "big") for p in payloads]
        assert max(numbers) < encoder.side_values <= 2**20
        assert len(set(map(len, payloads))) == 1
    else:
        assert encoder.side_bytes > 0
    one_by_one = [decoder.side_from_bytes([p]) for p in payloads]
    whole = decoder.side_from_bytes(payloads)
    for again in (whole, tree.map_structure(_joined, *one_by_one)):
        tree.assert_same_structure(again, side)
        for one, two in zip(tree.flatten(again), tree.flatten(side), strict=True):
            assert one is None or one.dtype == two.dtype
            np.testing.assert_array_equal(one, two)


def _joined(*parts):
    return None if parts[0] is None else np.concatenate(parts)


@pytest.mark.parametrize(
    "name", ["eca", "swinjscc_official", "ntscc", "ntscc_official"]
)
def test_bytes_that_cannot_be_meant_are_refused(name):
    """A number beyond those that there are, and a code that ends early (any)."""
    _, decoder = pair(name)
    with pytest.raises(ValueError):
        decoder.side_from_bytes([b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"])


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images_come_out_of_what_was_received(name):
    """Documented shape and type, finite, whatever noise (exact)."""
    encoder, decoder, known, packet = packet_of(name)
    noise = np.random.default_rng(5).standard_normal((4, known.num_symbols, 2))
    z_hat = tensor(noise @ [1, 1j], "complex64")
    no_eff = ops.full((4, known.num_symbols), 0.5)
    received = Received(z_hat, no_eff, no_eff, packet.side)
    images = decoder.decode(received, seen_by(known)).images
    images = ops.convert_to_numpy(images)
    assert images.shape == (4, *encoder.image_shape) and images.dtype == np.float32
    assert np.isfinite(images).all()


@pytest.mark.parametrize("name", OF_IMAGES)
def test_figures_and_maps_are_by_sample(name):
    """Every figure and map has a row for every sample (exact)."""
    encoder, _, known, packet = packet_of(name)
    for values in encoder.figures(packet).values():
        assert ops.convert_to_numpy(values).shape == (4,)
    maps = encoder.symbol_maps(packet)
    assert (maps is None) == (name not in SIDE)
    assert maps is None or len(ops.convert_to_numpy(maps)) == 4


@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_scenario_has_a_configuration_of_its_own(name):
    """Halves can be made of their default configuration for 64x64 images and 2x2
    antennas, and it is theirs: plain values of the constructor (exact)."""
    for half in CODECS[name]:
        config = half.default_config((64, 64, 3), 2, 2, (384, 512))
        made = half(**config)
        assert made.image_shape == (64, 64, 3)
        assert config.items() <= made.get_config().items()


def test_frames_that_do_not_fit_a_codec_are_refused():
    """Both numbers are named (exact)."""
    for name, message in (
        ("adjscc", "64 symbols per image, received 96: give the cbr 64/768"),
        ("deepjscc", "64 symbols per image, received 96"),
        ("eca", "frame of 96"),
        ("swinjscc", "frame of 96"),
        ("swinjscc_official", "at least 8 symbols per image, received a frame of 7"),
        ("ntscc", "at least 8 symbols, received a frame of 7"),
        ("ntscc_official", "at least 32 symbols, received a frame of 7"),
    ):
        encoder, _ = pair(name)
        with pytest.raises(ValueError, match=message):
            few = name in ("swinjscc_official", "ntscc", "ntscc_official")
            encoder.check_rate(7 if few else 96)


def test_side_information_without_a_code_is_refused():
    """Before anything is sent, with the remedy (exact)."""
    encoder = CODECS["ntscc"].encoder(**CONFIGS["ntscc"])
    with pytest.raises(ValueError, match="benchmarks.fit_length_code"):
        encoder.check_side()
    pair("ntscc")[0].check_side()


class Least(SemanticEncoder):
    """As little as an encoder can be."""

    image_shape = (4, 4, 3)

    def encode(self, source, known, uniform=None):
        z = ops.cast(source[:, :, 0, 0], "complex64")
        return Packet(Analogue(z[:, : known.num_symbols]))


class Sees(SemanticDecoder):
    image_shape = (4, 4, 3)

    def decode(self, received, known, training=False):
        from semcom_phy.sources.samples import Delivered

        return Delivered(ops.real(received.z_hat))


def test_encode_and_decode_are_enough():
    """A codec of fixed rate without side information gives no more; all else has an
    answer (exact)."""
    encoder, decoder = built(Least()), built(Sees())
    packet = encode(encoder, np.ones((2, 4, 4, 3)), [0.0, 1.0], 3)
    assert packet.data.z.shape == (2, 3)
    assert packet.side is None and packet.details is None
    images = decode(decoder, packet.data.z, np.ones((2, 3)), [0.0, 1.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(images), np.ones((2, 3)))
    assert encoder.feedback is None and encoder.rate_steps is None
    assert encoder.side_values is None and encoder.side_bytes is None
    assert not encoder.fills_frame and encoder.num_uniform == 0
    assert encoder.figures(packet) == {} and encoder.symbol_maps(packet) is None
    assert encoder.extra_loss(packet, None) == 0.0
    assert encoder.reduced_precision_layers() == []
    encoder.check_rate(5)
    encoder.check_side()
    assert decoder.count_symbols(None, None) is None
    config = Least.default_config((4, 4, 3), 1, 1, [3, 5])
    assert config == {"image_shape": (4, 4, 3), "num_symbols": 5}


def test_what_must_be_given_is_asked_for():
    """A codec with side information that does not say how it is written fails, and
    does not send something else (exact)."""
    for call in (
        lambda: SemanticEncoder().encode(None, None),
        lambda: SemanticDecoder().decode(None, None),
        lambda: Least().side_to_bytes([1]),
        lambda: Sees().side_from_bytes([b""]),
        lambda: FrameFillingEncoder().analyse(None, None),
        lambda: FrameFillingEncoder().allocate(None, None),
        lambda: FrameFillingEncoder().modulate(None, None),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_frame_filling_encoders_encode_in_three_steps():
    """Analysed once, allocated by the budget, modulated with the side information
    (exact)."""

    class Steps(FrameFillingEncoder):
        def analyse(self, source, known):
            return source, known.levels

        def allocate(self, analysed, budget):
            return (analysed, budget), budget

        def modulate(self, analysed, side):
            return Packet(analysed, side)

    known = TxKnowledge(0.0, budget=7.0, levels=3)
    packet = Steps().encode("images", known)
    assert packet == (("images", 3), (("images", 3), 7.0), None)
    assert Steps.fills_frame
