"""Codecs of images of any size: padded at the encoder, cut at the decoder, charged."""

import keras
import numpy as np
import pytest
from codec_calls import built, tensor
from keras import ops
from patch_codecs import SIZES, randomised

from semcom_phy.backend import compile_fn, gradients_fn
from semcom_phy.codecs import ntscc
from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.deepjscc import DeepJSCCDecoder, DeepJSCCEncoder
from semcom_phy.codecs.ntscc import NtsccDecoder, NtsccEncoder
from semcom_phy.codecs.sa_oosc import SaOoscDecoder, SaOoscEncoder
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.seeding import set_seed

PAIRS = {
    "ntscc": (NtsccEncoder, NtsccDecoder),
    "sa_oosc": (SaOoscEncoder, SaOoscDecoder),
}
ODD = (33, 50)
DEEPJSCC = {"filters": (4, 6, 6, 5), "snr_attention": True}
SNR_DB = np.full(2, 10.0, "float32")


def pictures(sides, count=2):
    return np.random.default_rng(0).random((count, *sides, 3), dtype="float32")


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    set_seed(3)
    return [
        randomised(half(**SIZES | {"image_shape": (*ODD, 3)}))
        for half in PAIRS[request.param]
    ]


def received(packet, num_symbols):
    z = packet.data.z[:, :num_symbols]
    no = 0.1 * ops.ones_like(ops.real(z))
    return Received(z, no, no, packet.side)


def known(budget=400.0, levels=None):
    return TxKnowledge(
        tensor(SNR_DB), num_symbols=500, budget=tensor([budget] * 2), levels=levels
    )


def test_patches_of_any_image(pair):
    """A 33x50 image has 4x4 patches, as one padded by its edges to 64x64 has; the
    decoder gives 33x50 back, what the padding takes is counted (exact)."""
    encoder, decoder = pair
    images = pictures(ODD)
    packet = encoder.encode(tensor(images), known())
    assert encoder.grid == decoder.grid == (4, 4)
    missing = ((0, 0), (0, 31), (0, 14), (0, 0))
    padded = encoder.encode(tensor(np.pad(images, missing, mode="edge")), known())
    for one, two in zip(
        keras.tree.flatten(packet[:2]), keras.tree.flatten(padded[:2]), strict=True
    ):
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (one, two)))
    lengths = ops.convert_to_numpy(encoder.symbol_maps(packet))
    count = ops.convert_to_numpy(packet.data.count)
    np.testing.assert_array_equal(count, lengths.sum(axis=(1, 2)))
    assert lengths[:, 3].min() >= 1 and 300 < count.min() and count.max() <= 400
    got = decoder.decode(received(packet, 400), RxKnowledge(tensor(SNR_DB))).images
    assert tuple(got.shape) == images.shape


def test_gradients_pass_the_padding(pair):
    """Through both halves, finite; that of the last row, which the padding repeats, is
    not zero."""
    encoder, decoder = pair

    def loss(images):
        packet = encoder.encode(images, known())
        got = decoder.decode(received(packet, 400), RxKnowledge(tensor(SNR_DB)))
        return ops.mean(ops.square(got.images - 0.5))

    images = keras.Variable(pictures(ODD))
    (gradient,) = gradients_fn(lambda: loss(ops.convert_to_tensor(images)), [images])()
    gradient = ops.convert_to_numpy(gradient)
    assert np.isfinite(gradient).all() and np.abs(gradient[:, -1]).max() > 0


def test_levels_of_the_padding_are_background():
    """Levels of 3x4 patches of a 33x50 image do what those of 4x4 with a row of
    background do (exact); of 2x4 they are refused."""
    encoder = randomised(SaOoscEncoder(**SIZES | {"image_shape": (*ODD, 3)}))
    images = tensor(pictures(ODD))
    levels = np.random.default_rng(1).integers(0, 4, (2, 3, 4)).astype("float32")
    all_levels = np.pad(levels, ((0, 0), (0, 1), (0, 0)))
    sides = [
        ops.convert_to_numpy(encoder.encode(images, known(levels=tensor(told))).side)
        for told in (levels, all_levels)
    ]
    np.testing.assert_array_equal(*sides)
    with pytest.raises(ValueError, match="levels are of 2x4 patches.*4x4"):
        encoder.encode(images, known(levels=tensor(levels[:, :2])))


def test_large_images_in_strips(monkeypatch):
    """A row of patches at a time gives what the whole image gives, lengths exactly,
    symbols and pixels to 1e-5."""
    set_seed(4)
    shape = {"image_shape": (96, 64, 3)}
    images = tensor(pictures((96, 64)))

    encoder, decoder = (randomised(half(**SIZES | shape)) for half in PAIRS["ntscc"])

    def run():
        packet = compile_fn(lambda x: encoder.encode(x, known())[:2])(images)
        decode = compile_fn(lambda x: decoder.decode(x, RxKnowledge(SNR_DB)).images)
        data, side = packet
        no = 0.1 * ops.ones_like(ops.real(data.z[:, :400]))
        got = decode(Received(data.z[:, :400], no, no, side))
        sent = np.arange(400) < ops.convert_to_numpy(data.count)[:, None]
        z = ops.convert_to_numpy(data.z)[:, :400] * sent
        return ops.convert_to_numpy(side), z, ops.convert_to_numpy(got)

    whole = run()
    monkeypatch.setattr(ntscc, "PIXELS_AT_ONCE", 16 * 64)
    strips = run()
    np.testing.assert_array_equal(whole[0], strips[0])
    for one, two in zip(whole[1:], strips[1:], strict=True):
        assert np.abs(one).max() > 0.1
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sides, depth, symbols", [((14, 9), 8, 48), ((9, 18), 3, 23)])
def test_feature_maps_of_any_image(sides, depth, symbols):
    """Sides are rounded up to cells of 4 pixels; two values are a symbol, an odd last
    one has its own; the frame may be larger by less than another map (exact)."""
    config = DEEPJSCC | {"image_shape": (*sides, 3), "num_symbols": symbols}
    encoder, decoder = built(DeepJSCCEncoder(**config)), DeepJSCCDecoder(**config)
    built(decoder)
    assert encoder.depth == depth and encoder.is_padded
    packet = encoder.encode(
        tensor(pictures(sides)), TxKnowledge(tensor(SNR_DB), num_symbols=symbols + 2)
    )
    count = ops.convert_to_numpy(packet.data.count)
    assert packet.data.z.shape[1] == symbols and count.tolist() == [symbols] * 2
    seen = RxKnowledge(tensor(SNR_DB))
    counted = ops.convert_to_numpy(decoder.count_symbols(None, seen))
    assert counted.tolist() == count.tolist() and counted.dtype == count.dtype
    z = ops.pad(packet.data.z, ((0, 0), (0, 2)))
    no = 0.1 * ops.ones_like(ops.real(z))
    got = decoder.decode(Received(z, no, no), seen).images
    assert tuple(got.shape) == (2, *sides, 3)
    again = decoder.decode(Received(z[:, :-2], no[:, :-2], no[:, :-2]), seen).images
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (got, again)))
    for frame in (symbols - 1, symbols + 6 * (1 + (depth == 3))):
        with pytest.raises(ValueError, match=f"cbr {symbols}/{3 * np.prod(sides)}"):
            encoder.check_rate(frame)


def test_weights_of_another_size():
    """What is made for 16x12 pixels serves 9x18 with as many feature maps; weights are
    those of the small one (exact)."""
    small = DEEPJSCC | {"image_shape": (16, 12, 3), "num_symbols": 48}
    config = DeepJSCCEncoder.resized_config(small, (9, 18, 3))
    encoder = built(DeepJSCCEncoder(**config))
    assert encoder.depth == 8 and encoder.num_symbols == 60
    encoder.set_weights(built(DeepJSCCEncoder(**small)).get_weights())
    given = DeepJSCCEncoder.default_config((9, 18, 3), 1, 1, [25])
    assert given["num_symbols"] == 23  # three maps of 15 places in 25 symbols


def test_images_of_fixed_size_stay_whole():
    """Multiples of 4 and 32: nothing is padded, the frame is filled (exact)."""
    encoder = DeepJSCCEncoder(image_shape=(16, 12, 3), num_symbols=48)
    assert not encoder.is_padded
    with pytest.raises(ValueError, match="sends 48 symbols per image, received 49"):
        encoder.check_rate(49)
