"""SGDJSCC in outline: what arrives is a state of a diffusion, and goes down from it."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.gened_sc import GenedScDecoder, GenedScEncoder, picture_rows
from semcom_phy.codecs.sgdjscc import STEP, Guide, SgdJsccDecoder, SgdJsccEncoder
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.seeding import set_seed
from semcom_phy.sources.images import load_images

SIZES = {"image_shape": (32, 32, 3), "num_symbols": 60, "channels": 8}
SEEN = {"patch_width": 6, "common_width": 4}
SMALL = {"common_width": 4, "denoiser_channels": 8, "denoiser_blocks": 1}
IMAGES = load_images("sample", 3, size=32)[0]
SNR_DB = np.array([1.0, 4.0, 10.0], "float32")
RNG = np.random.default_rng(0)
TEXTS = RNG.standard_normal((3, 4)).astype("float16")
SOURCE = picture_rows(
    IMAGES, RNG.standard_normal((3, 17, 8)).astype("float16"), TEXTS
).astype("float32")


def tensor(values, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(values, dtype))


def numbers(values):
    return ops.convert_to_numpy(values)


def plain():
    """The network under it, with weights everywhere."""
    set_seed(2)
    encoder = GenedScEncoder(**SIZES, mask="none", **SEEN)
    decoder = GenedScDecoder(**SIZES, mask="none")
    encoder.build((None, *encoder.source_shape))
    decoder.build((None, 60))
    encoder.fit_statistics(IMAGES.astype("float32") / 255)
    decoder.copy_statistics(encoder)
    for half in (encoder, decoder):
        kernel = half.project if half is encoder else half.update
        kernel.kernel.assign(0.1 * RNG.standard_normal(kernel.kernel.shape))
    return encoder, decoder


@pytest.fixture(scope="module")
def network():
    return plain()


def guided(network, **more):
    """Halves with the network's weights."""
    encoder = SgdJsccEncoder(**SIZES, **SEEN)
    decoder = SgdJsccDecoder(**SIZES, **SMALL, **more)
    encoder.build((None, *encoder.source_shape))
    decoder.build((None, 60))
    encoder.set_weights(network[0].get_weights())
    places = {_place(w): w for w in network[1].weights}
    for weight in decoder.weights:
        if "denoiser" not in weight.path:
            weight.assign(places[_place(weight)])
    return encoder, decoder


def _place(weight):
    return weight.path.split("/", 1)[1] if "/" in weight.path else weight.path


def noisy(packet, no):
    z = numbers(packet.data.z)
    z = z / np.sqrt(np.mean(np.abs(z) ** 2, axis=1, keepdims=True))
    noise = np.random.default_rng(4).standard_normal((*z.shape, 2)) @ [1, 1j]
    no_eff = np.broadcast_to(no, z.shape)
    z_hat = z + np.sqrt(no_eff / 2) * noise
    return tensor(z_hat, "complex64"), tensor(no_eff)


def decoded(decoder, packet, no, side=None):
    z_hat, no_eff = noisy(packet, no)
    known = RxKnowledge(tensor(SNR_DB), fed_back=TxKnowledge(tensor(SNR_DB)))
    received = Received(z_hat, no_eff, no_eff, packet.side if side is None else side)
    return numbers(decoder.decode(received, known).images)


def encoded(encoder, source=SOURCE):
    return encoder.encode(tensor(source), TxKnowledge(tensor(SNR_DB), num_symbols=60))


def test_the_image_goes_out_as_the_network_sends_it(network):
    """The caption is told to the receiver, and moves no symbol; the guide is what the
    picture and the source say (exact)."""
    encoder, _ = guided(network)
    packet = encoded(encoder)
    untitled = SOURCE.copy()
    untitled[:, -1, 196:200] = 0
    alone = encoded(network[0], untitled)
    np.testing.assert_array_equal(numbers(packet.data.z), numbers(alone.data.z))
    np.testing.assert_array_equal(numbers(packet.side.caption), TEXTS)
    edges = numbers(packet.side.edges)
    assert edges.shape == (3, 4, 4) and edges.sum((1, 2)).tolist() == [2] * 3
    assert numbers(packet.side.arrived).tolist() == [1] * 3


def test_edges_come_back_from_their_bytes(network):
    """The same map, and no caption, which is sent apart (exact)."""
    encoder, decoder = guided(network)
    side = Guide(*(numbers(part) for part in encoded(encoder).side))
    payloads = encoder.side_to_bytes(side)
    assert max(map(len, payloads)) <= encoder.side_bytes
    again = decoder.side_from_bytes(payloads)
    np.testing.assert_array_equal(again.edges, side.edges)
    assert again.edges.dtype == again.arrived.dtype == np.float32
    assert not again.caption.any() and again.caption.shape == side.caption.shape


def test_one_step_of_a_silent_denoiser_is_the_network(network):
    """Its linear estimates are those of the L-MMSE (float32: 1e-4)."""
    encoder, decoder = guided(network, steps=1)
    packet = encoded(encoder)
    expected = decoded(network[1], packet, 0.3)
    np.testing.assert_allclose(decoded(decoder, packet, 0.3), expected, atol=1e-4)


def test_what_arrives_is_a_state_of_the_diffusion(network):
    """Over the values that are sent, x less sqrt(alpha_bar) x0 has the variance
    1 - alpha_bar, whatever the level (mean over 60 symbols and 3 images: 15 %, the
    scale that is estimated from noise included)."""
    encoder, decoder = guided(network)
    packet, mask = encoded(encoder), ops.zeros((3, 4, 4))
    snr_db = tensor(SNR_DB)

    def state(no):
        z_hat, no_eff = noisy(packet, no)
        received = Received(z_hat, no_eff, no_eff)
        return [numbers(v) for v in decoder.state(received, snr_db, mask)]

    values, known = state(1e-6)
    sent = known > 0.5
    assert sent.sum() == 3 * (2 * 60 - 16)
    for no in (0.05, 0.5):
        x, alpha_bar = state(no)
        error = (x - np.sqrt(alpha_bar) * values) ** 2 / (1 - alpha_bar)
        assert abs(error[sent].mean() - 1) < 0.15
        assert not x[~sent].any() and (alpha_bar[~sent] < 0.01).all()


def test_the_steps_go_down_as_ddim_does(network):
    """Against the formula with values and noise of every step, written out (float32:
    1e-5)."""
    encoder, decoder = guided(network, steps=3)
    decoder.denoiser.set_weights(
        [0.2 * RNG.standard_normal(w.shape) for w in decoder.denoiser.get_weights()]
    )
    guide = encoded(encoder).side
    x = RNG.standard_normal((3, 4, 4, decoder.depth))
    level = RNG.uniform(0.1, 0.9, x.shape)
    found = numbers(decoder._denoised(tensor(x), tensor(level), guide))
    edges, caption = guide.edges, guide.caption
    for _ in range(3):
        v = numbers(decoder.denoiser(tensor(x), tensor(level), edges, caption))
        values = np.sqrt(level) * x - np.sqrt(1 - level) * v
        noise = (x - np.sqrt(level) * values) / np.sqrt(1 - level)
        level = 1 / (1 + STEP * (1 - level) / level)
        x = np.sqrt(level) * values + np.sqrt(1 - level) * noise
    np.testing.assert_allclose(found, values, atol=1e-5 * np.abs(values).max())


def test_a_lost_edge_map_is_none(network):
    """The image is that of a map of zeros, whatever the map is; edges and caption that
    arrive change it (exact, 1e-4)."""
    encoder, decoder = guided(network)
    decoder.denoiser.set_weights(
        [0.2 * RNG.standard_normal(w.shape) for w in decoder.denoiser.get_weights()]
    )
    packet = encoded(encoder)
    guide, blank = packet.side, ops.zeros_like(packet.side.edges)
    gone = decoded(decoder, packet, 0.3, guide._replace(arrived=tensor([0, 0, 0])))
    none = decoded(decoder, packet, 0.3, guide._replace(edges=blank))
    np.testing.assert_array_equal(gone, none)
    told = decoded(decoder, packet, 0.3)
    assert np.abs(told - none).max() > 1e-4
    silent = guide._replace(caption=ops.zeros_like(guide.caption))
    assert np.abs(decoded(decoder, packet, 0.3, silent) - told).max() > 1e-4


def test_configurations_make_the_same_halves():
    """Without routing, whose options are none of theirs (exact)."""
    for half in (SgdJsccEncoder(**SIZES, **SEEN), SgdJsccDecoder(**SIZES, **SMALL)):
        config = half.get_config()
        assert not {"mask", "foreground_lead"} & set(config)
        assert type(half).from_config(config).get_config() == config
        assert half.mask == "none"


def test_no_step_is_refused():
    """With the number."""
    with pytest.raises(ValueError, match="steps must be positive, received 0"):
        SgdJsccDecoder(**SIZES, steps=0)
