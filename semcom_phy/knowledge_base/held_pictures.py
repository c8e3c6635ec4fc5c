"""Data sets that both ends hold, by name."""

from pathlib import Path

from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import DATA_FOLDERS, load_samples

# Sides of the pictures [pixels]; of other data sets 64.
_SIDES = {"cifar10": 32, "stanford_cars": 96, "flickr8k": 128, "flickr8k_images": 128}
_SIDE, _PHOTOGRAPH_SIDE = 64, 256


def held_pictures(dataset):
    """The split train of a data set.

    Parameters
    ----------
    dataset : `str`
        "cifar10", "flickr8k", ..., a folder, or its name in ``$SEMCOM_DATA``; nothing:
        the photographs that packages ship

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such data set.
    """
    if not dataset:
        return load_samples("photographs", None, _PHOTOGRAPH_SIDE)
    side = _SIDES.get(Path(dataset).name, _SIDE)
    if dataset not in ("cifar10", *DATA_FOLDERS) and not Path(dataset).is_dir():
        dataset = find_data_folder(dataset)
    return load_samples(dataset, None, side, split="train")
