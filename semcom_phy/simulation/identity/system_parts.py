"""What a system is made of: classes, settings, weights, found in its objects.

From an object to what it holds, and on from there, as far as objects are the
project's or the user's own, or layers of Keras.
"""

import functools
import hashlib
import inspect
import json
import os
import types
from collections import OrderedDict
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath

import keras
import numpy as np

from semcom_phy.simulation.identity.own_modules import is_own

_SCALARS = (type(None), bool, int, float, complex, str, bytes, Fraction)
_CONTAINERS = (dict, list, tuple, set, frozenset)


@dataclass
class Parts:
    """What was found.

    Parameters
    ----------
    definitions : `dict` of (module, name) -> class or function
        Names at the top level of own modules

    settings : `dict` of class name -> `list`
        Plain values that the objects of a class hold

    layers : `list` of `keras.Layer`
        With the weights
    """

    definitions: dict = field(default_factory=dict)
    settings: dict = field(default_factory=OrderedDict)
    layers: list = field(default_factory=list)

    def settings_hashes(self):
        """Hash of the settings, class by class."""
        return {
            name: hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]
            for name, values in sorted(self.settings.items())
        }

    def weights_hash(self):
        """SHA-256 of all weights in the order of the layers, `None` without any."""
        digest, seen = hashlib.sha256(), set()
        for layer in self.layers:
            for variable in layer.weights:
                if id(variable) in seen:
                    continue
                seen.add(id(variable))
                digest.update(_array_text(keras.ops.convert_to_numpy(variable)))
        return digest.hexdigest() if seen else None


def system_parts(*objects):
    """Looks through objects, e.g. a system and its channel.

    What an object holds under a private name (``_name``) counts for the classes that
    it is made of; of such values only single ones do, since collections and arrays with
    a private name may be memories that change with use.

    Output
    ------
    : :class:`Parts`
    """
    walk = _Walk()
    for each in objects:
        walk.visit(each, True)
    return walk.parts


class _Walk:
    def __init__(self):
        self.parts = Parts()
        self._seen = {}  # id -> (object, which keeps the id its own; whether public)

    def visit(self, thing, public):
        if isinstance(thing, (*_SCALARS, np.ndarray, np.generic, types.ModuleType)):
            return
        if self._seen.get(id(thing), (None, False))[1] or (
            not public and id(thing) in self._seen
        ):
            return
        self._seen[id(thing)] = thing, public
        if isinstance(thing, type):
            self._define(thing)
        elif isinstance(thing, dict):
            self._visit_all([*thing.keys(), *thing.values()], public)
        elif isinstance(thing, types.MethodType):
            own = is_own(type(thing.__self__).__module__)
            self.visit(thing.__self__ if own else thing.__func__, public)
        elif isinstance(thing, functools.partial):
            self._visit_all([thing.func, thing.args, thing.keywords], public)
            self._set(
                _name_of(thing.func), [_plain(thing.args), _plain(thing.keywords)]
            )
        elif isinstance(thing, types.FunctionType):
            self._visit_function(thing, public)
        elif is_own(type(thing).__module__) or isinstance(thing, keras.Layer):
            self._visit_object(thing, public)
        elif isinstance(thing, _CONTAINERS):
            self._visit_all(thing, public)
        elif callable(thing):  # compiled, or with a memory
            self.visit(inspect.unwrap(thing), public)

    def _visit_all(self, things, public):
        for each in things:
            self.visit(each, public)

    def _visit_function(self, function, public):
        self._define(function)
        self.visit(vars(function).get("__wrapped__"), public)
        if not is_own(function.__module__ or "builtins"):
            return
        held = [cell.cell_contents for cell in function.__closure__ or ()]
        held += [function.__defaults__, function.__kwdefaults__]
        self._visit_all(held, public)
        if public:
            self._set(_name_of(function), [_plain(each) for each in held])

    def _visit_object(self, thing, public):
        for each in type(thing).__mro__:
            self._define(each)
        is_layer = isinstance(thing, keras.Layer)
        if is_layer:
            self.parts.layers.append(thing)
        if public or is_layer:
            self._set(type(thing).__qualname__, _settings_of(thing))
        if isinstance(thing, _CONTAINERS):  # a named tuple
            self._visit_all(thing, public)
        for name, value in _attributes(thing).items():
            self.visit(value, public and not name.startswith("_"))

    def _define(self, thing):
        if is_own(thing.__module__ or "builtins"):
            name = thing.__qualname__.partition(".")[0]
            self.parts.definitions.setdefault((thing.__module__, name), thing)

    def _set(self, name, values):
        self.parts.settings.setdefault(name, []).append(values)


def _attributes(thing):
    """What an object holds, without what Keras holds for it (but for the layers
    inside) and what it works out on demand."""
    held = vars(thing) if hasattr(thing, "__dict__") else {}
    if isinstance(thing, keras.Layer):
        held = {n: v for n, v in held.items() if n not in _names_of_keras()}
    on_demand = _on_demand(type(thing))  # type: ignore[arg-type]  # can be hashed
    return {name: value for name, value in held.items() if name not in on_demand}


@functools.cache
def _on_demand(kind):
    return frozenset(
        name
        for each in kind.__mro__
        for name, value in vars(each).items()
        if isinstance(value, functools.cached_property)
    )


@functools.cache
def _names_of_keras():
    return frozenset(vars(keras.Model())) - {"_layers"}


def _settings_of(thing):
    if isinstance(thing, keras.Layer) and not is_own(type(thing).__module__):
        return _config_of(thing)
    values = _attributes(thing)
    if isinstance(thing, keras.Layer):
        return {
            name: _plain(value)
            for name, value in values.items()
            if not name.startswith("_")
        }
    if isinstance(thing, tuple):
        values = {**values, "": tuple(thing)}
    return {
        name: _plain(value)
        for name, value in sorted(values.items())
        if not name.startswith("_") or isinstance(value, (*_SCALARS, np.generic))
    }


def _config_of(layer):
    """Constructor arguments of a layer of Keras; numbered names are none of them."""
    names = [layer.name, *(each.name for each in _layers_inside(layer))]
    numbers = {name: f"layer {k}" for k, name in enumerate(dict.fromkeys(names))}
    return json.dumps(_plain(_renamed(layer.get_config(), numbers)))


def _renamed(config, names):
    """A configuration with other names in it. Keys stay: attention has a setting
    "dropout", and in the first one of a process a layer of that name."""
    if isinstance(config, dict):
        return {key: _renamed(value, names) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _layers_inside(layer):
    for each in vars(layer).get("_layers", ()):
        yield each
        yield from _layers_inside(each)


def _plain(value):
    """A value as JSON, the same in every process; of other objects their kind."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (type(None), bool, int)):
        return value
    if isinstance(value, PurePath) or (isinstance(value, str) and os.path.isabs(value)):
        return os.path.basename(value)  # the folder is the machine's
    if isinstance(value, str):
        return value
    if isinstance(value, (float, complex, bytes, Fraction)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return hashlib.sha256(_array_text(value)).hexdigest()
    if isinstance(value, dict):
        return [[_plain(key), _plain(each)] for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(each) for each in value), key=json.dumps)
    return _name_of(value)


def _name_of(value):
    if not isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        value = type(value)
    return f"{value.__module__}.{value.__qualname__}"


def _array_text(array):
    array = np.ascontiguousarray(array)
    about = f"{array.dtype.str} {array.shape} ".encode()
    if array.dtype.hasobject:
        return about
    return about + array.tobytes()
