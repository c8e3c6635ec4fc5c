"""Captions by a Huffman code of their tokens: fixed words of whole bits.

tokens --> code words by their counts in training captions --> bits --> bytes
"""

import heapq
from functools import cache
from itertools import count

from semcom_phy.language.caption_tokens import BEGIN, caption_tokens
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.text.codec import CUT, CUT_CHANCE, tokens_and_cut
from semcom_phy.source_coding.text.word_model import shared_token_counts


class HuffmanTextCodec:
    """A static Huffman code over tokens, as of :class:`~.codec.TextCodec`.

    Parameters
    ----------
    counts : [num_tokens], `int`, optional
        How often each token occurs; of the shipped counts if not given. Those that do
        not occur count as one.

    References
    ----------
    D. A. Huffman, "A method for the construction of minimum-redundancy codes",
    Proc. IRE 1952.
    """

    title = "Huffman coding"

    def __init__(self, counts=None):
        counts = shared_token_counts() if counts is None else counts
        weights = {token: max(int(n), 1) for token, n in enumerate(counts)}
        del weights[BEGIN]
        weights[CUT] = max(round(sum(weights.values()) * CUT_CHANCE), 1)
        self._code = huffman_code(weights)
        self._token = {bits: token for token, bits in self._code.items()}

    def encode(self, text, num_tokens=None):
        bits = "".join(self._code[token] for token in tokens_and_cut(text, num_tokens))
        padded = bits + "0" * (-len(bits) % 8)
        return int(padded, 2).to_bytes(len(padded) // 8, "big").rstrip(b"\0")

    def decode(self, data, num_tokens):
        read = (bit for byte in data for bit in f"{byte:08b}")
        tokens = []
        while len(tokens) < num_tokens:
            bits = ""
            while bits not in self._token:
                bits += next(read, "0")
            if self._token[bits] == CUT:
                break
            tokens.append(self._token[bits])
        text = caption_tokens().decode(tokens)
        if not text:
            raise DecodeError("damaged text: no word in it")
        return text


def huffman_code(weights):
    """Code words of least mean length.

    Input
    -----
    weights : `dict` of symbol -> `int`, > 0
        At least two

    Output
    ------
    : `dict` of symbol -> `str` of "0" and "1"
        No word begins another one
    """
    order = count()  # of equal weights the first come first
    heap = [(weight, next(order), symbol) for symbol, weight in weights.items()]
    heapq.heapify(heap)
    parents = {}
    while len(heap) > 1:
        (low, zero, _), (high, one, _) = heapq.heappop(heap), heapq.heappop(heap)
        joined = next(order)
        parents[zero], parents[one] = (joined, "0"), (joined, "1")
        heapq.heappush(heap, (low + high, joined, None))

    @cache
    def word(node):
        if node not in parents:
            return ""
        parent, bit = parents[node]
        return word(parent) + bit

    return {symbol: word(number) for number, symbol in enumerate(weights)}
