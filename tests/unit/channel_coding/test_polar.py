"""Polar codes: Sionna's code words, and a list decoder for codes of mixed sizes."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.fec.polar import Polar5GDecoder, Polar5GEncoder

from semcom_phy.channel_coding.crc import Crc
from semcom_phy.channel_coding.polar import PolarCode, list_decode, polar_transform

CRC = Crc("CRC11")
# Punctured, shortened, repeated; mother codes of 64 to 1024 bits.
SIZES = [(20, 48), (60, 96), (60, 208), (96, 416), (300, 500), (40, 272), (50, 1088)]


def random_bits(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)


def received(code_bits, snr_db, seed=2):
    """LLRs ln p(1)/p(0) of BPSK at an Es/N0 [dB]."""
    no = 10 ** (-snr_db / 10)
    noise = np.random.default_rng(seed).standard_normal(code_bits.shape)
    y = 2.0 * code_bits - 1 + noise * np.sqrt(no / 2)
    return (4 * y / no).astype(np.float32)


def decoded(codes, llrs):
    """Most likely words of codes of one mother code, a list of rows."""
    llr = np.concatenate(
        [code.mother_llr(row[None]) for code, row in zip(codes, llrs, strict=True)]
    )
    free = np.zeros(llr.shape, bool)
    for row, code in zip(free, codes, strict=True):
        row[code.positions] = True
    return [
        paths[:, code.positions]
        for code, paths in zip(codes, list_decode(llr, free), strict=True)
    ]


@pytest.mark.parametrize("k, n", SIZES)
def test_code_words_are_those_of_sionna(k, n):
    """Bit by bit (exact)."""
    bits = random_bits((4, k))
    encoder = Polar5GEncoder(k, n)
    expected = encoder(ops.convert_to_tensor(bits.astype("float32")))
    code = PolarCode(k + CRC.length, n)
    found = code.encode(CRC.append(bits))
    np.testing.assert_array_equal(found, ops.convert_to_numpy(expected))
    (words,) = decoded([code], [received(found[0], 20.0)])
    np.testing.assert_array_equal(words[0][:k], bits[0])


def test_as_many_words_are_decoded_as_by_sionna():
    """500 words of 31 bits on 48, of which one in ten fails, by either decoder; the
    difference within 4 standard errors of the words that one of them alone gets."""
    k, n, num_words = 20, 48, 500
    bits = random_bits((num_words, k), 3)
    code, encoder = PolarCode(k + CRC.length, n), Polar5GEncoder(k, n)
    llr = received(code.encode(CRC.append(bits)), -0.5)
    sionna = Polar5GDecoder(encoder, dec_type="SCL", list_size=8)
    expected = ops.convert_to_numpy(sionna(ops.convert_to_tensor(llr)))
    words = np.stack(decoded([code] * num_words, llr))
    good = CRC.holds(words.reshape(-1, code.k)).reshape(num_words, -1)
    found = words[np.arange(num_words), good.argmax(axis=1), :k]
    theirs, ours = (np.any(v != bits, axis=1) for v in (expected, found))
    assert 0.02 < theirs.mean() < 0.4
    differ = np.sum(theirs != ours)
    assert abs(int(theirs.sum()) - int(ours.sum())) <= 4 * np.sqrt(differ) + 1


def test_a_batch_of_several_codes_gives_what_each_gives_alone():
    """Codes of one mother code, decoded together and one by one (exact)."""
    sizes = [(31, 200), (71, 208), (120, 256), (40, 272)] * 10
    codes = [PolarCode(k, n) for k, n in sizes]
    assert {code.mother for code in codes} == {256}
    llrs = [
        received(code.encode(random_bits((1, code.k)))[0], -4.0, seed)
        for seed, code in enumerate(codes)
    ]
    together = decoded(codes, llrs)
    for code, llr, words in zip(codes, llrs, together, strict=True):
        np.testing.assert_array_equal(words[0], decoded([code], [llr])[0][0])


def test_the_transform_is_its_own_inverse():
    bits = random_bits((3, 2, 64))
    np.testing.assert_array_equal(polar_transform(polar_transform(bits)), bits)


@pytest.mark.parametrize("k, n", [(0, 64), (65, 64), (1025, 2048)])
def test_a_code_that_there_is_not_is_refused(k, n):
    with pytest.raises(ValueError, match=f"{k} bits on {n}"):
        PolarCode(k, n)
