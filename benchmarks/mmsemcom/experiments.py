"""What is sent and who paints the candidates, and the sweeps that the tables are of.

Results lie in ``OUT/CHANNEL/EXPERIMENT/prompts_N``, a folder for each scenario, and are
not simulated again.
"""

from dataclasses import dataclass, replace

from benchmarks.sweeps import swept_curves
from scenarios import generated_2x2, generated_awgn

CHANNELS = {"awgn": generated_awgn.SCENARIO, "2x2": generated_2x2.SCENARIO}
SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
PROMPTS = 3


@dataclass(frozen=True)
class Experiment:
    """Targets and generator, which are never mixed with those of another one.

    Parameters
    ----------
    meaning : `str`
        What is measured, in words

    fields : `dict`
        Of :class:`~scenarios.kinds.generated.GeneratedScenario`

    most : `int` or `None` (default)
        Pictures that there are
    """

    meaning: str
    fields: dict
    most: int | None = None


_FEW = "classes:cifar10"  # a generator that has seen 200 pictures very often
EXPERIMENTS = {
    "seen": Experiment(
        "targets are the very pictures that the generator was trained on: how well it "
        "repeats them",
        {"dataset": "seen", "generator": _FEW},
        most=200,
    ),
    "unseen": Experiment(
        "targets are CIFAR-10's test pictures; the generator was trained on the "
        "training split and on other sets, it has seen none of them",
        {"dataset": "cifar10", "generator": "embedded"},
    ),
    "unseen_few": Experiment(
        "targets are CIFAR-10's test pictures; the generator has seen 200 pictures of "
        "the training split and none of the targets",
        {"dataset": "cifar10", "generator": _FEW},
    ),
    "cars": Experiment(
        "targets are photographs of cars, of another data set than what the generator "
        'was trained on; all are sent as "automobile"',
        {"dataset": "cars", "generator": "embedded", "image_class": "automobile"},
    ),
    "birds": Experiment(
        "targets are photographs of birds, of another data set than what the generator "
        'was trained on; all are sent as "bird"',
        {"dataset": "birds", "generator": "embedded", "image_class": "bird"},
    ),
}


def scenario_of(args, experiment, prompts=PROMPTS):
    """The scenario of an experiment.

    Input
    -----
    args : `argparse.Namespace`
        ``channel``, ``images``, ``candidates``, ``candidates_folder``, ``weights``,
        ``baseline_cbr``

    experiment : `str`
        Of :data:`EXPERIMENTS`

    prompts : `int`, (default 3)
    """
    chosen = EXPERIMENTS[experiment]
    return replace(
        CHANNELS[args.channel],
        num_images=min(args.images, chosen.most or args.images),
        snr_db=SNR_DB,
        prompts=prompts,
        candidates=args.candidates,
        candidates_folder=args.candidates_folder,
        weights=args.weights,
        cbr=args.baseline_cbr,
        **chosen.fields,
    )


def curves_of(args, experiment, names, prompts=PROMPTS, snr_db=SNR_DB):
    """Results of systems, simulated as far as they are not there yet.

    Input
    -----
    args, experiment, prompts
        As of :func:`scenario_of`

    names : sequence of `str`
        Systems

    snr_db : sequence of `float`

    Output
    ------
    : `dict` of name -> :class:`~scenarios.paired_results.Curve`

    Raises
    ------
    Failed
        If the sweep did not end well.
    """
    scenario = scenario_of(args, experiment, prompts)
    scenario = replace(scenario, snr_db=tuple(snr_db))
    folder = args.out / args.channel / experiment / f"prompts_{prompts}"
    return swept_curves(scenario, names, folder)


def title_of(args, experiment, what):
    """First lines of a table: what it shows, and what the experiment means."""
    scenario = scenario_of(args, experiment)
    return [
        f"{what}; {args.channel}, experiment {experiment}",
        f"  {EXPERIMENTS[experiment].meaning}",
        f"  {scenario.num_images} targets, {scenario.candidates} candidates of a class "
        f"by the generator {scenario.generator!r}",
    ]
