"""Counts what follows what in captions: ``python -m link_models.training word_model``.

For the arithmetic code of captions, ``semcom_phy/source_coding/text``: how often tokens
occur in the training captions of Flickr8k (none of a test image), alone, behind one
token and behind two. Triples that occur once are left out, so that the file stays
small. The last 1,000 captions are kept for validation; beside the model lies what it
is, and how many bits a word of these captions it takes.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

from link_models.training.words import training_captions
from link_models.weights.store import file_hash
from semcom_phy.language.caption_tokens import BEGIN, caption_tokens
from semcom_phy.simulation.storage import check_writable
from semcom_phy.source_coding.text.word_model import MODEL_FILE, Counts, WordModel

NUM_VALIDATION = 1000
LEAST_TRIPLES = 2


def count_tokens(captions, least_triples=LEAST_TRIPLES):
    """The parts of a :class:`WordModel`.

    Input
    -----
    captions : list of lists of `int`
        Tokens

    least_triples : `int`
        Triples that occur less often are left out

    Output
    ------
    single : [num_tokens], `int`

    pairs, triples : :class:`Counts`
    """
    triples, pairs, single = Counter(), Counter(), Counter()
    for tokens in captions:
        row = [BEGIN, BEGIN, *tokens]
        triples.update(zip(row, row[1:], tokens, strict=False))
    for (_, last, token), number in triples.items():
        # How many different tokens stand before; before the first one there is none.
        pairs[last, token] += number if last == BEGIN else 1
    for _, token in pairs:
        single[token] += 1
    number = np.array([single[token] for token in range(len(caption_tokens()))])
    return number, _counts(pairs, 1), _counts(triples, least_triples)


def _counts(found, least):
    """:class:`Counts` of a `Counter` of tuples, sorted."""
    total, kept = Counter(), {}
    for (*context, token), number in sorted(found.items()):
        total[tuple(context)] += number
        if number >= least:
            kept.setdefault(tuple(context), []).append((token, number))
    token, count = np.array([pair for own in kept.values() for pair in own]).T
    ones, twos = (sum(n == times for n in found.values()) for times in (1, 2))
    return Counts(
        np.array(list(kept), np.uint16),
        np.array([total[context] for context in kept], np.uint32),
        np.array([len(own) for own in kept.values()], np.uint16),
        token.astype(np.uint16),
        count.astype(np.uint16),
        np.float64(ones / (ones + 2 * twos)),
    )


def bits_per_word(model, texts):
    """Mean information of the words of texts by a model [bit]."""
    bits = 0.0
    for text in texts:
        tokens = caption_tokens().encode(text)
        expected = model.distributions(tokens)
        bits -= sum(np.log2(next(expected)[token]) for token in tokens)
    return bits / sum(len(text.split()) for text in texts)


def main(argv=None):
    """Counts and stores; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training word_model", allow_abbrev=False
    )
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    args = parser.parse_args(argv)
    if args.out.suffix != ".npz":  # NumPy would write to another file
        raise ValueError(
            f"--out {args.out} is not the name of an .npz file: --out {args.out}.npz"
        )
    check_writable(args.out.parent)
    texts = training_captions()
    learned, kept = texts[:-NUM_VALIDATION], texts[-NUM_VALIDATION:]
    captions = [caption_tokens().encode(text) for text in learned]
    single, pairs, triples = count_tokens(captions)
    occurrences = np.bincount(np.concatenate(captions), minlength=len(single))
    levels = {
        f"{name}_{field}": value
        for name, counts in (("pairs", pairs), ("triples", triples))
        for field, value in counts._asdict().items()
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        args.out,
        occurrences=occurrences.astype(np.uint32),
        single=single.astype(np.uint16),
        **levels,
    )
    bits = bits_per_word(WordModel(single, pairs, triples), kept)
    record = {
        "what": "counts of tokens in captions, alone, behind one and behind two",
        "made_by": "python -m link_models.training word_model",
        "captions": f"{len(learned)} training captions of Flickr8k, none of a test "
        f"image; {NUM_VALIDATION} more for validation",
        "pairs": len(pairs.token),
        "triples": f"{len(triples.token)} that occur at least {LEAST_TRIPLES} times",
        "bits_per_word_of_validation": round(float(bits), 3),
        "sha256": file_hash(args.out),
    }
    args.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {args.out}: {bits:.3f} bits a word of validation captions")
    return 0
