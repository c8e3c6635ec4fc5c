"""What is sent of a data set where captions are sent: one text a sample, with a sample
for every caption, or for every image.

images --> captioner, or the data set's own --> captions --> a sample of each
                                                         '-> the first beside its image

The caption that is sent is the only reference of what is received. Captions of one
image are alike and count as one in intervals.
"""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np

from semcom_phy.knowledge_base.captioner import find_captioner
from semcom_phy.simulation.statistics.drives import describe_groups
from semcom_phy.sources.caption_list import SUFFIX, load_caption_list
from semcom_phy.sources.images import load_samples
from semcom_phy.sources.samples import Samples, hashes_beside

OWN = "data"  # the data set's own captions, in the place of a captioner
DEFAULT = "embedded"  # where it has none
_BATCH = 32  # pictures that a captioner is shown at once
UNIT = "caption"


def load_sent_captions(dataset, captioner=None, per_image=1, size=32, **options):
    r"""Captions to be sent, with their images.

    Parameters
    ----------
    dataset : `str` or path
        As of :func:`~semcom_phy.sources.images.load_samples`, or a ``.txt`` file of
        captions (:func:`~semcom_phy.sources.caption_list.load_caption_list`)

    captioner : `str` or `None`, (default `None`)
        "data": the data set's own captions; or as of
        :func:`~semcom_phy.knowledge_base.captioner.find_captioner`, which is shown
        every picture with as many pixels as it has; `None`: "data" where the data set
        has captions, else "embedded"

    per_image : `int`, (default 1)
        Captions of an image that are sent, each as a sample of its own: its first ones,
        or all where it has fewer. A captioner says one

    size : `int` or (`int`, `int`), (default 32)
        Of the images beside the captions [pixels]

    options :
        ``num_images``, ``seed``, ``group_by``, ``strict`` of
        :func:`~semcom_phy.sources.images.load_samples`

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`
        The first caption of every image, then the second ones, ...; each sample has one
        text. Grouped by image where ``per_image`` is more than 1, unless the data set
        has groups itself. The provenance holds besides ``unit`` ("caption"),
        ``num_captions`` and ``captioner``: the identity of the model, or "data"

    Raises
    ------
    ValueError, FileNotFoundError, ImportError
        As of :func:`~semcom_phy.sources.images.load_samples` and ``find_captioner``;
        if there are no captions to be sent, or one is empty.
    """
    if int(per_image) != per_image or per_image < 1:
        raise ValueError(f"captions_per_image is {per_image!r}; give at least 1")
    if Path(dataset).suffix == SUFFIX:
        samples, said_by = _listed(Path(dataset), captioner, size, **options), OWN
    else:
        samples, said_by = _captioned(dataset, captioner, size, **options)
    if said_by != OWN and per_image > 1:
        raise ValueError(
            f"captions_per_image is {per_image}, but a captioner says one of each "
            "image: leave it out, or send the data set's own with --captioner data"
        )
    return _one_text_each(samples, said_by, per_image)


def load_captioned_images(
    dataset, captioner=DEFAULT, size=128, question=None, **options
):
    r"""Images to be sent, each with one caption beside it.

    Parameters
    ----------
    dataset : `str` or path
        As of :func:`~semcom_phy.sources.images.load_samples`

    captioner : `str`, (default "embedded")
        As of :func:`load_sent_captions`

    size : `int` or (`int`, `int`), (default 128)
        Of the images [pixels]

    question : ``Question`` of ``knowledge_base.captioner.questions``, or `None`
        As of :func:`~semcom_phy.knowledge_base.captioner.find_captioner`

    options :
        As of :func:`load_sent_captions`; and ``split``, "test" (default) or "train"

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`
        Each with one text, which is empty where a captioner has nothing to say. The
        provenance holds besides ``captioner``: the identity of the model, or "data"

    Raises
    ------
    ValueError, FileNotFoundError, ImportError
        As of :func:`load_sent_captions`.
    """
    samples, said_by = _captioned(dataset, captioner, size, question, **options)
    texts = tuple((own[0],) for own in samples.texts)
    silent = sum(not text.strip() for (text,) in texts)
    source = samples.provenance["source"] + _told(said_by)
    if silent:
        source += f", which says nothing of {silent} of them"
    provenance = {
        **samples.provenance,
        **hashes_beside(texts),
        "source": source,
        "captioner": said_by,
    }
    return replace(samples, texts=texts, provenance=provenance)


def _listed(path, captioner, size, group_by="picture", strict=False, **options):
    """Samples of a file of captions, which has nothing to look at."""
    if captioner not in (None, OWN):
        raise ValueError(
            f"captioner is {captioner!r}, but {path} has no pictures that it could "
            "look at: leave it out"
        )
    if group_by != "picture" or strict:
        raise ValueError(
            f"group_by is {group_by!r}, strict {strict}, but {path} has no pictures: "
            "leave both out"
        )
    return load_caption_list(path, size, **options)


def _captioned(dataset, captioner, size, question=None, split="test", **options):
    """Samples with texts, and who has said them: `OWN` or an identity."""
    if captioner in (None, OWN):
        samples = load_samples(dataset, size=size, split=split, **options)
        if samples.texts is not None:
            return samples, OWN
        if captioner == OWN:
            raise ValueError(
                f"captioner is {OWN!r}, but the data set {str(dataset)!r} has no "
                "captions: put captions.txt beside the pictures, or choose a captioner"
            )
        captioner = DEFAULT
    model = find_captioner(captioner, question)

    def caption(pictures):
        return [(text,) for text in captions_of_pictures(model, pictures)]

    samples = load_samples(dataset, size=size, split=split, caption=caption, **options)
    return samples, model.identity


def captions_of_pictures(captioner, pictures):
    """Captions of pictures of any sizes.

    Parameters
    ----------
    captioner : :class:`~semcom_phy.knowledge_base.interfaces.Captioner`

    pictures : iterable of [height, width, 3] `uint8`

    Output
    ------
    : list of `str`
    """
    found = []
    for _, alike in itertools.groupby(pictures, np.shape):
        while batch := list(itertools.islice(alike, _BATCH)):
            found += captioner.caption(np.stack(batch))
    return found


def _told(said_by):
    """What a source says of a captioner; of the data set's own captions it does."""
    return "" if said_by == OWN else f"; captions said by {said_by['model']}"


def _one_text_each(samples, said_by, per_image):
    """A sample of each of the first captions of every image."""
    chosen = [
        (number, image)
        for number in range(per_image)
        for image, own in enumerate(samples.texts)
        if number < len(own)
    ]
    texts = tuple((samples.texts[image][number],) for number, image in chosen)
    for (text,), (_, image) in zip(texts, chosen, strict=True):
        if not text.strip():
            raise ValueError(
                f"the caption of image {image + 1} of {samples.provenance['dataset']} "
                "is empty: give it one, or leave the image out"
            )
    index = [image for _, image in chosen]
    provenance = {
        **samples.provenance,
        **hashes_beside(texts),
        "source": samples.provenance["source"] + _told(said_by),
        "unit": UNIT,
        "num_captions": len(texts),
        "captioner": said_by,
    }
    groups = samples.groups
    if groups is None and per_image > 1:
        groups = tuple(range(len(samples)))
    if groups is not None:
        groups = tuple(groups[image] for image in index)
        rule = samples.provenance.get("groups", {"rule": "image"})["rule"]
        provenance["groups"] = describe_groups(groups, rule)
    labels = None if samples.labels is None else samples.labels[index]
    masks = None if samples.masks is None else samples.masks[index]
    provenance |= hashes_beside(labels=labels, masks=masks)
    return Samples(
        samples.images[index],
        groups,
        provenance,
        texts,
        labels,
        samples.class_names,
        samples.has_pictures,
        masks,
    )
