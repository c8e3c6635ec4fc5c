"""The metrics that a scenario can list: what each says of itself, and its figures."""

import pickle

import numpy as np
import pytest

from scenarios import scenario
from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.metrics import image
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.simulation.intervals import clustered_mean, psnr_of_mean_mse
from semcom_phy.simulation.metric import Metric, check_samples
from semcom_phy.simulation.metric_table import (
    IMAGE_METRICS,
    IMPORTANCE_METRICS,
    METRICS,
    metrics_of,
)
from semcom_phy.sources.driving import CLASSES
from semcom_phy.sources.samples import Delivered, Samples

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (4, 48, 64, 3), "uint8")
RECEIVED = RNG.integers(0, 256, (4, 48, 64, 3), "uint8")
LABELS = np.full((4, 48, 64), CLASSES.index("Road"), "uint8")
LABELS[1:, 20:44, 20:40] = CLASSES.index("Car")
TEXTS = tuple((f"a dog runs after {n} cats",) for n in ("no", "one", "two", "three"))
SAMPLES = Samples(IMAGES, None, {}, TEXTS, LABELS)
DELIVERED = Delivered(images=RECEIVED, texts=["a dog runs"] * 3 + [TEXTS[3][0]])


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_measures_what_it_says(metric):
    """Its columns are its own, a number or truth value per sample; batches give what
    all at once does; an estimate follows; and a process can be handed it (exact;
    round-off 1e-12)."""
    whole = metric.measure(SAMPLES, DELIVERED)
    assert tuple(whole) == tuple(metric.columns)
    parts = []
    for index in ([0, 1], [2, 3]):
        images, texts = (
            RECEIVED[index],
            [DELIVERED.texts[i] for i in index],
        )
        some = SAMPLES.take(index)
        parts.append(metric.measure(some, Delivered(images=images, texts=texts)))
    for name, values in whole.items():
        assert values.shape == (4,) and values.dtype.kind in "fb"
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_allclose(joined, values, rtol=1e-12)
    estimate = metric.estimate(whole, np.arange(4))
    if "medium" not in metric.name and "low" not in metric.name:
        assert np.isfinite(estimate.mean) and estimate.num_transmissions in (3, 4)
    again = pickle.loads(pickle.dumps(metric))
    assert again.measure(SAMPLES, DELIVERED).keys() == whole.keys()


def test_image_metrics_are_those_of_the_images():
    """Per image, and of the mean error over all of them (exact)."""
    measured = [metric.measure(SAMPLES, DELIVERED) for metric in IMAGE_METRICS]
    functions = {"psnr_db": image.psnr, "mse": image.mse, "ssim": image.ssim}
    functions |= {"ms_ssim": image.ms_ssim}
    for found in measured:
        for name, values in found.items():
            expected = functions[name](IMAGES, RECEIVED)
            np.testing.assert_array_equal(values, expected)
    index, mse = np.arange(4), image.mse(IMAGES, RECEIVED)
    of_set = METRICS["psnr_of_mean_mse_db"]
    assert of_set.estimate({"mse": mse}, index) == psnr_of_mean_mse(mse, index)
    linear = clustered_mean(of_set.linearised({"mse": mse}), index)
    expected = psnr_of_mean_mse(mse, index)
    assert linear.mean == pytest.approx(expected.mean, rel=1e-12)
    assert linear.ci95 == pytest.approx(expected.ci95, rel=1e-12)


def test_importance_is_that_of_the_label_maps():
    """Levels by the driving rule, scores as of them; the image of a road alone has no
    figure of high importance (exact)."""
    levels = level_maps(DrivingRule(), IMAGES, LABELS)
    scores = psnr_by_level(IMAGES, RECEIVED, levels)
    assert [metric.name for metric in IMPORTANCE_METRICS] != list(scores)
    assert {metric.name for metric in IMPORTANCE_METRICS} == set(scores)
    for metric in IMPORTANCE_METRICS:
        found = metric.measure(SAMPLES, DELIVERED)[metric.name]
        np.testing.assert_array_equal(found, scores[metric.name])
    high = METRICS["psnr_high"].measure(SAMPLES, DELIVERED)
    assert np.isnan(high["psnr_high"]).tolist() == [True, False, False, False]
    assert METRICS["psnr_high"].estimate(high, np.arange(4)).num_images == 3


def test_bleu_without_a_common_ngram_has_no_interval():
    """It is 0, and nothing tells how uncertain that is (exact)."""
    bleu = METRICS["bleu_1"]
    columns = bleu.measure(SAMPLES, Delivered(texts=["x"] * 4))
    estimate = bleu.estimate(columns, np.arange(4))
    assert (estimate.mean, estimate.ci95) == (0.0, None)


def test_lists_of_scenarios_are_of_the_table():
    """Scenarios are loaded without the table; their lists are names in it (exact)."""
    assert scenario.IMAGE_METRICS == tuple(metric.name for metric in IMAGE_METRICS)
    assert set(scenario.IMPORTANCE_METRICS) <= {m.name for m in IMPORTANCE_METRICS}
    assert [m.name for m in metrics_of(["ssim", "bleu_2"])] == ["ssim", "bleu_2"]
    with pytest.raises(ValueError, match="unknown metric 'psnr'; there are: psnr_db, "):
        metrics_of(["ssim", "psnr"])


def test_an_unknown_need_is_refused():
    """A metric cannot need what nobody checks (exact)."""
    with pytest.raises(ValueError, match="'own' needs 'sounds'; there are: images, "):
        Metric("own", "Own", "", ("sounds",), len)


def test_classes_are_labels_and_no_label_maps():
    """A metric of classes takes either, one of label maps refuses classes (exact)."""
    own = Metric("own", "Own", "", ("labels",), len)
    classes = Samples(IMAGES, None, {}, labels=np.zeros(4, int))
    check_samples([own], classes)
    check_samples([own, METRICS["psnr_high"]], SAMPLES)
    with pytest.raises(ValueError, match="'own' needs labels, which the data set does"):
        check_samples([own], Samples(IMAGES, None, {}))
