"""Small pictures whose classes have names: what models learn everyday words from."""

from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples

SIDES = {
    "tinyimagenet24": 64,
    "catsdogs": 64,
    "birds525": 64,
    "stanford_cars": (96, 128),
    "cifar10": 32,
}
MOST = 4000  # pictures of a set, for its features are computed one by one


def labelled_set(name, split="train"):
    """Pictures of a set, and the name of each one's class.

    Parameters
    ----------
    name : `str`
        Of :data:`SIDES`

    split : "train" | "test"

    Output
    ------
    samples : :class:`~semcom_phy.sources.samples.Samples`

    names : list of [num_images] `str`

    Raises
    ------
    FileNotFoundError
        If the set is not there.
    """
    place = name if name == "cifar10" else find_data_folder(name)
    samples = load_samples(place, None, SIDES[name], split=split)
    if len(samples) > MOST:
        samples = load_samples(place, MOST, SIDES[name], split=split)
    return samples, [samples.class_names[label] for label in samples.labels]
