"""The metrics that a scenario can list: what each says of itself, and its figures."""

import dataclasses
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from simple_models import BrightnessClassifier, ColourEncoder, MeanDistance

from scenarios import scenario
from semcom_phy.knowledge_base import classifier
from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.metrics import foreground, image, text
from semcom_phy.metrics.clip_score import clip_score_of_captions
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.metrics.ssq import ssq
from semcom_phy.simulation import metric_table
from semcom_phy.simulation.identity.code_identity import code_identity
from semcom_phy.simulation.identity.stale_points import code_changes
from semcom_phy.simulation.metric import Metric, check_samples
from semcom_phy.simulation.metric_table import (
    FOREGROUND_METRICS,
    IMAGE_METRICS,
    IMPORTANCE_METRICS,
    METRICS,
    clip_score_metric,
    metrics_of,
    perceptual_metric,
    ssq_metric,
)
from semcom_phy.simulation.records import Records
from semcom_phy.simulation.results import describe_metrics
from semcom_phy.simulation.statistics.intervals import clustered_mean, psnr_of_mean_mse
from semcom_phy.sources.driving import CLASSES
from semcom_phy.sources.samples import Delivered, Samples

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (4, 48, 64, 3), "uint8")
RECEIVED = RNG.integers(0, 256, (4, 48, 64, 3), "uint8")
LABELS = np.full((4, 48, 64), CLASSES.index("Road"), "uint8")
LABELS[1:, 20:44, 20:40] = CLASSES.index("Car")
TEXTS = tuple((f"a dog runs after {n} red",) for n in ("no", "one", "two", "three"))
MASKS = (LABELS == CLASSES.index("Car")).astype("uint8")  # none in the first
SAMPLES = Samples(IMAGES, None, {}, TEXTS, LABELS, masks=MASKS)
DELIVERED = Delivered(images=RECEIVED, texts=["a dog runs"] * 3 + [TEXTS[3][0]])


@pytest.fixture
def embedded(monkeypatch):
    """Stand-ins for the embedded dual encoder and classifiers."""
    monkeypatch.setattr(metric_table, "_embedded_encoder", ColourEncoder)
    monkeypatch.setattr(
        classifier, "find_classifier", lambda name: BrightnessClassifier()
    )
    metric_table._classifier.cache_clear()
    yield
    metric_table._classifier.cache_clear()


CLASSIFIED = dataclasses.replace(
    SAMPLES,
    labels=np.array([1, 1, 1, 0]),
    class_names=BrightnessClassifier.class_names,
)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_measures_what_it_says(metric, embedded):
    """Its columns are its own, a number or truth value per sample; batches give what
    all at once does; an estimate follows; and a process can be handed it (exact;
    round-off 1e-12)."""
    samples = CLASSIFIED if metric.name.startswith("ssq_") else SAMPLES
    whole = metric.measure(samples, DELIVERED)
    assert tuple(whole) == tuple(metric.columns)
    parts = []
    for index in ([0, 1], [2, 3]):
        images, texts = (
            RECEIVED[index],
            [DELIVERED.texts[i] for i in index],
        )
        some = samples.take(index)
        parts.append(metric.measure(some, Delivered(images=images, texts=texts)))
    for name, values in whole.items():
        assert values.shape == (4,) and values.dtype.kind in "fb"
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_allclose(joined, values, rtol=1e-12)
    estimate = metric.estimate(whole, np.arange(4))
    if "medium" not in metric.name and "low" not in metric.name:
        assert np.isfinite(estimate.mean) and estimate.num_transmissions in (3, 4)
    again = pickle.loads(pickle.dumps(metric))
    assert again.measure(samples, DELIVERED).keys() == whole.keys()


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


def test_figures_of_foreground_and_background_are_those_of_the_masks():
    """An image without a foreground has none there (exact)."""
    for name, scores in (
        ("psnr_{}_db", foreground.psnr_by_mask),
        ("ms_ssim_{}", foreground.ms_ssim_by_mask),
    ):
        expected = scores(IMAGES, RECEIVED, MASKS)
        for part in ("foreground", "background"):
            metric = METRICS[name.format(part)]
            found = metric.measure(SAMPLES, DELIVERED)[metric.name]
            np.testing.assert_array_equal(found, expected[part])
            lacking = [part == "foreground", False, False, False]
            assert np.isnan(found).tolist() == lacking


def test_without_masks_the_figures_are_null_with_a_reason():
    """Nothing is refused: no value, and words that say why; where some images have no
    foreground, how many (exact)."""
    bare = dataclasses.replace(SAMPLES, masks=None)
    full = dataclasses.replace(SAMPLES, masks=0 * MASKS + 1)
    check_samples(FOREGROUND_METRICS, bare)
    for metric in FOREGROUND_METRICS:
        columns = metric.measure(bare, DELIVERED)
        assert columns[metric.name].shape == (4,)
        assert metric.estimate(columns, np.arange(4)) is None
        (about,) = describe_metrics([metric], bare)
        assert about["reason"] == (
            "the data set has no masks of salient objects: choose one that has, such "
            "as --dataset ecssd"
        )
        part = "background" if "background" in metric.name else "foreground"
        reasons = [
            describe_metrics([metric], samples)[0].get("reason")
            for samples in (SAMPLES, full)
        ]
        lacking = "{} of 4 images have no {}, and do not count".format
        if part == "foreground":
            assert reasons == [lacking(1, part), None]
        else:
            assert reasons == [None, lacking(4, part)]
        assert "reason" not in describe_metrics([metric])[0]
    assert "reason" not in describe_metrics([METRICS["psnr_db"]], bare)[0]


def test_bleu_without_a_common_ngram_has_no_interval():
    """It is 0, and nothing tells how uncertain that is (exact)."""
    bleu = METRICS["bleu_1"]
    columns = bleu.measure(SAMPLES, Delivered(texts=["x"] * 4))
    estimate = bleu.estimate(columns, np.arange(4))
    assert (estimate.mean, estimate.ci95) == (0.0, None)


def test_word_error_rate_is_that_of_the_corpus():
    """All errors in all words: 3 times 3 words of 6 lost (exact); the spread is that of
    the ratio."""
    metric = METRICS["word_error_rate"]
    columns = metric.measure(SAMPLES, DELIVERED)
    expected = text.word_errors(TEXTS, DELIVERED.texts)
    np.testing.assert_array_equal(columns["word_errors"], expected["word_errors"])
    estimate = metric.estimate(columns, np.arange(4))
    assert estimate.mean == pytest.approx(9 / 24, rel=1e-12)
    assert metric.linearised(columns).tolist() == [0.5, 0.5, 0.5, 0]
    assert estimate == clustered_mean(metric.linearised(columns), np.arange(4))


def test_metrics_of_a_user_s_models_are_theirs():
    """Scores of the encoder, distances of the network (exact); titles name them; other
    processes can be handed them."""
    score = clip_score_metric("clip_score_colours", ColourEncoder())
    expected = clip_score_of_captions(ColourEncoder(), RECEIVED, TEXTS)
    found = pickle.loads(pickle.dumps(score)).measure(SAMPLES, DELIVERED)
    np.testing.assert_array_equal(found["clip_score_colours"], expected)
    assert score.title == "CLIPScore of colours" and score.needs[1] == "captions"
    distance = perceptual_metric("means_apart", MeanDistance())
    found = pickle.loads(pickle.dumps(distance)).measure(SAMPLES, DELIVERED)
    expected = MeanDistance().distance(IMAGES, RECEIVED)
    np.testing.assert_array_equal(found["means_apart"], expected)
    assert distance.title == "Distance of means"


def test_ssq_is_that_of_all_images():
    """The ratio of the accuracies of a point (1e-12); `None` where no sent image is
    told; classes of another data set are refused."""
    values = np.array([0, 128, 255, 250, 10, 120], "uint8")
    sent = np.tile(values[:, None, None, None], (1, 4, 4, 3))
    received, labels = sent[[0, 0, 2, 3, 4, 4]], np.array([0, 1, 2, 0, 0, 1])
    classifier = BrightnessClassifier()
    samples = Samples(sent, None, {}, labels=labels, class_names=classifier.class_names)
    metric = ssq_metric("ssq", classifier)
    columns = metric.measure(samples, Delivered(images=received))
    estimate = metric.estimate(columns, np.arange(6))
    expected = ssq(classifier, sent, received, labels)
    assert estimate.mean == pytest.approx(expected, rel=1e-12)
    assert metric.linearised(columns).mean() == pytest.approx(expected, rel=1e-12)
    nothing = {name: np.zeros(3) for name in metric.columns}
    assert metric.estimate(nothing, np.arange(3)) is None
    others = dataclasses.replace(samples, class_names=("cat", "dog", "bird"))
    with pytest.raises(ValueError, match="metric 'ssq' is of a classifier of other cl"):
        metric.measure(others, Delivered(images=received))


def test_another_model_makes_another_result(embedded, monkeypatch):
    """What a metric computes with is part of the identity of a result, whether it is
    handed or found by name (exact)."""
    metric = METRICS["clip_score_embedded"]
    was = code_identity(None, None, [metric])
    assert was == code_identity(None, None, [metric])
    told = "the model of clip_score_embedded"
    assert told in was["settings"]
    handed = clip_score_metric("colours", ColourEncoder())
    was_handed = code_identity(None, None, [handed])
    monkeypatch.setattr(ColourEncoder, "identity", {"model": "colours", "sha256": "1"})
    now = code_identity(None, None, [metric])
    assert code_changes(was, now) == [f"settings of {told}"]
    now = code_identity(None, None, [handed])
    assert code_changes(was_handed, now) == ["settings of the model of colours"]


@pytest.mark.parametrize(
    "name, file, version",
    [
        ("bleu_1", "semcom_phy/metrics/text.py", "sacrebleu"),
        ("brisque", "semcom_phy/metrics/brisque.py", "scipy"),
        (
            "sentence_similarity",
            "semcom_phy/knowledge_base/sentence_encoder.py",
            "transformers",
        ),
        (
            "perceptual_hed",
            "semcom_phy/knowledge_base/feature_networks.py",
            "h5py",
        ),
        (
            "perceptual_efficientnet",
            "semcom_phy/knowledge_base/efficientnet.py",
            "efficientnet_lite_pytorch",
        ),
    ],
)
def test_the_code_that_names_the_weights_counts(name, file, version):
    """The SHA-256 of the weights, or the version of their package, is part of the
    identity of a result; of other metrics it is not (exact)."""
    found = code_identity(None, None, [METRICS[name]])
    assert file in found["modules"] and version in found["versions"]
    without = code_identity(None, None, [METRICS["psnr_db"]])
    assert file not in without["modules"]


def test_the_table_loads_no_model():
    """Nor the packages that models need, before a metric is asked (exact)."""
    code = (
        "import sys, semcom_phy.simulation.metric_table; "
        "print({'torch', 'tensorflow', 'keras', 'transformers', 'sacrebleu', 'h5py'} "
        "& set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_lists_of_scenarios_are_of_the_table():
    """Scenarios are loaded without the table; their lists are names in it (exact)."""
    assert scenario.IMAGE_METRICS == tuple(metric.name for metric in IMAGE_METRICS)
    assert set(scenario.IMPORTANCE_METRICS) <= {m.name for m in IMPORTANCE_METRICS}
    assert [m.name for m in metrics_of(["ssim", "bleu_2"])] == ["ssim", "bleu_2"]
    with pytest.raises(
        ValueError, match="unknown metric 'psnr'; did you mean 'psnr_db'"
    ):
        metrics_of(["ssim", "psnr"])


OWN = """
from semcom_phy.simulation.metric import Metric

def darkest(samples, delivered):
    return delivered.images.min((1, 2, 3)).astype(float)

DARKEST = Metric("darkest", "Darkest value", "", ("images",), darkest)
PSNR = Metric("psnr_db", "Another", "dB", ("images",), darkest)
IMAGE = Metric("image", "A column of every row", "", ("images",), darkest)
MSE = Metric("mse", "A column of another metric", "", ("images",), darkest)
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """``own_metrics`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_metrics.py").write_text(OWN, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "own_metrics"
    sys.modules.pop("own_metrics", None)


def test_metrics_of_a_user_s_module(own_module):
    """One of a module is taken beside those of the table, in the order of the list;
    what a list may not have is refused by name."""
    names = [metric.name for metric in metrics_of(["own_metrics:DARKEST", "ssim"])]
    assert names == ["darkest", "ssim"]
    with pytest.raises(ValueError, match="darkest:PSNR.: there is no module"):
        metrics_of(["darkest:PSNR"])
    with pytest.raises(ValueError, match="own_metrics:darkest' is of type function"):
        metrics_of(["own_metrics:darkest"])
    with pytest.raises(ValueError, match="'psnr_db', as one of the project's"):
        metrics_of(["own_metrics:PSNR"])
    with pytest.raises(ValueError, match="'darkest', as another one of the list"):
        metrics_of(["own_metrics:DARKEST", "own_metrics:DARKEST"])


@pytest.mark.parametrize("name", ["IMAGE", "MSE"])
def test_a_column_has_one_meaning(own_module, name):
    """A metric whose column is called as one of every row or of another metric, with
    other values, is refused before it overwrites it."""
    metrics = metrics_of(["psnr_of_mean_mse_db", f"own_metrics:{name}"])
    samples = Samples(IMAGES, groups=np.arange(4), provenance={})
    sent = SimpleNamespace(delivered=Delivered(IMAGES // 2))
    with pytest.raises(ValueError, match=f"column '{name.lower()}' is another figure"):
        Records(samples, metrics).add(0, samples, np.ones((4, 1)), sent, np.arange(4))


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
    own = Metric("own", "Own", "", ("images", "captions"), len)
    check_samples([own], SAMPLES)
    with pytest.raises(ValueError, match="'own' needs captions, which the data set do"):
        check_samples([own], Samples(IMAGES, None, {}))
    own = Metric("own", "Own", "", ("labels",), len)
    with pytest.raises(ValueError, match="'own' needs labels, which the data set does"):
        check_samples([own], Samples(IMAGES, None, {}))
