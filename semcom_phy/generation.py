"""Which Keras backend the installed Sionna runs on, settled before Keras is imported.

Sionna 1.x is written in TensorFlow, Sionna 2.x in torch. Keras takes whichever its
settings name, so a wrong setting would fail much later, and less clearly.
"""

import os
import sys
from importlib.metadata import PackageNotFoundError, version


def installed_sionna():
    """Version of Sionna in this environment, `str`, or `None` without Sionna."""
    for distribution in ("sionna-no-rt", "sionna"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return None


def choose_backend(sionna, environ=os.environ, modules=sys.modules):
    """Makes Keras take the backend of Sionna, or says why it cannot.

    The environment variable is set, because it wins over Keras' own file of settings
    and reaches processes that are started later.

    Parameters
    ----------
    sionna : `str` or `None`
        Version of Sionna, see :func:`installed_sionna`

    environ : mapping of `str` -> `str`, (default `os.environ`)
        Where ``KERAS_BACKEND`` is read and, if unset, written

    modules : mapping of `str` -> module, (default `sys.modules`)
        Where ``keras`` is looked up: once imported, its backend stays

    Output
    ------
    : `str`
        "tensorflow" or "torch"

    Raises
    ------
    ImportError
        If there is no Sionna, or Keras runs, or is told to run, on another backend.
    """
    if sionna is None:
        raise ImportError(
            "Sionna is not installed: install semcom-phy[tensorflow] or "
            "semcom-phy[torch]"
        )
    needed, other = ("tensorflow", "torch")
    if int(sionna.split(".")[0]) >= 2:
        needed, other = other, needed
    if "keras" in modules:
        chosen = modules["keras"].backend.backend()
        if chosen != needed:
            raise ImportError(
                f"Sionna {sionna} runs on {needed}, but Keras was imported on "
                f"{chosen}: import semcom_phy before keras, with KERAS_BACKEND unset"
                f"{_or_install(chosen, other)}"
            )
        return needed
    chosen = environ.get("KERAS_BACKEND") or needed
    if chosen != needed:
        raise ImportError(
            f"Sionna {sionna} runs on {needed}, but KERAS_BACKEND is {chosen}: unset "
            f"KERAS_BACKEND{_or_install(chosen, other)}"
        )
    environ["KERAS_BACKEND"] = needed
    return needed


def _or_install(chosen, other):
    """The second remedy, where there is a Sionna for the chosen backend."""
    if chosen != other:
        return ""
    return f", or install semcom-phy[{other}] in an environment of its own"
