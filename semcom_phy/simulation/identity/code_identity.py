"""What computes a result: the code, data, weights and packages of one system.

A result is valid for the code that made it. Its file therefore holds a hash of all
that the system really uses: the source of its classes and of whatever these rest on,
in the project and in modules of the user, without comments and docstrings; the files of
data that this code names; the settings and weights of its objects; and the versions of
the packages that the code imports. A codec that the system does not use has no say.

    system, channel --> objects --> classes --> names --> source, data, packages
                           '------> settings, weights
"""

import hashlib
import importlib.metadata
import json
import sys
from functools import cache

import keras

from semcom_phy.simulation.identity.compiled_code import compiled_text
from semcom_phy.simulation.identity.own_modules import MAIN, source_file
from semcom_phy.simulation.identity.source_graph import source_graph
from semcom_phy.simulation.identity.system_parts import system_parts

_ALWAYS = ("keras", "sionna")  # and the backend
_BACKENDS = {"tensorflow", "torch", "jax"}
_PACKAGES = {  # whose names are not those of their modules
    "PIL": ("pillow",),
    "sionna": ("sionna-no-rt", "sionna"),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
}
_IMAGES = (("semcom_phy.simulation.sweep", "simulate_point"),)


def code_identity(system, channel, metrics=(), sweep=_IMAGES):
    """The hashes of what computes the figures of a system.

    Parameters
    ----------
    system, channel : the two parts of a :class:`~semcom_phy.simulation.sweep.Link`
        As built, with their weights

    metrics : sequence of :mod:`~semcom_phy.simulation.metric_table`
        What is measured beside the metrics of images; the frozen models that they name
        as their identity stand among the settings

    sweep : sequence of (module, name), (default: the sweep over images)
        What makes figures of what the system transmits

    Output
    ------
    : `dict`
        For ``header["code"]`` of a result file: ``modules`` and ``data`` (paths inside
        the packages -> hash), ``settings`` (class -> hash), ``weights`` (SHA-256, or
        `None` without any), ``versions``; a hash is the first 16 digits of a SHA-256.
        Classes without a source file, as in a notebook, stand among the modules as
        ``__main__ (compiled)``, whose hash depends on the version of Python as well
    """
    parts = system_parts(system, channel, *metrics)
    starts, compiled = [*sweep], {}
    for (module, name), thing in parts.definitions.items():
        if module == MAIN and source_file(MAIN) is None:
            compiled[name] = thing
        else:
            starts.append((module, name))
    text, found = compiled_text(compiled.values())
    graph = source_graph([*starts, *found])
    modules = {
        label: _hash("\n".join(sorted(texts)))
        for label, texts in sorted(graph.modules.items())
    }
    if text:
        modules[f"{MAIN} (compiled)"] = _hash(text)
    return {
        "modules": modules,
        "data": dict(sorted(graph.data.items())),
        "settings": parts.settings_hashes() | _models(metrics),
        "weights": parts.weights_hash(),
        "versions": _versions(graph.external),
    }


def _models(metrics):
    """Hash of what tells the model of a metric apart, metric by metric."""
    return {
        f"the model of {metric.name}": _hash(json.dumps(metric.identity()))
        for metric in metrics
        if metric.identity is not None
    }


def _versions(modules):
    """Versions of the packages that modules of others belong to."""
    backend = keras.backend.backend()
    modules = (set(modules) | {*_ALWAYS, backend}) - (_BACKENDS - {backend})
    found = [_package(module) for module in sorted(modules - sys.stdlib_module_names)]
    return {
        name: importlib.metadata.version(name) for name in sorted(filter(None, found))
    }


@cache
def _package(module):
    """The package that installs a module, `None` where it is not installed."""
    for name in _PACKAGES.get(module, (module,)):
        try:
            importlib.metadata.version(name)
            return name
        except importlib.metadata.PackageNotFoundError:
            continue
    return next(iter(importlib.metadata.packages_distributions().get(module, ())), None)


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]
