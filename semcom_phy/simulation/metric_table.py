"""The metrics that a scenario can list, by name.

Some compute with frozen models, of the extra ``generative``. These are imported and
loaded when they are first asked, and not with this table. Metrics with models of the
user are made by :func:`clip_score_metric`, :func:`perceptual_metric` and
:func:`ssq_metric`.
"""

from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.metrics import foreground, image, text
from semcom_phy.metrics.clip_score import clip_score_of_captions
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.metrics.ratio import linearised_ratio
from semcom_phy.metrics.ssq import told_right
from semcom_phy.simulation.metric import Metric, SetMetric
from semcom_phy.simulation.statistics.intervals import (
    MAX_PSNR_DB,
    clustered_mean,
    psnr_of_mean_mse,
)
from semcom_phy.unknown_names import unknown_name
from semcom_phy.user_objects import load_object, names_object


def _psnr(samples, delivered):
    return image.psnr(samples.images, delivered.images)


def _mse(samples, delivered):
    return {"mse": image.mse(samples.images, delivered.images)}


def _ssim(samples, delivered):
    return image.ssim(samples.images, delivered.images)


def _ms_ssim(samples, delivered):
    return image.ms_ssim(samples.images, delivered.images)


def _ms_ssim_db(samples, delivered):
    return image.ms_ssim_db(samples.images, delivered.images)


def _linearised_psnr(columns):
    """The PSNR of the mean error, and its linear part, of every transmission."""
    mse = columns["mse"]
    least = 255**2 * 10 ** (-MAX_PSNR_DB / 10)
    mean = max(mse.mean(), least)
    return 10 / np.log(10) * (np.log(255**2 / mean) - (mse - mse.mean()) / mean)


def _psnr_of_mean_mse(columns, image_index, groups=None):
    return psnr_of_mean_mse(columns["mse"], image_index, groups)


def _importance(name, levels, samples, delivered):
    scores = psnr_by_level(samples.images, delivered.images, levels(samples))
    return scores[name]


def _by_mask(part, scores, samples, delivered):
    if samples.masks is None:
        return np.full(len(samples), np.nan)
    return scores(samples.images, delivered.images, samples.masks)[part]


def _why_no_part(part, samples):
    """Why a figure of the foreground, or of the background, is null."""
    if samples.masks is None:
        return (
            "the data set has no masks of salient objects: choose one that has, such "
            "as --dataset ecssd"
        )
    has_part = np.any(samples.masks == (part == "foreground"), axis=(1, 2))
    if has_part.all():
        return None
    count, total = np.sum(~has_part), len(samples)
    return f"{count} of {total} images have no {part}, and do not count"


@lru_cache(maxsize=1)  # all metrics of a batch share its levels
def _levels(samples):
    """Importance to a driver, by the label maps."""
    return level_maps(DrivingRule(), samples.images, samples.labels)


def _text_exact(samples, delivered):
    return text.text_exact(samples.texts, delivered.texts)


def _bleu_counts(samples, delivered):
    return text.bleu_counts(samples.texts, delivered.texts)


def _bleu(n, columns, image_index, groups=None):
    values = text.linearised_bleu(columns, n)
    estimate = clustered_mean(values, image_index, groups)
    # Without a common n-gram there is no linear part to tell an interval.
    return estimate if estimate.mean else replace(estimate, ci95=None)


def _word_errors(samples, delivered):
    return text.word_errors(samples.texts, delivered.texts)


def _sentence_similarity(samples, delivered):
    from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder

    return text.sentence_similarity(samples.texts, delivered.texts, sentence_encoder())


def _linearised_ratio(above, below, columns):
    return linearised_ratio(columns[above], columns[below])


def _ratio(above, below, columns, image_index, groups=None):
    values = _linearised_ratio(above, below, columns)
    return clustered_mean(values, image_index, groups)


def _brisque(samples, delivered):
    from semcom_phy.metrics.brisque import brisque  # SciPy's signals take seconds

    return brisque(delivered.images)


def _perceptual_hed(samples, delivered):
    from semcom_phy.metrics.perceptual import perceptual_hed

    return perceptual_hed(samples.images, delivered.images)


def _perceptual_efficientnet(samples, delivered):
    from semcom_phy.metrics.perceptual import perceptual_efficientnet

    return perceptual_efficientnet(samples.images, delivered.images)


def _perceptual(distance, samples, delivered):
    return distance.distance(samples.images, delivered.images)


def _clip_score(encoder, samples, delivered):
    return clip_score_of_captions(encoder, delivered.images, samples.texts)


@lru_cache(maxsize=1)
def _embedded_encoder():
    from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder

    return find_dual_encoder("embedded")


def _clip_score_embedded(samples, delivered):
    return _clip_score(_embedded_encoder(), samples, delivered)


def _embedded_identity():
    return _embedded_encoder().identity


def _identity_of(model):
    return model.identity


@lru_cache(maxsize=4)
def _classifier(name):
    from semcom_phy.knowledge_base.classifier import find_classifier

    return find_classifier(name)


def _itself(model):
    return model


def _identity_of_found(find):
    return find().identity


def _told_right(name, find, samples, delivered):
    classifier = find()
    if samples.class_names != tuple(classifier.class_names):
        raise ValueError(
            f"metric {name!r} is of a classifier of other classes than those of the "
            f"data set: {classifier.class_names} and {samples.class_names}"
        )
    return {
        f"{name}_{what}": told_right(classifier, images, samples.labels).astype(float)
        for what, images in (("received", delivered.images), ("sent", samples.images))
    }


PSNR = Metric("psnr_db", "PSNR, mean over images", "dB", ("images",), _psnr)
PSNR_OF_MEAN_MSE = SetMetric(
    "psnr_of_mean_mse_db",
    "PSNR of the mean MSE",
    "dB",
    ("images",),
    ("mse",),
    _mse,
    _linearised_psnr,
    _psnr_of_mean_mse,
)
SSIM = Metric("ssim", "SSIM", "", ("images",), _ssim)
MS_SSIM = Metric("ms_ssim", "MS-SSIM", "", ("images",), _ms_ssim)
MS_SSIM_DB = Metric(
    "ms_ssim_db", "MS-SSIM, mean over images", "dB", ("images",), _ms_ssim_db
)
IMAGE_METRICS = (PSNR, PSNR_OF_MEAN_MSE, SSIM, MS_SSIM)

_IMPORTANCE = {  # name -> title, unit
    "psnr_high": ("PSNR of high importance", "dB"),
    "psnr_medium": ("PSNR of medium importance", "dB"),
    "psnr_low": ("PSNR of low importance", "dB"),
    "psnr_non_background": ("PSNR of all but the background", "dB"),
    "psnr_background": ("PSNR of the background", "dB"),
    "mse_high": ("MSE of high importance", ""),
    "mse_medium": ("MSE of medium importance", ""),
    "mse_low": ("MSE of low importance", ""),
    "mse_non_background": ("MSE of all but the background", ""),
    "mse_background": ("MSE of the background", ""),
    "share_background": ("Share of the background", ""),
}


def importance_metrics(levels, needs=()):
    """Metrics of the parts of an image that matter more, and less.

    Parameters
    ----------
    levels : callable, samples -> [batch, height / 16, width / 16], `int`
        Importance of every patch: 0 background, 1 low, 2 medium, 3 high

    needs : `tuple` of `str`, (default ())
        What the levels need beside images

    Output
    ------
    : `tuple` of :class:`~semcom_phy.simulation.metric.Metric`
        Of :func:`~semcom_phy.metrics.importance.psnr_by_level`, by the names there
    """
    return tuple(
        Metric(
            name, title, unit, ("images", *needs), partial(_importance, name, levels)
        )
        for name, (title, unit) in _IMPORTANCE.items()
    )


IMPORTANCE_METRICS = importance_metrics(_levels, ("label_maps",))

FOREGROUND_METRICS = tuple(
    Metric(
        f"{name}_{part}{ending}",
        f"{title} of the {part}",
        unit,
        ("images",),
        partial(_by_mask, part, scores),
        reason=partial(_why_no_part, part),
    )
    for name, ending, title, unit, scores in (
        ("psnr", "_db", "PSNR", "dB", foreground.psnr_by_mask),
        ("ms_ssim", "", "MS-SSIM", "", foreground.ms_ssim_by_mask),
    )
    for part in foreground.PARTS
)

TEXT_EXACT = Metric(
    "text_exact", "Texts received word for word", "", ("texts",), _text_exact
)
BLEU_METRICS = tuple(
    SetMetric(
        f"bleu_{n}",
        f"BLEU-{n} of the corpus",
        "",
        ("texts",),
        (
            *(f"bleu_match_{k}" for k in range(1, n + 1)),
            *(f"bleu_total_{k}" for k in range(1, n + 1)),
            "bleu_reference_length",
        ),
        _bleu_counts,
        partial(text.linearised_bleu, n=n),
        partial(_bleu, n),
    )
    for n in range(1, text.MAX_BLEU_ORDER + 1)
)

_WORDS = "word_errors", "word_reference_length"
WORD_ERROR_RATE = SetMetric(
    "word_error_rate",
    "Word error rate of the corpus",
    "",
    ("texts",),
    _WORDS,
    _word_errors,
    partial(_linearised_ratio, *_WORDS),
    partial(_ratio, *_WORDS),
)
SENTENCE_SIMILARITY = Metric(
    "sentence_similarity",
    "Likeness of sentences (all-MiniLM-L6-v2)",
    "",
    ("texts",),
    _sentence_similarity,
)
TEXT_METRICS = (TEXT_EXACT, *BLEU_METRICS, WORD_ERROR_RATE, SENTENCE_SIMILARITY)

PERCEPTION_METRICS = (
    Metric("brisque", "BRISQUE (lower is better)", "", ("images",), _brisque),
    Metric(
        "perceptual_hed",
        "Distance in features of VGG16 tuned on edges",
        "",
        ("images",),
        _perceptual_hed,
    ),
    Metric(
        "perceptual_efficientnet",
        "Distance in features of EfficientNet-Lite0",
        "",
        ("images",),
        _perceptual_efficientnet,
    ),
    Metric(
        "clip_score_embedded",
        "CLIPScore of the embedded dual encoder",
        "",
        ("images", "captions"),
        _clip_score_embedded,
        _embedded_identity,
    ),
)


def clip_score_metric(name, encoder):
    """CLIPScore of delivered images and all captions of what was sent, 0 ... 100,
    higher is better; see :mod:`semcom_phy.metrics.clip_score`.

    Parameters
    ----------
    name : `str`
        Should tell the encoder, such as "clip_score_vit_b32"

    encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    Output
    ------
    : :class:`~semcom_phy.simulation.metric.Metric`
    """
    return Metric(
        name,
        f"CLIPScore of {encoder.identity['model']}",
        "",
        ("images", "captions"),
        partial(_clip_score, encoder),
        partial(_identity_of, encoder),
    )


def perceptual_metric(name, distance):
    """Perceptual distance of delivered and sent images, lower is better.

    Parameters
    ----------
    name : `str`
        Should tell the network, such as "lpips_alexnet"

    distance : :class:`~semcom_phy.metrics.perceptual.Lpips`
        Or another one with ``distance``, two batches of images -> [batch], and
        ``identity``

    Output
    ------
    : :class:`~semcom_phy.simulation.metric.Metric`
    """
    return Metric(
        name,
        f"Distance of {distance.identity['model']}",
        "",
        ("images",),
        partial(_perceptual, distance),
        partial(_identity_of, distance),
    )


def ssq_metric(name, classifier):
    """SSQ of all images of a point: accuracy of a classifier on received images over
    that on sent ones, higher is better; see :func:`semcom_phy.metrics.ssq.ssq`. A point
    at which it tells no sent image has none.

    Parameters
    ----------
    name : `str`
        Such as "ssq"

    classifier : :class:`~semcom_phy.knowledge_base.interfaces.Classifier`
        Of the classes of the data set, in their order

    Output
    ------
    : :class:`~semcom_phy.simulation.metric.SetMetric`
    """
    return _ssq(name, partial(_itself, classifier))


def _ssq(name, find):
    """SSQ of the classifier that ``find`` gives when it is first needed."""
    columns = f"{name}_received", f"{name}_sent"
    return SetMetric(
        name,
        "Accuracy on received images by that on sent ones",
        "",
        ("images", "labels"),
        columns,
        partial(_told_right, name, find),
        partial(_linearised_ratio, *columns),
        partial(_ratio, *columns),
        partial(_identity_of_found, find),
    )


# Of the classifiers that are shipped, each for the data set that it is named after.
SSQ_METRICS = tuple(
    _ssq(f"ssq_{name}", partial(_classifier, name))
    for name in ("cifar10", "tinyimagenet24", "catsdogs")
)

METRICS = {
    metric.name: metric
    for metric in (
        *IMAGE_METRICS,
        MS_SSIM_DB,
        *IMPORTANCE_METRICS,
        *FOREGROUND_METRICS,
        *TEXT_METRICS,
        *PERCEPTION_METRICS,
        *SSQ_METRICS,
    )
}


def metrics_of(names):
    """The metrics of a list of names, in its order.

    Parameters
    ----------
    names : sequence of `str`
        Of :data:`METRICS`, or a metric of a module of the user's, ``my_module:NAME``

    Output
    ------
    : `tuple` of :class:`~semcom_phy.simulation.metric.Metric` and
        :class:`~semcom_phy.simulation.metric.SetMetric`

    Raises
    ------
    ValueError
        If there is no such metric, what a module has is none, or two have one name.

    Example
    -------
    >>> [metric.title for metric in metrics_of(["psnr_db", "ms_ssim"])]
    ['PSNR, mean over images', 'MS-SSIM']
    """
    metrics = {}
    for listed in names:
        metric = metric_of(listed)
        if metric.name in metrics:
            raise ValueError(
                f"metrics {listed!r} is called {metric.name!r}, as another one of the "
                "list; give it a name of its own"
            )
        metrics[metric.name] = metric
    return tuple(metrics.values())


def metric_of(name):
    """The metric of one name, as of :func:`metrics_of`."""
    if not names_object(name):
        if name not in METRICS:
            listed = "docs/definitions.md, and yours is my_module:NAME"
            raise ValueError(unknown_name("metric", name, METRICS, listed))
        return METRICS[name]
    metric = load_object(name, "metrics")
    if not isinstance(metric, Metric | SetMetric):
        raise ValueError(
            f"metrics {name!r} is of type {type(metric).__name__}; it must be a Metric "
            "or SetMetric of semcom_phy.simulation.metric"
        )
    if metric.name in METRICS:
        raise ValueError(
            f"metrics {name!r} is called {metric.name!r}, as one of the project's; "
            "give it a name of its own"
        )
    return metric
