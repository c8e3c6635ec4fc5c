"""Images to be sent: shipped photographs, CIFAR-10, a folder, an .npz or .npy file.

Images are ``uint8 [num_images, height, width, 3]``; beside them stands a provenance
record of plain JSON values that identifies the pixels (SHA-256) and states where they
come from, and which images are alike. Captions, classes and masks of the salient
foreground travel with the images where the data set has them.
"""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np

from semcom_phy.simulation.statistics.drives import describe_groups
from semcom_phy.sources.archive import ARCHIVE_SUFFIXES, archive_pool
from semcom_phy.sources.cifar10 import cifar10_pool
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.folder import folder_pool
from semcom_phy.sources.packed_pictures import is_packed, packed_pool
from semcom_phy.sources.photographs import photograph_pool
from semcom_phy.sources.picture import MIN_SIZE, UnusablePicture, size_text
from semcom_phy.sources.sample_photographs import sample_pool
from semcom_phy.sources.samples import Samples, hashes_beside

# Short names of folders in $SEMCOM_DATA
DATA_FOLDERS = {
    "flickr8k": "flickr8k_images",
    "catsdogs": "catsdogs",
    "birds": "birds525",
    "cars": "stanford_cars",
    "ecssd": "ecssd",
    "kodak": "kodak",
}
_OBTAINED = {  # data set -> where its pictures are from, for who lacks them
    "kodak": "its pictures are kodim01.png ... kodim24.png of "
    "http://r0k.us/graphics/kodak/; --dataset FOLDER takes any other folder of "
    "pictures",
}
_SHIPPED = {"sample": sample_pool, "photographs": photograph_pool}
LONGEST_CAPTIONED = 512  # side of pictures that captioners see [pixels]
_NUM_NAMED = 3  # files left out that a provenance names


def load_samples(
    dataset,
    num_images=None,
    size=32,
    seed=1,
    split="test",
    group_by="picture",
    strict=False,
    caption=None,
    turn=False,
    fewer=False,
):
    r"""Images of a data set, drawn without replacement, and which of them are alike.

    * ``"sample"``: crops from photographs that scikit-image, scikit-learn and
      matplotlib ship (:mod:`~semcom_phy.sources.sample_photographs`). The crops of a
      photograph are one group; the draw takes one of each photograph in turn.
    * ``"photographs"``: the same 12 photographs, whole, with captions
      (:mod:`~semcom_phy.sources.photographs`).
    * ``"cifar10"``: 32x32; found in the folder ``$SEMCOM_DATA``, then in
      ``../shared/data``, then through ``keras.datasets``. Where the file tells which
      images have original pixels (``exact``), only they are used.
    * ``"flickr8k"``, ``"catsdogs"``, ``"birds"``, ``"cars"``, ``"ecssd"``,
      ``"kodak"``: the folders ``flickr8k_images``, ``catsdogs``, ``birds525``,
      ``stanford_cars``, ``ecssd``, ``kodak`` in ``$SEMCOM_DATA``, then in
      ``../shared/data``.
    * a folder: all PNG, JPEG, WebP, AVIF, BMP, TIFF and PNM files in it and in its
      subfolders, by path; hidden files are not. Where it has subfolders ``train`` and
      ``test``, that of the ``split`` is used. Each picture is turned upright as its
      EXIF orientation says, converted to 8-bit RGB, cut to its central square, or the
      central part of the aspect ratio asked for, and reduced (Lanczos) to ``size``.
      Only pictures that are drawn are opened; the next of the draw takes the place of
      one that is damaged or too small. A file of captions in it
      (:mod:`~semcom_phy.sources.captions`) gives the texts; pictures that it does not
      name are left out. One laid out as DUTS, ECSSD or Pascal VOC
      (:mod:`~semcom_phy.sources.mask_folders`) gives masks, cut and reduced as their
      pictures.
    * a folder with ``test.npz``, or ``train.npz``, of pictures as files end to end
      (:mod:`~semcom_phy.sources.packed_pictures`), cut and reduced likewise, with
      masks where it holds them; captions as above.
    * an ``.npz`` file with an array ``x``, or ``x_train``/``x_test`` as ``split`` says,
      or an ``.npy`` file, uint8 [N, H, W, 3]; cut and reduced likewise where H and W
      are not ``size``. An array ``groups`` in an ``.npz`` file tells which are alike.

    The draw depends on the seed alone: the first images of a longer draw are those
    of a shorter one. Where there are groups, it takes one image of each in turn.

    Parameters
    ----------
    dataset : `str` or path
        ``"sample"``, ``"photographs"``, ``"cifar10"``, ``"flickr8k"``, ``"catsdogs"``,
        ``"birds"``, ``"cars"``, ``"ecssd"``, ``"kodak"``, a folder, an ``.npz``
        or an ``.npy`` file

    num_images : `int` or `None`, (default `None`)
        How many; `None` for all, in the data set's own order

    size : `int` or (`int`, `int`), (default 32)
        Side of square images, or height and width [pixels], at least 16

    seed : `int`, (default 1)
        Seed of the draw, at least 0

    split : "test" | "train", (default "test")
        CIFAR-10, ``.npz`` and folders that have such subfolders

    group_by : "picture" | "folder" | "name", (default "picture")
        Folders: which pictures are alike, none, those of a subfolder, or those with the
        same file name up to the last "_"

    strict : `bool`, (default `False`)
        Folders: refuse the first picture that is damaged, too small or would have to be
        converted, in place of counting it in the provenance

    caption : callable or `None`, (default `None`)
        Says what the texts are, in the place of the data set's own: handed an iterator
        of the drawn pictures, uint8 [height, width, 3], of the aspect ratio asked for
        and with as many pixels as they have (longer side at most
        :data:`LONGEST_CAPTIONED`), it returns a `tuple` of `str` for each

    turn : `bool`, (default `False`)
        Folders of picture files: turn a picture by 90 degrees where it is a portrait
        and the size a landscape, or the other way round, before it is cut; how many
        were is counted in the provenance

    fewer : `bool`, (default `False`)
        Take all images where the data set has fewer than ``num_images``, which is an
        error otherwise

    Output
    ------
    samples : :class:`~semcom_phy.sources.samples.Samples`
        The provenance holds ``dataset``, ``split``, ``size`` (a number, or a list where
        the images are not square), ``num_images``, ``num_available``, ``seed``,
        ``sha256`` (of the pixels), ``source``, ``terms``; no absolute path, so that it
        is the same wherever the data lie. Besides, where they apply, ``groups``
        (``count``, ``rule``), ``converted`` (how many pictures were grey, of a palette,
        ...), ``left_out`` (``count``, and the ``first`` of them), ``texts_sha256``,
        ``labels_sha256`` and ``masks_sha256``

    Raises
    ------
    ValueError
        If the images are not 8-bit RGB, too small, damaged, or fewer than asked for,
        or a picture is a decompression bomb, or a mask is damaged or of another size
        than its picture.

    FileNotFoundError
        If the data are not there, or a mask among others is not.
    """
    size = _checked_size(size)
    if num_images is not None and (int(num_images) != num_images or num_images < 1):
        raise ValueError(f"num_images is {num_images!r}; give at least 1")
    if split not in ("test", "train"):
        raise ValueError(f"split is {split!r}; there are 'test' and 'train'")
    pool = _pool(dataset, size, split, group_by, strict, turn)
    if fewer and num_images is not None:
        num_images = min(num_images, pool.count)
    if num_images is not None and num_images > pool.count:
        raise ValueError(
            f"{num_images} images asked for, {dataset} has {pool.count} "
            f"of size {size_text(size)}: ask for fewer (--images)"
        )
    order = range(pool.count) if num_images is None else pool.order(seed)
    images, taken, converted, left_out = _read(pool, order, num_images, strict)
    if not images or (num_images is not None and len(images) < num_images):
        raise ValueError(
            f"{num_images or 'all'} images asked for, {dataset} has {len(images)} of "
            f"size {size_text(size)}; {len(left_out)} files are left out, the first: "
            f"{left_out[0]}"
        )
    images = np.stack(images)
    provenance = {
        **pool.provenance,
        "size": size[0] if size[0] == size[1] else list(size),
        "num_images": len(images),
        "num_available": pool.count,
        "seed": None if num_images is None else int(seed),
        "sha256": hashlib.sha256(np.ascontiguousarray(images).data).hexdigest(),
    }
    groups = None
    if pool.groups is not None:
        groups = tuple(np.asarray(pool.groups)[taken].tolist())
        provenance["groups"] = describe_groups(groups, pool.rule)
    texts = labels = None
    if caption is not None:
        texts = caption(pool.read(index, LONGEST_CAPTIONED)[0] for index in taken)
        texts = tuple(map(tuple, texts))
    elif pool.texts is not None:
        texts = tuple(tuple(pool.texts[index]) for index in taken)
    if pool.labels is not None:
        labels = np.asarray(pool.labels)[taken]
    masks = None
    if pool.mask is not None:
        masks = np.stack([pool.mask(index) for index in taken])
    provenance |= hashes_beside(texts, labels, masks)
    if converted:
        provenance["converted"] = converted
        kinds = ", ".join(f"{number} {kind}" for kind, number in converted.items())
        provenance["source"] += f"; converted: {kinds}"
    if left_out:
        first = left_out[:_NUM_NAMED]
        provenance["left_out"] = {"count": len(left_out), "first": first}
        provenance["source"] += f"; {len(left_out)} left out, the first: {first[0]}"
    names = None if labels is None or pool.class_names is None else pool.class_names
    names = None if names is None else tuple(str(name) for name in names)
    return Samples(images, groups, provenance, texts, labels, names, masks=masks)


def load_images(dataset, num_images=None, size=32, seed=1, split="test", strict=False):
    """The images of :func:`load_samples` and their provenance, without the groups.

    Where an interval is to be formed, take :func:`load_samples`: crops of one
    photograph are not independent.

    Parameters
    ----------
    dataset, num_images, size, seed, split, strict
        As of :func:`load_samples`

    Output
    ------
    images : [num_images, height, width, 3], `uint8`

    provenance : `dict`
    """
    samples = load_samples(dataset, num_images, size, seed, split, strict=strict)
    return samples.images, samples.provenance


def _checked_size(size):
    """Height and width, two `int`."""
    sides = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2 or any(int(n) != n or n < MIN_SIZE for n in sides):
        raise ValueError(
            f"size is {size!r}; give one number, or height and width, images need at "
            f"least {MIN_SIZE} pixels a side"
        )
    return int(sides[0]), int(sides[1])


def _pool(dataset, size, split, group_by, strict, turn):
    if dataset in DATA_FOLDERS:
        dataset = _data_folder(dataset)
    path = Path(dataset).expanduser()
    is_folder = dataset not in _SHIPPED and dataset != "cifar10" and path.is_dir()
    if is_folder and not is_packed(path):
        return folder_pool(path, size, split, group_by, strict, turn)
    if group_by != "picture":
        raise ValueError(
            f"group_by is {group_by!r}, but {str(dataset)!r} is no folder of pictures: "
            "leave it out"
        )
    if strict and not is_folder:
        raise ValueError(
            f"strict_images is set, but {str(dataset)!r} is no folder of pictures: "
            "leave it out"
        )
    if dataset in _SHIPPED:
        return _SHIPPED[dataset](size)
    if dataset == "cifar10":
        return cifar10_pool(size, split)
    if is_folder:
        return packed_pool(path, size, split)
    if path.suffix in ARCHIVE_SUFFIXES:
        return archive_pool(path, size, split)
    if path.is_file():
        raise ValueError(
            f"dataset {str(path)!r} is a file: give the folder that it is in, or an "
            ".npz or .npy file"
        )
    raise FileNotFoundError(
        f"dataset {str(path)!r}: no such folder; give 'sample', 'photographs', "
        "'cifar10', "
        f"{', '.join(map(repr, DATA_FOLDERS))}, a folder of images, or an .npz or .npy "
        "file"
    )


def _data_folder(dataset):
    try:
        return find_data_folder(DATA_FOLDERS[dataset])
    except FileNotFoundError as error:
        if dataset not in _OBTAINED:
            raise
        raise FileNotFoundError(f"{error}; {_OBTAINED[dataset]}") from error


def _read(pool, order, num_images, strict):
    """Images in an order until there are enough, their indices, how many were converted
    from what, and what was wrong with the files left out."""
    images, taken, converted, left_out = [], [], Counter(), []
    for index in order:
        try:
            image, remarks = pool.read(index)
        except UnusablePicture as error:
            if strict:
                raise
            left_out.append(f"{pool.names[index]} {error.reason}")
            continue
        images.append(image)
        taken.append(index)
        converted.update(remarks)
        if len(images) == num_images:
            break
    return images, taken, dict(converted), left_out
