"""Collects the words that both ends of a caption link know.

    python -m link_models.training words

Those that occur at least three times in the training captions of Flickr8k (none of a
test image), the most frequent first, then what the embedded captioner and the class
prompts say beside them: ``semcom_phy/language/words.txt``.
"""

import argparse
from collections import Counter
from pathlib import Path

from semcom_phy.knowledge_base.class_prompts import TEMPLATES
from semcom_phy.knowledge_base.embedded_weights import read_record
from semcom_phy.language.caption_tokens import WORDS_FILE
from semcom_phy.sources.data_folders import find_data_folder

LEAST = 3


def training_captions():
    """Captions of Flickr8k outside its test images, list of `str`, the file's order."""
    path = find_data_folder("captions") / "flickr8k.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip().removesuffix(" .") for line in lines if line.strip()]


def main(argv=None):
    """Writes the list; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training words", allow_abbrev=False
    )
    parser.add_argument("--out", type=Path, default=WORDS_FILE)
    args = parser.parse_args(argv)
    counts = Counter(w for text in training_captions() for w in text.lower().split())
    frequent = [word for word, count in counts.items() if count >= LEAST]
    words = dict.fromkeys(sorted(frequent, key=lambda word: (-counts[word], word)))
    words |= dict.fromkeys(read_record("captioner")["words"])
    prompts = " ".join(TEMPLATES).replace("{}", "").split()
    words |= dict.fromkeys(prompts)
    args.out.write_text("\n".join(words) + "\n", encoding="utf-8")
    print(f"wrote {len(words)} words to {args.out}")
    return 0
