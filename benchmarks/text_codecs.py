"""Bits of captions under the text codecs: ``python -m benchmarks.text_codecs``.

All test captions of Flickr8k, five of every image, in lower case, nothing sent. Bytes
as a link sends them, whole captions whose number of tokens the receiver knows; beside
them the information of the word model, without the rounding to whole bytes. Intervals
of 95 % are over images.
"""

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.argument_types import count
from scenarios.command.arguments import Parser
from semcom_phy.language.caption_tokens import caption_tokens
from semcom_phy.simulation.statistics.intervals import clustered_mean
from semcom_phy.source_coding.text import TEXT_CODECS, shared_text_codec
from semcom_phy.source_coding.text.word_model import shared_word_model
from semcom_phy.sources.captions import read_captions
from semcom_phy.sources.data_folders import find_data_folder


def information(text):
    """Of a caption by the word model [bit]."""
    tokens = caption_tokens().encode(text)
    expected = shared_word_model().distributions(tokens)
    return float(-sum(np.log2(next(expected)[token]) for token in tokens))


def sent_bits(codec, text):
    """Of a caption as bytes [bit]; they are decoded, too.

    Raises
    ------
    ValueError
        If another text comes back.
    """
    data, num_tokens = codec.encode(text), len(caption_tokens().encode(text))
    if codec.decode(data, num_tokens) != " ".join(text.lower().split()):
        raise ValueError(f"{codec.title} does not give {text!r} back")
    return 8.0 * len(data)


def main(argv=None):
    """Prints and stores the table; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=count, help="of the test split (all)")
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    try:
        file = find_data_folder("flickr8k_images") / "test_captions.txt"
        images = list(read_captions(file).values())[: args.images]
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    texts = [text for own in images for text in own]
    index = np.repeat(np.arange(len(images)), [len(own) for own in images])
    num_words = np.array([len(text.split()) for text in texts], float)
    num_tokens = np.array([len(caption_tokens().encode(text)) for text in texts], float)
    measured = {"word model, no bytes": [information(text) for text in texts]}
    for name in TEXT_CODECS:
        codec = shared_text_codec(name)
        measured[codec.title] = [sent_bits(codec, text) for text in texts]
    print(
        f"{len(texts)} captions of {len(images)} images: {num_words.mean():.2f} words, "
        f"{num_tokens.mean():.2f} tokens\n"
        f"{'':22} bits a caption (95 % interval)   bits a word"
    )
    rows = {}
    for title, bits in measured.items():
        estimate = clustered_mean(np.array(bits), index)
        low, high = estimate.ci95
        a_word = float(np.sum(bits) / num_words.sum())
        rows[title] = {
            "bits_per_caption": estimate.mean,
            "ci95": estimate.ci95,
            "bits_per_word": a_word,
        }
        print(
            f"{title:22} {estimate.mean:8.1f} ({low:.1f} to {high:.1f}) {a_word:17.2f}"
        )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "text_codecs.json"
    file.write_text(json.dumps({"num_images": len(images), "codecs": rows}, indent=1))
    print(f"Written to {file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
