"""Fits a linear probe: ``python -m link_models.training probe --help``.

images --> EfficientNet-Lite0, frozen --> standardised features --> logistic regression
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from link_models.training.knowledge.classifier import RECIPES
from link_models.training.knowledge.labelled_data import load_labelled, provenance
from semcom_phy.knowledge_base.efficientnet import EfficientNetLite0, efficientnet
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.simulation.versions import software_versions

STRENGTHS = (0.001, 0.01, 0.1)  # inverse regularisation, chosen on what is held back
MAX_ITER = 500
_CHUNK = 256


def pooled(images):
    """Features of EfficientNet-Lite0, [num_images, 1280], `float32`."""
    network = efficientnet()
    starts = tqdm(range(0, len(images), _CHUNK), unit="x256", mininterval=5)
    return np.concatenate([network.pooled(images[i : i + _CHUNK]) for i in starts])


def fit_probe(features, labels, held_features, held_labels):
    """Logistic regression on standardised features, as one linear layer.

    Input
    -----
    features, held_features : [n, width], `float32`

    labels, held_labels : [n], `int`

    Output
    ------
    tensors : `dict`
        ``weight`` [num_classes, width] and ``bias`` [num_classes], for the features as
        they are; `float32`

    figures : `dict`
        ``accuracy`` on what is held back, best of all strengths, and which it is
    """
    mean, scale = features.mean(0), features.std(0) + 1e-6
    x, held_x = (features - mean) / scale, (held_features - mean) / scale
    best = {"accuracy": -1.0}
    for strength in STRENGTHS:
        fit = LogisticRegression(C=strength, max_iter=MAX_ITER).fit(x, labels)
        accuracy = float(fit.score(held_x, held_labels))
        if accuracy > best["accuracy"]:
            best, kept = {"accuracy": accuracy, "strength": strength}, fit
    weight, bias = kept.coef_, kept.intercept_
    if len(weight) == 1:  # two classes: the first one has logit 0
        weight, bias = (np.concatenate([0 * part, part]) for part in (weight, bias))
    weight = (weight / scale).astype("float16").astype("float32")  # as it is stored
    bias = (bias - weight @ mean).astype("float32")
    guessed = (held_features @ weight.T + bias).argmax(-1)
    best["accuracy"] = float((guessed == held_labels).mean())  # of these very weights
    return {"weight": weight, "bias": bias}, best


def train(name, folder, command):
    """Fits the probe of a data set, and stores it.

    Parameters
    ----------
    name
        As of :func:`~link_models.training.knowledge.labelled_data.load_labelled`; of
        CIFAR-10 the images with original pixels alone

    folder : path
        Where the weights go

    command : `str`
        What the record says that the weights were made by

    Output
    ------
    : `Path`
        JSON beside the weights

    Raises
    ------
    FileNotFoundError, ValueError
        If data are missing or have no classes.
    """
    begun = time.monotonic()
    data, held = load_labelled(name, exact_only=True)
    tensors, figures = fit_probe(
        pooled(data.images), data.labels, pooled(held.images), held.labels
    )
    record = {
        "config": {
            "class_names": list(data.class_names),
            "features": EfficientNetLite0.identity,
        },
        "command": command,
        "recipe": {"strengths": STRENGTHS, "max_iter": MAX_ITER},
        "data": provenance(data, held),
        "validation": {**figures, "num_images": len(held)},
        "seconds": round(time.monotonic() - begun),
        "versions": software_versions(),
    }
    return save_weights(f"probe_{name}", tensors, record, folder)


def main(argv=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training probe", allow_abbrev=False
    )
    parser.add_argument("--dataset", required=True, choices=tuple(RECIPES))
    parser.add_argument("--out", type=Path, default=Path("runs"))
    args = parser.parse_args(argv)
    command = f"python -m link_models.training probe --dataset {args.dataset}"
    try:
        path = train(args.dataset, args.out, command)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {path}")
    return 0
