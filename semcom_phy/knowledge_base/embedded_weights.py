"""Weights of the embedded models: what they are, and that they are whole.

``weights/<name>.h5`` holds tensors in half precision, ``weights/<name>.json`` the
configuration of the network, the command that made them, the data with their terms,
the validation figures, and a SHA-256 that ties the two together.
"""

import hashlib
import json
import os
from pathlib import Path

import h5py
import numpy as np

from semcom_phy.stored_arrays import MANTISSA, half_precision, new_file, write_array

SHIPPED = Path(__file__).parent / "weights"
_KEYS = ("config", "command", "sha256")


def read_record(name, folder=SHIPPED):
    """The JSON beside some weights, a `dict`.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing, or the JSON is not that of weights.
    """
    path = Path(folder, f"{name}.json")
    for file in (path, path.with_suffix(".h5")):
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} is missing: restore it, or train it again with python -m "
                "link_models.training"
            )
    try:
        record = json.loads(path.read_text())
        [record[key] for key in _KEYS]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not describe weights: {error!r}") from error
    return record


def load_weights(name, folder=SHIPPED):
    """Tensors of an embedded model, after a check that they are whole.

    Parameters
    ----------
    name : `str`
        Such as "captioner"

    folder : path, (default: that of the shipped weights)
        Where both files lie

    Output
    ------
    tensors : `dict` of `str` -> array
        Floats as `float32`

    record : `dict`
        Of :func:`read_record`

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing, truncated, altered or no weights.
    """
    record = read_record(name, folder)
    path = Path(folder, f"{name}.h5")
    if _file_hash(path) != record["sha256"]:
        raise ValueError(
            f"{path} is truncated or altered: its SHA-256 is not the one in "
            f"{name}.json; restore both files"
        )
    with h5py.File(path) as file:
        tensors = {key: item[...] for key, item in file.items()}
    return {
        key: value.astype("float32") if value.dtype == np.float16 else value
        for key, value in tensors.items()
    }, record


def frozen_network(network, tensors):
    """A PyTorch network with these weights, for evaluation alone.

    Parameters
    ----------
    network : `torch.nn.Module`

    tensors : `dict` of `str` -> array
        All of its state, of :func:`load_weights`

    Output
    ------
    : `torch.nn.Module`
        The same one
    """
    import torch

    network.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
    return network.eval().requires_grad_(False)


def save_weights(name, tensors, record, folder, mantissa_bits=MANTISSA):
    """Writes tensors in half precision, and their JSON.

    Parameters
    ----------
    name : `str`

    tensors : `dict` of `str` -> array
        Matrices and kernels of 32 bits are stored with 16, vectors as they are

    record : `dict`
        ``config`` and ``command``, and whatever else is to be known

    folder : path
        Made if it does not exist

    mantissa_bits : `int`, 1 to 10, (default 10)
        Of an element of matrices and kernels

    Output
    ------
    : `Path`
        The JSON

    Raises
    ------
    ValueError
        If a number is not finite or does not fit into 16 bits, or ``mantissa_bits`` is
        out of range.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stored = {}
    for key, value in tensors.items():
        if value.dtype == np.float32 and value.ndim > 1:
            value = half_precision(f"{key} of {name}", value, mantissa_bits)
        if not np.isfinite(value).all():
            raise ValueError(f"{key} of {name} holds numbers that are not finite")
        stored[key] = value
    path, trial = folder / f"{name}.h5", folder / f".{name}.tmp.h5"
    with new_file(trial) as file:
        for key, value in stored.items():
            write_array(file, key, value)
    os.replace(trial, path)
    record = {**record, "sha256": _file_hash(path)}
    path, trial = folder / f"{name}.json", folder / f".{name}.tmp.json"
    trial.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(trial, path)
    return path


def _file_hash(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
