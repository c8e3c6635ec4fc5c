"""MMSemCom: which values are sent of a picture, and what arrives of them."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.mmsemcom import (
    SEQUENTIAL,
    SIMULTANEOUS,
    TRAINED,
    MmsemcomDecoder,
    MmsemcomEncoder,
)
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge

SIZES = {
    "cnn_width": 10,
    "text_width": 6,
    "num_prompts": 2,
    "image_values": 4,
    "fused_values": 8,
    "hidden": 12,
    "num_heads": 2,
    "places": 9,
}
SOURCE = np.random.default_rng(0).standard_normal((3, 11, 10)).astype("float32")
SOURCE[:, 9:, 6:] = 0
KNOWN = RxKnowledge(ops.convert_to_tensor(np.zeros(3, "float32")))


def encoder_of(send, **more):
    encoder = MmsemcomEncoder(**SIZES | more, send=send)
    encoder.build((None, *encoder.source_shape))
    rng = np.random.default_rng(1)
    for weight in encoder.weights:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    return encoder


def numbers(value):
    return ops.convert_to_numpy(value)


def values(encoder):
    return numbers(encoder.values(ops.convert_to_tensor(SOURCE)))


def symbols(encoder, num_symbols):
    known = TxKnowledge(KNOWN.snr_db, num_symbols=num_symbols)
    return numbers(encoder.encode(ops.convert_to_tensor(SOURCE), known).data.z)


def received(z, no):
    z = ops.convert_to_tensor(z.astype("complex64"))
    no = ops.convert_to_tensor(np.broadcast_to(np.float32(no), z.shape).copy())
    return Received(z, no, no)


@pytest.mark.parametrize(
    ("send", "count"), [(TRAINED, 20), (SEQUENTIAL, 16), (SIMULTANEOUS, 8)]
)
def test_every_part_has_unit_mean_square(send, count):
    encoder = encoder_of(send)
    found = values(encoder)
    assert found.shape == (3, count) == (3, encoder.num_values)
    for part in encoder.split(found).values():
        np.testing.assert_allclose(np.mean(part**2, axis=1), 1, rtol=1e-4)


def test_the_paper_s_counts_of_values():
    """3 prompts of CLIP and 32 features, or 64 fused ones."""
    sizes = {"cnn_width": 2048, "text_width": 512}
    assert MmsemcomEncoder(**sizes, send=SEQUENTIAL).num_values == 1568
    assert MmsemcomEncoder(**sizes, send=SIMULTANEOUS).num_values == 64


def test_weights_do_not_depend_on_what_is_sent():
    whole, part = encoder_of(TRAINED), encoder_of(SIMULTANEOUS)
    np.testing.assert_allclose(whole.split(values(whole))["fused"], values(part))
    other = encoder_of(TRAINED, num_prompts=1)
    assert [w.shape for w in other.weights] == [w.shape for w in whole.weights]


def test_prompts_are_sent_as_they_are():
    parts = encoder_of(SEQUENTIAL).split(values(encoder_of(SEQUENTIAL)))
    told = SOURCE[:, 9:, :6].reshape(3, 12)
    scale = np.sqrt(np.mean(told**2, axis=1, keepdims=True))
    np.testing.assert_allclose(parts["prompts"], told / scale, rtol=1e-4)


def test_what_arrives_without_noise_is_what_was_sent():
    encoder, decoder = encoder_of(SEQUENTIAL), MmsemcomDecoder(**SIZES, send=SEQUENTIAL)
    z = symbols(encoder, 8)
    np.testing.assert_allclose(np.mean(np.abs(z) ** 2, axis=1), 2, rtol=1e-4)
    arrived = decoder.decode(received(z / np.sqrt(2), 1e-6), KNOWN).features
    np.testing.assert_allclose(numbers(arrived), values(encoder), atol=1e-4)


def test_repetitions_are_weighed_by_their_certainty():
    """Four values twice and a half: 5 symbols; error variances in parallel."""
    encoder = encoder_of(("image",))
    decoder = MmsemcomDecoder(**SIZES, send=("image",))
    z, no = symbols(encoder, 5) / np.sqrt(2), np.array([1, 2, 4, 8, 0.5])
    np.testing.assert_allclose(z[:, 2:4], z[:, :2])
    np.testing.assert_allclose(z[:, 4], z[:, 0])
    off = np.array([0.3, -0.1j, 0.2, 0.4, -0.5])
    arrived = numbers(decoder.decode(received(z + off, no), KNOWN).features)
    first = np.sum(((z + off) / no)[:, [0, 2, 4]], 1) / (1 + 1 + 0.25 + 2)
    second = np.sum(((z + off) / no)[:, [1, 3]], 1) / (1 + 0.5 + 0.125)
    both = np.stack([first.real, first.imag, second.real, second.imag], 1)
    np.testing.assert_allclose(arrived, both * np.sqrt(2), rtol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"text_width": 5}, "text_width must be even and at least 2, got 5"),
        ({"num_prompts": 8}, "num_prompts must be 1 to 7, got 8"),
        ({"send": ("picture",)}, "send must name some of image, fused"),
        ({"send": ()}, "send must name some of"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        MmsemcomEncoder(**SIZES | wrong)


def test_configuration_survives():
    encoder = encoder_of(SEQUENTIAL)
    again = MmsemcomEncoder.from_config(encoder.get_config())
    assert again.send == SEQUENTIAL and again.num_values == encoder.num_values
