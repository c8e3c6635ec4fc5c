"""Captions of test photographs: ``python -m benchmarks.captioner_flickr8k``.

All test images of Flickr8k, 128x128, each against its five human captions, nothing
sent. Words are what stands between blanks, in lower case; intervals of 95 % are over
images (delta method). Beside it a caption of another test image, which is what a
captioner is worth that does not look. Captions of sample photographs follow.
"""

import sys

import numpy as np

from scenarios.command.arguments import Parser
from semcom_phy.knowledge_base.captioner import find_captioner
from semcom_phy.metrics.text import bleu_counts, corpus_bleu, linearised_bleu
from semcom_phy.simulation.statistics.intervals import clustered_mean
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples


def bleu_rows(references, texts):
    """BLEU-1 to 4 with intervals, list of `str`."""
    counts = bleu_counts(references, texts)
    index = np.arange(len(texts))
    rows = []
    for n in range(1, 5):
        interval = clustered_mean(linearised_bleu(counts, n), index).ci95
        low, high = interval if corpus_bleu(counts, n) else (0.0, 0.0)
        rows.append(f"{corpus_bleu(counts, n):.3f} ({low:.3f} to {high:.3f})")
    return rows


def main(argv=None):
    """Prints the table; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--captioner", default="embedded")
    parser.add_argument("--images", type=int, help="of the test split (all)")
    args = parser.parse_args(argv)
    try:
        model = find_captioner(args.captioner)
        folder = find_data_folder("flickr8k_images")
        samples = load_samples(folder, args.images, 128, split="test")
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    captions = model.caption(samples.images)
    others = [own[0] for own in (*samples.texts[1:], samples.texts[0])]
    print(f"{len(samples)} images, model {model.identity}")
    print(" " * 27 + "  ".join(f"{f'BLEU-{n}':22}" for n in range(1, 5)))
    for name, texts in (("captioner", captions), ("human, of another image", others)):
        rows = bleu_rows(samples.texts, texts)
        print(f"{name:26} " + "  ".join(rows))
    print("\nFirst test images, what the captioner says and what a human said:")
    for caption, own in zip(captions[:5], samples.texts[:5], strict=True):
        print(f"  {caption}  |  {own[0].lower()}")
    shown = load_samples("photographs", None, 256)
    print(
        "\nPhotographs that packages ship, what the captioner says and what they show:"
    )
    for caption, own in zip(model.caption(shown.images), shown.texts, strict=True):
        print(f"  {caption}  |  {own[0]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
