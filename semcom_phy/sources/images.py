"""Images to be sent: shipped photographs, CIFAR-10, a folder, or an .npz file.

Every function returns ``uint8 [num_images, height, width, 3]`` and a provenance
record of plain JSON values that identifies the pixels (SHA-256) and states where they
come from.
"""

import hashlib
import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from semcom_phy.sources.data_folders import data_folders

MIN_SIZE = 16  # SSIM's window takes 11 pixels, codecs halve a side up to three times
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")

# package, file inside it, terms as stated by the package
SAMPLE_PHOTOGRAPHS = (
    ("skimage", "data/astronaut.png", "NASA, public domain"),
    ("skimage", "data/chelsea.png", "S. van der Walt, CC0"),
    ("skimage", "data/coffee.png", "R. Michel, CC0"),
    (
        "skimage",
        "data/motorcycle_left.png",
        "Middlebury stereo 2014, to be cited",
    ),
    ("skimage", "data/rocket.jpg", "SpaceX, public domain"),
    ("sklearn", "datasets/images/china.jpg", "danielbuechele, CC BY 2.0"),
    ("sklearn", "datasets/images/flower.jpg", "vultilion, CC BY 2.0"),
)
CROPS_PER_SHORT_SIDE = 5

_CIFAR10_TERMS = (
    "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; "
    "cite, no formal licence"
)


@dataclass(frozen=True)
class _Pool:
    """All images of a data set, in their own order, and what is known of them."""

    images: np.ndarray
    provenance: dict
    groups: tuple = ()  # index of each image's photograph; () for no grouping


def load_images(dataset, num_images=None, size=32, seed=1, split="test"):
    r"""Images of a data set, drawn without replacement.

    * ``"sample"``: crops from photographs that scikit-image and scikit-learn ship.
      Each photograph is reduced (Lanczos) until its shorter side holds 5 crops (where
      these are not square, either side at least 5), never enlarged, and cut from its
      top left corner into crops side by side. The draw takes one crop of each
      photograph in turn.
    * ``"cifar10"``: 32x32; found in the folder ``$SEMCOM_DATA``, then in
      ``../shared/data`` beside the repository, then through ``keras.datasets``. Where
      the file tells which images have original pixels (``exact``), only they are used.
    * a folder: all PNG, JPEG, WebP, BMP, TIFF and PPM files in it, by name. Each is
      cut to its central square, or the central part of the aspect ratio asked for,
      and reduced (Lanczos) to ``size``.
    * an ``.npz`` file with an array ``x``, or ``x_train``/``x_test`` as ``split`` says,
      uint8 [N, H, W, 3]; cut and reduced likewise where H and W are not ``size``.

    The draw depends on the seed alone: the first images of a longer draw are those
    of a shorter one.

    Parameters
    ----------
    dataset : `str` or path
        ``"sample"``, ``"cifar10"``, a folder or an ``.npz`` file

    num_images : `int` or `None`, (default `None`)
        How many; `None` for all, in the data set's own order

    size : `int` or (`int`, `int`), (default 32)
        Side of square images, or height and width [pixels], at least 16

    seed : `int`, (default 1)
        Seed of the draw, at least 0

    split : "test" | "train", (default "test")
        CIFAR-10 and ``.npz`` only

    Output
    ------
    images : [num_images, height, width, 3], `uint8`

    provenance : `dict`
        ``dataset``, ``split``, ``size`` (a number, or a list where the images are
        not square), ``num_images``, ``num_available``, ``seed``,
        ``sha256`` (of the pixels), ``source``, ``terms``; no absolute path, so that
        it is the same wherever the data lie

    Raises
    ------
    ValueError
        If the images are not 8-bit RGB, too small, damaged, or fewer than asked for.

    FileNotFoundError
        If the data are not there.
    """
    size = _checked_size(size)
    if num_images is not None and (int(num_images) != num_images or num_images < 1):
        raise ValueError(f"num_images is {num_images!r}; give at least 1")
    if split not in ("test", "train"):
        raise ValueError(f"split is {split!r}; there are 'test' and 'train'")
    if dataset == "sample":
        pool = _sample_pool(size)
    elif dataset == "cifar10":
        pool = _cifar10_pool(size, split)
    else:
        pool = _path_pool(Path(dataset), size, split)
    images, num_available = pool.images, len(pool.images)
    if num_images is not None:
        if num_images > num_available:
            raise ValueError(
                f"{num_images} images asked for, {dataset} has {num_available} "
                f"of size {_size_text(size)}"
            )
        images = images[_draw(pool, seed)[:num_images]]
    provenance = {
        **pool.provenance,
        "size": size[0] if size[0] == size[1] else list(size),
        "num_images": len(images),
        "num_available": num_available,
        "seed": None if num_images is None else int(seed),
        "sha256": hashlib.sha256(np.ascontiguousarray(images).data).hexdigest(),
    }
    return images, provenance


def load_cifar10_training_images():
    r"""CIFAR-10 training images, with original pixels and as JPEG copies.

    JPEG copies (quality 75, about 30.5 dB from the original) are smoother and have an
    8x8 block structure: train on them first, finish on the exact ones.

    Output
    ------
    exact : [num_exact, 32, 32, 3], `uint8`
        Original pixels (all 50,000 if the data come from ``keras.datasets``)

    jpeg_copies : [num_copies, 32, 32, 3], `uint8`

    provenance : `dict`
        As of :func:`load_images`, with ``num_exact`` and ``num_jpeg_copies``

    Raises
    ------
    FileNotFoundError
        If the data are not there and cannot be downloaded.
    """
    images, exact, source = _read_cifar10("train")
    provenance = {
        "dataset": "cifar10",
        "split": "train",
        "size": 32,
        "num_exact": int(exact.sum()),
        "num_jpeg_copies": int((~exact).sum()),
        "sha256": hashlib.sha256(images.data).hexdigest(),
        "source": source,
        "terms": _CIFAR10_TERMS,
    }
    return images[exact], images[~exact], provenance


def _checked_size(size):
    """Height and width, two `int`."""
    sides = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2 or any(int(n) != n or n < MIN_SIZE for n in sides):
        raise ValueError(
            f"size is {size!r}; give one number, or height and width, images need at "
            f"least {MIN_SIZE} pixels a side"
        )
    return int(sides[0]), int(sides[1])


def _size_text(size):
    height, width = size
    return f"{height}" if height == width else f"{height}x{width}"


def _draw(pool, seed):
    """Order of the draw: a permutation, one of each group in turn."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pool.images))
    if not pool.groups:
        return order
    groups = np.array(pool.groups)[order]
    rank = np.empty(len(order), int)
    for group in np.unique(groups):
        members = groups == group
        rank[members] = np.arange(members.sum())
    return order[np.lexsort((groups, rank))]


def _sample_pool(size):
    crops, groups = [], []
    for group, (package, name, _) in enumerate(SAMPLE_PHOTOGRAPHS):
        photograph = _read_picture(_shipped_file(package, name))
        # Pillow tells width before height.
        needed = (CROPS_PER_SHORT_SIDE * n for n in reversed(size))
        scale = max(n / side for n, side in zip(needed, photograph.size, strict=True))
        width, height = (round(n * min(1.0, scale)) for n in photograph.size)
        photograph = photograph.resize((width, height), Image.Resampling.LANCZOS)
        pixels = np.asarray(photograph)
        rows, columns = height // size[0], width // size[1]
        pixels = pixels[: rows * size[0], : columns * size[1]]
        pixels = pixels.reshape(rows, size[0], columns, size[1], 3).swapaxes(1, 2)
        crops.append(pixels.reshape(-1, *size, 3))
        groups += [group] * (rows * columns)
    if not groups:
        raise ValueError(
            f"size is {_size_text(size)}; the sample photographs are smaller"
        )
    provenance = {
        "dataset": "sample",
        "split": None,
        "source": "photographs shipped by scikit-image and scikit-learn, reduced until "
        f"the shorter side holds {CROPS_PER_SHORT_SIDE} crops",
        "terms": {Path(name).name: terms for _, name, terms in SAMPLE_PHOTOGRAPHS},
    }
    return _Pool(np.concatenate(crops), provenance, tuple(groups))


def _shipped_file(package, name):
    """Path of a package's data file, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise FileNotFoundError(
            f"the sample photographs need the package {package}: "
            "pip install scikit-image scikit-learn"
        )
    path = Path(spec.submodule_search_locations[0], name)
    if not path.is_file():
        raise FileNotFoundError(
            f"{package} {name} is not in this installation; reinstall "
            "scikit-image and scikit-learn from their wheels"
        )
    return path


def _cifar10_pool(size, split):
    if size != (32, 32):
        raise ValueError(f"size is {_size_text(size)}; cifar10 images are 32x32")
    images, exact, source = _read_cifar10(split)
    provenance = {
        "dataset": "cifar10",
        "split": split,
        "source": source + "; only images with original pixels",
        "terms": _CIFAR10_TERMS,
    }
    return _Pool(images[exact], provenance)


def _read_cifar10(split):
    """All images of a split, a mask of those with original pixels, the source."""
    for folder in data_folders("cifar10"):
        path = folder / "cifar10" / f"{split}.npz"
        if path.is_file():
            images, exact = _read_cifar10_archive(path, split)
            return images, exact, f"cifar10/{split}.npz"
    images = _download_cifar10(split)
    return images, np.ones(len(images), bool), "keras.datasets.cifar10"


def _read_cifar10_archive(path, split):
    """Plain ``x_test``/``x_train``, or exact images beside the bodies of JPEGs."""
    with _open_archive(path) as archive:
        data = {name: archive[name] for name in archive.files}
    if f"x_{split}" in data:
        images = data[f"x_{split}"]
        exact = data.get("exact", np.ones(len(images), bool))
    elif "jpeg_bodies" in data:
        exact = data["exact"]
        images = np.empty((len(exact), 32, 32, 3), np.uint8)
        images[exact] = data["x_exact"]
        header, bodies = data["jpeg_header"].tobytes(), data["jpeg_bodies"].tobytes()
        ends = np.cumsum(data["jpeg_lengths"].astype(int))
        for index, start, end in zip(
            np.flatnonzero(~exact), [0, *ends[:-1]], ends, strict=True
        ):
            stream = io.BytesIO(header + bodies[start:end])
            images[index] = np.asarray(Image.open(stream, formats=("JPEG",)))
    else:
        raise ValueError(f"{path} holds {sorted(data)}; expected an array x_{split}")
    _check_batch(images, path)
    return images, exact.astype(bool)


def _download_cifar10(split):
    import keras

    try:
        train, test = keras.datasets.cifar10.load_data()
    except Exception as error:  # keras raises a bare Exception when offline
        raise FileNotFoundError(
            "CIFAR-10 is neither in $SEMCOM_DATA/cifar10 nor in ../shared/data, "
            f"and keras.datasets could not download it ({error}); set SEMCOM_DATA to "
            "a folder with cifar10/test.npz, or use the data set 'sample'"
        ) from error
    return (train if split == "train" else test)[0]


def _path_pool(path, size, split):
    if path.is_dir():
        return _folder_pool(path, size)
    if path.suffix == ".npz":
        return _archive_pool(path, size, split)
    raise FileNotFoundError(
        f"data set {str(path)!r}: no such folder; give 'sample', 'cifar10', a folder "
        "of images or an .npz file"
    )


def _folder_pool(folder, size):
    names = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
    )
    if not names:
        raise ValueError(f"{folder} holds 0 images ({', '.join(IMAGE_SUFFIXES)})")
    images = [_fit(_read_picture(name), size, name) for name in names]
    provenance = {
        "dataset": folder.resolve().name,
        "split": None,
        "source": f"folder of {len(names)} files, {_fit_text(size)}",
        "terms": None,
    }
    return _Pool(np.stack(images), provenance)


def _archive_pool(path, size, split):
    with _open_archive(path) as archive:
        name = next((n for n in ("x", f"x_{split}") if n in archive.files), None)
        if name is None:
            raise ValueError(
                f"{path} holds {archive.files}; expected an array x or x_{split}"
            )
        try:
            images = archive[name]
        except Exception as error:  # damaged members raise zip and lzma errors
            raise ValueError(f"{path}: array {name} is damaged: {error}") from error
    _check_batch(images, path)
    if images.shape[1:3] != size:
        images = np.stack(
            [_fit(Image.fromarray(image), size, path) for image in images]
        )
    provenance = {
        "dataset": path.name,
        "split": split if name != "x" else None,
        "source": f"array {name}, {_fit_text(size)} where larger",
        "terms": None,
    }
    return _Pool(images, provenance)


def _open_archive(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return np.load(path, allow_pickle=False)
    except Exception as error:  # numpy raises zip, EOF and pickle errors
        raise ValueError(f"{path} is no .npz file: {error}") from error


def _check_batch(images, path):
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            f"{path}: images are {images.dtype} {images.shape}; "
            "expected RGB, uint8 [N, H, W, 3]"
        )
    if len(images) == 0:
        raise ValueError(f"{path} holds 0 images")
    _check_size(images.shape[1], images.shape[2], path)


def _check_size(height, width, path):
    if min(height, width) < MIN_SIZE:
        raise ValueError(
            f"{path}: an image is {height}x{width}; "
            f"images need at least {MIN_SIZE}x{MIN_SIZE} pixels"
        )


def _read_picture(path):
    """RGB picture; `ValueError` naming the file where it is damaged or not RGB."""
    try:
        with Image.open(path) as picture:
            picture.load()
    except Exception as error:  # Pillow's decoders raise many kinds
        raise ValueError(f"{path} is damaged or no image: {error}") from error
    if picture.mode != "RGB":
        raise ValueError(
            f"{path} has colour mode {picture.mode!r}, not 8-bit RGB (grey, palette, "
            "or with transparency); convert it first"
        )
    return picture


def _fit(picture, size, path):
    """Central part of a picture of the aspect ratio of ``size`` (height, width),
    reduced to it: uint8 [height, width, 3]."""
    width, height = picture.size
    _check_size(height, width, path)
    if height < size[0] or width < size[1]:
        raise ValueError(
            f"{path}: an image is {height}x{width}, smaller than the size "
            f"{_size_text(size)}; images are not enlarged"
        )
    scale = min(height / size[0], width / size[1])
    part_height, part_width = (round(n * scale) for n in size)
    left, top = (width - part_width) // 2, (height - part_height) // 2
    part = picture.crop((left, top, left + part_width, top + part_height))
    if part.size != (size[1], size[0]):
        part = part.resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.array(part)


def _fit_text(size):
    part = "square" if size[0] == size[1] else "part of that aspect ratio"
    return f"central {part} reduced to {_size_text(size)}"
