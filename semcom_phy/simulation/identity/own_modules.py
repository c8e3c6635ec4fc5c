"""Which modules are the project's or the user's own, and where their source lies.

Everything else (the standard library, installed packages) counts by its version.
"""

import functools
import importlib.util
import site
import sys
import sysconfig
from pathlib import Path

PROJECT = ("semcom_phy", "link_models", "scenarios", "benchmarks")
MAIN = "__main__"


@functools.cache
def is_own(module):
    """Whether a module, by its dotted name, is the project's or the user's.

    The project's packages are, wherever they are installed; so is a script or
    notebook, and every module outside the standard library and the folders of
    installed packages.
    """
    top = module.partition(".")[0]
    if top == MAIN or top in PROJECT:
        return True
    if top in sys.stdlib_module_names:
        return False
    places = _places(top)
    return bool(places) and not any(
        Path(place).resolve().is_relative_to(folder)
        for place in places
        for folder in _installed()
    )


def source_file(module):
    """Path of a module's file, `None` where it has none (a notebook, a folder)."""
    if module == MAIN:
        file = vars(sys.modules[MAIN]).get("__file__")
        return Path(file) if file and Path(file).is_file() else None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin)


def label(module):
    """How a module is named in a result: its path from the folder it is found in."""
    file = source_file(module)
    if file is None:
        return module
    if module == MAIN:
        return file.name
    parts = module.split(".")
    if file.stem == "__init__":
        parts.append("__init__")
    return "/".join(parts) + file.suffix


def parents(module):
    """The packages that a module lies in; importing it runs them."""
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def _places(top):
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    return [spec.origin] if spec.has_location else spec.submodule_search_locations or []


@functools.cache
def _installed():
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return [Path(folder).resolve() for folder in folders]
