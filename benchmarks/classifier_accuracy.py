"""How often the classifiers are right: ``python -m benchmarks.classifier_accuracy``.

Test images as they are, nothing sent: all that the data sets have, of CIFAR-10 those
with original pixels. Wilson's interval of 95 %.
"""

import sys

from scipy.stats import binomtest

from link_models.training.knowledge.labelled_sets import labelled_set
from scenarios.command.arguments import Parser
from semcom_phy.knowledge_base.classifier import EMBEDDED, PROBE, find_classifier


def accuracy(classifier, samples):
    """Share of the images whose likeliest class is theirs.

    Parameters
    ----------
    classifier : :class:`~semcom_phy.knowledge_base.interfaces.Classifier`

    samples : :class:`~semcom_phy.sources.samples.Samples`
        With labels

    Output
    ------
    : `dict`
        ``accuracy``, ``low``, ``high`` (Wilson, 95 %) and ``num_images``

    Raises
    ------
    ValueError
        If the classes of the two are not the same.
    """
    if samples.class_names != classifier.class_names:
        raise ValueError(
            f"the data set has the classes {samples.class_names}, the classifier "
            f"{classifier.class_names}"
        )
    guessed = classifier.probabilities(samples.images).argmax(-1)
    right, count = int((guessed == samples.labels).sum()), len(samples)
    interval = binomtest(right, count).proportion_ci(method="wilson")
    return {
        "accuracy": right / count,
        "low": interval.low,
        "high": interval.high,
        "num_images": count,
    }


def main(argv=None):
    """Prints the table; returns the exit code."""
    known = [prefix + name for name in EMBEDDED for prefix in ("", PROBE)]
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifiers", nargs="+", default=known, choices=known)
    args = parser.parse_args(argv)
    print(f"{'classifier':22} {'accuracy':>8}  95 % interval    images")
    try:
        for name in args.classifiers:
            samples = labelled_set(name.removeprefix(PROBE), "test")[0]
            row = accuracy(find_classifier(name), samples)
            print(
                f"{name:22} {row['accuracy']:8.3f}  {row['low']:.3f} to "
                f"{row['high']:.3f}  {row['num_images']:7d}"
            )
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
