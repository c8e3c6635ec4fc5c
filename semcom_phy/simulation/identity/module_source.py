"""A module as its top-level definitions: what binds a name, and what a name needs.

Comments, docstrings, layout and line endings are gone after parsing, so that they
make no difference to whoever compares the text of definitions.
"""

import ast
import tokenize
from typing import NamedTuple

_DEFINES = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


class Target(NamedTuple):
    """What an imported name stands for: a module, or a name in it."""

    module: str
    name: str | None


class Needs(NamedTuple):
    """What a statement refers to.

    Parameters
    ----------
    chains : `set` of `tuple` of `str`
        Names with the attributes that follow, ``a.b.c`` as ``("a", "b", "c")``

    imports : `dict` of `str` -> :class:`Target`
        Names that the statement itself imports, e.g. inside a function

    strings : `set` of `str`
        Literal text
    """

    chains: set
    imports: dict
    strings: set


class ModuleSource:
    """Top-level statements of one file.

    Parameters
    ----------
    path : `Path`
        The file

    module : `str`
        Its dotted name, for relative imports

    Attributes
    ----------
    imports : `dict` of name -> :class:`Target`
        Imported names

    bindings : `dict` of name -> `list` of statements
        Statements that define or change each other name

    always : `list` of statements
        Those that act when the module is imported, whatever is used of it
    """

    def __init__(self, path, module):
        with tokenize.open(path) as stream:  # heeds an encoding line
            tree = ast.parse(stream.read(), str(path))
        tree = _WithoutText().visit(tree)
        is_package = path.stem == "__init__"
        self._package = module if is_package else module.rpartition(".")[0]
        self.imports, self.bindings, self.always = {}, {}, []
        self._needs, self._texts = {}, {}
        for statement in tree.body:
            self._take(statement)

    def _take(self, statement):
        if isinstance(statement, _IMPORTS):
            self.imports |= _imported(statement, self._package)
        elif isinstance(statement, _DEFINES):
            self.bindings.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            if isinstance(statement, ast.Assign):
                targets = statement.targets
            else:
                targets = [statement.target]
            names = [name for target in targets for name in _stored(target)]
            if names == ["__all__"]:
                return
            for name in names:
                self.bindings.setdefault(name, []).append(statement)
            if not names:  # an attribute or an entry of something
                self.always.append(statement)
        elif not _is_idle(statement):
            self.always.append(statement)
            for name in _stored(statement):
                self.bindings.setdefault(name, []).append(statement)
            for node in ast.walk(statement):
                if isinstance(node, _IMPORTS):
                    self.imports |= _imported(node, self._package)

    def text(self, statement):
        """A statement as text of one layout."""
        if statement not in self._texts:
            self._texts[statement] = ast.unparse(statement)
        return self._texts[statement]

    def needs(self, statement):
        """The :class:`Needs` of a statement."""
        if statement not in self._needs:
            reader = _Reader(self._package)
            reader.visit(statement)
            needs = Needs(reader.chains, reader.imports, reader.strings)
            self._needs[statement] = needs
        return self._needs[statement]


class _Reader(ast.NodeVisitor):
    def __init__(self, package):
        self.package = package
        self.chains, self.imports, self.strings = set(), {}, set()

    def visit_Attribute(self, node):
        names, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.chains.add((inner.id, *reversed(names)))
        else:
            self.visit(inner)

    def visit_Name(self, node):
        self.chains.add((node.id,))

    def visit_Import(self, node):
        self.imports |= _imported(node, self.package)

    visit_ImportFrom = visit_Import

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.strings.add(node.value)


class _WithoutText(ast.NodeTransformer):
    """Drops docstrings, and text that stands where a statement could."""

    def visit_Expr(self, node):
        value = node.value
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
        return None if is_text else self.generic_visit(node)


def _is_idle(statement):
    """``pass``, and what runs only where the file is the command."""
    if isinstance(statement, ast.If) and isinstance(statement.test, ast.Compare):
        left = statement.test.left
        return isinstance(left, ast.Name) and left.id == "__name__"
    return isinstance(statement, ast.Pass)


def _stored(statement):
    names = [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    names += [n.name for n in ast.walk(statement) if isinstance(n, _DEFINES)]
    return list(dict.fromkeys(names))


def _imported(statement, package):
    """Names that an import binds, ``*`` included."""
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: Target(
                alias.name if alias.asname else alias.name.partition(".")[0], None
            )
            for alias in statement.names
        }
    module = statement.module or ""
    if statement.level:
        above = package.split(".")
        above = above[: len(above) - statement.level + 1]
        module = ".".join([*above, module] if module else above)
    return {
        alias.asname or alias.name: Target(module, alias.name)
        for alias in statement.names
    }
