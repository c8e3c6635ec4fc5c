"""Images as arrays in an .npz or .npy file."""

import numpy as np
from PIL import Image

from semcom_phy.sources.picture import MIN_SIZE, check_size, fit_picture, fit_text
from semcom_phy.sources.pool import Pool

_EXPECTED = "expected RGB, uint8 [N, H, W, 3]"
ARCHIVE_SUFFIXES = (".npz", ".npy")


def archive_pool(path, size, split):
    """Images of an ``.npz`` file's array ``x``, or ``x_train``/``x_test``, or those of
    an ``.npy`` file.

    An ``.npz`` file may tell which images are alike by an array ``groups``, whole
    numbers or strings [N]; ``groups_train``/``groups_test`` beside ``x_train``/
    ``x_test``.

    Parameters
    ----------
    path : `Path`
        The file
    size : (`int`, `int`)
        Height and width that larger images are cut and reduced to [pixels]
    split : "test" | "train"
        Which array

    Output
    ------
    pool : :class:`~semcom_phy.sources.pool.Pool`

    Raises
    ------
    ValueError
        If the file is damaged or its arrays are of another type or shape.

    FileNotFoundError
        If it is not there.
    """
    if path.suffix == ".npy":
        what, used_split, groups = "array", None, None
        images = _load(path, mmap_mode="r")
        if not isinstance(images, np.ndarray):
            raise ValueError(f"{path} is an archive of arrays: call it .npz")
    else:
        name, images, groups = _named_arrays(path, split)
        what, used_split = f"array {name}", None if name == "x" else split
    check_batch(images, path, size)
    provenance = {
        "dataset": path.name,
        "split": used_split,
        "source": f"{what}, {fit_text(size)} where larger",
        "terms": None,
    }

    def read(index, longest=None):
        image = np.array(images[index])
        if image.shape[:2] == size:
            return image, ()
        return fit_picture(Image.fromarray(image), size, path, longest), ()

    rule = None if groups is None else "array groups of the file"
    return Pool(len(images), read, provenance, groups, rule)


def open_archive(path):
    """An opened .npz file.

    Raises
    ------
    ValueError
        If it is none.

    FileNotFoundError
        If it is not there.
    """
    archive = _load(path)
    if isinstance(archive, np.ndarray):
        raise ValueError(f"{path} is no .npz file but one array: call it .npy")
    return archive


def check_batch(images, path, size=(MIN_SIZE, MIN_SIZE)):
    """Refuses what is not uint8 [N, H, W, 3], at least one image of at least ``size``.

    Raises
    ------
    ValueError
        With what the array is.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            f"{path}: images are {images.dtype} {images.shape}; {_EXPECTED}"
        )
    if len(images) == 0:
        raise ValueError(f"{path} holds 0 images")
    check_size(images.shape[1:3], size, path)


def _named_arrays(path, split):
    """Name of the images' array, the images, and their groups or `None`."""
    with open_archive(path) as archive:
        name = next((n for n in ("x", f"x_{split}") if n in archive.files), None)
        if name is None:
            raise ValueError(
                f"{path} holds {archive.files}; expected an array x or x_{split}"
            )
        images = _member(archive, name, path)
        beside = "groups" + name.removeprefix("x")
        groups = None
        if beside in archive.files:
            groups = _member(archive, beside, path)
            if groups.shape != images.shape[:1] or groups.dtype.kind not in "iuU":
                raise ValueError(
                    f"{path}: {beside} is {groups.dtype} {groups.shape}; expected a "
                    f"whole number or a string for each of {len(images)} images"
                )
    return name, images, groups


def _member(archive, name, path):
    try:
        return archive[name]
    except Exception as error:  # damaged members raise zip and lzma errors
        raise ValueError(f"{path}: array {name} is damaged: {error}") from error


def _load(path, mmap_mode=None):
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return np.load(path, allow_pickle=False, mmap_mode=mmap_mode)
    except Exception as error:  # numpy raises zip, EOF and pickle errors
        raise ValueError(
            f"{path} is no {path.suffix} file: {error}; {_EXPECTED}"
        ) from error
