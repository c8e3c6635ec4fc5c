"""Lists of prompts or words, one a line."""

from pathlib import Path

PROMPTS_FILE = Path(__file__).parent / "prompts.txt"


def read_prompts(path=PROMPTS_FILE):
    """The lines of a text file, in its order.

    Blank lines, and lines that begin with #, are left out.

    Parameters
    ----------
    path : path, (default: the list that is shipped)
        UTF-8, one prompt a line

    Output
    ------
    : list of `str`

    Raises
    ------
    FileNotFoundError
        If there is no such file.

    ValueError
        If it is not UTF-8, has no prompts, or one of them twice.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"list of prompts {str(path)!r} is missing: give a text file, one a line"
        )
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error}): save it as that") from error
    prompts, seen = [], {}
    for number, line in enumerate(lines, start=1):
        prompt = " ".join(line.split())
        if not prompt or prompt.startswith("#"):
            continue
        if prompt in seen:
            raise ValueError(
                f"{path}: line {number} repeats {prompt!r} of line {seen[prompt]}; "
                "take one of them out"
            )
        seen[prompt] = number
        prompts.append(prompt)
    if not prompts:
        raise ValueError(f"{path} holds no prompts: write one a line")
    return prompts
