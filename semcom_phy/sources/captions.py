"""Files of captions as Flickr8k and its copies have them.

====================================  =================================================
form                                  a line
====================================  =================================================
CSV, ``captions.txt``                 ``image,caption``, which is also the first line
token file, ``Flickr8k.token.txt``    ``NAME.jpg#0``, a tab, the caption
table, ``test_captions.txt``          name, number and caption with tabs between them
====================================  =================================================

All are UTF-8, with the captions of an image one below the other.
"""

import csv

# Looked for in this order; {split} is that of the pictures, where there is one.
FILES = (
    "{split}_captions.txt",
    "captions.txt",
    "captions.csv",
    "Flickr8k.token.txt",
    "results_20130124.token",  # Flickr30k
)
_HEAD = ["image", "caption"]


def find_captions(folders, split=None):
    """The captions that lie in folders, of the first file of :data:`FILES`.

    Parameters
    ----------
    folders : sequence of `Path`
        The first one that holds such a file counts

    split : `str` or `None`
        Of the pictures

    Output
    ------
    : (`str`, `dict` of file name -> `tuple` of `str`) or `None`
        Name of the file and its captions; `None` where there is no file

    Raises
    ------
    ValueError
        If the file is of another form.
    """
    names = [name.format(split=split) for name in FILES]
    if split is None:
        names = names[1:]
    for folder in folders:
        for name in names:
            if (folder / name).is_file():
                return name, read_captions(folder / name)
    return None


def read_captions(path):
    """The captions of every image.

    Parameters
    ----------
    path : `Path`
        A file of one of the forms above

    Output
    ------
    : `dict` of file name -> `tuple` of `str`
        In the order of their numbers, or of the file; at least one; with single blanks,
        and without a final " .", which tells nothing of the picture

    Raises
    ------
    ValueError
        If it is of no such form, with the first line that is not.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = file.read().splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}") from error
    if lines and [word.strip() for word in lines[0].split(",")] == _HEAD:
        rows = _rows_of_csv(path, lines[1:])
    else:
        rows = _rows_of_tabs(path, lines)
    numbered = {}
    for name, number, caption in rows:
        numbered.setdefault(name, []).append((number, caption))
    if not numbered:
        raise ValueError(f"{path} holds no caption")
    return {
        name: tuple(caption for _, caption in sorted(own, key=lambda one: one[0]))
        for name, own in numbered.items()
    }


def captions_of(names, found):
    """The pictures that have captions.

    Parameters
    ----------
    names : `list` of `str`
        Of the pictures, folders and all

    found : of :func:`find_captions`

    Output
    ------
    names : `list` of `str`
        Those with captions; all of them where there are no captions

    texts : `list` of `tuple` of `str`, or `None`
        Their captions

    told : `str`
        What a provenance says of it: where the captions are from, and how many pictures
        have none

    Raises
    ------
    ValueError
        If no picture has a caption.
    """
    if found is None:
        return names, None, ""
    file, captions = found
    told = f", captions of {file}"
    own = [(name, captions.get(name.rsplit("/", 1)[-1])) for name in names]
    kept = [(name, texts) for name, texts in own if texts]
    if not kept:
        raise ValueError(
            f"{file} has no caption of {names[0]} or any other of {len(names)} "
            "pictures: put it beside the pictures that it names, or take it away"
        )
    if len(kept) < len(names):
        told += f" ({len(names) - len(kept)} pictures without any are left out)"
    return [name for name, _ in kept], [texts for _, texts in kept], told


def _rows_of_csv(path, lines):
    for number, row in enumerate(csv.reader(lines), start=2):
        if not row:
            continue
        if len(row) != 2:
            raise _bad_line(path, number, ",".join(row), "image,caption")
        yield _row(path, number, row[0].strip(), 0, row[1])


def _rows_of_tabs(path, lines):
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        cells = line.split("\t")
        name, mark, index = cells[0].rpartition("#")
        if len(cells) == 3:
            name, _, index = cells[0], "", cells[1]
        if len(cells) not in (2, 3) or not name or not index.isdecimal():
            raise _bad_line(path, number, line, "NAME.jpg#0, a tab, the caption")
        yield _row(path, number, name, int(index), cells[-1])


def _row(path, number, name, index, caption):
    caption = " ".join(caption.split()).removesuffix(" .")
    if not caption:
        raise _bad_line(path, number, name, "a caption")
    return name, index, caption


def _bad_line(path, number, line, expected):
    return ValueError(f"{path}, line {number} is {line[:60]!r}; expected {expected}")
