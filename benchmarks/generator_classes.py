"""How many pictures of "a photo of a CLASS" a classifier takes for that class.

    python -m benchmarks.generator_classes [--generators embedded gallery:cifar10]
        [--classifier cifar10] [--num 100] [--seed 1] [--out results]

Beside it chance, 1 / classes. The classifier saw the training images that the diffusion
model learned from and that the gallery consists of: for the gallery its share is about
its accuracy in training. Seconds a picture are those of one thread, with nothing else
running. A grid of pictures, a class in each row, is written as PNG.
"""

import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

from scenarios.command.arguments import Parser

GENERATORS = ("embedded", "gallery:cifar10")
COLUMNS = 16  # of the grid


def recognised(generator, classifier, num, seed):
    """Pictures of each class, and whether each is taken for it.

    Output
    ------
    pictures : [num_classes, num, height, width, 3], `uint8`

    hits : [num_classes, num], `bool`

    seconds : `float`
        Of one picture
    """
    from semcom_phy.knowledge_base.class_prompts import class_prompt

    names = classifier.class_names
    prompts = [class_prompt(name) for name in names]
    generator.generate(prompts[:1], seed)  # what is loaded once is not counted
    begun = time.perf_counter()
    pictures = generator.generate(prompts, seed, num)
    seconds = (time.perf_counter() - begun) / (len(names) * num)
    guessed = [classifier.probabilities(own).argmax(-1) for own in pictures]
    return pictures, np.array(guessed) == np.arange(len(names))[:, None], seconds


def row_of(name, hits, seconds, class_names):
    """One row of the table, a `dict` of plain values."""
    from semcom_phy.simulation.statistics.intervals import clustered_probability

    share = clustered_probability(hits.ravel(), np.arange(hits.size))
    return {
        "generator": name,
        "recognised": share.mean,
        "ci95": list(share.ci95),
        "num_pictures": hits.size,
        "chance": 1 / len(class_names),
        "by_class": dict(zip(class_names, hits.mean(1).tolist(), strict=True)),
        "seconds_a_picture": seconds,
    }


def grid(pictures):
    """[rows, columns, height, width, 3] -> one picture, edge to edge."""
    rows, columns, height, width, _ = pictures.shape
    return pictures.swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def main(argv=None):
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--generators", nargs="+", default=list(GENERATORS))
    parser.add_argument("--classifier", default="cifar10")
    parser.add_argument("--num", type=int, default=100, help="pictures of each class")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    if args.num < 1:
        parser.error(f"--num must be at least 1. Received: {args.num}")

    import torch

    from semcom_phy.knowledge_base.classifier import find_classifier
    from semcom_phy.knowledge_base.generator import find_generator

    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    classifier = find_classifier(args.classifier)
    rows = []
    for name in args.generators:
        generator = find_generator(name)
        pictures, hits, seconds = recognised(generator, classifier, args.num, args.seed)
        row = row_of(name, hits, seconds, classifier.class_names)
        rows.append(row | {"identity": generator.identity})
        low, high = row["ci95"]
        print(
            f"{name:24} recognised {row['recognised']:.3f} [{low:.3f}, {high:.3f}] of "
            f"{hits.size}, chance {row['chance']:.3f}, {seconds:.4f} s a picture",
            flush=True,
        )
        file = args.out / f"generator_{name.replace(':', '_').replace('/', '_')}.png"
        Image.fromarray(grid(pictures[:, :COLUMNS])).save(file)
    setup = {"classifier": classifier.identity, "num": args.num, "seed": args.seed}
    file = args.out / "generator_classes.json"
    file.write_text(json.dumps({**setup, "rows": rows}, indent=1))
    print(f"Written to {file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
