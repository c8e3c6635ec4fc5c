"""Checkpoints of torch as arrays, with nothing in them run."""

import pickle
import warnings
from pathlib import Path


def read_checkpoint(path):
    """Entries of a state_dict file.

    Parameters
    ----------
    path : `str` or path
        As ``torch.save(model.state_dict(), path)`` writes it, or with the entries in
        it under ``state_dict``, beside which nothing is read

    Output
    ------
    : `dict` of name -> NumPy array

    Raises
    ------
    FileNotFoundError
        If there is no such file.

    ImportError
        If torch is missing.

    ValueError
        If it is no such file, or holds anything but tensors by name. A pickle may hold
        code: it is unpickled by torch's list of harmless types, and refused with the
        first other one.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no checkpoint {path}: download the authors' file and name it"
        )
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{path} is a checkpoint of torch, which is missing: install "
            "semcom-phy[generative]"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of older pickles, which end below
            entries = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is refused, nothing in it was run: it holds code, or is no "
            "checkpoint of torch"
        ) from error
    except Exception as error:  # zip and storage readers raise many kinds
        raise ValueError(
            f"{path} is no checkpoint of torch, or cut off: download it again"
        ) from error
    if isinstance(entries, dict) and isinstance(entries.get("state_dict"), dict):
        entries = entries["state_dict"]
    if not isinstance(entries, dict) or not entries:
        raise ValueError(f"{path} holds {_kind(entries)}, not tensors by their names")
    for name, value in entries.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            raise ValueError(
                f"{path} holds {_kind(value)} under {name!r}, not tensors by their "
                "names alone: save the state_dict by itself"
            )
        if value.layout != torch.strided or value.is_quantized:
            raise ValueError(
                f"{path} holds {name!r} as a sparse or quantised tensor: save it dense"
            )
    return {name: _array(value) for name, value in entries.items()}


def _array(tensor):
    tensor = tensor.detach()
    if tensor.is_floating_point():  # 16 bits of a kind that NumPy does not have
        tensor = tensor.float()
    return tensor.cpu().numpy()


def _kind(value):
    return f"a {type(value).__name__}"
