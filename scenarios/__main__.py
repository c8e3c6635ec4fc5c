"""The commands that there are: ``python -m scenarios``."""

import ast
from pathlib import Path

from scenarios.command.arguments import Parser
from scenarios.sweep_file import scenario_names

_HERE = Path(__file__).parent


def main(argv=None):
    """Prints what every scenario and every further command is.

    Output
    ------
    : `int`
        Exit code: 0, or 2 for arguments, of which it takes none
    """
    about = __doc__.partition(":")[0] + "; it takes no arguments."
    parser = Parser(prog="scenarios", description=about)
    try:
        parser.parse_args(argv)
    except SystemExit as leave:
        return leave.code
    names = scenario_names()
    print("Scenarios: python -m scenarios.NAME [evaluate|train|plot|bits] [options]\n")
    _print_lines({name: _HERE / f"{name}.py" for name in names})
    print("\nFurther commands: python -m scenarios.NAME --help\n")
    _print_lines(_further(names))
    print("\nOptions of a scenario: python -m scenarios.NAME --help")
    return 0


def _further(names):
    """Files of all commands that are no scenario, `dict` of name -> `Path`."""
    files = {
        path.stem: path
        for path in _HERE.glob("*.py")
        if path.stem not in (*names, "__main__")
        and 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    return files | {path.parent.name: path for path in _HERE.glob("*/__main__.py")}


def _print_lines(files):
    width = max(map(len, files))
    for name, path in sorted(files.items()):
        # Read, not imported, which would load what the command needs.
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        sentence = text.split("\n\n")[0].replace("\n", " ").partition(": ``")[0]
        print(f"  {name.ljust(width)}  {sentence.removesuffix('.')}")


if __name__ == "__main__":
    raise SystemExit(main())
