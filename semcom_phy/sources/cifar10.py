"""CIFAR-10: images with original pixels, and JPEG copies of others."""

import hashlib
import io

import numpy as np
from PIL import Image

from semcom_phy.sources.archive import check_batch, open_archive
from semcom_phy.sources.data_folders import data_folders
from semcom_phy.sources.picture import size_text
from semcom_phy.sources.pool import Pool

_TERMS = (
    "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; "
    "cite, no formal licence"
)
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def cifar10_pool(size, split):
    """The images of a split that have original pixels, with their classes where the
    file tells them (``y_test``, ``y_train``).

    Parameters
    ----------
    size : (`int`, `int`)
        Has to be 32x32
    split : "test" | "train"

    Output
    ------
    pool : :class:`~semcom_phy.sources.pool.Pool`

    Raises
    ------
    ValueError
        If another size is asked for.

    FileNotFoundError
        If the data are not there and cannot be downloaded.
    """
    if size != (32, 32):
        raise ValueError(f"size is {size_text(size)}; cifar10 images are 32x32")
    images, exact, labels, source = _read_cifar10(split)
    provenance = {
        "dataset": "cifar10",
        "split": split,
        "source": source + "; only images with original pixels",
        "terms": _TERMS,
    }
    labels = None if labels is None else labels[exact]
    return Pool.of_array(
        images[exact], provenance, labels=labels, class_names=CLASS_NAMES
    )


def load_cifar10_training_images(with_labels=False):
    r"""CIFAR-10 training images, with original pixels and as JPEG copies.

    JPEG copies (quality 75, about 30.5 dB from the original) are smoother and have an
    8x8 block structure: train on them first, finish on the exact ones.

    Parameters
    ----------
    with_labels : `bool`, (default `False`)
        Give the classes, too

    Output
    ------
    exact : [num_exact, 32, 32, 3], `uint8`
        Original pixels (all 50,000 if the data come from ``keras.datasets``)

    jpeg_copies : [num_copies, 32, 32, 3], `uint8`

    provenance : `dict`
        As of :func:`~semcom_phy.sources.images.load_images`, with ``num_exact`` and
        ``num_jpeg_copies``

    exact_labels, copy_labels : [num_exact] and [num_copies], `int`
        With ``with_labels`` alone: classes, of :data:`CLASS_NAMES`

    Raises
    ------
    FileNotFoundError
        If the data are not there and cannot be downloaded.

    ValueError
        If classes are asked for, and the file has none.
    """
    images, exact, labels, source = _read_cifar10("train")
    provenance = {
        "dataset": "cifar10",
        "split": "train",
        "size": 32,
        "num_exact": int(exact.sum()),
        "num_jpeg_copies": int((~exact).sum()),
        "sha256": hashlib.sha256(images.data).hexdigest(),
        "source": source,
        "terms": _TERMS,
    }
    found = images[exact], images[~exact], provenance
    if not with_labels:
        return found
    if labels is None:
        raise ValueError(f"{source} has no classes: an array y_train is missing")
    return *found, labels[exact], labels[~exact]


def _read_cifar10(split):
    """All images of a split, a mask of those with original pixels, their classes or
    `None`, the source."""
    for folder in data_folders("cifar10"):
        path = folder / "cifar10" / f"{split}.npz"
        if path.is_file():
            return *_read_cifar10_archive(path, split), f"cifar10/{split}.npz"
    images, labels = _download_cifar10(split)
    return images, np.ones(len(images), bool), labels, "keras.datasets.cifar10"


def _read_cifar10_archive(path, split):
    """Plain ``x_test``/``x_train``, or exact images beside the bodies of JPEGs."""
    with open_archive(path) as archive:
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
    check_batch(images, path)
    labels = data.get(f"y_{split}")
    if labels is not None and (
        labels.shape != images.shape[:1] or labels.dtype.kind not in "iu"
    ):
        raise ValueError(
            f"{path}: y_{split} is {labels.dtype} {labels.shape}; expected a whole "
            f"number for each of {len(images)} images"
        )
    return images, exact.astype(bool), labels


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
    images, labels = train if split == "train" else test
    return images, np.ravel(labels)
