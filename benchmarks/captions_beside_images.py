"""What captions beside images cost, and what of them arrives:
``python -m benchmarks.captions_beside_images``.

Test captions of Flickr8k, one of every image, alone in their frames (an image beside
them changes nothing about them), coded in 112 symbols and as GenED-SC sends them, over
AWGN with perfect CSI and over 2x2 block Rayleigh with LS estimates. BLEU-4 of the
corpus counts lost captions as empty. One fade a caption; intervals of 95 % over
captions.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from link_models.links.radio import build_channel
from link_models.systems.edited.captioned import CaptionNeeded
from link_models.systems.edited.entries import UNSENT
from link_models.systems.edited.image_free import NoImage
from link_models.systems.edited.senders import SENDERS
from link_models.systems.frame_system import FrameSystem
from link_models.systems.outage import outage_color
from scenarios.command.arguments import Parser
from scenarios.scenario import Scenario
from semcom_phy.metrics.text import bleu_counts, corpus_bleu
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.statistics.intervals import clustered_probability
from semcom_phy.sources.sent_captions import load_sent_captions

SNR_DB = (1.0, 4.0, 7.0, 10.0)
LINKS: dict[str, dict[str, Any]] = {
    "AWGN": {"channel": "awgn", "csi": "perfect"},
    "2x2 Rayleigh": {"channel": "rayleigh", "num_tx_ant": 2, "num_rx_ant": 2},
}


def caption_system(way, link):
    """Captions alone, sent in a way of ``SENDERS`` over one of ``LINKS``."""
    scenario = Scenario("captions", cbr=Fraction(1, 24), image_size=128, **LINKS[link])
    sender = SENDERS[way](scenario)
    channel = build_channel(scenario, UNSENT, sender.num_symbols)
    coder = CaptionNeeded(NoImage(channel), sender, channel, scenario.image_shape)
    return FrameSystem(way, way, coder, channel, outage_color("flickr8k"))


def measure(system, samples, snr_db, seed):
    """One row of the table, `dict`."""
    seeds = image_seeds(seed, 0, range(len(samples)))
    h = sample_fades(system.channel, seeds)
    sent = system.transmit(samples, snr_db, h, seeds)
    texts, figures = sent.delivered.texts, sent.figures
    lost = clustered_probability(figures["caption_lost"], np.arange(len(samples)))
    arrived = sum(len(text.split()) for text in texts)
    return {
        "snr_db": snr_db,
        "bits": float(figures["caption_bits"].mean()),
        "symbols": float(figures["caption_symbols"].mean()),
        "lost": lost.mean,
        "lost_ci95": lost.ci95,
        "words_arrived": arrived / sum(len(own[0].split()) for own in samples.texts),
        "bleu_4": corpus_bleu(bleu_counts(samples.texts, texts), 4),
    }


def main(argv=None):
    """Prints and stores the table; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    try:
        samples = load_sent_captions(
            "flickr8k", "data", 1, 32, num_images=args.captions, seed=args.seed
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(samples)} captions of {samples.provenance['dataset']}")
    print(
        "link          way     SNR   bits  symbols  lost (95 % interval)  words  BLEU-4"
    )
    rows = []
    for link in LINKS:
        for way in SENDERS:
            system = caption_system(way, link)
            for snr_db in SNR_DB:
                row = measure(system, samples, snr_db, args.seed)
                rows.append({"link": link, "way": way} | row)
                low, high = row["lost_ci95"]
                print(
                    f"{link:13} {way:6} {snr_db:4g} {row['bits']:6.1f} "
                    f"{row['symbols']:8.1f}  {row['lost']:5.3f} ({low:.3f} to "
                    f"{high:.3f})  {row['words_arrived']:5.3f}  {row['bleu_4']:6.4f}",
                    flush=True,
                )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "captions_beside_images.json"
    file.write_text(json.dumps({"captions": len(samples), "rows": rows}, indent=1))
    print(f"Written to {file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
