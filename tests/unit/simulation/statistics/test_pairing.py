"""Differences of two curves: paired, honest, and refused where they are not pairs."""

import copy

import numpy as np
import pytest
from result_samples import HEADER

from semcom_phy.metrics.text import bleu_counts, corpus_bleu
from semcom_phy.simulation.results import Point, ResultFile
from semcom_phy.simulation.statistics.intervals import clustered_mean, psnr_of_mean_mse
from semcom_phy.simulation.statistics.pairing import (
    PairError,
    check_pair,
    other_conditions,
    paired_difference,
)

SCENARIO = {
    "name": "test",
    "channel": "rayleigh",
    "csi": "perfect",
    "num_tx_ant": 2,
    "profile": "A",
    "speed": 0.0,
    "cbr": "1/4",
    "link_adaptation": "average",
}
NUM_IMAGES, NUM_DRAWS, NUM_GROUPS = 60, 2, 12


def curve(path="a.json", **changes):
    """A curve without points; changes by the name of a key, at any depth."""
    header = copy.deepcopy(HEADER) | {"scenario": dict(SCENARIO)}
    hashes = dict.fromkeys(("sha256", "texts_sha256", "labels_sha256"), "data")
    places = hashes | {"draws": "sweep", "knows": "description"}
    for name, value in changes.items():
        place = places.get(name, "scenario" if name in SCENARIO else None)
        (header[place] if place else header)[name] = value
    return ResultFile(path, header, [0])


def make_rows(seed, offset=0.0, spread=0.3):
    """Rows whose quality is mostly that of group, image and fade, the same for all."""
    shared = np.random.default_rng(7)
    own = np.random.default_rng(seed)
    image = np.tile(np.arange(NUM_IMAGES), NUM_DRAWS)
    group = image % NUM_GROUPS
    gain = shared.exponential(size=len(image))
    psnr = 28 + 4 * shared.normal(size=NUM_GROUPS)[group] + 3 * np.log(gain)
    psnr = psnr + offset + spread * own.normal(size=len(image))
    return {
        "image": image,
        "image_sha256": np.array([f"{i:016x}" for i in image]),
        "draw": np.repeat(np.arange(NUM_DRAWS), NUM_IMAGES),
        "group": group.astype(str),
        "fade_power": gain,
        "psnr_db": psnr,
        "mse": 255**2 * 10 ** (-psnr / 10),
        "outage": psnr < 20,
        "cbr_total": np.full(len(image), 0.25),
    }


def test_pairs_tell_more_than_two_runs():
    """The paired interval is that of the differences clustered by group, holds the
    true difference of 0.5 dB and is at most a tenth of the unpaired one, which is that
    of two independent means (exact; a shared spread of 5 dB, an own one of 0.4)."""
    one, other = make_rows(1, 0.5), make_rows(2)
    found = paired_difference(one, other, "psnr_db")
    values = one["psnr_db"] - other["psnr_db"]
    assert found.paired == clustered_mean(values, one["image"], one["group"])
    assert found.paired.ci95[0] < 0.5 < found.paired.ci95[1]
    means = [clustered_mean(r["psnr_db"], r["image"], r["group"]) for r in (one, other)]
    assert (found.one, found.other) == tuple(means)
    unpaired = np.sqrt(means[0].half_width ** 2 + means[1].half_width ** 2)
    assert found.unpaired_half_width == pytest.approx(unpaired, rel=1e-12)
    assert found.paired.half_width < found.unpaired_half_width / 10
    assert (found.num_groups, found.paired.num_images) == (NUM_GROUPS, NUM_IMAGES)
    assert found.paired.num_transmissions == NUM_IMAGES * NUM_DRAWS


def test_order_and_missing_transmissions_do_not_matter():
    """Rows are matched by image and draw; those that only one has are left out
    (exact)."""
    one, other = make_rows(1), make_rows(2)
    order = np.random.default_rng(3).permutation(len(one["image"]))[:90]
    part = {name: values[order] for name, values in one.items()}
    found = paired_difference(part, other, "psnr_db")
    difference = (one["psnr_db"] - other["psnr_db"])[order]
    assert found.paired.num_transmissions == 90
    assert found.paired.mean == pytest.approx(difference.mean(), rel=1e-9)


def test_a_difference_of_the_mean_errors_follows_their_ratio():
    """The difference of PSNRs of the mean MSE is 10 log10 of the ratio (1e-9), and its
    interval has the spread of a bootstrap of groups within a quarter."""
    one, other = make_rows(1, 0.5), make_rows(2)
    found = paired_difference(one, other, "psnr_of_mean_mse_db")
    ratio = 10 * np.log10(other["mse"].mean() / one["mse"].mean())
    assert found.paired.mean == pytest.approx(ratio, abs=1e-9)
    rng, drawn = np.random.default_rng(4), []
    groups = [np.flatnonzero(one["group"] == g) for g in np.unique(one["group"])]
    for _ in range(2000):
        index = np.concatenate([groups[g] for g in rng.integers(12, size=12)])
        means = one["mse"][index].mean(), other["mse"][index].mean()
        drawn.append(10 * np.log10(means[1] / means[0]))
    deviation = found.paired.half_width / 2.201  # t, 11 degrees of freedom
    assert deviation == pytest.approx(np.std(drawn), rel=0.25)


def test_a_difference_of_the_mean_errors_is_that_of_the_logarithms():
    """The values that are paired are the PSNR of the mean MSE and its linear part
    (round-off 1e-12), the two means those of a point (exact)."""
    one, other = make_rows(1, 0.5), make_rows(2)
    found = paired_difference(one, other, "psnr_of_mean_mse_db")
    a, b = one["mse"], other["mse"]
    linear = (b - b.mean()) / b.mean() - (a - a.mean()) / a.mean()
    values = 10 / np.log(10) * (np.log(b.mean() / a.mean()) + linear)
    expected = clustered_mean(values, one["image"], one["group"])
    assert found.paired.ci95 == pytest.approx(expected.ci95, rel=1e-12)
    assert found.one == psnr_of_mean_mse(a, one["image"], one["group"])


def test_a_difference_of_corpus_bleu():
    """BLEU of two systems is paired by its linear part: the difference is that of the
    two figures (1e-12), its interval has the spread of a bootstrap of groups within a
    quarter, and a system without the counts is refused (exact)."""
    vocabulary = np.array("a b c d e f g h".split())
    drawn = np.random.default_rng(5).choice(vocabulary, (NUM_IMAGES, 12))
    meant = [[" ".join(drawn[i])] for i in make_rows(1)["image"]]

    def heard(seed, share):
        rng, rows = np.random.default_rng(seed), make_rows(seed)
        lost = rng.random((len(meant), 12)) < share
        texts = [
            " ".join(np.where(gone, "?", own[0].split()))
            for gone, own in zip(lost, meant, strict=True)
        ]
        return rows | bleu_counts(meant, texts)

    one, other = heard(1, 0.1), heard(2, 0.2)
    found = paired_difference(one, other, "bleu_2")
    each = [corpus_bleu(rows, 2) for rows in (one, other)]
    assert [found.one.mean, found.other.mean] == pytest.approx(each, abs=1e-12)
    assert found.paired.mean == pytest.approx(each[0] - each[1], abs=1e-12)
    rng, differences = np.random.default_rng(4), []
    groups = [np.flatnonzero(one["group"] == g) for g in np.unique(one["group"])]
    names = [name for name in one if name.startswith("bleu")]
    for _ in range(1000):
        index = np.concatenate([groups[g] for g in rng.integers(12, size=12)])
        bleu = [corpus_bleu({n: r[n][index] for n in names}, 2) for r in (one, other)]
        differences.append(bleu[0] - bleu[1])
    deviation = found.paired.half_width / 2.201  # t, 11 degrees of freedom
    assert deviation == pytest.approx(np.std(differences), rel=0.25)
    with pytest.raises(PairError, match="no figure 'bleu_2'; .*, psnr_of_mean_mse_db$"):
        paired_difference(one, make_rows(2), "bleu_2")


def test_events_that_never_differ_have_an_interval():
    """Where no outage tells two systems apart, the interval of their difference is that
    of an event that was not seen, not empty (exact)."""
    one = make_rows(1) | {"outage": np.zeros(NUM_IMAGES * NUM_DRAWS, bool)}
    found = paired_difference(one, one, "outage")
    low, high = found.paired.ci95
    assert found.paired.mean == 0 and low == -high
    assert high == found.one.ci95[1] > 0.01


def test_bootstrap_in_the_place_of_t():
    """The bootstrap has the same mean and another interval (exact)."""
    one, other = make_rows(1), make_rows(2)
    t, drawn = (paired_difference(one, other, "psnr_db", b) for b in (False, True))
    assert t.paired.mean == drawn.paired.mean and t.paired.ci95 != drawn.paired.ci95


def test_figures_that_do_not_apply_are_left_out():
    """NaN in one of the two takes the pair out; none left is `None` (exact)."""
    one, other = make_rows(1), make_rows(2)
    values = np.where(one["image"] < 10, 5.0, np.nan)
    one, other = one | {"score": values}, other | {"score": values - 1}
    found = paired_difference(one, other, "score")
    assert (found.paired.mean, found.paired.num_images) == (1.0, 10)
    other["score"] = np.where(one["image"] < 10, np.nan, 5.0)
    assert paired_difference(one, other, "score") is None


def test_an_unknown_figure_is_named_with_those_there_are():
    """The message lists the columns of numbers (exact)."""
    with pytest.raises(ValueError, match="'psnr'; there are: psnr_db, mse, outage"):
        paired_difference(make_rows(1), make_rows(2), "psnr")


@pytest.mark.parametrize(
    "column, change, message",
    [
        ("image_sha256", lambda v: np.roll(v, 1), "other images"),
        ("group", lambda v: np.roll(v, 1), "other groups"),
        ("fade_power", lambda v: np.roll(v, 1), "other fades: image 0, draw 0"),
        ("fade_power", lambda v: v * 1.01, "other fades"),
        ("draw", lambda v: v + 5, "no transmission in common"),
    ],
)
def test_rows_that_are_no_pairs_are_refused(column, change, message):
    """Other images, groups, fades or draws in the rows are named (exact); fades that
    differ by rounding are the same."""
    one, other = make_rows(1), make_rows(2)
    near = other | {"fade_power": other["fade_power"] * (1 + 1e-6)}
    paired_difference(one, near, "psnr_db")
    with pytest.raises(PairError, match=message):
        paired_difference(one, other | {column: change(other[column])}, "psnr_db")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"sha256": "0b"}, "other images .data sha256.: 0a and 0b"),
        ({"texts_sha256": "0b"}, "other captions .data texts_sha256.: None and 0b"),
        ({"labels_sha256": "0b"}, "other labels .data labels_sha256.: None and 0b"),
        ({"seed": 2}, "other seed: 1 and 2"),
        ({"draws": 3}, "other draws: 2 and 3"),
        ({"csi": "estimated"}, "other csi: perfect and estimated"),
        ({"channel": "awgn"}, "other channel: rayleigh and awgn"),
        ({"num_tx_ant": 4}, "other num_tx_ant: 2 and 4"),
    ],
)
def test_other_images_fades_or_noise_are_refused(changes, message):
    """What makes another link is named with both values (exact)."""
    check_pair(curve(), curve())
    with pytest.raises(PairError, match=message):
        check_pair(curve(), curve(**changes))


@pytest.mark.parametrize("changes", [{"speed": 3.0}, {"profile": "B"}, {"cbr": "1/8"}])
def test_what_fixes_the_fades_depends_on_the_channel(changes):
    """Speed, profile and length of the frame make other fades on a selective channel,
    and none of flat ones (exact)."""
    check_pair(curve(), curve(**changes))
    with pytest.raises(PairError):
        check_pair(curve(channel="tdl"), curve(channel="tdl", **changes))


def test_other_knowledge_and_conditions_are_told():
    """What only one knows, and entries of the scenario that are neither link nor
    images, stand in words; what is told elsewhere does not (exact)."""
    assert other_conditions(curve(), curve(cbr="1/8", name="other")) == []
    one, other = curve(knows=["average SNR"]), curve(knows=["fed-back CSI"])
    assert other_conditions(one, one) == []
    assert other_conditions(one, other, ("A", "B")) == [
        "A knows average SNR; B knows fed-back CSI"
    ]
    (line,) = other_conditions(one, curve(), ("A", "B"))
    assert line == "what B knows is not stated"
    (line,) = other_conditions(curve(), curve(speed=3.0), ("A", "B"))
    assert line == "speed 0.0 for A, 3.0 for B"
    (line,) = other_conditions(curve(), curve(link_adaptation="csi"), ("A", "B"))
    assert line == "link_adaptation average for A, csi for B"
    kept = curve()
    kept.points[5.0] = Point("done", {}, code="old: weights changed")
    (line,) = other_conditions(curve(), kept, ("A", "B"))
    assert line == "B at 5 dB was kept from older code"


def test_rates_within_a_hundredth_are_one_rate():
    """0.5 % is the same rate, 2 % is not, and neither is one that is not known
    (exact)."""
    one = make_rows(1)
    for factor, same in ((1.005, True), (1.02, False), (np.nan, False)):
        other = make_rows(2) | {"cbr_total": factor * one["cbr_total"]}
        assert paired_difference(one, other, "psnr_db").same_rate is same
