"""Whole photographs that packages ship, with what they show."""

from pathlib import Path

import numpy as np

from semcom_phy.sources.picture import fit_picture, read_picture
from semcom_phy.sources.sample_photographs import SAMPLE_PHOTOGRAPHS, shipped_file
from semcom_phy.sources.samples import Samples, hashes_beside

SIDE = 256
CAPTIONS = {
    "astronaut": "a smiling astronaut in an orange space suit",
    "chelsea": "a close up of the face of a ginger cat",
    "coffee": "a cup of coffee on a wooden table",
    "motorcycle_left": "a red motorcycle in a garage",
    "rocket": "a rocket on its launch pad",
    "china": "a chinese temple with coloured roofs",
    "flower": "a red and yellow flower",
    "hubble_deep_field": "many galaxies in the dark sky",
    "retina": "the retina of a human eye",
    "ihc": "stained tissue under a microscope",
    "grace_hopper": "a woman in a navy uniform with a hat",
    "camera": "a man with a camera on a tripod on a lawn",
}


def captioned_photographs(side=SIDE):
    """The photographs of the data set "sample", uncut but for their central squares.

    Where "sample" is sent, they hold its crops: choose another gallery then.

    Parameters
    ----------
    side : `int`, (default 256)
        Of the squares [pixels]

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`
        With captions

    Raises
    ------
    FileNotFoundError
        If a package is not there.
    """
    images, texts = [], []
    for package, name, _ in SAMPLE_PHOTOGRAPHS:
        path = shipped_file(package, name)
        photograph, _ = read_picture(path, (side, side))
        images.append(fit_picture(photograph, (side, side), path))
        texts.append((CAPTIONS[path.stem],))
    provenance = {
        "dataset": "sample photographs",
        "split": None,
        "size": side,
        "source": "photographs shipped by scikit-image, scikit-learn and matplotlib, "
        "central squares",
        "terms": {Path(name).name: terms for _, name, terms in SAMPLE_PHOTOGRAPHS},
        **hashes_beside(texts=texts),
    }
    return Samples(np.stack(images), None, provenance, texts=tuple(texts))
