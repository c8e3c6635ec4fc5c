"""Figure 12: where it fails, at the lowest rate and the lowest SNR."""

import numpy as np

from benchmarks.gened_sc.sent import RATES, SNR_DB, curves_of, scenario_of, title_of
from link_models.systems.table import build_channel, build_system
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.figures.grid import plot_grid

SYSTEM = "gened_sc"
WORST = "perceptual_efficientnet"  # by which pictures are the worst


def failures_table(args, channel):
    """Original, arrived and edited image of the worst pictures, as a PNG; lines of
    text."""
    cbr, at = RATES[0], SNR_DB[0]
    rows = curves_of(args, [SYSTEM], channel, cbr, [at])[SYSTEM].rows[at]
    index = worst_of(rows, args.shown)
    scenario = scenario_of(args, channel, cbr)
    samples = scenario.load_samples().take(index)
    seeds = image_seeds(args.seed, 0, index)
    h = sample_fades(build_channel(scenario), seeds)
    sent = build_system(SYSTEM, scenario).transmit(samples, at, h, seeds)
    edited, arrived = sent.delivered.images, sent.delivered.details
    titles = [
        f'distance {rows[WORST][rows["image"] == i][0]:.3f}; sent: "{own[0]}"; '
        f'arrived: "{text}"'
        for i, own, text in zip(index, samples.texts, sent.delivered.texts, strict=True)
    ]
    path = args.out / f"failures_{channel}.png"
    plot_grid(np.stack([samples.images, arrived, edited], axis=1), titles, path)
    return [
        *title_of(args, f"Failures, {channel}, cbr {cbr}, {at:g} dB"),
        f"The {len(index)} pictures whose edited image has the largest perceptual "
        f"distance, each as original, as it arrived and as it was edited: {path}",
        "",
        *(f"- {title}" for title in titles),
    ]


def worst_of(rows, num):
    """Numbers of the pictures with the largest distance in the first draw, the worst
    first."""
    first = rows["draw"] == 0
    order = np.argsort(-rows[WORST][first], kind="stable")
    return rows["image"][first][order[:num]]
