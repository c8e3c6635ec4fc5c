"""The choice of the rate, from picture and channel, and what an accident costs."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from seeded import samples_of
from skimage import data, transform

from link_models.systems.frame_system import FrameSystem
from link_models.systems.separation.capacity_system import CapacitySystem
from link_models.systems.separation.coder import SeparationCoder
from scenarios.command.room_notes import room_notes
from semcom_phy.channel_coding.bler import waterfall
from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import Mcs, all_schemes
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.axis import SNR_AXIS
from semcom_phy.simulation.statistics.intervals import Estimate
from semcom_phy.source_coding import DecodeError, shared_codec
from semcom_phy.source_coding.rate_choice import choose_rate
from semcom_phy.sources.images import load_images

COLOR = (126, 123, 114)
FEW_PILOTS = OFDMGrid(12, 14, (2,), cyclic_prefix_length=1)


def separation(
    codec,
    shape,
    model,
    num_symbols,
    knowledge="average",
    csi=None,
    grid=None,
    schedule="flooding",
):
    framing = Framing(num_symbols, model.num_tx_ant, grid)
    channel = EqualizedOFDMChannel(model, framing, csi)
    codec = shared_codec(codec, shape)
    options = all_schemes(), knowledge, COLOR, (*shape, 3)
    coder = SeparationCoder(codec, channel, *options, schedule=schedule)
    return FrameSystem("s", "S", coder, channel, COLOR)


def transmit(system, images, snr_db, h, seeds):
    return system.transmit(samples_of(images), snr_db, h, seeds)


def ideal(system, rule):
    return CapacitySystem(
        "c",
        "C",
        system.coder.codec,
        system.channel,
        rule,
        COLOR,
        system.coder.image_shape,
    )


@cache
def photograph(height, width):
    """A photograph enlarged from 512x512, with the detail of its own size added."""
    picture = transform.resize(data.astronaut(), (height, width), anti_aliasing=True)
    grain = np.random.default_rng(1).normal(0, 2 / 255, picture.shape)
    return np.clip((picture + grain) * 255, 0, 255).astype(np.uint8)[None]


def test_the_scheme_follows_the_sounding_and_not_the_channel():
    """One image and one fade 32 times, sounded with few pilots: the choices differ as
    the soundings do; with perfect CSI they are one (exact)."""
    images = np.repeat(load_images("sample", 1)[0], 32, axis=0)
    seeds = image_seeds(2, 0, range(32))
    chosen = {}
    for csi in (LSEstimator(), PerfectCSI()):
        system = separation(
            "jpeg2000", (32, 32), BlockRayleigh(2, 2), 768, "csi", csi, FEW_PILOTS
        )
        h = np.repeat(np.asarray(sample_fades(system.channel, [9])), 32, axis=0)
        sent = transmit(system, images, 5.0, h, seeds)
        chosen[csi.label] = set(sent.figures["spectral_efficiency"].tolist())
    assert len(chosen["estimated"]) >= 2
    assert len(chosen["perfect"]) == 1


@pytest.mark.parametrize(
    "knowledge, schedule",
    [
        (knowledge, schedule)
        for knowledge in ("average", "csi")
        for schedule in ("flooding", "layered")
    ],
)
def test_predicted_outage_is_unbiased_at_0_db(knowledge, schedule):
    """2x2 Rayleigh, LS from 144 pilots: measured minus predicted outage over 512
    transmissions within 4 standard errors, that of the 1000 fades of the average
    included."""
    options = knowledge, LSEstimator(), None, schedule
    system = separation("jpeg2000", (32, 32), BlockRayleigh(2, 2), 768, *options)
    images = load_images("sample", 64)[0]
    difference = []
    for draw in range(8):
        seeds = image_seeds(4, draw, range(64))
        sent = transmit(system, images, 0.0, sample_fades(system.channel, seeds), seeds)
        difference.append(sent.outage - sent.figures["predicted_outage"])
    difference = np.concatenate(difference)
    error = difference.std() * np.sqrt(1 / 512 + (knowledge == "average") / 1000)
    assert abs(difference.mean()) < 4 * error
    assert 0.01 < sent.figures["predicted_outage"].mean() < 0.5


def test_an_unknown_schedule_is_refused():
    """With what there are (exact)."""
    channel = EqualizedOFDMChannel(AWGN(1), Framing(512, 1))
    options = all_schemes(), "average", COLOR, (32, 32, 3)
    codec = shared_codec("jpeg2000", (32, 32))
    with pytest.raises(ValueError, match="one of flooding, layered, got 'serial'"):
        SeparationCoder(codec, channel, *options, schedule="serial")


def test_the_receiver_decodes_by_the_schedule_that_outage_is_predicted_for():
    """One scheme at the SNR where every second word is lost by flooding: of the same
    words over the same noise a layered decoder loses fewer, as it predicts (exact)."""
    mcs, num_symbols, images = Mcs(4, 0.6), 512, load_images("sample", 32)[0]
    plan = plan_blocks(mcs, num_symbols)
    snr_db, _ = waterfall(4, plan.code_block_bits, plan.coded_bits)
    channel = EqualizedOFDMChannel(AWGN(1), Framing(num_symbols, 1))
    seeds = image_seeds(3, 0, range(32))
    lost, predicted = {}, {}
    for schedule in ("flooding", "layered"):
        options = (mcs,), "average", COLOR, (32, 32, 3)
        codec = shared_codec("jpeg2000", (32, 32))
        coder = SeparationCoder(codec, channel, *options, schedule=schedule)
        system = FrameSystem("s", "S", coder, channel, COLOR)
        assert system.describe()["ldpc_schedule"] == schedule
        h = sample_fades(channel, seeds)
        sent = transmit(system, images, snr_db, h, seeds)
        lost[schedule] = set(np.flatnonzero(sent.outage))
        predicted[schedule] = sent.figures["predicted_outage"].mean()
    assert predicted["flooding"] == pytest.approx(0.5, abs=0.01)
    assert predicted["layered"] < 0.4 and 8 < len(lost["flooding"]) < 24
    assert lost["layered"] < lost["flooding"]


class Accident(Transport):
    """The CRC passes by chance, over other bytes."""

    instead = b""

    def decode(self, x_hat, no_eff):
        return [self.instead] * len(x_hat), np.ones(len(x_hat), bool)


@pytest.mark.parametrize("name", ["webp", "jpeg", "jpeg2000", "hevc", "avif"])
def test_an_undetected_error_is_counted_and_never_raised(name, monkeypatch):
    """Bytes that the codec refuses are an outage; a stream of another image is shown as
    it is; both are undetected block errors (exact)."""
    system = separation(name, (32, 32), AWGN(1), 1024)
    images = load_images("sample", 2)[0]
    other = system.coder.codec.encode(images[1], 150)
    h = system.channel.sample(1)
    clean = transmit(system, images[:1], 20.0, h, [1])
    assert not clean.outage[0] and not clean.figures["undetected"][0]
    system = separation(name, (32, 32), AWGN(1), 1024)
    monkeypatch.setattr("link_models.systems.separation.coder.Transport", Accident)
    for instead in (b"", other):
        monkeypatch.setattr(Accident, "instead", instead)
        sent = transmit(system, images[:1], 20.0, h, [1])
        assert sent.figures["undetected"][0]
        assert sent.figures["block_error"][0] == 1
        assert sent.outage[0] == (instead == b"")
        shown = COLOR if instead == b"" else system.coder.codec.decode(other)
        assert np.all(sent.delivered.images[0] == shown)
    with pytest.raises(DecodeError):
        system.coder.codec.decode(b"")


@pytest.mark.parametrize(
    ("name", "shape", "cbr", "snr_db"),
    [
        ("webp", (299, 451), 1 / 24, (5.0, 10.0)),
        ("webp", (512, 768), 1 / 48, (15.0, 20.0)),
        ("jpeg", (512, 768), 1 / 48, (14.0, 20.0)),
        ("jpeg2000", (512, 768), 1 / 48, (0.0, 10.0)),
        ("hevc", (256, 256), 1 / 48, (4.0, 6.0)),
        ("avif", (128, 192), 1 / 24, (10.0,)),
    ],
)
def test_large_pictures_arrive(name, shape, cbr, snr_db):
    """On AWGN, where the smallest stream fits: no outage and at most 3 dB below the
    same codec with an ideal code."""
    image = photograph(*shape)
    system = separation(name, shape, AWGN(1), int(cbr * image.size))
    h = system.channel.sample(1)
    bound = ideal(system, "realisation")
    for snr in snr_db:
        sent = transmit(system, image, snr, h, [1])
        assert not sent.outage[0]
        assert np.isnan(sent.figures["smallest_stream_bytes"][0])
        best = psnr(image, transmit(bound, image, snr, h, [1]).delivered.images)[0]
        assert best - 3 < psnr(image, sent.delivered.images)[0] <= best + 0.1


def test_what_does_not_fit_is_told():
    """WebP at 512x768, cbr 1/48 and 0 dB: no safe scheme carries its smallest stream;
    both are named in the result and under the table (exact)."""
    image = photograph(512, 768)
    system = separation("webp", (512, 768), AWGN(1), image.size // 48)
    sent = transmit(system, image, 0.0, system.channel.sample(1), [1])
    smallest = system.coder.codec.ladder.smallest(image[0])
    safe = system.coder.average_outage(0.0) < 0.01
    room = system.coder.num_bytes[safe].max()
    assert sent.figures["smallest_stream_bytes"][0] == smallest > room
    assert sent.figures["room_bytes"][0] == room > 0

    estimates = {
        "smallest_stream_bytes": Estimate(smallest, None, 1, 1),
        "room_bytes": Estimate(room, None, 1, 1),
        "outage": Estimate(0.25, None, 4, 4),
    }
    file = SimpleNamespace(
        title="WebP",
        axis=SNR_AXIS,
        estimate=lambda name, snr: estimates[name] if snr == 0 else None,
    )
    (line,) = room_notes([file], (0.0, 20.0))
    assert "WebP, 0 dB" in line and "1 of 4 images" in line
    assert f"{smallest} bytes" in line and f"room is {room} " in line
    assert line.endswith("sent at a higher one, or lost where no scheme may carry it")


@pytest.mark.parametrize("snr_db", [5.0, 15.0])
def test_the_fixed_rate_of_an_ideal_code_is_the_best_of_the_image(snr_db):
    """JPEG at 256x256, cbr 1/24, 2x2 Rayleigh: the expected PSNR is the largest over
    all streams and all fades (0.05 dB for streams that bisection misses)."""
    image = photograph(256, 256)
    system = separation("jpeg", (256, 256), BlockRayleigh(2, 2), image.size // 24)
    reference = ideal(system, "outage")
    rates, outage = reference._fixed_rates(snr_db)
    value = psnr(image, np.broadcast_to(np.uint8(COLOR), image.shape))[0]
    curve = np.array(system.coder.codec.ladder.curve(image[0]))
    risk = np.searchsorted(rates // 8, curve[:, 0]) / len(rates)
    best = np.max((1 - risk) * curve[:, 1] + risk * value)
    choice = choose_rate(system.coder.codec.ladder, image[0], rates // 8, outage, value)
    assert best - 0.05 < choice.expected_psnr <= best + 1e-9

    seeds = image_seeds(1, 0, range(32))
    h = sample_fades(system.channel, seeds)
    sent = transmit(reference, np.repeat(image, 32, axis=0), snr_db, h, seeds)
    carried = reference._bits(np.asarray(h), snr_db) >= rates[choice.index]
    np.testing.assert_array_equal(sent.outage, ~carried)
    assert set(sent.figures["ideal_bits"]) <= {0.0, rates[choice.index]}


@pytest.mark.parametrize("index", [3, 12, 20])
def test_frames_of_many_code_blocks(index):
    """10^5 bits and more: code blocks within TS 38.212, all symbols but a few in use,
    payloads of any length back as they were (exact)."""
    mcs = all_schemes()[index]
    num_symbols = int(1.1e5 / mcs.spectral_efficiency)
    transport = Transport(mcs, num_symbols)
    plan = transport.plan
    assert 8 * transport.max_bytes > 1e5
    assert plan.code_block_bits <= (8448 if plan.base_graph == "bg1" else 3840)
    assert plan.num_empty_symbols < plan.num_code_blocks
    payloads = [np.random.default_rng(i).bytes(n) for i, n in ((1, 3), (2, 12_000))]
    x = transport.encode(payloads)
    assert transport.decode(x, 1e-3)[0] == payloads


def test_prediction_holds_for_frames_of_many_code_blocks():
    """36,864 QPSK symbols, 5 blocks: half a decibel below the SNR at which a half of
    the frames is predicted to fail all of 40 do, half a decibel above it none; at
    it no more than 90 % do, so that long frames do not fare worse than predicted."""
    system = separation("jpeg", (16, 16), AWGN(1), 36_864)
    index = 6
    snr = np.arange(-2.0, 4.0, 0.02)
    outage = np.array([system.coder.average_outage(s)[index] for s in snr])
    half = snr[np.argmin(np.abs(outage - 0.5))]
    transport = Transport(system.coder.candidates[index], 36_864)
    assert transport.plan.num_code_blocks >= 4
    rng = np.random.default_rng(1)
    rates = []
    for offset in (-0.5, 0.0, 0.5):
        no = 10 ** (-(half + offset) / 10)
        x = transport.encode([rng.bytes(2000) for _ in range(40)])
        noise = rng.normal(size=(2, *x.shape)) * np.sqrt(no / 2)
        payloads, _ = transport.decode(
            (x + noise[0] + 1j * noise[1]).astype(np.complex64), np.float32(no)
        )
        rates.append(np.mean([payload is None for payload in payloads]))
    assert rates[0] == 1 and rates[1] <= 0.9 and rates[2] == 0


def test_errors_that_exceed_belief_are_counted():
    """Averaged over time the estimate of a fast channel is wrong by more than its
    receiver believes in some frames. By fed-back CSI no more of them are lost than is
    predicted (128 fades of TDL-A, 30 m/s, 30 dB; 4 standard errors of the outage that
    is predicted); without counting the excess one in seven is."""
    model = TDL("A", OFDMGrid(), 2, 2, 3e-7, carrier_frequency=3.5e9, speed=30.0)
    csi = LSEstimator("time_average")
    system = separation("jpeg2000", (32, 32), model, 768, "csi", csi)
    images = load_images("sample", 64)[0]
    lost, predicted = [], []
    for draw in range(2):
        seeds = image_seeds(8, draw, range(64))
        h = sample_fades(system.channel, seeds)
        sent = transmit(system, images, 30.0, h, seeds)
        lost.append(sent.outage)
        predicted.append(sent.figures["predicted_outage"])
    risk = np.mean(predicted)
    assert 0 < risk < 0.05
    assert np.mean(lost) < risk + 4 * np.sqrt(risk * (1 - risk) / 128)


@cache
def over_eigenmodes(csi):
    """40 images over 2x2 fades at 0, 10 and 25 dB, by antennas and by eigenmodes: what
    is placed on the frames, the precoder, and what became of them."""
    images, found = load_images("sample", 40)[0], {}
    seeds = image_seeds(3, 0, range(40))
    for precoding in (False, True):
        channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(300, 2), csi())
        rest = all_schemes(), "csi", COLOR, (32, 32, 3)
        codec = shared_codec("webp", (32, 32))
        coder = SeparationCoder(codec, channel, *rest, precoding=precoding)
        system = FrameSystem("s", "S", coder, channel, COLOR)
        h = sample_fades(channel, seeds)
        found[precoding] = []
        for snr in (0.0, 10.0, 25.0):
            message = coder.encode(samples_of(images), snr, h, seeds)
            x = coder.frame.place(message.segments).x.reshape(40, -1, 2)
            sent = transmit(system, images, snr, h, seeds)
            found[precoding].append((x, message.precoder, sent))
    return found


def test_eigenmodes_carry_more_than_antennas():
    """At least a fifth more bytes up to 10 dB; one stream serves often at 0 dB, two do
    at 25 dB; and no more power is radiated than 1 an antenna, whatever the modes
    (1 %, the QAM of some frames; 5 % less where symbols stay empty)."""
    plain, chosen = (over_eigenmodes(PerfectCSI)[way] for way in (False, True))
    ranks = []
    for at, ((_, nothing, one), (x, precoder, two)) in enumerate(
        zip(plain, chosen, strict=True)
    ):
        assert nothing is None
        more = two.figures["payload_bytes"].mean() / one.figures["payload_bytes"].mean()
        assert more > (1.0 if at == 2 else 1.2)
        sent = np.any(x, axis=(1, 2))
        ranks.append(np.any(x[sent], axis=1).sum(axis=1))
        radiated = np.einsum("brt,bat->bra", x[sent], precoder[sent])
        energy = np.mean(np.sum(np.abs(radiated) ** 2, axis=2))
        assert 1.9 < energy < 2.02
    assert np.mean(ranks[0] == 1) > 0.2 and np.mean(ranks[2] == 2) > 0.5
    assert np.mean(ranks[0]) < np.mean(ranks[2])


@pytest.mark.parametrize("csi", (PerfectCSI, LSEstimator))
def test_frames_over_eigenmodes_fail_as_often_as_predicted(csi):
    """Over 120 frames, the number of blocks lost is within three standard deviations of
    what was predicted, and two more: curves of finite runs, and errors of the estimate
    that count as those of equal powers."""
    sent = [sent for _, _, sent in over_eigenmodes(csi)[True]]
    predicted = np.concatenate([s.figures["predicted_outage"] for s in sent])
    lost = np.concatenate([s.figures["block_error"] for s in sent])
    known = ~np.isnan(lost)
    spread = np.sqrt(np.sum(predicted[known] * (1 - predicted[known])))
    assert known.sum() > 80
    assert abs(lost[known].sum() - predicted[known].sum()) <= 3 * spread + 2


@pytest.mark.parametrize(
    ("model", "knowledge", "named"),
    [
        (BlockRayleigh(2, 2), "average", "'average' and BlockRayleigh"),
        (TDL("A", OFDMGrid(), 2, 2), "csi", "'csi' and TDL"),
    ],
)
def test_eigenmodes_need_a_flat_channel_that_is_known(model, knowledge, named):
    """A transmitter that knows the average SNR alone has no modes to send over, and a
    selective channel has others on every subcarrier."""
    channel = EqualizedOFDMChannel(model, Framing(300, 2), PerfectCSI())
    rest = all_schemes(), knowledge, COLOR, (32, 32, 3)
    codec = shared_codec("webp", (32, 32))
    with pytest.raises(ValueError, match=f"and a flat channel, got {named}"):
        SeparationCoder(codec, channel, *rest, precoding=True)
