"""CLIPScore: how well a picture fits what a text says, by a dual encoder."""

import numpy as np


def clip_score(image_features, text_features):
    r"""Cosine of the features of a picture and of a text, in hundredths.

    .. math::
        \max(0, 100 \cos(v, c))

    This is the scale of torchmetrics (w = 100); Hessel et al. write w = 2.5. As with
    them, a negative cosine counts as 0 pair by pair.

    Input
    -----
    image_features, text_features : [..., width], `float`
        Of any length but 0

    Output
    ------
    : [...], `float64`
        0 ... 100, higher is better; CLIP's own scores lie around 20 ... 35, those of
        another encoder elsewhere

    References
    ----------
    J. Hessel et al., "CLIPScore: a reference-free evaluation metric for image
    captioning", EMNLP 2021.
    """
    v, c = (np.asarray(each, "float64") for each in (image_features, text_features))
    cosine = np.sum(v * c, axis=-1)
    cosine /= np.linalg.norm(v, axis=-1) * np.linalg.norm(c, axis=-1)
    return np.maximum(0.0, 100 * cosine)


def clip_score_of_captions(encoder, images, captions):
    """Mean of :func:`clip_score` over all captions of each picture.

    The mean and not the best: a picture should show what all of them say.

    Parameters
    ----------
    encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`
        The score is that of this encoder alone

    Input
    -----
    images : [batch, height, width, 3], `uint8`

    captions : sequence of sequences of `str`, [batch]
        One or several for each image

    Output
    ------
    : [batch], `float64`
        0 ... 100

    Raises
    ------
    ValueError
        If a picture has no caption.
    """
    for number, own in enumerate(captions):
        if not len(own):
            raise ValueError(f"picture {number} has no caption: give at least one")
    shown = encoder.image_features(np.asarray(images))
    said = encoder.text_features([caption for own in captions for caption in own])
    owner = np.repeat(np.arange(len(shown)), [len(own) for own in captions])
    scores = clip_score(shown[owner], said)
    return np.bincount(owner, scores) / np.bincount(owner)
