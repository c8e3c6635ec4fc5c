"""The definitions that some classes and functions rest on, across modules.

From every class or function to the names that it uses, from these to theirs, through
imports, as far as the source is the project's or the user's own: a change makes a
difference where it was reached. What lies beyond is told by version; files of data that
lie beside a module, and are named in the code reached, by their content.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

from semcom_phy.simulation.identity.module_source import ModuleSource, Target
from semcom_phy.simulation.identity.own_modules import (
    MAIN,
    is_own,
    label,
    parents,
    source_file,
)

# Of these tables a system takes an entry or two, which are then among its parts: an
# entry of another system is none of its business.
TABLES = {
    ("link_models.codecs", "CODECS"),
    ("link_models.links.radio", "CHANNELS"),
    ("link_models.systems.table", "SYSTEMS"),
    ("semcom_phy.source_coding", "SOURCE_CODECS"),
}
# They show what a system has chosen or received; no figure of merit needs them.
DRAWING = ("semcom_phy.simulation.figures.curves", "semcom_phy.simulation.shown")
_TEXT = (".json", ".csv", ".txt")


@dataclass
class SourceGraph:
    """Everything that was reached.

    Parameters
    ----------
    modules : `dict` of label -> `set` of `str`
        Text of the definitions reached, without comments and docstrings

    data : `dict` of label -> `str`
        Hash of the files of data, line endings of text aside

    external : `set` of `str`
        Top-level names of the modules of others
    """

    modules: dict = field(default_factory=lambda: defaultdict(set))
    data: dict = field(default_factory=dict)
    external: set = field(default_factory=set)


def source_graph(definitions):
    """Follows names from definitions to all that they rest on.

    Parameters
    ----------
    definitions : iterable of (module, name)
        Dotted name of a module, and a name at its top level, or `None` for all of it

    Output
    ------
    : :class:`SourceGraph`
    """
    walk = _Walk()
    for module, name in definitions:
        walk.reach(Target(module, name))
    walk.run()
    return walk.graph


class _Walk:
    def __init__(self):
        self.graph = SourceGraph()
        self._seen, self._open = set(), []

    def reach(self, target, attributes=()):
        """A module or a name in it, and what is then taken of it."""
        module, name = target
        if not is_own(module):
            self.graph.external.add(module.partition(".")[0])
            return
        self._enter(module)
        if name is None and attributes:  # module.name
            name, *attributes = attributes
        if name is not None:
            source = _source(module)
            known = source and (name in source.imports or name in source.bindings)
            if not known and source_file(f"{module}.{name}"):
                self.reach(Target(f"{module}.{name}", None), tuple(attributes))
                return
        self._add((module, name, tuple(attributes)))

    def run(self):
        while self._open:
            module, name, attributes = self._open.pop()
            source = _source(module)
            if source is None:
                continue
            if name is None or name == "*":
                for each in [*source.bindings, *source.imports]:
                    self._add((module, each, ()))
            elif name in source.bindings and (module, name) not in TABLES:
                for statement in source.bindings[name]:
                    self._read(module, source, statement)
            elif name in source.imports:
                target = source.imports[name]
                self.graph.modules[label(module)].add(f"{name} = {_dotted(target)}")
                self.reach(target, attributes)
            elif "*" in source.imports:
                self.reach(Target(source.imports["*"].module, name))

    def _enter(self, module):
        """What runs when the module is imported."""
        for each in [*parents(module), module]:
            if (each,) in self._seen or each.startswith(DRAWING):
                continue
            self._seen.add((each,))
            file, source = source_file(each), _source(each)
            if source is None:
                if file is not None:  # compiled
                    self.graph.data[label(each)] = _file_hash(file)
            elif each != MAIN:  # a script's own statements are the experiment
                for statement in source.always:
                    self._read(each, source, statement)

    def _read(self, module, source, statement):
        key = module, statement
        if key in self._seen:
            return
        self._seen.add(key)
        self.graph.modules[label(module)].add(source.text(statement))
        needs = source.needs(statement)
        for name, *attributes in needs.chains:
            if name in needs.imports:
                self.reach(needs.imports[name], tuple(attributes))
            else:
                self._add((module, name, tuple(attributes)))
        for target in needs.imports.values():
            self.reach(target)
        self._find_data(module, needs.strings)

    def _find_data(self, module, strings):
        """Files beside the module, or in a folder beside it, that the code names.

        Those whose names go on after an underscore are taken for variants of a file
        (``curves.json``, ``curves_192x256.json``) that the code may choose.
        """
        folder = source_file(module).parent
        plain = [s for s in strings if s and s == s.strip() and len(s) < 100]
        plain = [s for s in plain if not set(s) & set("/\\:*?\n\0")]
        names = [s for s in plain if "." in s.strip(".")]
        for place in [folder, *(folder / s for s in plain if s.strip("."))]:
            if not place.is_dir():
                continue
            for name in names:
                file = place / name
                if not file.is_file() or file.suffix == ".py":
                    continue
                for each in [file, *place.glob(f"{file.stem}_*{file.suffix}")]:
                    where = label(module).rpartition("/")[0]
                    about = each.relative_to(folder).as_posix()
                    name_of = f"{where}/{about}" if where else about
                    self.graph.data[name_of] = _file_hash(each)

    def _add(self, node):
        if node not in self._seen and not node[0].startswith(DRAWING):
            self._seen.add(node)
            self._open.append(node)


def _dotted(target):
    return target.module if target.name is None else f"{target.module}.{target.name}"


def _source(module):
    """The parsed module, `None` where there is no source."""
    file = source_file(module)
    if file is None or file.suffix != ".py":
        return None
    about = file.stat()
    return _parsed(module, file, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=1024)
def _parsed(module, file, modified, size):
    return ModuleSource(file, module)


def _file_hash(file):
    content = file.read_bytes()
    if file.suffix in _TEXT:
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()[:16]
