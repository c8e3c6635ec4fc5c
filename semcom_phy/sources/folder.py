"""A folder of pictures as people have them: in subfolders, of all kinds, many."""

import os
from pathlib import Path, PurePosixPath

from semcom_phy.sources.captions import captions_of, find_captions
from semcom_phy.sources.mask_folders import find_masked
from semcom_phy.sources.picture import (
    TURNED,
    fit_picture,
    fit_text,
    lies_across,
    read_picture,
    turn_picture,
    upright_sides,
)
from semcom_phy.sources.pool import Pool

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".bmp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pnm"),
)
_SYSTEM_FOLDERS = ("__MACOSX", "@eaDir", "$RECYCLE.BIN")  # hold thumbnails
_SPLIT_FOLDERS = ("train", "val", "valid", "validation", "test")

# option of the command line -> what a group is, and its label from the relative path
GROUPINGS = {
    "picture": (None, None),
    "folder": ("subfolder", lambda path: str(path.parent)),
    "name": (
        'file name up to its last "_"',
        lambda path: str(path.parent / path.stem.rsplit("_", 1)[0]),
    ),
}


def folder_pool(folder, size, split, group_by="picture", strict=False, turn=False):
    """All pictures in a folder and its subfolders, opened when drawn; with masks where
    it is laid out as one of :mod:`~semcom_phy.sources.mask_folders`.

    Parameters
    ----------
    folder : `Path`
        Where they lie
    size : (`int`, `int`)
        Height and width that they are cut and reduced to [pixels]
    split : "test" | "train"
        Subfolder that is used where the folder has subfolders of such names
    group_by : "picture" | "folder" | "name", optional
        Which pictures are alike: none; those of a subfolder; those whose file names are
        the same up to the last "_", such as crops of one photograph
    strict : `bool`, optional
        Refuse pictures that would have to be converted
    turn : `bool`, optional
        Turn portraits by 90 degrees where the size is a landscape, and landscapes where
        it is a portrait

    Output
    ------
    pool : :class:`~semcom_phy.sources.pool.Pool`

    Raises
    ------
    ValueError
        If there is no picture, the grouping is unknown, there are splits but not the
        one asked for, or a file of captions is damaged or names none of the pictures.

    FileNotFoundError
        If there are masks, but not one of every picture.
    """
    if group_by not in GROUPINGS:
        raise ValueError(f"group_by is {group_by!r}; there are {', '.join(GROUPINGS)}")
    masked = find_masked(folder, split)
    if masked is None:
        root, used_split = _split_folder(folder, split)
        names = list_pictures(root)
    else:
        root, used_split = masked.pictures, masked.split
        names = list_pictures(root) if masked.names is None else masked.names
    if not names:
        raise ValueError(
            f"{root} holds 0 images, subfolders included ({', '.join(IMAGE_SUFFIXES)})"
        )
    captions = find_captions((root, folder), used_split)
    names, texts, told = captions_of(names, captions)
    if masked is not None:
        masked.check_masks(names)
        told += f", masks of {masked.masks.name}"
    rule, label = GROUPINGS[group_by]

    def read(index, longest=None):
        path = root / names[index]
        picture, remarks = read_picture(path, size, strict)
        if turn and lies_across(picture.size[::-1], size):
            picture, remarks = turn_picture(picture), (*remarks, TURNED)
        return fit_picture(picture, size, path, longest), remarks

    def mask(index):
        name = names[index]
        sides = upright_sides(root / name)
        return masked.read(name, sides, size, turn and lies_across(sides, size))

    provenance = {
        "dataset": folder.resolve().name,
        "split": used_split,
        "source": f"folder of {len(names)} files{told}, {fit_text(size, turn)}",
        "terms": None,
    }
    groups = None if label is None else [label(PurePosixPath(name)) for name in names]
    return Pool(
        len(names),
        read,
        provenance,
        groups,
        rule,
        names,
        texts,
        mask=None if masked is None else mask,
    )


def is_hidden(name):
    """Whether a file or folder is the system's, not the user's: ``._a.png``,
    ``.DS_Store``, ``__MACOSX``."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def list_pictures(folder):
    """Files with a picture's suffix in a folder and its subfolders.

    Links to folders are followed, hidden files and folders are not listed. No file is
    opened.

    Parameters
    ----------
    folder : `Path`

    Output
    ------
    names : `list` of `str`
        Relative to the folder, with "/" between the parts, sorted

    Raises
    ------
    OSError
        If a folder cannot be read.
    """
    names, visited = [], set()
    for place, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in visited:  # a link back
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        names += [
            Path(place, name).relative_to(folder).as_posix()
            for name in files
            if not is_hidden(name) and name.lower().endswith(IMAGE_SUFFIXES)
        ]
    return sorted(names)


def _refuse(error):
    raise error


def _split_folder(folder, split):
    """The subfolder of a split, where there are splits: test pictures are not to be
    trained on because they lie beside the training pictures."""
    splits = [name for name in _SPLIT_FOLDERS if (folder / name).is_dir()]
    if split in splits:
        return folder / split, split
    if splits:
        raise ValueError(
            f"{folder} has subfolders {', '.join(splits)} but no {split}: give one of "
            f"them, such as {folder / splits[-1]}"
        )
    return folder, None
