"""What every training command does around its training."""

import sys

from link_models.training.checkpoint import held_label, telling_what_is_left


def run_command(train, checkpoint):
    """Trains, and says what came of it.

    Parameters
    ----------
    train : callable, () -> `Path`
        Gives what it wrote

    checkpoint : `Path`
        Where the training leaves what it has reached

    Output
    ------
    : `int`
        Exit code: 0, 2 for bad input (one line on stderr), 130 when interrupted
    """
    try:
        with telling_what_is_left(checkpoint), held_label(checkpoint):
            path = train()
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"\ninterrupted; {stop}", file=sys.stderr)
        return 130
    print(f"wrote {path}")
    return 0
