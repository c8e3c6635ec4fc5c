"""The metrics that a scenario can list, by name."""

from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.metrics import image, text
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.simulation.intervals import (
    MAX_PSNR_DB,
    clustered_mean,
    psnr_of_mean_mse,
)
from semcom_phy.simulation.metric import Metric, SetMetric


def _psnr(samples, delivered):
    return image.psnr(samples.images, delivered.images)


def _mse(samples, delivered):
    return {"mse": image.mse(samples.images, delivered.images)}


def _ssim(samples, delivered):
    return image.ssim(samples.images, delivered.images)


def _ms_ssim(samples, delivered):
    return image.ms_ssim(samples.images, delivered.images)


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

METRICS = {
    metric.name: metric
    for metric in (*IMAGE_METRICS, *IMPORTANCE_METRICS, TEXT_EXACT, *BLEU_METRICS)
}


def metrics_of(names):
    """The metrics of a list of names, in its order.

    Raises
    ------
    ValueError
        If there is no such metric.
    """
    for name in names:
        if name not in METRICS:
            raise ValueError(
                f"unknown metric {name!r}; there are: {', '.join(METRICS)}"
            )
    return tuple(METRICS[name] for name in names)
