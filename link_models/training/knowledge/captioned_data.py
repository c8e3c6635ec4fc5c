"""Training pictures of 32x32 with what can be said of each, and some held back.

====================  ============================================  ===================
data set              what it shows                                 said of a picture
====================  ============================================  ===================
``cifar10``           10 classes, exact pixels and JPEG copies      templates of the
``tinyimagenet24``    24 classes of Tiny ImageNet                   class, of
``catsdogs``          cats and dogs                                 `class_prompts`
``birds525``          523 species
``stanford_cars``     8 body styles
``flickr8k_images``   photographs of people and dogs                5 captions
====================  ============================================  ===================

Splits ``train`` alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.class_prompts import TEMPLATES, class_prompt
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.storage import replaced
from semcom_phy.sources.cifar10 import CLASS_NAMES, load_cifar10_training_images
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples

SIDE = 32
HELD = 0.02  # share of each data set that is held back for validation
DATA_SETS = {  # name -> terms, as far as its source states any
    "cifar10": "A. Krizhevsky 2009; cite, no formal licence",
    "tinyimagenet24": "ImageNet: non-commercial research and education",
    "catsdogs": "Microsoft/Kaggle Dogs vs. Cats; no licence stated",
    "birds525": "G. Piosenka, BIRDS 525 SPECIES 2023; research use",
    "stanford_cars": "Krause et al. 2013; research, non-commercial",
    "flickr8k_images": "Hodosh et al. 2013; photographs of Flickr users, research use",
}


@dataclass(frozen=True)
class CaptionedData:
    """Pictures and texts.

    Parameters
    ----------
    images : [num_images, 32, 32, 3], `uint8`

    texts : list of `str`
        Each once

    said : [num_images, 5], `int`
        Of each picture, which texts

    train, held : [...], `int`
        Which pictures to train on, and which to validate on

    provenance : `dict`
    """

    images: np.ndarray
    texts: list
    said: np.ndarray
    train: np.ndarray
    held: np.ndarray
    provenance: dict


def check_data_sets(names):
    """Refuses names that are not of :data:`DATA_SETS`, and those given twice.

    Raises
    ------
    ValueError
        With the names, and what is allowed.
    """
    unknown = [name for name in names if name not in DATA_SETS]
    if unknown:
        raise ValueError(
            f"--datasets {' '.join(unknown)}: there are {', '.join(DATA_SETS)}"
        )
    twice = [name for name in DATA_SETS if list(names).count(name) > 1]
    if twice:
        raise ValueError(
            f"--datasets {' '.join(names)}: name {' and '.join(twice)} once"
        )


def load_captioned(names=tuple(DATA_SETS), seed=0):
    """Pictures of several data sets.

    Parameters
    ----------
    names : sequence of `str`, (default: all)
        Of :data:`DATA_SETS`

    seed : `int`, (default 0)
        Of the draw of what is held back

    Output
    ------
    : :class:`CaptionedData`

    Raises
    ------
    FileNotFoundError, ValueError
        If a data set is not there, not known or named twice, or has neither captions
        nor classes.
    """
    check_data_sets(names)
    numbers = {}  # text -> its number
    images, said, train, held, about = [], [], [], [], {}
    start = 0
    for name in names:
        own, sentences, source = _cifar10() if name == "cifar10" else _folder(name)
        images.append(own)
        said += [
            [numbers.setdefault(text, len(numbers)) for text in five]
            for five in sentences
        ]
        draw = np.random.default_rng(derived_seed(seed, "held back", name))
        order = start + draw.permutation(len(own))
        num_held = round(HELD * len(own))
        held.append(order[:num_held])
        train.append(order[num_held:])
        start += len(own)
        about[name] = {**source, "terms": DATA_SETS[name], "held_back": num_held}
    images, said = np.concatenate(images), np.array(said)
    train, held = (np.sort(np.concatenate(part)) for part in (train, held))
    about["sha256"] = array_sha256(images, said, held)
    return CaptionedData(images, list(numbers), said, train, held, about)


def encoded(texts, encoder, path):
    """Vectors of texts, kept in a file, for there are many.

    Parameters
    ----------
    texts : list of `str`

    encoder : :class:`~semcom_phy.knowledge_base.sentence_encoder.SentenceEncoder`

    path : path
        An .npz file, which is made where it is missing or of other texts

    Output
    ------
    : [num_texts, 384], `float32`
    """
    path, key = Path(path), np.array([str(encoder.identity), *texts])
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            if np.array_equal(stored["key"], key):
                return stored["vectors"]
    vectors = encoder.encode_many(texts)
    with replaced(path) as trial:
        np.savez(trial, key=key, vectors=vectors)
    return vectors


def _cifar10():
    exact, copies, source, *labels = load_cifar10_training_images(with_labels=True)
    labels = np.concatenate(labels)
    return np.concatenate([exact, copies]), _of_classes(CLASS_NAMES, labels), source


def _folder(name):
    samples = load_samples(find_data_folder(name), None, SIDE, split="train")
    if samples.texts is not None:
        sentences = [[own[i % len(own)] for i in range(5)] for own in samples.texts]
    elif samples.class_names is not None:
        sentences = _of_classes(samples.class_names, samples.labels)
    else:
        raise ValueError(f"{name!r} has neither captions nor classes with names")
    return samples.images, sentences, samples.provenance


def _of_classes(names, labels):
    prompts = [[class_prompt(name, form) for form in TEMPLATES] for name in names]
    return [prompts[int(label)] for label in labels]
