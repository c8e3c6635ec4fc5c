"""Trained weights and what they are, under one label.

``<label>.weights.h5`` holds the numbers, ``<label>.json`` the configuration of the
codec, the recipe, the data with their terms and the validation figures of exactly
these weights, tied to them by a SHA-256, and the shapes of the variables: Keras itself
loads a file that lacks a part, or holds one too many, without an error.
"""

import argparse
import difflib
import hashlib
import json
import os
from pathlib import Path

SHIPPED = Path(__file__).parent
WRITTEN = Path("runs")  # where commands put what a user trains or imports
_WEIGHTS = ".weights.h5"


def file_label(text):
    """The value of an option --label: a name of files, in no folder of its own."""
    if Path(text).name != text or text.startswith("."):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be a plain name, such as my_weights; --out says the folder"
        )
    return text


def find(label_or_file):
    """Path of the JSON of a label (shipped, or a file with or without suffix).

    A name without folder and suffix is first that of shipped weights: what happens to
    lie in the working directory does not take their place, see :func:`as_given`.

    Raises
    ------
    FileNotFoundError
        If there is none, with the label that is like it, or those of its folder, and
        for one without a folder those that are shipped.
    """
    name = str(label_or_file)
    for suffix in (_WEIGHTS, ".json"):
        name = name.removesuffix(suffix)
    paths = [SHIPPED / (name + ".json"), Path(name + ".json")]
    if Path(name).name != str(label_or_file):  # a file
        paths.reverse()
    for path in paths:
        if path.is_file():
            return path
    folder = Path(name).parent
    known = [str(folder / label) for label in _labels(folder)]
    if Path(name).name == name:
        known += _labels(SHIPPED)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        told = f"; did you mean {near[0]!r}? Train others with the train command"
    else:
        there = f"there are {', '.join(known)}" if known else f"{folder} holds none"
        told = f": there is no {name}.json, and {there}; train some with the train "
        told += "command"
    raise FileNotFoundError(f"no weights {str(label_or_file)!r}{told}")


def as_given(text):
    """The value of an option that names weights, as :func:`find` takes it: of a plain
    name, a file of the working directory is meant rather than shipped weights."""
    places = Path(text + ".json"), SHIPPED / (text + ".json")
    clash = Path(text).name == text and all(path.is_file() for path in places)
    return f"./{text}" if clash else text


def files_of(folder, label):
    """Where the numbers of a label are in a folder, and their JSON, two `Path`."""
    return Path(folder) / f"{label}{_WEIGHTS}", Path(folder) / f"{label}.json"


def _labels(folder):
    """Of weights in a folder, in the order of the alphabet."""
    return sorted(p.name.removesuffix(_WEIGHTS) for p in folder.glob("*" + _WEIGHTS))


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
    weights = whole_weights(path)
    foreign = f"{weights} holds weights of another configuration: {record['config']}"
    if record["shapes"] != _shapes(model):
        raise ValueError(foreign)
    try:
        model.load_weights(weights)
    except Exception as error:  # Keras raises many kinds
        raise ValueError(f"{foreign}: {error}") from error


def weights_path(label_or_file):
    """The file of numbers beside the JSON of a label.

    Raises
    ------
    FileNotFoundError
        If one of the two is missing.
    """
    path = find(label_or_file)
    weights = path.with_name(path.name.removesuffix(".json") + _WEIGHTS)
    if not weights.is_file():
        raise FileNotFoundError(f"{weights} is missing beside {path.name}")
    return weights


def whole_weights(label_or_file):
    """As :func:`weights_path`, and the file is the one that the JSON describes.

    Raises
    ------
    FileNotFoundError
        If a file is missing.

    ValueError
        If the file is truncated or altered.
    """
    path = find(label_or_file)
    weights = weights_path(path)
    if file_hash(weights) != read_record(path)["sha256"]:
        raise ValueError(
            f"{weights} is truncated or altered: its SHA-256 is not the one in "
            f"{path.name}; restore both files"
        )
    return weights


def transfer(source, target):
    """Copies the weights that two links have in common, by name and shape.

    Parameters
    ----------
    source, target : :class:`~link_models.links.frame_link.FrameLink`

    Output
    ------
    : list of `str`
        Weights of the target that the source does not have; they keep their values
    """
    known = _by_place(source)
    missing = []
    for place, variable in _by_place(target).items():
        if place in known and known[place].shape == variable.shape:
            variable.assign(known[place])
        else:
            missing.append(place)
    return missing


def _by_place(link):
    """Variables by part of a link and path inside it.

    The names that Keras gives to the link and the part are left out, which a second one
    has with a number, and no others. A path does not tell the part where a layer was
    built before it, and encoders of two codecs may have parts in common.
    """
    places = {}
    for role, part in (("encoder", link.encoder), ("decoder", link.decoder)):
        outer = (link.name, part.name)
        for variable in part.weights:
            path = [name for name in variable.path.split("/") if name not in outer]
            places["/".join([role, *path])] = variable
    return places


def save(model, folder, label, record):
    """Writes weights, then their JSON, each in one step; returns the JSON's path."""
    record = {"label": label, **record, "shapes": _shapes(model)}
    return write(folder, record, model.save_weights)


def write(folder, record, save_weights):
    """Writes a file of weights and the JSON that is tied to it, each in one step.

    Parameters
    ----------
    folder : path
        Made if it does not exist

    record : `dict`
        What :func:`read_record` gives; the SHA-256 is filled in

    save_weights : callable of `Path`
        Writes the numbers to a file of that name

    Output
    ------
    : `Path`
        The JSON
    """
    folder, label = Path(folder), record["label"]
    folder.mkdir(parents=True, exist_ok=True)
    weights, path = files_of(folder, label)
    trial = folder / f".{label}.tmp{_WEIGHTS}"
    try:
        save_weights(trial)
        os.replace(trial, weights)
    finally:
        trial.unlink(missing_ok=True)
    trial = folder / f".{label}.tmp.json"
    record = {**record, "sha256": file_hash(weights)}
    trial.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(trial, path)
    return path


def _shapes(model):
    return [list(variable.shape) for variable in model.weights]


def file_hash(path):
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
