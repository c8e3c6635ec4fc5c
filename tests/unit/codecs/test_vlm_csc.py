"""VLM-CSC: what is sent of a caption, and words out of what arrives."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.vlm_csc import VlmCscDecoder, VlmCscEncoder
from semcom_phy.language.caption_tokens import BEGIN, MOST_TOKENS, caption_tokens
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge

SIZES = {
    "num_words": 300,
    "symbols_per_token": 4,
    "width": 16,
    "word_width": 8,
    "num_layers": 2,
    "num_heads": 4,
    "hidden": 24,
}
ROOM = 10
TOKENS = np.array([[5, 7, 9] + [0] * 7, [260] * ROOM], np.int32)
SNR_DB = np.array([3.0, 8.0], "float32")


def halves(**more):
    """Encoder and decoder, their weights far from ties and from 0."""
    encoder, decoder = VlmCscEncoder(**SIZES, **more), VlmCscDecoder(**SIZES, **more)
    encoder.build((None, MOST_TOKENS))
    decoder.build((None, None))
    rng = np.random.default_rng(0)
    for weight in (*encoder.weights, *decoder.weights):
        if len(weight.shape) > 1:
            weight.assign(rng.standard_normal(weight.shape) * weight.shape[0] ** -0.5)
    return encoder, decoder


def sent(encoder, tokens=TOKENS):
    known = TxKnowledge(ops.convert_to_tensor(SNR_DB))
    return encoder.encode(ops.convert_to_tensor(tokens), known)


def received(packet, error=0.1):
    z = packet.data.z
    no = ops.full(ops.shape(z), error)
    return Received(z, no, no, packet.side)


def decoded(decoder, packet, error=0.1):
    known = RxKnowledge(ops.convert_to_tensor(SNR_DB))
    return decoder.decode(received(packet, error), known)


def test_a_token_takes_its_symbols_and_the_number_is_told():
    packet = sent(halves()[0])
    z = ops.convert_to_numpy(packet.data.z)
    assert z.shape == (2, ROOM * 4)
    assert ops.convert_to_numpy(packet.data.count).tolist() == [12, 40]
    assert not z[0, 12:].any() and z[0, :12].all() and z[1].all()
    assert halves()[0].side_to_bytes(np.array([3, 64])) == [b"\x03", b"\x40"]
    side = halves()[1].side_from_bytes([b"\x03", b"\x40"])
    assert side.dtype == np.int32 and side.tolist() == [3, 64]


def test_what_stands_behind_a_caption_does_not_matter():
    """Neither room nor noise behind the last token changes a word's logits."""
    encoder, decoder = halves()
    previous = ops.convert_to_tensor(np.full((2, ROOM), BEGIN, np.int32))
    packet = sent(encoder)
    first = decoder.word_logits(decoded(decoder, packet), previous)
    z = ops.convert_to_numpy(packet.data.z).copy()
    z[0, 12:] = 100.0
    data = packet.data._replace(z=ops.convert_to_tensor(z))
    noisy = decoder.word_logits(decoded(decoder, packet._replace(data=data)), previous)
    first, noisy = map(ops.convert_to_numpy, (first, noisy))
    np.testing.assert_allclose(first[0, :3], noisy[0, :3], atol=1e-5)
    np.testing.assert_allclose(first[1], noisy[1], atol=1e-5)


def test_reading_is_greedy_by_the_logits():
    """Word by word, each is the most likely one by the logits given those read before:
    the cache of keys and values changes nothing."""
    encoder, decoder = halves()
    delivered = decoded(decoder, sent(encoder))
    read = ops.convert_to_numpy(decoder.read(delivered))
    assert read.shape == (2, ROOM) and read.dtype == np.int32
    assert not read[0, 3:].any()
    previous = np.concatenate([np.full((2, 1), BEGIN), read[:, :-1]], axis=1)
    logits = decoder.word_logits(delivered, ops.convert_to_tensor(previous, "int32"))
    best = ops.convert_to_numpy(logits).argmax(axis=-1)
    assert len(set(best[1].tolist())) > 1
    np.testing.assert_array_equal(read[0, :3], best[0, :3])
    np.testing.assert_array_equal(read[1], best[1])


def test_without_noise_attention_the_snr_is_not_used():
    for noise_attention in (True, False):
        encoder, decoder = halves(noise_attention=noise_attention)
        tokens = np.repeat(TOKENS[1:], 2, axis=0)
        packet = sent(encoder, tokens)
        z = ops.convert_to_numpy(packet.data.z)
        assert np.allclose(z[0], z[1], atol=1e-5) is not noise_attention
        same = packet._replace(
            data=packet.data._replace(z=ops.convert_to_tensor(z[[0, 0]]))
        )
        memory = ops.convert_to_numpy(decoded(decoder, same).features)
        gap = np.abs(memory[0] - memory[1]).max() / np.abs(memory).max()
        assert (gap > 1e-4) == noise_attention


def test_config_round_trip():
    encoder = halves(noise_attention=False)[0]
    copy = VlmCscEncoder.from_config(encoder.get_config())
    assert copy.get_config() == encoder.get_config()
    assert copy.noise_attention is False and copy.width == 16


def test_weights_of_another_vocabulary_are_refused():
    """Words are known by number: another list would read as other words."""
    encoder = halves()[0]
    data = {"words_sha256": caption_tokens().sha256, "spelled_bytes": [97]}
    encoder.use_record({"label": "mine", "data": data})
    assert encoder.trained_bytes == {97}
    data["words_sha256"] = "0" * 64
    with pytest.raises(ValueError, match="'mine' were trained with another vocabulary"):
        encoder.use_record({"label": "mine", "data": data})


def test_a_frame_holds_whole_tokens():
    encoder = halves()[0]
    encoder.check_rate(256)
    with pytest.raises(ValueError, match="258 symbols does not hold a whole number"):
        encoder.check_rate(258)
    with pytest.raises(ValueError, match="symbols_per_token must be at least 1"):
        VlmCscEncoder(symbols_per_token=0)
