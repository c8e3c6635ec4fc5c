"""What the train command makes of MMSemCom: features of pictures by frozen models.

pictures of a data set, and copies such as a generator paints --> CNN, dual encoder -->
features, kept on disk --> FeatureTask
"""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from link_models.links.radio import build_channel
from link_models.training.commands.options import (
    given_configs,
    given_recipe,
    make_trainer,
    refuse,
    together,
)
from link_models.training.tasks.feature import FeatureData, FeatureTask
from semcom_phy.array_hash import array_sha256
from semcom_phy.codecs.mmsemcom import MmsemcomEncoder
from semcom_phy.knowledge_base.array_store import ArrayStore
from semcom_phy.knowledge_base.generator.spectrum import Spectrum
from semcom_phy.seeding import derived_seed
from semcom_phy.sources.class_pictures import labelled_pictures

MOST_PICTURES = 3000
MOST_PROMPTS = 7  # the weights serve any number up to it
NUM_VALIDATION = 500
_FEWEST, _MOST = 200, 768  # coefficients that a copy keeps, of 3072


def feature_trainer(scenario, args):
    """Features that candidates are selected by, over the links of some scenarios.

    The first scenario, a :class:`~scenarios.kinds.generated.GeneratedScenario`,
    names the frozen models; all are validated at their SNRs. ``data`` is a data set
    with classes; `None`: cifar10.
    """
    refuse(args, ("rates",), "trained in frames that hold all that it sends")
    scenarios = together(args, scenario)
    low, high = scenario.snr_db[0], scenario.snr_db[-1]
    recipe = given_recipe(
        args, scenario, batch_size=64, min_snr_db=low, max_snr_db=high
    )
    configs = given_configs(args, scenario)
    features = scenario.picture_features(MOST_PROMPTS)
    sizes = {
        "cnn_width": features.cnn_width,
        "text_width": features.text_width,
        "places": features.places,
        "num_prompts": features.num_prompts,
    }
    configs = [config | sizes for config in configs]
    encoder = MmsemcomEncoder(**configs[0])
    folder = Path(args.out, "features")
    data = feature_data(features, args.data or "cifar10", folder, recipe.seed)
    tasks = [feature_task(own, encoder) for own in scenarios]
    return make_trainer(args, configs, tasks, data, recipe)


def feature_task(scenario, encoder):
    """The link of a scenario with a frame of all parts that have weights."""
    cbr = Fraction(encoder.num_values // 2, prod(scenario.image_shape))
    channel = build_channel(replace(scenario, cbr=cbr))
    return FeatureTask(scenario.name, channel, encoder.places, scenario.snr_db)


def feature_data(features, dataset, folder, seed):
    """:class:`FeatureData` of the split train of a data set.

    Parameters
    ----------
    features : :class:`~semcom_phy.knowledge_base.picture_features.PictureFeatures`

    dataset : `str`
        With classes: cifar10, sample, tinyimagenet24, ...

    folder : path
        Where features are kept, which take minutes to make

    seed : `int`
        Of the draw of pictures, and of the copies
    """
    samples = labelled_pictures(dataset, "train")
    if samples.labels is None:
        raise ValueError(f"--data {dataset} has no classes: give another data set")
    rng = np.random.default_rng(derived_seed(seed, "feature pictures"))
    samples = samples.take(rng.permutation(len(samples))[:MOST_PICTURES])
    held = min(NUM_VALIDATION, len(samples) // 5)
    if held < 1:
        raise ValueError(f"training needs at least 5 pictures, got {len(samples)}")
    copies = painted_copies(samples.images, rng)
    rows, copied = (
        _kept(features, images, folder) for images in (samples.images, copies)
    )
    about = samples.provenance | {"features": features.identity}
    labels = samples.labels
    return FeatureData(
        rows[held:],
        copied[held:],
        labels[held:],
        rows[:held],
        copied[:held],
        labels[:held],
        about,
    )


def painted_copies(images, rng):
    """Copies of pictures such as a generator paints of those that it has seen.

    Coefficients of the spectrum behind a random number are gone, the others off by up
    to a tenth of their deviation; brightness and contrast by some per cent.

    Input
    -----
    images : [num_images, 32, 32, 3], `uint8`

    Output
    ------
    : as ``images``
    """
    spectrum, _ = Spectrum.of_pictures(images, _MOST, 6.0)
    values = spectrum.encode(images)
    order = np.argsort(np.argsort(-spectrum.deviation))
    kept = rng.integers(_FEWEST, _MOST + 1, (len(images), 1))
    off = rng.uniform(0.02, 0.1, (len(images), 1)) * rng.standard_normal(values.shape)
    values = (values + off) * (order < kept)
    pictures = spectrum.decode(values.astype("float32"))
    gain = rng.uniform(0.95, 1.05, (len(images), 1, 1, 1))
    lift = rng.uniform(-8, 8, (len(images), 1, 1, 1))
    pictures = (pictures - 127.5) * gain + 127.5 + lift
    return np.round(np.clip(pictures, 0, 255)).astype("uint8")


def _kept(features, images, folder):
    """Features of pictures from a file, made where there is none."""
    about = {"features": features.identity, "images_sha256": array_sha256(images)}
    return ArrayStore(folder).array(about, partial(features.of, images))
