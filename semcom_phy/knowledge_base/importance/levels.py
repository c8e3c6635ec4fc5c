"""Semantic importance: of objects in a picture, and of the patches that a codec sends.

    image, labels --> annotator --> boxes with levels --> patch_levels --> levels

An *annotator* is any object with the method ``annotate(image, labels=None)``:

* ``image`` : [height, width, 3], `uint8`, RGB
* ``labels`` : [height, width], `uint8`, semantic classes
  (:data:`~semcom_phy.sources.driving.CLASSES`), or `None`; an annotator that needs them
  and gets none raises `ValueError`
* returns : `list` of :class:`ObjectBox`, empty where nothing matters to the task

:class:`FileAnnotator` answers from files that :func:`write_annotation` wrote, so that a
slow annotator, or a human one, is asked once.

References
----------
Levels and rules of section II of F. Zhang, Y. Du, Y. Xiang, X. Liu, S. C. Liew,
"SA-OOSC: a multimodal LLM-distilled semantic communication framework for enhanced
coding efficiency with scenario understanding", arXiv:2509.07436.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from semcom_phy.metrics.importance import LEVELS
from semcom_phy.simulation.storage import replaced
from semcom_phy.sources.pixel_hash import pixel_hash

_KEYS = {"name", "pixels", "image_shape", "source", "objects"}
_OBJECT_KEYS = {"label", "importance", "box"}


class ObjectBox(NamedTuple):
    """An object and what it matters to the task.

    ``top``, ``left``, ``bottom``, ``right`` in pixels, bottom and right not included;
    ``level`` 1 (low) to 3 (high); ``label`` says what it is.
    """

    top: int
    left: int
    bottom: int
    right: int
    level: int
    label: str


def patch_levels(boxes, image_shape, patch_size=16):
    r"""Importance of every patch: that of the most important object in it.

    A patch with one object takes its level, one with several the highest, one with
    none is background, 0. A box that reaches beyond the picture is cut to it.

    Parameters
    ----------
    boxes : sequence of :class:`ObjectBox`

    image_shape : (`int`, `int`)
        Height and width [pixels], multiples of ``patch_size``; a third entry, the
        number of channels, is not looked at

    patch_size : `int`, (default 16)
        Side of a patch [pixels]

    Output
    ------
    levels : [height / patch_size, width / patch_size], `int32`
        Indices in :data:`LEVELS`

    Raises
    ------
    ValueError
        If the picture does not divide into patches, or a box is empty, outside the
        picture, or of no level.

    Example
    -------
    >>> patch_levels([ObjectBox(20, 0, 40, 17, 2, "Car")], (48, 32)).tolist()
    [[0, 0], [2, 2], [2, 2]]
    """
    height, width = image_shape[:2]
    if patch_size < 1 or height % patch_size or width % patch_size:
        raise ValueError(
            f"the image is {height}x{width}: resize it to multiples of patch_size "
            f"{patch_size}"
        )
    levels = np.zeros((height // patch_size, width // patch_size), np.int32)
    for box in boxes:
        top, left, bottom, right, level, _ = _checked(box, (height, width))
        rows = slice(top // patch_size, -(-bottom // patch_size))
        columns = slice(left // patch_size, -(-right // patch_size))
        levels[rows, columns] = np.maximum(levels[rows, columns], level)
    return levels


def level_maps(annotator, images, labels=None, patch_size=16):
    r"""Importance of every patch of every picture.

    Parameters
    ----------
    annotator : any object with ``annotate(image, labels=None)``

    images : [num_images, height, width, 3], `uint8`

    labels : [num_images, height, width], `uint8`, or `None`, (default `None`)
        Semantic classes, for annotators that need them

    patch_size : `int`, (default 16)
        Side of a patch [pixels]

    Output
    ------
    levels : [num_images, height / patch_size, width / patch_size], `int32`

    Raises
    ------
    ValueError
        If there are not as many label maps as images, or as
        :func:`patch_levels` and the annotator say.
    """
    if labels is None:
        labels = [None] * len(images)
    if len(labels) != len(images) or len(images) == 0:
        raise ValueError(
            f"{len(images)} images with {len(labels)} label maps: give one label map "
            "for each image, and at least one image"
        )
    return np.stack(
        [
            patch_levels(annotator.annotate(image, label), image.shape, patch_size)
            for image, label in zip(images, labels, strict=True)
        ]
    )


class FileAnnotator:
    """Answers from the annotations in a folder, whatever the pictures' names.

    A picture is known by its pixels, so it has to be the one that was annotated: same
    size, no augmentation.

    Parameters
    ----------
    folder : `str` or `Path`
        Holds the ``*.json`` of :func:`write_annotation`

    Raises
    ------
    FileNotFoundError
        If the folder holds none.

    ValueError
        If a file is not as :func:`write_annotation` writes it, or two are of the same
        picture; on ``annotate``, if a picture has no file.
    """

    def __init__(self, folder):
        self.folder = Path(folder).expanduser()
        files = sorted(self.folder.glob("*.json"))
        if not files:
            raise FileNotFoundError(
                f"{self.folder} holds no annotations (*.json): write them with "
                "write_annotation"
            )
        self._boxes, known = {}, {}
        for file in files:
            key, boxes = _read_annotation(file)
            if key in known:
                raise ValueError(
                    f"{file.name} and {known[key]} in {self.folder} are of the same "
                    "picture: remove one"
                )
            known[key], self._boxes[key] = file.name, boxes

    def annotate(self, image, labels=None):
        key = pixel_hash(image)
        if key not in self._boxes:
            raise ValueError(
                f"none of the {len(self._boxes)} annotations in {self.folder} is of "
                f"the image with pixel hash {key[:12]}...: give the pictures that were "
                "annotated, or annotate this one with write_annotation"
            )
        return list(self._boxes[key])


def write_annotation(folder, name, boxes, image, source):
    """Writes the objects of one picture to ``<folder>/<name>.json``.

    Parameters
    ----------
    folder : `str` or `Path`
        Is made if it is missing

    name : `str`
        Of the picture; plain, without a folder

    boxes : sequence of :class:`ObjectBox`

    image : [height, width, 3], `uint8`
        The picture; its pixel hash is stored, not its pixels

    source : `str`
        Who annotated: a model with its version, a rule, a person

    Output
    ------
    file : `Path`

    Raises
    ------
    ValueError
        If a box is empty, outside the picture or of no level, or the name no plain one.
    """
    if Path(name).name != name or not name:
        raise ValueError(f"name is {name!r}; give a plain name without a folder")
    if not isinstance(source, str) or not source:
        raise ValueError(f"source is {source!r}; say in words who annotated")
    image = np.asarray(image)
    annotation = {
        "name": name,
        "pixels": pixel_hash(image),
        "image_shape": list(image.shape[:2]),
        "source": source,
        "objects": [
            {
                "label": box.label,
                "importance": LEVELS[box.level],
                "box": [box.top, box.left, box.bottom, box.right],
            }
            for box in (_checked(box, image.shape) for box in boxes)
        ],
    }
    file = Path(folder).expanduser() / f"{name}.json"
    with replaced(file) as trial:
        trial.write_text(json.dumps(annotation, indent=1) + "\n", encoding="utf-8")
    return file


def _checked(box, image_shape):
    """The box with plain numbers, cut to the picture."""
    *edges, level, label = box
    if any(int(edge) != edge for edge in edges):
        raise ValueError(f"{box}: give edges in whole pixels")
    top, left, bottom, right = (int(edge) for edge in edges)
    if level not in (1, 2, 3):
        raise ValueError(f"{box}: level is {level!r}; give 1 (low) to 3 (high)")
    height, width = image_shape[:2]
    cut = max(top, 0), max(left, 0), min(bottom, height), min(right, width)
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        raise ValueError(
            f"{box} is empty or outside the {height}x{width} picture: give top < "
            "bottom and left < right, in pixels of this picture"
        )
    return ObjectBox(*cut, int(level), str(label))


def _read_annotation(file):
    try:
        annotation = json.loads(file.read_text(encoding="utf-8"))
        _check_keys(annotation, _KEYS)
        height, width = annotation["image_shape"]
        boxes = []
        for entry in annotation["objects"]:
            _check_keys(entry, _OBJECT_KEYS)
            level = LEVELS.index(entry["importance"])
            top, left, bottom, right = entry["box"]
            box = ObjectBox(top, left, bottom, right, level, entry["label"])
            boxes.append(_checked(box, (height, width)))
        key = annotation["pixels"]
        if not isinstance(key, str):
            raise ValueError(f"pixels is {key!r}, not a pixel hash")
    except (TypeError, ValueError) as error:  # ValueError includes json's and utf-8's
        raise ValueError(
            f"{file} is no annotation ({error}): write it with write_annotation"
        ) from error
    return key, boxes


def _check_keys(entry, keys):
    if not isinstance(entry, dict) or set(entry) != keys:
        found = sorted(entry) if isinstance(entry, dict) else repr(entry)
        raise ValueError(f"expected the keys {sorted(keys)}, found {found}")
