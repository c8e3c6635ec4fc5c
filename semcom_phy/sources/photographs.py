"""Whole photographs that packages ship, with captions: texts to be sent without any
download."""

from pathlib import Path

from semcom_phy.sources.picture import fit_picture, fit_text, read_picture
from semcom_phy.sources.pool import Pool
from semcom_phy.sources.sample_photographs import SAMPLE_PHOTOGRAPHS, shipped_file

CAPTIONS = {
    "astronaut": (
        "a smiling astronaut in an orange space suit",
        "a woman in an orange suit holds a white helmet",
        "an astronaut stands in front of a flag",
        "a woman with curly hair smiles at the camera",
        "a portrait of a woman in a space suit beside a flag",
    ),
    "chelsea": (
        "a close up of the face of a ginger cat",
        "an orange cat with green eyes looks to the side",
        "a cat with long whiskers lies on a blanket",
        "the face of a brown and white cat",
        "a cat is looking at something with its ears up",
    ),
    "coffee": (
        "a cup of coffee on a wooden table",
        "a white cup of black coffee with a spoon beside it",
        "a spoon lies beside a cup on a saucer",
        "a hot drink stands on a brown table",
        "a cup and a spoon on a round wooden table",
    ),
    "motorcycle_left": (
        "a red motorcycle in a garage",
        "a motorcycle stands among tools and shelves",
        "a motorcycle is parked inside a workshop",
        "a black and red motorcycle with tools behind it",
        "a motorcycle in a room with things hanging on the wall",
    ),
    "rocket": (
        "a rocket on its launch pad",
        "a white rocket stands on a launch pad at night",
        "a tall rocket is lit up in front of a dark sky",
        "a rocket is ready to start beside a tower",
        "a white rocket beside the water at night",
    ),
    "china": (
        "a chinese temple with coloured roofs",
        "a building with many roofs under a blue sky",
        "an old temple with trees in front of it",
        "a large colorful temple on a sunny day",
        "a building with a curved roof and red walls behind trees",
    ),
    "flower": (
        "a red and yellow flower",
        "a close up of an orange flower with green leaves",
        "a large flower is open in the sun",
        "a yellow and red flower in front of a green background",
        "one flower with many petals in a garden",
    ),
    "hubble_deep_field": (
        "many galaxies in the dark sky",
        "stars and galaxies in space",
        "small bright lights on a black background",
        "a picture of the night sky with many colorful lights",
        "the dark sky is full of galaxies",
    ),
    "retina": (
        "the retina of a human eye",
        "a round orange picture of the inside of an eye",
        "red blood vessels on an orange background",
        "the back of an eye with a bright spot",
        "a close up of an orange circle with red lines",
    ),
    "ihc": (
        "stained tissue under a microscope",
        "brown and blue cells in a picture of tissue",
        "a close up of cells with brown spots",
        "thin blue and brown tissue with white holes",
        "a picture of many small cells",
    ),
    "grace_hopper": (
        "a woman in a navy uniform with a hat",
        "a portrait of an old woman in a dark uniform",
        "a woman with glasses stands in front of a flag",
        "an officer with a white hat looks at the camera",
        "a woman in uniform with her arms crossed",
    ),
    "camera": (
        "a man with a camera on a tripod on a lawn",
        "a man in a dark coat looks through a camera",
        "a black and white photo of a man with a camera",
        "a photographer stands on the grass with his camera",
        "a man takes a picture with tall buildings behind him",
    ),
}


def photograph_pool(size):
    """The photographs of :mod:`.sample_photographs`, uncut but for their central parts.

    The data set "sample" are crops of the same photographs: what is sent of the one
    must not be known of the other.

    Parameters
    ----------
    size : (`int`, `int`)
        Height and width that they are cut and reduced to [pixels]

    Output
    ------
    : :class:`~semcom_phy.sources.pool.Pool`
        With five captions of each

    Raises
    ------
    FileNotFoundError
        If a package is not there.
    """
    paths = [shipped_file(package, name) for package, name, _ in SAMPLE_PHOTOGRAPHS]

    def read(index, longest=None):
        photograph, remarks = read_picture(paths[index], size)
        return fit_picture(photograph, size, paths[index], longest), remarks

    provenance = {
        "dataset": "photographs",
        "split": None,
        "source": "photographs shipped by scikit-image, scikit-learn and matplotlib, "
        f"captions of this project, {fit_text(size)}",
        "terms": {Path(name).name: terms for _, name, terms in SAMPLE_PHOTOGRAPHS},
    }
    names = [path.name for path in paths]
    texts = [CAPTIONS[path.stem] for path in paths]
    return Pool(len(paths), read, provenance, names=names, texts=texts)
