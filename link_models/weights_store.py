"""Trained weights and what they are, under one label.

``<label>.weights.h5`` holds the numbers, ``<label>.json`` the configuration of the
codec, the recipe, the data with their terms and the validation figures of exactly
these weights, tied to them by a SHA-256, and the shapes of the variables: Keras itself
loads a file that lacks a part, or holds one too many, without an error.
"""

import hashlib
import json
import os
import re
from pathlib import Path

SHIPPED = Path(__file__).with_name("weights")


def find(label_or_file):
    """Path of the JSON of a label (shipped, or a file with or without suffix).

    Raises
    ------
    FileNotFoundError
        If there is none, with the labels that are shipped.
    """
    name = str(label_or_file)
    for suffix in (".weights.h5", ".json"):
        name = name.removesuffix(suffix)
    for path in (Path(name + ".json"), SHIPPED / (name + ".json")):
        if path.is_file():
            return path
    shipped = sorted(
        p.name.removesuffix(".weights.h5") for p in SHIPPED.glob("*.weights.h5")
    )
    raise FileNotFoundError(
        f"no weights {label_or_file!r}: there is no {name}.json, and shipped are "
        f"{', '.join(shipped)}; train some with the train command"
    )


def read_record(label_or_file):
    """The JSON beside some weights, a `dict`.

    Raises
    ------
    FileNotFoundError, ValueError
        If it is missing, or is not the JSON of weights.
    """
    path = find(label_or_file)
    try:
        record = json.loads(path.read_text())
        record["label"], record["config"], record["sha256"], record["shapes"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not describe weights: {error!r}") from error
    return record


def load(model, label_or_file):
    """Loads weights into a built model after checking that they are whole and its own.

    Parameters
    ----------
    model : `keras.Layer`
        Built; its variables are overwritten

    label_or_file : `str` or path
        See :func:`find`

    Raises
    ------
    FileNotFoundError
        If a file is missing.

    ValueError
        If the file is truncated or altered, or holds weights of another
        configuration.
    """
    path = find(label_or_file)
    record = read_record(path)
    weights = path.with_name(path.name.removesuffix(".json") + ".weights.h5")
    if not weights.is_file():
        raise FileNotFoundError(f"{weights} is missing beside {path.name}")
    if file_hash(weights) != record["sha256"]:
        raise ValueError(
            f"{weights} is truncated or altered: its SHA-256 is not the one in "
            f"{path.name}; restore both files"
        )
    foreign = f"{weights} holds weights of another configuration: {record['config']}"
    if record["shapes"] != _shapes(model):
        raise ValueError(foreign)
    try:
        model.load_weights(weights)
    except Exception as error:  # Keras raises many kinds
        raise ValueError(f"{foreign}: {error}") from error


def transfer(source, target):
    """Copies the weights that two built models have in common, by name and shape.

    Parameters
    ----------
    source, target : `keras.Model`
        Built

    Output
    ------
    : list of `str`
        Weights of the target that the source does not have; they keep their values
    """
    known = {_plain_path(v): v for v in source.weights}
    missing = []
    for variable in target.weights:
        path = _plain_path(variable)
        if path in known and known[path].shape == variable.shape:
            variable.assign(known[path])
        else:
            missing.append(path)
    return missing


def _plain_path(variable):
    """Path of a variable without the number that Keras gives a second encoder."""
    return re.sub(r"_\d+/", "/", variable.path, count=1)


def save(model, folder, label, record):
    """Writes weights, then their JSON, each in one step; returns the JSON's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{label}.weights.h5"
    trial = folder / f".{label}.tmp.weights.h5"
    model.save_weights(trial)
    os.replace(trial, weights)
    path = folder / f"{label}.json"
    about = {"sha256": file_hash(weights), "shapes": _shapes(model)}
    trial = folder / f".{label}.tmp.json"
    trial.write_text(json.dumps({"label": label, **record, **about}, indent=1) + "\n")
    os.replace(trial, path)
    return path


def _shapes(model):
    return [list(variable.shape) for variable in model.weights]


def file_hash(path):
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
