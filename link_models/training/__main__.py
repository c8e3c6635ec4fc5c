"""What is trained or fitted beside the codecs, and how weights are shipped.

    python -m link_models.training student --help       importance of patches
    python -m link_models.training klt --help           KLT of the linear reference
    python -m link_models.training words --help         words that both ends know
    python -m link_models.training word_model --help    what they expect of captions
    python -m link_models.training continual --help     captions, domain after domain
    python -m link_models.training ship --help          weights in half precision
    python -m link_models.training import --help        checkpoints that authors publish

What both ends know (extra generative):

    python -m link_models.training captioner --help     what pictures show, in words
    python -m link_models.training dual_encoder --help  images and texts in one space
    python -m link_models.training generator --help     pictures of what a caption says
    python -m link_models.training restoration --help   repair of damaged pictures
    python -m link_models.training classifier --help    which class a picture shows
    python -m link_models.training probe --help         the same from features of others

Codecs are trained over the link of a scenario: python -m scenarios.mimo_2x2 train
"""

import importlib
import sys

from semcom_phy.knowledge_base.loading import INSTALL

COMMANDS = {  # -> module of this package
    "student": "student",
    "klt": "klt",
    "words": "words",
    "word_model": "word_model",
    "continual": "continual.command",
    "ship": "ship",
    "import": "published.command",
    **{
        name: f"knowledge.{name}"
        for name in (
            "captioner",
            "dual_encoder",
            "generator",
            "restoration",
            "classifier",
            "probe",
        )
    },
}


def main(argv=None):
    """Runs one of the commands; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] and argv[0] in COMMANDS:
        try:
            module = importlib.import_module(f"{__package__}.{COMMANDS[argv[0]]}")
        except ModuleNotFoundError as error:
            print(f"error: {error.name} is not there: {INSTALL}", file=sys.stderr)
            return 2
        try:
            _refuse_twice(argv[1:])
            return module.main(argv[1:])
        except (ValueError, OSError, ImportError) as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
    print(__doc__.strip(), file=sys.stderr)
    return 0 if argv[:1] in (["--help"], ["-h"]) else 2


def _refuse_twice(words):
    """Refuses an option that is given again, of which argparse would keep the last."""
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    for option in options:
        if options.count(option) > 1:
            raise ValueError(
                f"{option} is given twice: give it once, several values behind one "
                "separated by blanks"
            )


if __name__ == "__main__":
    sys.exit(main())
