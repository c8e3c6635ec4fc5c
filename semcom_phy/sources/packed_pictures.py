"""A folder with one file per split, in which pictures lie end to end.

``<split>.npz`` has ``blob`` (`uint8`, picture files such as WebP one after the other),
``offset`` (`int64` [N + 1], where each begins) and ``names`` ([N] `str`), and may have
``labels`` ([N] `int`, their classes) and ``class_names`` (or ``body`` and
``body_names``, as the cars have them); without class names, classes are called as the
folders in ``names`` ("Cat/8898.jpg"). ``masks`` ([N, height, width / 8] `uint8`, the
leftmost pixel in the most significant bit) tell the salient foreground of pictures of
one size. Captions lie beside it (:mod:`~semcom_phy.sources.captions`).
"""

import io

import numpy as np
from PIL import Image

from semcom_phy.sources.archive import open_archive
from semcom_phy.sources.captions import captions_of, find_captions
from semcom_phy.sources.masks import check_mask_size, fit_mask
from semcom_phy.sources.picture import UnusablePicture, fit_picture, fit_text
from semcom_phy.sources.pool import Pool

_MEMBERS = ("blob", "offset", "names")
_CLASSES = {"labels": "class_names", "body": "body_names"}


def is_packed(folder):
    """Whether a folder holds such a file."""
    return any(
        set(_MEMBERS) <= set(_members(folder / f"{split}.npz"))
        for split in ("train", "test")
    )


def packed_pool(folder, size, split):
    """The pictures of a split, decoded when drawn.

    Parameters
    ----------
    folder : `Path`
        Where the file lies
    size : (`int`, `int`)
        Height and width that they are cut and reduced to [pixels]
    split : "test" | "train"
        Which file

    Output
    ------
    pool : :class:`~semcom_phy.sources.pool.Pool`

    Raises
    ------
    ValueError
        If the file is damaged, or its captions name none of the pictures.

    FileNotFoundError
        If there is no such split.
    """
    path = folder / f"{split}.npz"
    blob, offset, names, labels, class_names, masks = _read(path)
    places = {str(name): index for index, name in enumerate(names)}
    kept, texts, told = captions_of(list(places), find_captions((folder,), split))
    place = np.array([places[name] for name in kept])

    def opened(index):
        start, stop = offset[place[index] : place[index] + 2]
        return Image.open(io.BytesIO(blob[start:stop]))

    def read(index, longest=None):
        where = f"{path}, {kept[index]}"
        try:
            picture = opened(index).convert("RGB")
        except Exception as error:  # Pillow's decoders raise many kinds
            raise UnusablePicture(where, f"is damaged or no image: {error}") from error
        return fit_picture(picture, size, where, longest), ()

    def mask(index):
        with opened(index) as picture:
            width, height = picture.size
        own = np.unpackbits(masks[place[index]], axis=-1)
        if own.shape[1] - width in range(8):  # bits that fill up the last byte
            own = own[:, :width]
        check_mask_size(own.shape, (height, width), f"{path}, {kept[index]}")
        return fit_mask(own, size)

    if masks is not None:
        told += ", masks"
    provenance = {
        "dataset": folder.resolve().name,
        "split": split,
        "source": f"{split}.npz of {len(kept)} pictures{told}, {fit_text(size)}",
        "terms": None,
    }
    labels = None if labels is None else labels[place]
    return Pool(
        len(kept),
        read,
        provenance,
        names=kept,
        texts=texts,
        labels=labels,
        class_names=class_names,
        mask=None if masks is None else mask,
    )


def _members(path):
    if not path.is_file():
        return ()
    with open_archive(path) as archive:
        return tuple(archive.files)


def _read(path):
    with open_archive(path) as archive:
        try:
            blob, offset, names = (archive[name] for name in _MEMBERS)
            labels, class_names = _classes(archive)
            masks = archive["masks"] if "masks" in archive.files else None
        except Exception as error:  # numpy raises key, zip and lzma errors
            raise ValueError(f"{path} is damaged: {error}; copy it again") from error
    if (
        blob.dtype != np.uint8
        or offset.shape != (len(names) + 1,)
        or offset.dtype.kind not in "iu"
        or names.dtype.kind != "U"
        or len(set(names.tolist())) != len(names)
        or np.any(np.diff(offset) <= 0)
        or (offset[0], offset[-1]) != (0, blob.size)
    ):
        raise ValueError(
            f"{path}: blob is {blob.dtype} {blob.shape}, offset {offset.dtype} "
            f"{offset.shape}, names {names.dtype} {names.shape}; expected uint8, "
            "rising whole numbers [N + 1] from 0 to the length of blob, N different "
            "strings"
        )
    if masks is not None and (
        masks.dtype != np.uint8 or masks.ndim != 3 or len(masks) != len(names)
    ):
        raise ValueError(
            f"{path}: masks is {masks.dtype} {masks.shape}; expected packed bits, "
            f"uint8 [N, height, width / 8], of {len(names)} pictures"
        )
    if labels is not None and (
        labels.shape != names.shape or labels.dtype.kind not in "iu"
    ):
        raise ValueError(
            f"{path}: labels is {labels.dtype} {labels.shape}; expected a whole number "
            f"for each of {len(names)} pictures"
        )
    if labels is not None and class_names is None:
        class_names = _folders_of_classes(names, labels)
    if class_names is not None and labels.max() >= len(class_names):
        raise ValueError(
            f"{path}: label {labels.max()} stands beside {len(class_names)} class names"
        )
    return blob.tobytes(), offset, names, labels, class_names, masks


def _classes(archive):
    """Classes and their names, `None` where the file does not tell."""
    for labels, names in _CLASSES.items():
        if labels in archive.files:
            named = names in archive.files
            return archive[labels], archive[names].tolist() if named else None
    return None, None


def _folders_of_classes(names, labels):
    """Names of the classes by the folders of their pictures, `None` without any."""
    folders = [str(name).rpartition("/")[0] for name in names]
    found = dict(zip(labels.tolist(), folders, strict=True))
    own = all(
        found[label] == folder and folder
        for label, folder in zip(labels.tolist(), folders, strict=True)
    )
    whole = sorted(found) == list(range(len(found)))
    return [found[label] for label in sorted(found)] if own and whole else None
