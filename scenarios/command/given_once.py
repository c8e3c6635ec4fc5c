"""Options of which a second value is refused, where `argparse` would keep the last."""

import argparse


class StoreOnce(argparse.Action):
    """The action of options that name none.

    Parameters
    ----------
    once : `str`, optional
        Why a second value is refused; by default how several are written, or to give
        one
    """

    def __init__(self, once="", **more):
        super().__init__(**more)
        several = "write all values behind one, separated by blanks"
        self.once = once or (several if self.nargs == "+" else "give one of them")

    def __call__(self, parser, namespace, values, option_string=None):
        if option_string is not None:
            several = values if isinstance(values, list) else [values]
            said = " ".join(map(str, several))
            if self.dest in parser.given:
                parser.error(
                    f"{option_string} is given twice, {parser.given[self.dest]} and "
                    f"{said}: {self.once}"
                )
            parser.given[self.dest] = said
        setattr(namespace, self.dest, values)


class SwitchOnce(argparse.BooleanOptionalAction):
    """The action of ``--turn`` and ``--no-turn``, one of which is given, and once."""

    def __call__(self, parser, namespace, values, option_string=None):
        before = parser.given.get(self.dest)
        if before == option_string:
            parser.error(f"{option_string} is given twice: give it once")
        if before is not None:
            parser.error(
                f"{before} and {option_string} are both given: give one of them"
            )
        parser.given[self.dest] = option_string
        super().__call__(parser, namespace, values, option_string)
