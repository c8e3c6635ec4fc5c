"""Classes and functions of a notebook, which has no source file, as compiled code."""

import types

from semcom_phy.simulation.identity.own_modules import MAIN, is_own


def compiled_text(things):
    """Text that changes with the compiled code of things, and of what they use.

    Lines, comments and docstrings make no difference to it; another version of Python
    does.

    Parameters
    ----------
    things : iterable of classes and functions
        Defined in ``__main__``

    Output
    ------
    text : `str`
        Empty without things

    found : `list` of (module, name)
        What they use of modules that have a file
    """
    walk = _Walk()
    for thing in things:
        walk.read(thing)
    return "\n".join(sorted(walk.lines)), walk.found


class _Walk:
    def __init__(self):
        self.lines, self.found, self._seen = [], [], set()

    def read(self, thing):
        if id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        if isinstance(thing, (staticmethod, classmethod)):
            thing = thing.__func__
        if isinstance(thing, property):
            for part in (thing.fget, thing.fset, thing.fdel):
                self.read(part)
        elif isinstance(thing, types.ModuleType):
            if is_own(thing.__name__):
                self.found.append((thing.__name__, None))
        elif isinstance(thing, (type, types.FunctionType)):
            if thing.__module__ != MAIN:
                if is_own(thing.__module__ or "builtins"):
                    name = thing.__qualname__.partition(".")[0]
                    self.found.append((thing.__module__, name))
            elif isinstance(thing, type):
                self._read_class(thing)
            else:
                self._read_function(thing)

    def _read_class(self, thing):
        for base in thing.__bases__:
            self.read(base)
        for name, value in vars(thing).items():
            if isinstance(value, (bool, int, float, complex, str, tuple, type(None))):
                if name not in ("__doc__", "__firstlineno__", "__static_attributes__"):
                    self.lines.append(f"{thing.__qualname__}.{name} = {value!r}")
            else:
                self.read(value)

    def _read_function(self, function):
        code, doc = function.__code__, function.__doc__
        self.lines.append(f"{function.__qualname__} {_code_text(code, doc)}")
        self.lines.append(f"{function.__defaults__!r} {function.__kwdefaults__!r}")
        for name in sorted(_names(code)):
            if name not in function.__globals__:
                continue
            value = function.__globals__[name]
            if isinstance(value, (bool, int, float, complex, str, tuple)):
                self.lines.append(f"{name} = {value!r}")
            else:
                self.read(value)


def _code_text(code, doc=None):
    consts = []
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            consts.append(_code_text(const))
        elif isinstance(const, frozenset):
            consts.append(repr(sorted(const, key=repr)))
        elif const != doc or doc is None:
            consts.append(repr(const))
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {consts}"


def _names(code):
    names = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names |= _names(const)
    return names
