"""Where data sets lie that are not shipped with the code."""

import os
from pathlib import Path


def data_folders(name):
    """Folders that may hold the folder of a data set, the first choice first.

    ``$SEMCOM_DATA``, where it is set, then ``../shared/data`` beside the repository.

    Parameters
    ----------
    name : `str`
        Folder of the data set, such as ``"cifar10"``

    Output
    ------
    folders : iterator of `Path`

    Raises
    ------
    FileNotFoundError
        If ``$SEMCOM_DATA`` is set and holds no folder of that name.
    """
    configured = os.environ.get("SEMCOM_DATA")
    if configured:
        if not Path(configured, name).is_dir():
            raise FileNotFoundError(
                f"SEMCOM_DATA is {configured!r}, which holds no folder {name}"
            )
        yield Path(configured)
    yield Path(__file__).resolve().parents[3] / "shared" / "data"


def find_data_folder(name):
    """The folder of a data set in one of :func:`data_folders`.

    Parameters
    ----------
    name : `str`
        Such as ``"flickr8k_images"``

    Output
    ------
    : `Path`

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    places = [folder / name for folder in data_folders(name)]
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"no folder {name} at {' or '.join(map(str, places))}: put it there, or set "
        "SEMCOM_DATA to the folder that holds it"
    )
