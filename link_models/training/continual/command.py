"""Learns domain after domain, with a memory against forgetting or without one.

    python -m link_models.training continual --domains flickr8k --reading none
    python -m link_models.training continual --domains flickr8k --reading text

VLM-CSC over Rayleigh fading; after each domain BLEU-1 and BLEU-2 on the test captions
of all three. Writes LABEL_READING.json, and LABEL.png: the continual-learning map of
this run and of those beside it that differ in the memory alone.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import keras

from link_models.training.checkpoint import checkpoint_path
from link_models.training.commands.run_command import run_command
from link_models.training.continual.domains import (
    fitting,
    flickr8k_domains,
    paper_domains,
)
from link_models.training.continual.figure import plot_continual_map
from link_models.training.continual.learner import CaptionLearner
from link_models.training.continual.memory import READINGS, Selection
from link_models.training.continual.results import (
    Scores,
    relevance_text,
    summary_text,
)
from link_models.training.continual.training import ContinualRun, Plan
from link_models.training.recipe import OPTIMIZERS, Recipe
from link_models.training.tasks.caption import ROOM, CaptionTask
from link_models.training.tasks.mutual_information import MutualInformationCritic
from link_models.weights import store
from semcom_phy.backend import device
from semcom_phy.differences import tell_differences
from semcom_phy.metrics.text import bleu_counts
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.simulation.storage import replaced
from semcom_phy.simulation.versions import software_versions

CAPTIONER, SHARE = "embedded", Selection.share  # where the options do not say
WITHOUT = "none"
MEMORIES = (WITHOUT, *READINGS)  # panels from left to right
DOMAINS = {
    "paper": lambda args: paper_domains(
        CAPTIONER if args.captioner is None else args.captioner, args.out
    ),
    "flickr8k": lambda args: flickr8k_domains(),
}
RECIPE = Recipe(min_snr_db=0.0, max_snr_db=10.0, average_decay=0.99)
_TRAINED = (
    "learning_rate",
    "warmup_steps",
    "optimizer",
    "average_decay",
    "min_snr_db",
    "max_snr_db",
)


def rayleigh(antennas, symbols_per_token):
    """The link: as many antennas on both sides, one fade a caption, its estimate by LS,
    L-MMSE detection; a frame holds the longest caption."""
    framing = Framing(ROOM * symbols_per_token, antennas, OFDMGrid())
    model = BlockRayleigh(antennas, antennas)
    return EqualizedOFDMChannel(model, framing, LSEstimator())


def main(argv=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training continual",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--domains", choices=tuple(DOMAINS), default="flickr8k", help="(%(default)s)")
    add(
        "--reading",
        choices=MEMORIES,
        default="equation",
        help="what is remembered for long: nothing; by equation 16 what is similar to "
        "the long-term memory; by the text what differs from it (%(default)s)",
    )
    add("--threshold", type=float, help="lambda of equation 16 (a quantile of R)")
    add(
        "--share",
        type=float,
        help=f"of a full short-term memory that moves without --threshold ({SHARE})",
    )
    add("--captioner", help=f"for paper: a hub id, ... ({CAPTIONER})")
    add("--antennas", type=int, choices=(1, 2), default=2, help="a side (%(default)s)")
    add("--codec-config", default="{}", help='JSON, such as {"symbols_per_token": 4}')
    add(
        "--joint", action="store_true", help="cross-entropy moves the channel codec too"
    )
    for defaults, names in ((Plan(), vars(Plan())), (RECIPE, _TRAINED)):
        for name in names:
            value = getattr(defaults, name)
            choices = OPTIMIZERS if name == "optimizer" else None
            option = f"--{name.replace('_', '-')}"
            add(
                option,
                type=type(value),
                default=value,
                choices=choices,
                help=f"({value})",
            )
    add("--out", type=Path, default=Path("runs"), help="folder (%(default)s)")
    add("--label", type=store.file_label, help="of the files (continual_DOMAINS)")
    add("--resume", action="store_true", help="go on after a stop")
    add("--restart", action="store_true", help="forget what is there")
    args = parser.parse_args(argv)
    args.label = args.label or f"continual_{args.domains}"
    options = {name: f"--{name.replace('_', '-')}" for name in vars(args)}
    checkpoint = checkpoint_path(args.out, f"{args.label}_{args.reading}")
    return run_command(lambda: _train(args, checkpoint, options), checkpoint)


def _train(args, checkpoint, options):
    if args.resume and args.restart:
        raise ValueError("--resume goes on, --restart forgets: give one of them")
    _refuse_unread(args)
    bleu_counts([["a"]], ["a"])  # says what to install, before hours of training
    run = _run(args, checkpoint)
    if args.resume:
        run.resume(options)
    print(
        f"{args.reading}: {run.num_steps - run.step} steps to go on the {device()} "
        f"with {keras.backend.backend()}",
        flush=True,
    )
    report = run.fit(restart=args.restart)
    record = {
        "reading": args.reading,
        "run": run.identity(),
        **Scores(run.domains, run.tested, report["received"]).describe(),
        **report,
        "versions": {**software_versions(), "device": device()},
    }
    path = args.out / f"{args.label}_{args.reading}.json"
    with replaced(path) as trial:
        trial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    records = _comparable(args, record)
    if args.reading != WITHOUT:
        print(relevance_text(record))
    print(summary_text(records))
    plot_continual_map(records, args.out / f"{args.label}.png")
    return path


def _refuse_unread(args):
    """Refuses options that nothing would read, of which the record would not tell."""
    without = args.reading == WITHOUT
    of_memory = f"a memory, and --reading {WITHOUT} has none"
    of_quantile = f"a run without --threshold, which is {args.threshold}"
    for option, value, unread, what in (
        ("--captioner", args.captioner, args.domains != "paper", "--domains paper"),
        ("--share", args.share, without, of_memory),
        ("--threshold", args.threshold, without, of_memory),
        ("--share", args.share, args.threshold is not None, of_quantile),
    ):
        if value is not None and unread:
            raise ValueError(f"{option} {value} is of {what}: leave it out")


def _run(args, checkpoint):
    """The run that the options describe."""
    plan = Plan(**{name: getattr(args, name) for name in vars(Plan())})
    selection = None
    if args.reading != WITHOUT:
        share = SHARE if args.share is None else args.share
        selection = Selection(args.reading, args.threshold, share)
    config = _codec_config(args.codec_config)
    domains = [fitting(domain, ROOM) for domain in DOMAINS[args.domains](args)]
    recipe = replace(
        RECIPE,
        **{name: getattr(args, name) for name in _TRAINED},
        steps=len(domains) * plan.steps_per_domain,
        batch_size=plan.batch_size,
        seed=plan.seed,
    )
    channel = rayleigh(args.antennas, config.get("symbols_per_token", 8))
    critic = MutualInformationCritic(config.get("width", 128), seed=plan.seed)
    task = CaptionTask("rayleigh", channel, critic, (plan.snr_db,), args.joint)
    learner = CaptionLearner(task, recipe, config)
    return ContinualRun(learner, domains, plan, selection, checkpoint)


def _codec_config(text):
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise ValueError(
            "--codec-config must be a JSON object such as "
            f"'{{\"symbols_per_token\": 4}}', got {text!r}"
        ) from error


def _comparable(args, record):
    """This record and those beside it that differ in the memory alone, by reading."""
    found, shared = {}, json.loads(json.dumps(record["run"])) | {"selection": None}
    for reading in MEMORIES:
        path = args.out / f"{args.label}_{reading}.json"
        if not path.is_file():
            continue
        other = json.loads(path.read_text(encoding="utf-8"))
        changed = tell_differences(other["run"] | {"selection": None}, shared)
        if changed:
            print(f"{path} is of other settings and not shown: {changed}")
        else:
            found[reading] = other
    return found
