"""What both ends hold: the same candidates, and what the generator has learned."""

import numpy as np
from PIL import Image

from benchmarks.figures import interval
from benchmarks.generator_classes import COLUMNS, grid
from benchmarks.mmsemcom.experiments import scenario_of, title_of

DATASET = "cifar10"  # of the generator that is looked at, and of its judge
_OF = "unseen_few"  # experiment with that generator, and pictures it has not seen


def same(args, experiment):
    """Another process imagines the same candidates of the first class; lines."""
    from semcom_phy.knowledge_base.class_prompts import class_prompt
    from semcom_phy.knowledge_base.same_candidates import same_in_another_process

    scenario = scenario_of(args, experiment)
    held = scenario.held_candidates()
    text = class_prompt(scenario.image_class or held.class_names[0])
    found = same_in_another_process(held.candidates, scenario.generator, [text])
    return [
        *title_of(args, experiment, "The same candidates in two processes"),
        "",
        f"{text!r}: {held.num} pictures, in both processes SHA-256 {found[text]}",
    ]


def generator(args):
    """Loss, pictures and recognised share of the generator that has seen a few
    pictures; lines."""
    from semcom_phy.knowledge_base.embedded_weights import read_record
    from semcom_phy.knowledge_base.generator.classes import weights_name

    args.out.mkdir(parents=True, exist_ok=True)
    loss = read_record(weights_name(DATASET))["loss"]
    plotted, shown = args.out / "generator_loss.png", args.out / "generator.png"
    plot_loss(loss, plotted)
    scenario = scenario_of(args, _OF)
    held = scenario.held_candidates()
    pictures = np.stack([held.images(label) for label in range(len(held.class_names))])
    Image.fromarray(grid(pictures[:, :COLUMNS])).save(shown)
    return [
        f"Generator {scenario.generator!r}",
        "",
        f"loss {loss['mean'][0]:.4f} after {loss['steps'][0]} steps, "
        f"{loss['mean'][-1]:.4f} after {loss['steps'][-1]}: {plotted}",
        f"its pictures, a class in each row: {shown}",
        *_recognised(pictures, held.class_names, scenario),
    ]


def plot_loss(loss, path):
    """Loss over the steps of training, as PNG.

    Input
    -----
    loss : `dict`
        ``steps``, and ``mean`` of the steps up to each of them
    """
    from matplotlib.figure import Figure

    figure = Figure((5, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(loss["steps"], loss["mean"])
    axes.set(xlabel="training step", ylabel="loss (mean since the last point)")
    axes.grid(True)
    figure.savefig(path, dpi=200)


def _recognised(pictures, class_names, scenario):
    """Shares that the classifier takes for what they are; lines."""
    from semcom_phy.knowledge_base.classifier import find_classifier
    from semcom_phy.sources.class_pictures import labelled_pictures

    judge = find_classifier(DATASET)
    own = [judge.class_names.index(name) for name in class_names]
    painted = pictures.reshape(-1, *pictures.shape[2:])
    asked = np.repeat(own, pictures.shape[1])
    real = labelled_pictures(DATASET, "test", 32, None)
    told = [judge.class_names.index(name) for name in real.class_names]
    shown = np.array(told)[np.asarray(real.labels, int)]
    return [
        "taken for the class asked for by a classifier that no part of the system uses "
        f"(trained on the training split of {DATASET}, as the generator's pictures "
        "are):",
        f"  candidates      {_share(judge, painted, asked)}",
        f"  test pictures   {_share(judge, real.images, shown)}",
        f"  chance          {1 / len(judge.class_names):.3f}",
    ]


def _share(judge, images, labels):
    from semcom_phy.simulation.statistics.intervals import clustered_probability

    hits = judge.probabilities(images).argmax(-1) == labels
    share = clustered_probability(hits, np.arange(len(hits)))
    return f"{share.mean:.3f}{interval(share, 3)} of {len(hits)}"
