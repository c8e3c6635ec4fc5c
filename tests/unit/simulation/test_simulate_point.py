"""One SNR point: paired fades and noise, padding, stopping, what is counted."""

import dataclasses

import numpy as np
import pytest

from semcom_phy.metrics.text import corpus_bleu
from semcom_phy.progress import listening
from semcom_phy.simulation.metric_table import metrics_of
from semcom_phy.simulation.shown import shrink_for_figure
from semcom_phy.simulation.statistics.intervals import clustered_probability
from semcom_phy.simulation.sweep import (
    Link,
    SweepSettings,
    built,
    simulate_point,
)
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.sources.pixel_hash import pixel_hash
from semcom_phy.sources.samples import Delivered, Samples

IMAGES = np.random.default_rng(1).integers(0, 256, (10, 16, 16, 3), "uint8")
SAMPLES = Samples(IMAGES, None, {})


class Channel:
    def __init__(self):
        self.fades = []

    def sample_each(self, seeds):
        draws = [np.random.default_rng((seed, 1)).normal() for seed in seeds]
        self.fades.append(np.array(draws))
        return self.fades[-1]


class System:
    """Adds noise; every third image that it is sent is in outage."""

    name = "system"

    def __init__(self, sigma=20.0, cut=slice(None)):
        self.sigma, self.cut, self.calls = sigma, cut, []

    def transmit(self, samples, snr_db, h, seeds):
        images, batch = samples.images, len(samples)
        self.calls.append((images, snr_db, h, seeds))
        size = images.shape[1:]
        noise = [
            np.random.default_rng(seed).normal(0, self.sigma, size) for seed in seeds
        ]
        received = np.clip(images + np.stack(noise), 0, 255).astype("uint8")
        return Transmission(
            Delivered(images=received[:, self.cut]),
            np.arange(batch) % 3 == 0,
            Spent(np.full(batch, 192.0), np.zeros(batch)),
            figures={"block_error": np.ones(batch, bool)},
        )


def grouped(groups):
    return dataclasses.replace(SAMPLES, groups=tuple(groups))


def test_every_system_and_snr_sees_the_same_fades_and_noise():
    """Fades and noise seeds repeat from run to run and differ by image and draw
    (exact)."""
    settings = SweepSettings(draws=2, batch_size=5)
    first, second = Link(System(), Channel()), Link(System(5.0), Channel())
    simulate_point(first, SAMPLES, 0, settings)
    simulate_point(second, SAMPLES, 20, settings)
    np.testing.assert_array_equal(first.channel.fades, second.channel.fades)
    seeds = [seed for *_, seeds in first.system.calls for seed in seeds]
    assert seeds == [seed for *_, seeds in second.system.calls for seed in seeds]
    assert len(set(seeds)) == len(set(np.ravel(first.channel.fades))) == 20


def test_another_seed_gives_other_fades_and_noise():
    """The seed reaches both streams (exact)."""
    links = [Link(System(), Channel()) for _ in range(2)]
    for seed, link in enumerate(links):
        simulate_point(link, SAMPLES, 0, SweepSettings(seed=seed))
    assert links[0].system.calls[0][3] != links[1].system.calls[0][3]
    assert not np.array_equal(links[0].channel.fades, links[1].channel.fades)


def test_batches_have_one_size_and_every_image_counts_once():
    """10 images in batches of at most 4 go out as 3 batches of 4; the 2 that fill up
    the last one are not counted (exact)."""
    link, sent = Link(System(), Channel()), []
    settings = SweepSettings(batch_size=4)
    with listening(sent.append):
        point = simulate_point(link, SAMPLES, 0, settings)
    assert [len(images) for images, *_ in link.system.calls] == [4, 4, 4]
    assert sent == [4, 4, 2]
    assert point.metrics["psnr_db"].num_images == 10
    assert point.metrics["psnr_db"].num_transmissions == 10
    assert point.metrics["outage"].mean == pytest.approx(5 / 10)  # 2 + 2 + 1
    np.testing.assert_array_equal(link.system.calls[2][0][:2], IMAGES[8:])


class SharedFrames(System):
    """Tells of every image which four are in its frame: the sum of their means."""

    def transmit(self, samples, snr_db, h, seeds):
        sent = super().transmit(samples, snr_db, h, seeds)
        means = samples.images.mean(axis=(1, 2, 3)).reshape(-1, 4)
        sent.figures["frame"] = np.repeat(means.sum(axis=1), 4)
        return sent


@pytest.mark.parametrize("target_ci", [None, 1e-6])
@pytest.mark.parametrize("size", [1, 3, 4, 7, 64])
def test_images_share_a_frame_with_the_same_in_all_batches(size, target_ci):
    """Four images that follow each other from a multiple of four on are in one frame,
    whatever the batch size and however often the interval is looked at; with the last
    two are the first two, and every image counts once (exact)."""
    settings = SweepSettings(
        together=4, batch_size=size, target_ci=target_ci, min_images=3
    )
    point = simulate_point(Link(SharedFrames(), Channel()), SAMPLES, 0, settings)
    means = IMAGES.mean(axis=(1, 2, 3))[[*range(10), 0, 1]].reshape(-1, 4)
    frames = np.repeat(means.sum(axis=1), 4)[:10]
    np.testing.assert_array_equal(point.rows["image"], range(10))
    np.testing.assert_array_equal(point.rows["frame"], frames)


def test_figures_are_those_of_the_images():
    """PSNR, PSNR of the mean MSE and extras follow the definition (round-off 1e-9)."""
    link = Link(System(), Channel())
    point = simulate_point(link, SAMPLES, 0, SweepSettings(draws=3, num_shown=10))
    assert (point.status, len(point.shown.images)) == ("done", 10)
    mse = np.mean((IMAGES - point.shown.images.astype(float)) ** 2, axis=(1, 2, 3))
    shown = 10 * np.log10(255**2 / mse)
    np.testing.assert_allclose(point.shown.values[1], shown, rtol=1e-9)
    assert point.metrics["psnr_db"].num_transmissions == 30
    assert point.extras["block_error"].mean == 1
    assert point.extras["block_error"].ci95[1] == 1

    once = simulate_point(link, SAMPLES, 0, SweepSettings(num_shown=10))
    assert once.metrics["psnr_db"].mean == pytest.approx(shown.mean(), rel=1e-9)
    mean_mse = 10 * np.log10(255**2 / mse.mean())
    got = once.metrics["psnr_of_mean_mse_db"].mean
    assert got == pytest.approx(mean_mse, rel=1e-9)


def test_a_point_stops_at_the_target():
    """A narrow interval ends a point, but not before the least number of images
    (exact); without a target, everything is sent."""
    link = Link(System(), Channel())
    settings = SweepSettings(batch_size=2, target_ci=5.0, min_images=6)
    point = simulate_point(link, SAMPLES, 0, settings)
    assert point.status == "target_reached"
    assert point.metrics["psnr_db"].num_images == 6
    assert point.metrics["psnr_db"].half_width <= 5.0
    impossible = SweepSettings(batch_size=2, target_ci=1e-6)
    assert simulate_point(link, SAMPLES, 0, impossible).status == "done"


def test_a_process_builds_a_link_once():
    """All points of a curve share one system, which traces its graphs once (exact)."""
    assert built(Channel) is built(Channel)


def test_large_images_are_reduced_for_the_figure():
    """The file keeps a few of large images, reduced as a whole (exact)."""
    images = np.random.default_rng(2).integers(0, 256, (3, 80, 240, 3), "uint8")
    link = Link(System(sigma=0.0), Channel())
    settings = SweepSettings(num_shown=2, max_shown_size=60)
    point = simulate_point(link, Samples(images, None, {}), 0, settings)
    expected = shrink_for_figure(images[:2], 60)
    np.testing.assert_array_equal(point.shown.images, expected)
    assert expected.shape == (2, 20, 60, 3)


@pytest.mark.parametrize("crop", [None, (24, 100, 32)])
def test_of_larger_images_the_figure_has_a_part(crop):
    """The same place of every reconstruction, whatever arrived: that of the original
    with most detail, or the one that was chosen, which the result names (exact)."""
    images = np.full((3, 64, 288, 3), 100, "uint8")
    for k, left in enumerate((16, 80, 200)):
        images[k, 16:48, left : left + 32] = IMAGES[:4].reshape(32, 32, 3)
    settings = SweepSettings(num_shown=2, max_shown_size=32, batch_size=1, crop=crop)
    link = Link(System(sigma=40.0), Channel())
    pictures = []
    link.system.transmit, transmit = (
        lambda *args: pictures.append(transmit(*args)) or pictures[-1],
        link.system.transmit,
    )
    point = simulate_point(link, Samples(images, None, {}), 0, settings)
    places = [(24, 100)] * 2 if crop else [(16, 16), (16, 80)]
    for shown, sent, (top, left) in zip(
        point.shown.images, pictures, places, strict=False
    ):
        whole = sent.delivered.images[0]
        np.testing.assert_array_equal(shown, whole[top : top + 32, left : left + 32])
    assert len(point.shown.images) == 2
    assert ("crop" in settings.to_dict()) == (crop is not None)


def test_a_system_that_changes_the_shape_is_named():
    """Reconstructions of another size are an error, not a number (exact)."""
    link = Link(System(cut=slice(8)), Channel())
    with pytest.raises(ValueError, match="system returned images"):
        simulate_point(link, SAMPLES, 0, SweepSettings())


@pytest.mark.parametrize(
    "name, value", [("draws", 0), ("batch_size", 0), ("target_ci", 0.0), ("seed", -1)]
)
def test_settings_out_of_range_are_refused(name, value):
    """The name and the value received are in the message (exact)."""
    with pytest.raises(ValueError, match=f"{name}.*{value}"):
        SweepSettings(**{name: value})


def test_images_of_one_group_count_as_one():
    """Intervals are those of clusters by group, other figures stay as they are; without
    groups, every image is its own (exact)."""
    link, settings = Link(System(), Channel()), SweepSettings(batch_size=4, draws=2)
    alone = simulate_point(link, SAMPLES, 0, settings)
    own = simulate_point(link, grouped(range(10)), 0, settings)
    pairs = simulate_point(link, grouped("aabbccddee"), 0, settings)
    assert own.metrics == alone.metrics and own.extras == alone.extras
    assert pairs.extras["cbr"] == alone.extras["cbr"]
    for name, estimate in pairs.metrics.items():
        assert estimate.mean == alone.metrics[name].mean
        assert estimate.ci95 != alone.metrics[name].ci95
        assert (estimate.num_images, estimate.num_transmissions) == (10, 20)


def test_a_target_waits_for_enough_groups():
    """The least number is one of groups, where there are groups (exact)."""
    settings = SweepSettings(batch_size=2, target_ci=50.0, min_images=3)
    groups = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    link = Link(System(), Channel())
    point = simulate_point(link, grouped(groups), 0, settings)
    assert point.metrics["psnr_db"].num_images == 9
    alone = simulate_point(link, SAMPLES, 0, settings)
    assert alone.metrics["psnr_db"].num_images == 3


def test_an_error_of_a_system_names_it_and_the_snr():
    """Behind what the system says (exact)."""

    class Broken(System):
        def transmit(self, samples, snr_db, h, seeds):
            raise ValueError("weights are broken")

    told = r"^weights are broken \(system 'system', 7.5 dB\)$"
    with pytest.raises(ValueError, match=told):
        simulate_point(Link(Broken(), Channel()), SAMPLES, 7.5, SweepSettings())


@pytest.mark.parametrize("target_ci", [None, 1.5])
def test_a_point_does_not_depend_on_the_batch_size(target_ci):
    """One by one, in threes and all at once: the same figures of the same images
    (round-off 1e-9), where a target ends the point as well."""

    class Faded(System):
        def transmit(self, samples, snr_db, h, seeds):
            sent = super().transmit(samples, snr_db, h, seeds)
            sent.figures["fade"] = h
            sent.outage[:] = h < -1
            return sent

    points = [
        simulate_point(
            Link(Faded(), Channel()),
            SAMPLES,
            0,
            SweepSettings(draws=3, batch_size=size, target_ci=target_ci, min_images=4),
        )
        for size in (1, 3, 64)
    ]
    assert points[0].status == ("done" if target_ci is None else "target_reached")
    for point in points[1:]:
        assert point.status == points[0].status
        np.testing.assert_array_equal(point.shown.images, points[0].shown.images)
        for name, value in (points[0].metrics | points[0].extras).items():
            found = (point.metrics | point.extras)[name]
            assert found.num_transmissions == value.num_transmissions
            assert found.mean == pytest.approx(value.mean, rel=1e-9)
            assert found.ci95 == pytest.approx(value.ci95, rel=1e-9)


def test_figures_that_do_not_apply_to_an_image_are_left_out():
    """NaN among the figures is neither averaged nor counted; where none applies, there
    is no estimate (exact)."""

    class Scored(System):
        def transmit(self, samples, snr_db, h, seeds):
            sent = super().transmit(samples, snr_db, h, seeds)
            half = np.where(np.arange(len(samples)) % 2, np.nan, 7.0)
            sent.figures.update(half=half, none=np.full(len(samples), np.nan))
            return sent

    point = simulate_point(Link(Scored(), Channel()), SAMPLES, 0, SweepSettings())
    assert (point.extras["half"].mean, point.extras["half"].num_images) == (7.0, 5)
    assert point.extras["none"] is None


def test_rows_are_what_the_figures_were_made_of():
    """Every transmission has a row with its image, hash, draw, group, fade and figures;
    their means are those of the point, and images that only fill up a batch have none
    (exact)."""
    link, settings = Link(System(), Channel()), SweepSettings(batch_size=4, draws=2)
    groups = list("aabbccddee")
    point = simulate_point(link, grouped(groups), 0, settings)
    rows = point.rows
    assert {len(values) for values in rows.values()} == {20}
    np.testing.assert_array_equal(rows["image"], [*range(10)] * 2)
    np.testing.assert_array_equal(rows["draw"], [0] * 10 + [1] * 10)
    np.testing.assert_array_equal(rows["group"], groups * 2)
    hashes = [pixel_hash(image)[:16] for image in IMAGES]
    np.testing.assert_array_equal(rows["image_sha256"], hashes * 2)
    for name in ("psnr_db", "ssim", "ms_ssim", "outage"):
        assert rows[name].mean() == pytest.approx(point.metrics[name].mean, rel=1e-12)
    np.testing.assert_array_equal(rows["block_error"], True)
    fades = [
        np.concatenate(link.channel.fades[3 * draw : 3 * draw + 3])[:10]
        for draw in range(2)
    ]
    power = np.abs(np.concatenate(fades)) ** 2
    np.testing.assert_allclose(rows["fade_power"], power, rtol=1e-6)


def test_an_extra_cannot_take_the_name_of_a_figure():
    """The name is in the message (exact)."""

    class Named(System):
        def transmit(self, samples, snr_db, h, seeds):
            sent = super().transmit(samples, snr_db, h, seeds)
            sent.figures["mse"] = np.ones(len(samples))
            return sent

    with pytest.raises(ValueError, match="figures may not be named mse"):
        simulate_point(Link(Named(), Channel()), SAMPLES, 0, SweepSettings())


class Speaker(System):
    """Delivers captions: of every second image the first reference, else too short."""

    def transmit(self, samples, snr_db, h, seeds):
        sent = super().transmit(samples, snr_db, h, seeds)
        pairs = zip(samples.texts, seeds, strict=True)
        texts = [own[0] if seed % 2 else "a" for own, seed in pairs]
        return dataclasses.replace(sent, delivered=Delivered(texts=texts))


CAPTIONS = tuple((f"A dog runs behind cat {i} .", "two cats") for i in range(10))
CAPTIONED = dataclasses.replace(SAMPLES, texts=CAPTIONS)


def test_texts_are_measured_as_images_are():
    """Metrics of texts and their parts stand in rows and estimates, those of a set have
    the value of all texts and an interval by the sample; what is shown are the texts
    (exact; round-off 1e-12)."""
    metrics = metrics_of(["text_exact", "bleu_4"])
    link, settings = Link(Speaker(), Channel()), SweepSettings(batch_size=4, draws=2)
    point = simulate_point(link, CAPTIONED, 0, settings, metrics)
    seeds = [seed for *_, own in link.system.calls for seed in own]
    seeds = np.r_[seeds[:10], seeds[12:22]]
    whole = seeds % 2 == 1
    assert 0 < whole.sum() < 20
    np.testing.assert_array_equal(point.rows["text_exact"], whole)
    assert point.metrics["text_exact"].mean == whole.mean()
    bleu = corpus_bleu(point.rows, 4)
    assert point.metrics["bleu_4"].mean == pytest.approx(bleu, rel=1e-12)
    assert 0 < bleu < 1 and point.metrics["bleu_4"].half_width > 0
    assert list(point.metrics) == ["text_exact", "bleu_4", "outage"]
    assert "psnr_db" not in point.rows
    assert point.shown.images is None
    said = tuple(CAPTIONS[i][0] if whole[i] else "a" for i in range(6))
    assert point.shown.texts == said
    assert point.shown.values == ("text_exact", tuple(whole[:6].tolist()))


def test_a_target_is_one_of_the_first_metric():
    """A point ends by the interval of the metric that is listed first, also where that
    is one of a set (exact)."""
    link = Link(Speaker(), Channel())
    settings = SweepSettings(batch_size=2, target_ci=0.9, min_images=6)
    for names, num in ((["bleu_1", "text_exact"], 6), (["text_exact", "bleu_1"], 6)):
        point = simulate_point(link, CAPTIONED, 0, settings, metrics_of(names))
        assert point.status == "target_reached"
        assert point.metrics["bleu_1"].num_images == num
    narrow = dataclasses.replace(settings, target_ci=0.01)
    point = simulate_point(link, CAPTIONED, 0, narrow, metrics_of(["bleu_1"]))
    assert point.status == "done" and point.metrics["bleu_1"].half_width > 0.01


@pytest.mark.parametrize(
    "metric, samples, told",
    [
        ("psnr_db", CAPTIONED, "needs images, which system 'system' does not deliver"),
        ("text_exact", SAMPLES, "needs captions as references, which the data set"),
        ("psnr_high", SAMPLES, "needs label maps, which the data set does not have"),
        (
            "psnr_high",
            dataclasses.replace(SAMPLES, labels=np.zeros(10, int)),
            "needs label maps, which the data set does not have",
        ),
    ],
)
def test_a_metric_that_cannot_be_is_refused(metric, samples, told):
    """The metric, what is missing and the remedies are in the message (exact)."""
    link = Link(Speaker(), Channel())
    told = f"metric '{metric}' {told}.*: choose .* with --.*, or leave it out of --m"
    with pytest.raises(ValueError, match=told):
        simulate_point(link, samples, 0, SweepSettings(), metrics_of([metric]))


def test_texts_need_a_system_that_delivers_them():
    """The name of the system is in the message (exact)."""
    told = "'bleu_1' needs texts, which system 'system' does not deliver"
    with pytest.raises(ValueError, match=told):
        link = Link(System(), Channel())
        simulate_point(link, CAPTIONED, 0, SweepSettings(), metrics_of(["bleu_1"]))


def test_what_is_spent_and_lost_stands_beside_the_figures():
    """Of every system: symbols of data and side information over 3HW, and the segments
    that were lost as events, in the rows and as estimates (exact)."""

    class Framed(System):
        def transmit(self, samples, snr_db, h, seeds):
            sent = super().transmit(samples, snr_db, h, seeds)
            side = np.where(np.asarray(seeds) % 2, 96.0, 0.0)
            lost = {"lengths": np.asarray(seeds) % 2 == 1}
            spent = Spent(np.full(len(samples), 192.0), side)
            return dataclasses.replace(sent, spent=spent, lost=lost)

    link = Link(Framed(), Channel())
    point = simulate_point(link, SAMPLES, 0, SweepSettings(batch_size=4))
    rows, lost = point.rows, point.rows["lost_lengths"]
    assert 0 < lost.sum() < 10
    np.testing.assert_array_equal(rows["cbr"], 0.25)
    np.testing.assert_array_equal(rows["side_cbr"], np.where(lost, 0.125, 0.0))
    np.testing.assert_array_equal(rows["cbr_total"], rows["cbr"] + rows["side_cbr"])
    names = ["cbr", "side_cbr", "cbr_total", "lost_lengths", "block_error"]
    assert list(point.extras) == names
    for name in names:
        assert point.extras[name].mean == pytest.approx(rows[name].mean())
    expected = clustered_probability(lost, rows["image"])
    assert point.extras["lost_lengths"] == expected
