"""Systems of published weights: over the project's link, and over their authors'."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from published_state import FEATURES, write_weights
from seeded import samples_of

from link_models.links.radio import build_channel
from link_models.systems import batch_channel_system, frame_system, semantic_coder
from link_models.systems.published import (
    AS_PUBLISHED,
    Published,
    with_forms_as_published,
)
from link_models.systems.table import SYSTEMS, build_system
from link_models.training.published.command import VARIANTS
from scenarios import mimo_2x2, runner, siso_awgn, siso_rayleigh
from semcom_phy.phy.knowledge import SnrRange
from semcom_phy.phy.segments import DATA
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.images import load_images

TOKENS, CHANNELS, MASK_BYTES = 64, 10, 2
FIXED = Fraction(TOKENS * FEATURES // 2, 3072)
AWGN = replace(siso_awgn.SCENARIO, csi="perfect", cbr=FIXED)
RAYLEIGH = replace(siso_rayleigh.SCENARIO, csi="perfect", cbr=FIXED)
SNR_DB = 10.0
NAMES = [n for n, e in SYSTEMS.items() if isinstance(e, Published)]
PLAIN = [n for n in NAMES if not n.endswith(AS_PUBLISHED)]


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory):
    """A folder with imported weights of some variants under runs/."""
    folder = tmp_path_factory.mktemp("published")
    for name in ("witt", "swinjscc_ra", "swinjscc_sa_ra"):
        write_weights(name, folder / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


@pytest.fixture
def uncompiled(monkeypatch):
    """Functions as they are: for so few images compiling takes most of the time."""
    for module in (batch_channel_system, frame_system, semantic_coder):
        monkeypatch.setattr(module, "compile_fn", lambda fn, jit=True: fn)


def pictures(count=4):
    return samples_of(load_images("sample", count, size=32)[0])


def transmit(name, scenario, samples, snr_db=SNR_DB, first=0):
    seeds = image_seeds(1, 0, range(first, first + len(samples)))
    h = sample_fades(build_channel(scenario), seeds)
    return build_system(name, scenario).transmit(samples, snr_db, h, seeds)


def test_every_variant_has_both_forms():
    """Eight variants, each over both channels (exact)."""
    assert len(PLAIN) == 8 and set(PLAIN) == set(VARIANTS)
    assert sorted(NAMES) == sorted([*PLAIN, *(n + AS_PUBLISHED for n in PLAIN)])


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("scenario", [AWGN, RAYLEIGH], ids=["awgn", "rayleigh"])
@pytest.mark.parametrize("name", ["witt", "swinjscc_sa_ra"])
def test_what_is_charged_is_sent(name, scenario):
    """Scale, and mask with RA, are a segment that is charged; power is 1 per image, and
    non-zero symbols are those counted (exact; 1e-5)."""
    samples, seeds = pictures(), image_seeds(1, 0, range(4))
    system = build_system(name, scenario)
    assert system.describe()["knows"] == ["average SNR"]
    h = sample_fades(build_channel(scenario), seeds)
    message = system.coder.encode(samples, SNR_DB, h, seeds)
    placed = system.coder.frame.place(message.segments)
    data, side = placed.counts[DATA], placed.counts["side"]
    assert np.all(data == TOKENS * FEATURES // 2) and np.all(side > 0)
    np.testing.assert_array_equal(np.count_nonzero(placed.x, axis=1), data + side)
    power = np.mean(np.abs(placed.x[:, : data[0]]) ** 2, axis=1)
    np.testing.assert_allclose(power, 1.0, atol=1e-5)
    lengths = {len(p) for p in message.segments["side"].payloads}
    assert lengths == {2 if name == "witt" else 2 + MASK_BYTES}
    sent = system.transmit(samples, SNR_DB, h, seeds)
    np.testing.assert_array_equal(sent.spent.data, data)
    np.testing.assert_array_equal(sent.spent.side, side)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("scenario", [AWGN, RAYLEIGH], ids=["awgn", "rayleigh"])
@pytest.mark.parametrize("name", ["witt", "swinjscc_sa_ra"])
def test_authors_give_scale_mask_and_power_away(name, scenario):
    """No side information is charged, what it knows is said, and an image comes out
    otherwise with others beside it: they share power (exact)."""
    samples, published = pictures(), name + AS_PUBLISHED
    sent = transmit(published, scenario, samples)
    assert not sent.spent.side.any() and not sent.outage.any()
    assert np.all(sent.spent.data == TOKENS * FEATURES // 2)
    known = build_system(published, scenario).describe()["knows"]
    assert "power over the batch" in known and "image's scale (free)" in known
    assert ("which feature maps (free)" in known) == (name != "witt")
    again = transmit(published, scenario, samples)
    np.testing.assert_array_equal(again.delivered.images, sent.delivered.images)
    alone = transmit(published, scenario, samples.take(range(1)))
    assert np.any(alone.delivered.images[0] != sent.delivered.images[0])


@pytest.mark.usefixtures("uncompiled")
def test_without_noise_both_forms_show_the_same():
    """At 60 dB on AWGN, up to the steps of the scale: images of random weights within 8
    of 255 levels (mean within 1)."""
    samples = pictures()
    one = transmit("swinjscc_sa_ra", AWGN, samples, 60.0).delivered.images
    two = transmit("swinjscc_sa_ra_as_published", AWGN, samples, 60.0).delivered.images
    apart = np.abs(one.astype(int) - two)
    assert apart.max() <= 8 and apart.mean() < 1


def test_networks_are_told_no_snr_beyond_their_range(monkeypatch):
    """Over their authors' channel either; noise is that of the SNR itself (exact)."""
    system, told = build_system("witt_as_published", AWGN), []
    monkeypatch.setattr(system.link, "snr_range", SnrRange(1.0, 13.0))
    features = system._features
    monkeypatch.setattr(
        system, "_features", lambda x, snr: told.append(snr) or features(x, snr)
    )
    seeds = image_seeds(1, 0, range(4))
    for snr_db in (-5.0, 7.0, 20.0):
        system.transmit(pictures(), snr_db, None, seeds)
    assert [float(snr[0]) for snr in told] == [1.0, 7.0, 13.0]


def test_forms_that_are_named_are_not_named_again():
    """A system as published is one, with and without its other form (exact)."""
    both = ("witt", "witt_as_published")
    assert with_forms_as_published(("witt", "webp_ldpc"), SYSTEMS) == (
        *both,
        "webp_ldpc",
    )
    for systems in (both, ("witt_as_published",)):
        assert with_forms_as_published(systems, SYSTEMS) == systems


def test_the_command_runs_both_forms(tmp_path, capsys):
    """--as-published adds the other form of every system that has one; results are
    beside each other, told apart by what they know (exact)."""
    argv = "--systems witt webp_ldpc --as-published --images 4 --snr 10 --metrics"
    argv = [*argv.split(), "psnr_db", "--out", str(tmp_path)]
    assert runner.main(argv, AWGN) == 0
    out = capsys.readouterr().out
    assert "WITT, as published [b]" in out and "WITT, published weights [a]" in out
    stored = json.loads((tmp_path / "witt_as_published.json").read_text())
    assert stored["description"]["channel"] == "the authors': AWGN"
    assert stored["description"]["weights"] == "witt"
    assert (tmp_path / "webp_ldpc.json").is_file()


@pytest.mark.parametrize(
    "argv, scenario, message",
    [
        (["--systems", "webp_ldpc", "--as-published"], AWGN, "none of published"),
        (["--systems", "witt_as_published"], mimo_2x2.SCENARIO, "not 2x2 rayleigh"),
        (["--systems", "witt", "--cbr", "1/4"], AWGN, "a cbr of 192/3072"),
        (["--systems", "witt", "--weights", "absent"], AWGN, "import FILE.pth --as w"),
        (["--systems", "witt", "--weights", "runs/swinjscc_ra"], AWGN, "not as 'witt'"),
        (["--systems", "witt_as_published", "--users", "2"], AWGN, "leave out"),
    ],
)
def test_what_cannot_be_is_refused(argv, scenario, message, tmp_path, capsys):
    """One line with the remedy (exact)."""
    argv = [*argv, "--images", "2", "--snr", "10", "--out", str(tmp_path)]
    assert runner.main(argv, scenario) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
