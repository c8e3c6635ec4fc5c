"""The two pictures of the README, drawn from the results of the main job.

    make demo
    python -m benchmarks.front_page

writes ``docs/front_page_curves.webp`` and ``docs/front_page_pictures.webp``.
"""

import sys
from pathlib import Path

from scenarios.command.arguments import Parser
from semcom_phy.simulation.figures.curves import plot_metric
from semcom_phy.simulation.figures.images import plot_reconstructions
from semcom_phy.simulation.rate_curve import read_curve

SYSTEMS = ("adjscc", "hevc_ldpc", "webp_ldpc", "hevc_capacity")  # of the main job
SNR_DB = 5.0  # of the pictures


def draw(results, out):
    """Draws both pictures, some 20 kB each.

    Parameters
    ----------
    results : `Path`
        Results folder of ``scenarios.mimo_2x2``
    out : `Path`
        Folder to write to

    Output
    ------
    : `list` of `Path`
        What was written

    Raises
    ------
    FileNotFoundError
        If a result of the main job is not there.
    """
    missing = [s for s in SYSTEMS if not (results / f"{s}.json").is_file()]
    if missing:
        raise FileNotFoundError(
            f"no result of {', '.join(missing)} in {results}: run make demo, or name "
            "the folder with --results"
        )
    curves = [read_curve(results / f"{system}.json") for system in SYSTEMS]
    paths = [out / "front_page_curves.webp", out / "front_page_pictures.webp"]
    plot_metric(curves, "psnr_db", paths[0])
    plot_reconstructions(curves, paths[1], [SNR_DB], num_images=6)
    return paths


def main(argv=None):
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results/mimo_2x2"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args(argv)
    try:
        paths = draw(options.results, options.out)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    for path in paths:
        print(f"wrote {path}, {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
