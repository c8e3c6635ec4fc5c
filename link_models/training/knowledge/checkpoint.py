"""State of a torch training run in one safetensors file, and whose it is."""

import json
import os
from pathlib import Path

from semcom_phy.differences import tell_differences


def save_checkpoint(path, step, identity, states):
    """Writes the file, in one replacement.

    Parameters
    ----------
    path : path

    step : `int`
        Steps that are done

    identity : `dict`
        Plain values that fix the run

    states : `dict` of `str` -> `dict` of `str` -> tensor
        Such as ``state_dict`` of modules
    """
    from safetensors.torch import save_file

    tensors = {
        f"{part}/{name}": value.detach().clone().contiguous()
        for part, state in states.items()
        for name, value in state.items()
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    trial = path.with_suffix(".tmp.safetensors")
    save_file(tensors, trial, {"step": str(step), "identity": json.dumps(identity)})
    os.replace(trial, path)


def load_checkpoint(path, identity):
    """Step and states of a run.

    Output
    ------
    step : `int`

    states : `dict` of `str` -> `dict` of `str` -> tensor

    Raises
    ------
    FileNotFoundError
        If there is none.

    ValueError
        If it is broken, or belongs to another run.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: start without --resume")
    states = {}
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
            step, found = int(about["step"]), json.loads(about["identity"])
            for key in file.keys():
                part, name = key.split("/", 1)
                states.setdefault(part, {})[name] = file.get_tensor(key)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is broken: {error}; start with --restart") from error
    changed = tell_differences(found, json.loads(json.dumps(identity)))
    if changed:
        raise ValueError(
            f"{path} belongs to another run: {changed}; give the same again, or forget "
            "it with --restart"
        )
    return step, states


def optimizer_tensors(optimizer):
    """State of a torch optimiser as flat names -> tensors."""
    return {
        f"{index}/{name}": value
        for index, entry in optimizer.state_dict()["state"].items()
        for name, value in entry.items()
    }


def restore_optimizer(optimizer, tensors):
    """Puts the state of :func:`optimizer_tensors` back."""
    state = {}
    for key, value in tensors.items():
        index, name = key.split("/")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
