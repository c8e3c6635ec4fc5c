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
