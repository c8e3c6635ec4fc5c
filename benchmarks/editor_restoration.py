"""What the embedded editor makes of degraded photographs that it has not seen.

    python -m benchmarks.editor_restoration [--dataset flickr8k_images] [--images 100]
        [--editor embedded] [--out runs]

Test photographs of 128x128 are degraded as in training, each by a strength of its own:
one kind at a time, and mixed. Before and after: PSNR, and the distance in the features
of EfficientNet-Lite0, which took no part in the training of the editor. Intervals
(95 %) are by bootstrap over photographs; gains are paired. Beside the table, a strip of
pictures (original, degraded, edited) is drawn.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from link_models.training.knowledge.degradations import KINDS, degraded
from scenarios.command.arguments import Parser
from semcom_phy.knowledge_base.editor import find_editor
from semcom_phy.metrics.image import psnr
from semcom_phy.metrics.perceptual import perceptual_efficientnet
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.statistics.bootstrap import bootstrap_interval
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples

SIZE = 128
METRICS = {"psnr_db": psnr, "perceptual_efficientnet": perceptual_efficientnet}
_SHOWN = 2  # photographs of the strip
_LABEL = 12  # height of a line of text [pixels]


def degraded_by(images, kind, seed):
    """Every photograph by a strength of its own, a function of seed, kind and place."""
    return np.stack(
        [
            degraded(one, kind, np.random.default_rng(derived_seed(seed, kind, place)))
            for place, one in enumerate(images)
        ]
    )


def interval(values):
    """Mean and ends of its 95 % interval, photographs being independent."""
    found = bootstrap_interval(values, np.arange(len(values)))
    return {"mean": found.mean, "low": found.low, "high": found.high}


def compared(images, bad, edited):
    """Each metric before and after, and the paired gain."""
    figures = {}
    for name, metric in METRICS.items():
        before, after = metric(images, bad), metric(images, edited)
        figures[name] = {
            "before": interval(before),
            "after": interval(after),
            "gain": interval(after - before),
        }
    return figures


def as_text(figures):
    """The table, a line for each kind and metric."""
    lines = [f"{'':14} {'':24} {'before':>8} {'after':>8}   gain (95 %)"]
    for kind, metrics in figures.items():
        for name, x in metrics.items():
            gain = x["gain"]
            lines.append(
                f"{kind:14} {name:24} {x['before']['mean']:8.3f} "
                f"{x['after']['mean']:8.3f}   {gain['mean']:+.3f} "
                f"({gain['low']:+.3f} to {gain['high']:+.3f})"
            )
    return "\n".join(lines)


def strip(rows):
    """Rows of pictures under the names of their kinds, one picture file.

    Input
    -----
    rows : `dict` of `str` -> list of [height, width, 3], `uint8`
    """
    height, width = SIZE + _LABEL, SIZE * 3 * _SHOWN
    sheet = Image.new("RGB", (width, height * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (kind, pictures) in enumerate(rows.items()):
        draw.text((2, number * height), f"{kind}: original, degraded, edited", "black")
        for column, picture in enumerate(pictures):
            place = column * SIZE, number * height + _LABEL
            sheet.paste(Image.fromarray(picture), place)
    return sheet


def main(argv=None):
    """Command line; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="flickr8k_images")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--editor", default="embedded", help="as of find_editor")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    args = parser.parse_args(argv)
    try:
        samples = load_samples(
            find_data_folder(args.dataset), args.images, SIZE, args.seed, "test"
        )
        editor = find_editor(args.editor)
        figures, rows = {}, {}
        for kind in KINDS:
            bad = degraded_by(samples.images, kind, args.seed)
            edited = editor.edit(bad, [""] * len(bad), args.seed)
            figures[kind] = compared(samples.images, bad, edited)
            shown = zip(samples.images, bad, edited, strict=True)
            rows[kind] = [x for triple in list(shown)[:_SHOWN] for x in triple]
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    record = {
        "editor": editor.identity,
        "data": samples.provenance,
        "figures": figures,
        "versions": software_versions(),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"editor_restoration_{Path(args.dataset).name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    strip(rows).save(path.with_suffix(".png"))
    print(as_text(figures))
    print(f"wrote {path} and {path.with_suffix('.png').name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
