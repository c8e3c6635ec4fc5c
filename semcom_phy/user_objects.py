"""Objects of the user's own modules, named on the command line: ``my_module:Name``."""

import difflib
import importlib
import os
import re
import sys

_NAME = r"[^\W\d]\w*"
_TEXT = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(,{_NAME})*")


def names_object(text):
    """Whether a text names an object of a module, not something of the project's."""
    return isinstance(text, str) and ":" in text


def check_object_text(text, option, count=1):
    """Refuses a text that cannot name objects of a module. Nothing is imported.

    Parameters
    ----------
    text : `str`
        As of :func:`load_objects`

    option : `str`
        Name of the value, with which the message starts: the command line puts its
        option there

    count : `int`, (default 1)
        How many objects

    Raises
    ------
    ValueError
        With the text and what is expected.
    """
    fits = isinstance(text, str) and _TEXT.fullmatch(text)
    if fits and text.partition(":")[0].endswith(".py"):
        raise ValueError(
            f"{option} must name a module, not a file: {text.replace('.py:', ':')!r} "
            f"in the place of {text!r}"
        )
    if not fits or text.count(",") + 1 != count:
        names = ",".join(["Name", "Other", "Third"][:count])
        raise ValueError(
            f"{option} must be of the form my_module:{names}, got {text!r}"
        )


def load_object(text, option):
    """The object that a text such as ``my_module:Name`` names.

    Parameters
    ----------
    text, option
        As of :func:`load_objects`

    Output
    ------
    : `object`

    Raises
    ------
    ValueError
        As of :func:`load_objects`.
    """
    return load_objects(text, option)[0]


def load_objects(text, option, count=1):
    """The objects that a text such as ``my_module:Encoder,Decoder`` names.

    Modules of the current folder can be imported, and whatever Python finds. Errors of
    the module's own are the user's to see: they are not caught.

    Parameters
    ----------
    text : `str`
        A module, a colon, and names at its top level with commas between them

    option : `str`
        Name of the value, with which messages start: the command line puts its option
        there

    count : `int`, (default 1)
        How many objects

    Output
    ------
    : `list`

    Raises
    ------
    ValueError
        If the text has another form, or there is no such module or name.
    """
    check_object_text(text, option, count)
    module_name, names = text.split(":")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()  # the file may be new
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # an import inside the module
        raise ValueError(
            f"{option} {text!r}: there is no module {error.name!r}; start where "
            f"{error.name.replace('.', '/')}.py lies, or put its folder into PYTHONPATH"
        ) from error
    return [_taken(module, name, text, option) for name in names.split(",")]


def _taken(module, name, text, option):
    here = vars(module)
    if name not in here:
        public = [each for each in here if not each.startswith("_")]
        near = difflib.get_close_matches(name, public, 3, 0.5) or sorted(public)[:5]
        raise ValueError(
            f"{option} {text!r}: module {module.__name__!r} has no {name!r}; it has "
            f"{', '.join(near) or 'no names'}"
        )
    return here[name]
