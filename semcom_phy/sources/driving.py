"""Road scenes with semantic label maps: CamVid, or a folder laid out as Cityscapes.

Labels are CamVid's eleven classes (:data:`CLASSES`); 11 means unlabelled. Neighbouring
pictures of a drive are alike, so intervals go by
:func:`~semcom_phy.simulation.statistics.drives.drive_segments`.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from semcom_phy.simulation.statistics.drives import describe_groups, drive_segments
from semcom_phy.sources.data_folders import data_folders
from semcom_phy.sources.folder import is_hidden
from semcom_phy.sources.picture import has_16_bits, open_picture
from semcom_phy.sources.samples import Samples, hashes_beside

CLASSES = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)
UNLABELLED = len(CLASSES)
SPLITS = ("train", "val", "test")

_TERMS = {
    "camvid": "CC BY-NC 4.0: personal and research use only; cite G. Brostow, "
    "J. Fauqueur, R. Cipolla, Semantic object classes in video: a high-definition "
    "ground truth database, Pattern Recognition Letters 30(2), 2009",
    "cityscapes": "Cityscapes licence: non-commercial research and teaching; cite "
    "M. Cordts et al., The Cityscapes dataset for semantic urban scene understanding, "
    "CVPR 2016",
}

# CamVid's class -> Cityscapes' labelIds, grouped as CamVid's 32 classes are in its 11
_CITYSCAPES = {
    "Sky": (23,),
    "Building": (11, 12, 15, 16),  # building, wall, bridge, tunnel
    "Pole": (17, 18),
    "Road": (7,),
    "Pavement": (8, 9),  # sidewalk, parking
    "Tree": (21, 22),  # vegetation, terrain
    "SignSymbol": (19, 20),  # traffic light, traffic sign
    "Fence": (13, 14),  # fence, guard rail
    "Car": (26, 27, 28, 29, 30, 31),  # all vehicles, trains included
    "Pedestrian": (24,),
    "Bicyclist": (25, 32, 33),  # rider, motorcycle, bicycle
}
_NUM_LABEL_IDS = 34
_LABEL_ID_TO_CLASS = np.full(_NUM_LABEL_IDS, UNLABELLED, np.uint8)
for _name, _ids in _CITYSCAPES.items():
    _LABEL_ID_TO_CLASS[list(_ids)] = CLASSES.index(_name)
_IMAGE, _LABEL = "_leftImg8bit.png", "_gtFine_labelIds.png"


@dataclasses.dataclass(frozen=True, eq=False)
class DrivingScenes:
    """Pictures of the road, what every pixel shows, and where they come from.

    Parameters
    ----------
    images : [num_scenes, height, width, 3], `uint8`
        RGB

    labels : [num_scenes, height, width], `uint8`
        Index in :data:`CLASSES`, or 11 for unlabelled

    names : `tuple` of `str`
        Frame names, ``0016E5_07959`` or ``aachen_000001_000019``

    segments : `tuple` of `str`
        Segment of the drive that each is of, of
        :func:`~semcom_phy.simulation.statistics.drives.drive_segments` over the whole
        split

    provenance : `dict`
        Plain JSON values, as of :func:`~semcom_phy.sources.images.load_images`
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple
    segments: tuple
    provenance: dict

    def __len__(self):
        return len(self.images)

    def take(self, indices):
        """The scenes at these indices, in this order."""
        indices = np.asarray(indices, int)
        images = self.images[indices]
        return DrivingScenes(
            images,
            self.labels[indices],
            tuple(self.names[index] for index in indices),
            tuple(self.segments[index] for index in indices),
            self.provenance | _identity(images),
        )


def is_driving(dataset):
    """Whether a data set, by name or path, is one of driving scenes."""
    return dataset == "camvid" or (Path(dataset).expanduser() / "leftImg8bit").is_dir()


def load_driving_scenes(dataset, split, size=(192, 256), num_images=None, seed=None):
    r"""Scenes of a split, at one size.

    * ``"camvid"``: ``camvid/<split>.npz`` with ``images``, ``labels`` and ``names``, in
      the folder ``$SEMCOM_DATA``, then in ``../shared/data`` beside the repository.
    * a folder: Cityscapes, ``leftImg8bit/<split>/<city>/*_leftImg8bit.png`` and
      ``gtFine/<split>/<city>/*_gtFine_labelIds.png``; its labels are grouped into
      CamVid's classes.

    Where a picture is larger than ``size``, the central part of that aspect ratio is
    reduced to it: images by Lanczos, labels by nearest neighbour.

    Parameters
    ----------
    dataset : `str` or path
        ``"camvid"`` or the root folder of Cityscapes

    split : "train" | "val" | "test"

    size : (`int`, `int`), (default (192, 256))
        Height and width [pixels]

    num_images : `int` or `None`, (default `None`)
        How many; `None` for all

    seed : `int` or `None`, (default `None`)
        Seed of the draw, whose scenes stay in the data set's own order and are among
        those of any longer draw; `None` for the first ``num_images``

    Output
    ------
    scenes : :class:`DrivingScenes`

    Raises
    ------
    ValueError
        If the data are damaged, not of these types, smaller than ``size``, or fewer
        than asked for.

    FileNotFoundError
        If the data are not there.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; there are {', '.join(SPLITS)}")
    if np.shape(size) != (2,) or any(int(side) != side or side < 1 for side in size):
        raise ValueError(f"size is {size!r}; give height and width in pixels")
    if num_images is not None and (int(num_images) != num_images or num_images < 1):
        raise ValueError(f"num_images is {num_images!r}; give at least 1")
    if dataset == "camvid":
        kind, source = "camvid", f"camvid/{split}.npz"
        names, read = _camvid(split)
    else:
        kind, source = "cityscapes", f"cityscapes/leftImg8bit/{split}, gtFine/{split}"
        names, read = _cityscapes(Path(dataset).expanduser(), split)
    chosen = _draw(len(names), num_images, seed)
    read_in = ((*read(index), names[index]) for index in chosen)
    fitted = [_fit(image, label, name, size) for image, label, name in read_in]
    images = np.stack([image for image, _ in fitted])
    labels = np.stack([label for _, label in fitted])
    provenance = {
        "dataset": kind,
        "split": split,
        "size": [int(side) for side in size],
        "num_available": len(names),
        "seed": None if num_images is None or seed is None else int(seed),
        "source": f"{source}; where larger, central part of the aspect ratio of "
        f"{size[0]}x{size[1]}, reduced to it (Lanczos; labels: nearest neighbour)",
        "terms": _TERMS[kind],
        **_identity(images),
    }
    segments = drive_segments(names)  # of all frames: a draw leaves gaps in a segment
    names, segments = (tuple(of[index] for index in chosen) for of in (names, segments))
    return DrivingScenes(images, labels, names, segments, provenance)


def load_driving_samples(dataset, split, size=(192, 256), num_images=None, seed=None):
    """Scenes of a split with their label maps, in groups by segments of a drive.

    Parameters
    ----------
    dataset, split, size, num_images, seed
        As of :func:`load_driving_scenes`

    Output
    ------
    samples : :class:`~semcom_phy.sources.samples.Samples`
    """
    scenes = load_driving_scenes(dataset, split, size, num_images, seed)
    rule = "segment of 10 consecutive frames of a drive"
    about = {"groups": describe_groups(scenes.segments, rule)}
    about |= hashes_beside(labels=scenes.labels)
    return Samples(
        scenes.images, scenes.segments, scenes.provenance | about, labels=scenes.labels
    )


def _identity(images):
    sha256 = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
    return {"num_images": len(images), "sha256": sha256}


def _draw(num_available, num_images, seed):
    if num_images is None:
        return range(num_available)
    if num_images > num_available:
        raise ValueError(f"{num_images} scenes asked for, there are {num_available}")
    if seed is None:
        return range(num_images)
    order = np.random.default_rng(seed).permutation(num_available)
    return np.sort(order[:num_images])


def _fit(image, labels, name, size):
    """Central part of an aspect ratio, reduced to a size."""
    height, width = labels.shape
    if height < size[0] or width < size[1]:
        raise ValueError(
            f"{name} is {height}x{width}, smaller than the size {size[0]}x{size[1]}: "
            "ask for a smaller size, scenes are not enlarged"
        )
    if (height, width) == tuple(size):
        return image, labels
    scale = min(height / size[0], width / size[1])
    part_height, part_width = round(size[0] * scale), round(size[1] * scale)
    top, left = (height - part_height) // 2, (width - part_width) // 2
    box = (left, top, left + part_width, top + part_height)

    def reduced(array, resampling):
        picture = Image.fromarray(array).crop(box)
        return np.array(picture.resize((size[1], size[0]), resampling))

    return (
        reduced(image, Image.Resampling.LANCZOS),
        reduced(labels, Image.Resampling.NEAREST),
    )


def _camvid(split):
    """Names of all scenes, and a function index -> image, labels."""
    path = _camvid_file(split)
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy raises zip, lzma, EOF and pickle errors
        raise ValueError(f"{path} is damaged: {error}; copy it again") from error
    missing = {"images", "labels", "names"} - set(data)
    if missing:
        raise ValueError(
            f"{path} holds {sorted(data)}; expected images, labels and names"
        )
    images, labels, names = data["images"], data["labels"], data["names"]
    if (
        images.dtype != np.uint8
        or labels.dtype != np.uint8
        or images.shape != (*labels.shape, 3)
        or labels.ndim != 3
        or names.shape != labels.shape[:1]
        or names.dtype.kind != "U"
        or len(names) == 0
    ):
        raise ValueError(
            f"{path}: images are {images.dtype} {images.shape}, labels {labels.dtype} "
            f"{labels.shape}, names {names.dtype} {names.shape}; expected uint8 "
            "[N, H, W, 3], uint8 [N, H, W] and N strings, N at least 1"
        )
    if labels.max() > UNLABELLED:
        raise ValueError(
            f"{path}: a label is {labels.max()}; expected 0 to {UNLABELLED}: "
            f"{', '.join(CLASSES)}, unlabelled"
        )
    return [str(name) for name in names], lambda index: (images[index], labels[index])


def _camvid_file(split):
    for folder in data_folders("camvid"):
        path = folder / "camvid" / f"{split}.npz"
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"camvid/{split}.npz is neither in $SEMCOM_DATA nor in ../shared/data: set "
        f"SEMCOM_DATA to a folder with camvid/{split}.npz, or give the root folder of "
        "Cityscapes"
    )


def _cityscapes(root, split):
    """Names of all scenes, and a function index -> image, labels."""
    files = sorted(
        file
        for file in (root / "leftImg8bit" / split).glob(f"*/*{_IMAGE}")
        if not (is_hidden(file.name) or is_hidden(file.parent.name))
    )
    if not files:
        raise FileNotFoundError(
            f"{root} holds no leftImg8bit/{split}/<city>/*{_IMAGE}: give the folder "
            "that leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip were "
            "unpacked in, or 'camvid'"
        )
    names = [file.name.removesuffix(_IMAGE) for file in files]

    def read(index):
        file, name = files[index], names[index]
        label_file = root / "gtFine" / split / file.parent.name / f"{name}{_LABEL}"
        if not label_file.is_file():
            raise FileNotFoundError(
                f"{label_file} does not exist: unpack gtFine_trainvaltest.zip too"
            )
        image, ids = _read_png(file, "RGB"), _read_png(label_file, "L")
        if image.shape[:2] != ids.shape:
            raise ValueError(
                f"{file} is {image.shape[0]}x{image.shape[1]}, its labels are "
                f"{ids.shape[0]}x{ids.shape[1]}: unpack both again"
            )
        if ids.max() >= _NUM_LABEL_IDS:
            raise ValueError(
                f"{label_file}: a label is {ids.max()}, labelIds go up to "
                f"{_NUM_LABEL_IDS - 1}: unpack the original gtFine again"
            )
        return image, _LABEL_ID_TO_CLASS[ids]

    return names, read


def _read_png(file, mode):
    with open_picture(file, formats=("PNG",)) as picture:
        sixteen = has_16_bits(picture)
        try:
            picture.load()
        except Exception as error:  # Pillow's decoder raises many kinds
            raise ValueError(f"{file} is damaged: {error}; unpack it again") from error
    if picture.mode != mode or sixteen:
        bits = " of 16 bits" if sixteen else ""
        raise ValueError(
            f"{file} has colour mode {picture.mode!r}{bits}, not {mode!r} of 8 bits: "
            "unpack the original file again"
        )
    return np.array(picture)
