"""Codecs of captions: the same words back, in few bytes, or one clear line."""

import heapq
import json

import numpy as np
import pytest

from benchmarks.text_codecs import main
from semcom_phy.language.caption_tokens import caption_tokens
from semcom_phy.source_coding import DecodeError
from semcom_phy.source_coding.text import TEXT_CODECS, shared_text_codec
from semcom_phy.source_coding.text.huffman import huffman_code

TEXTS = (
    "a",
    "a dog runs through the grass",
    "Two Men  sit on a bench .",
    "a dog 😀 runs",
    "привет мир",
    "犬が走る in the park",
    "zqxj blorf",
    "\u0130stanbul at night",
    " ".join(["the"] * 64),
)


def num_tokens(text):
    return len(caption_tokens().encode(text))


@pytest.fixture(params=list(TEXT_CODECS))
def codec(request):
    return shared_text_codec(request.param)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back(codec, text):
    """In lower case and with single blanks, whatever zeros follow (exact)."""
    data = codec.encode(text)
    assert data == data.rstrip(b"\0")
    for zeros in (0, 1, 7):
        found = codec.decode(data + bytes(zeros), num_tokens(text))
        assert found == " ".join(text.lower().split())


@pytest.mark.parametrize("text", TEXTS)
def test_the_first_words_come_back(codec, text):
    """The receiver knows the tokens of the whole caption alone (exact)."""
    words = text.lower().split()
    for number in range(1, len(words) + 1):
        part = " ".join(words[:number])
        data = codec.encode(part, num_tokens(text))
        assert codec.decode(data + b"\0", num_tokens(text)) == part


def test_what_cannot_be_sent_is_refused(codec):
    with pytest.raises(ValueError, match="no word"):
        codec.encode(" ")
    with pytest.raises(ValueError, match="2 tokens.*num_tokens = 1"):
        codec.encode("a dog", 1)


def test_any_bytes_give_a_text_or_a_decode_error(codec):
    """Bytes by chance never raise anything else, nor give an empty text (exact)."""
    rng = np.random.default_rng(1)
    for size in range(1, 40):
        try:
            assert codec.decode(rng.bytes(size), 9).strip()
        except DecodeError:
            pass


def test_utf8_says_what_it_cannot_send_and_what_is_too_long():
    codec = shared_text_codec("utf8")
    with pytest.raises(ValueError, match="ends with a zero"):
        codec.encode("a\0")
    with pytest.raises(DecodeError, match="more than 1 tokens"):
        codec.decode(b"a dog", 1)


def test_captions_take_what_the_models_promise():
    """A caption like those of the training takes fewer bytes with every model, and a
    cut costs one byte at most beyond its 6 bits."""
    text = "a brown dog is running through the grass"
    sizes = [len(shared_text_codec(name).encode(text)) for name in TEXT_CODECS]
    assert sizes == sorted(sizes) and sizes[0] <= 6 and sizes[2] == len(text)
    codec = shared_text_codec("arithmetic")
    assert len(codec.encode(text, 9)) - sizes[0] in (0, 1)


def test_a_huffman_code_is_complete_and_as_short_as_can_be():
    """Kraft's sum is 1, and the total length that of merging the two least (exact)."""
    weights = dict(enumerate(np.random.default_rng(2).integers(1, 100, 50).tolist()))
    code = huffman_code(weights)
    assert sum(2.0 ** -len(word) for word in code.values()) == 1
    heap, total = list(weights.values()), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    assert sum(len(code[s]) * weight for s, weight in weights.items()) == total


def test_an_unknown_codec_is_named():
    with pytest.raises(ValueError, match="'zip'.*arithmetic"):
        shared_text_codec("zip")


def test_the_benchmark_counts_bytes(monkeypatch, tmp_path, capsys):
    """Two images with two captions each; UTF-8 takes 8 bits a letter (exact), and where
    there are no captions one line says so."""
    folder = tmp_path / "flickr8k_images"
    folder.mkdir()
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    assert main(["--out", str(tmp_path)]) == 2
    assert "error:" in capsys.readouterr().err
    lines = ["1.jpg\t0\ta dog", "1.jpg\t1\ta cat", "2.jpg\t0\ta boy", "2.jpg\t1\tA toy"]
    (folder / "test_captions.txt").write_text("\n".join(lines), encoding="utf-8")
    assert main(["--out", str(tmp_path)]) == 0
    table = json.loads((tmp_path / "text_codecs.json").read_text())
    assert table["num_images"] == 2
    assert table["codecs"]["UTF-8"]["bits_per_caption"] == 40
    assert table["codecs"]["arithmetic coding"]["bits_per_caption"] < 40
