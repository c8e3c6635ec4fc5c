"""Feedback with an age: what adaptive and separate systems make of it."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from seeded import samples_of
from test_adaptive_codecs import GREY, eca, make_system, pictures, randomise

from link_models.systems.separation.coder import SeparationCoder
from link_models.systems.separation.rate_profile import rate_profile
from link_models.systems.side_information import ShortSide
from link_models.systems.table import build_system
from link_models.systems.transmitter import DRAWS
from scenarios import adaptive_rate
from scenarios.definitions import definition_card
from scenarios.scenario import Scenario
from semcom_phy.channel_coding.mcs import all_schemes
from semcom_phy.channel_coding.messages.short_message import ShortMessage
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.feedback import (
    AgedFeedback,
    AverageSnr,
    Feedback,
    Sounding,
    StaleFeedback,
)
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.snr import snr_db_to_no
from semcom_phy.source_coding import shared_codec

PERFECT = replace(adaptive_rate.SCENARIO, csi="perfect")
DELAYED = replace(PERFECT, feedback_delay=5e-3, speed=3.0)
SEEDS = image_seeds(4, 0, range(6))


@pytest.fixture(scope="module")
def link():
    made = eca(side=ShortSide.room)
    randomise(made)
    return made


def sending(link):
    h = ops.convert_to_numpy(sample_fades(link.channel, SEEDS))
    return samples_of(pictures(6)), h


def feedback_of(system):
    """What the transmitter of a semantic or a separate system is fed back."""
    return getattr(system.coder, "transmitter", system.coder).feedback


def test_no_age_is_fresh_feedback(link):
    """At a correlation of 1 everything sent is as with fresh feedback (perfect CSI,
    exact)."""
    samples, h = sending(link)
    fresh = make_system(link).transmit(samples, 10.0, h, SEEDS)
    aged = make_system(link, feedback=AgedFeedback(link.channel, 1.0))
    sent = aged.transmit(samples, 10.0, h, SEEDS)
    np.testing.assert_array_equal(sent.delivered.images, fresh.delivered.images)
    np.testing.assert_array_equal(sent.spent, fresh.spent)
    np.testing.assert_array_equal(sent.lost["side"], fresh.lost["side"])
    assert fresh.figures
    for name, values in fresh.figures.items():
        np.testing.assert_allclose(sent.figures[name], values, rtol=1e-4, err_msg=name)


def test_transmitter_goes_by_what_it_is_told_alone(link):
    """Without correlation two channels of one image make the encoder do the same
    (exact); with it they do not."""
    samples, h = sending(link)
    other = ops.convert_to_numpy(
        sample_fades(link.channel, image_seeds(5, 0, range(6)))
    )
    for rho, same in ((0.0, True), (0.9, False)):
        coder = make_system(link, feedback=AgedFeedback(link.channel, rho)).coder
        messages = [coder.encode(samples, 10.0, fade, SEEDS) for fade in (h, other)]
        x = [ops.convert_to_numpy(m.segments["data"].z) for m in messages]
        assert np.array_equal(*x) == same


def test_receiver_detects_with_the_frame_s_own_channel(link, monkeypatch):
    """The decoder sees the channel that was sent over, and beside it what the
    transmitter was told (exact)."""
    samples, h = sending(link)
    system = make_system(link, feedback=AgedFeedback(link.channel, 0.5))
    seen = []
    decode = link.decode

    def spy(x_hat, no_eff, side, known, *rest):
        seen.append(known)
        return decode(x_hat, no_eff, side, known, *rest)

    monkeypatch.setattr(link, "decode", spy)
    system.coder._decode = system.coder._decode_batch  # not compiled
    system.transmit(samples, 20.0, h, SEEDS)
    (known,) = seen
    np.testing.assert_allclose(ops.convert_to_numpy(known.h_hat), h, atol=1e-5)
    assert known.fed_back.h_hat.shape == (6, len(DRAWS), 2, 2, 1, 1)
    view = system.coder.transmitter.view(20.0, h, SEEDS)
    np.testing.assert_array_equal(known.fed_back.h_hat, view.fades)


def test_eigenmodes_of_an_aged_channel(link):
    """The precoder comes from what was fed back, and the receiver, which knows it,
    filters the frame's own channel: its error is as reported (4 standard errors)."""
    samples, h = sending(link)
    aged = AgedFeedback(link.channel, 0.5)
    system = make_system(link, "free", True, feedback=aged)
    message = system.coder.encode(samples, 10.0, h, SEEDS)
    _, _, vh = np.linalg.svd(aged.older(h, SEEDS)[:, 0, :, :, 0, 0])
    turned = np.abs(vh @ ops.convert_to_numpy(message.precoder))
    np.testing.assert_allclose(turned * (1 - np.eye(2)), 0, atol=1e-3)
    placed = system.coder.frame.place(message.segments)
    no = snr_db_to_no(np.full(6, 10.0, "float32"), 2)
    noise = link.channel.draw_noise(SEEDS)
    frame = link.channel.receive(placed.x, h, no, noise, message.precoder)
    used = placed.x != 0
    np.testing.assert_array_equal(used.sum(1), placed.counts["data"])
    error = np.abs(ops.convert_to_numpy(frame.x_hat) - placed.x) ** 2
    ratio = (error / ops.convert_to_numpy(frame.no_eff))[used]
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))


def test_waterfilling_of_an_unknown_channel_is_equal_power():
    """Where nothing is known of the modes all get the same power (1e-3)."""
    rng = np.random.default_rng(1)
    h = rng.standard_normal((3, 1, 2, 2, 1, 1)) + 0j
    w = svd_precoder(1e-4 * h, 0.0, "waterfilling", np.ones(3))
    gram = np.conj(np.swapaxes(w, 1, 2)) @ w
    np.testing.assert_allclose(gram, np.tile(np.eye(2), (3, 1, 1)), atol=1e-3)


def test_message_is_made_for_the_average_error():
    """Among channels that may come the worst counts: one draw in ten that carries
    nothing asks for the longest message, and one draw alone for what it takes."""
    message = ShortMessage(1024)
    good, bad = np.full((1, 2), 100.0), np.full((1, 2), 1e-4)
    mixed = np.stack([np.concatenate([good] * 9 + [bad])])
    assert message.choose_format(good[None]) == 0
    assert message.choose_format(mixed) == len(message.num_symbols) - 1


def separation(rho, csi, kind=AgedFeedback):
    link = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(192, 2), csi)
    feedback = kind(link, rho)
    codec = shared_codec("webp", (16, 16))
    rest = all_schemes(), "csi", GREY, (16, 16, 3), feedback
    return SeparationCoder(codec, link, *rest)


@pytest.mark.parametrize("csi", (PerfectCSI(), LSEstimator()))
def test_without_correlation_it_is_the_choice_for_the_average(csi):
    """Whatever was fed back, every scheme is predicted to fail as often as for the
    average SNR (1e-6)."""
    coder = separation(0.0, csi)
    h = sample_fades(coder.channel, SEEDS)
    of_fades = coder._known(10.0, h, SEEDS)[0]
    average = np.tile(coder.average_outage(10.0), (len(SEEDS), 1))
    np.testing.assert_allclose(of_fades, average, atol=1e-6)


def test_with_full_correlation_it_is_the_choice_for_the_fade():
    """As with fresh feedback (perfect CSI, 1e-6)."""
    coder = separation(1.0, PerfectCSI())
    h = sample_fades(coder.channel, SEEDS)
    aged = coder._known(10.0, h, SEEDS)[0]
    coder.feedback = Sounding(coder.channel)
    np.testing.assert_allclose(coder._known(10.0, h, SEEDS)[0], aged, atol=1e-6)


@pytest.mark.parametrize("csi", (PerfectCSI(), LSEstimator()))
def test_backing_off_predicts_what_happens(csi):
    """Of schemes of the highest expected rate as many are predicted to fail as do on
    the channels sent over (4 standard errors, 300 fades, correlation 0.72); who
    ignores the age loses more than he predicts by as much."""
    seeds, no = image_seeds(6, 0, range(300)), snr_db_to_no(10.0, 2)
    lost = {}
    for kind in (AgedFeedback, StaleFeedback):
        coder = separation(0.72, csi, kind)
        h = sample_fades(coder.channel, seeds)
        predicted = coder._known(10.0, h, seeds)[0]
        efficiency = [mcs.spectral_efficiency for mcs in coder.candidates]
        best = np.argmax((1 - predicted) * efficiency, axis=1)
        rows = np.arange(300)
        true = coder.predict_outage(h, no)[rows, best]
        gap = true - predicted[rows, best]
        lost[kind] = gap.mean() / (gap.std() / np.sqrt(300))
    assert abs(lost[AgedFeedback]) < 4 and lost[StaleFeedback] > 4


def test_codecs_without_csi_are_not_fed_back():
    """Their side stream is as long whatever the fade (exact)."""
    system = build_system("eca_no_csi_sent", PERFECT)
    assert isinstance(feedback_of(system), AverageSnr)
    samples = samples_of(np.random.default_rng(1).random((2, 32, 32, 3)))
    h = ops.convert_to_numpy(sample_fades(system.channel, SEEDS[:2]))
    h = h * np.array([0.1, 3.0]).reshape(2, 1, 1, 1, 1, 1)
    side = system.transmit(samples, 10.0, h, SEEDS[:2]).spent.side
    assert side[0] == side[1] > 0


@pytest.mark.parametrize(
    "name, kind, known",
    [
        (
            "eca",
            AgedFeedback,
            ["average SNR", "fed-back CSI", "age of the fed-back CSI"],
        ),
        (
            "hevc_ldpc_matched",
            AgedFeedback,
            ["average SNR", "fed-back CSI", "age of the fed-back CSI"],
        ),
        ("hevc_ldpc_matched_stale", StaleFeedback, ["average SNR", "fed-back CSI"]),
        ("hevc_ldpc", AgedFeedback, None),
        ("eca_no_csi_sent", AverageSnr, ["average SNR"]),
    ],
)
def test_delay_reaches_the_systems(name, kind, known):
    """Semantic and separate systems get the same age, and say that they know it; fresh
    feedback without delay and over AWGN (exact)."""
    system = build_system(name, DELAYED)
    if "matched" in name:
        system = system._system(system.rates(10.0))
    feedback = feedback_of(system)
    assert type(feedback) is kind
    if known:
        assert system.describe()["knows"] == known
    if kind is not AverageSnr:
        assert abs(feedback.correlation - 0.72) < 5e-3


def test_awgn_and_no_delay_are_fresh():
    """Nothing ages (exact)."""
    for changes in ({"channel": "awgn"}, {"feedback_delay": 0.0}):
        system = build_system("eca", replace(DELAYED, **changes))
        assert type(feedback_of(system)) is Feedback
    still = replace(DELAYED, speed=0.0)
    assert feedback_of(build_system("eca", still)).correlation == 1.0


def test_rate_profile_follows_the_age():
    """With older feedback the side stream is longer, whatever the data are."""
    sides = [
        rate_profile("eca_2x2_c16", True, rho)(10.0)
        - rate_profile("eca_2x2_c16", False, rho)(10.0)
        for rho in (1, 0.9, 0.3, -0.3)
    ]
    assert sides[0] < sides[1] < sides[2] == sides[3]
    with pytest.raises(ValueError, match="tells no rate with aged feedback"):
        rate_profile("adjscc_32x32", True, 0.5)


@pytest.mark.parametrize("channel", ("tdl", "cdl"))
def test_selective_channels_refuse_a_delay(channel):
    """The value, the option and the remedy are in the message; nonsense is refused."""
    with pytest.raises(ValueError, match=r"0.001 s needs a channel.*--feedback-delay"):
        Scenario("test", channel=channel, feedback_delay=1e-3)
    with pytest.raises(ValueError, match="feedback_delay must be a number from 0"):
        Scenario("test", feedback_delay=-1.0)
    with pytest.raises(ValueError, match="speed must be a number from .* got 'fast'"):
        Scenario("test", speed="fast")


def test_card_states_the_age():
    """Delay, speed, carrier and correlation (exact)."""
    text = definition_card(DELAYED)["Feedback"]
    for word in ("5 ms before", "3 m/s", "3.5 GHz", "0.719"):
        assert word in text
    assert "this very channel" in definition_card(PERFECT)["Feedback"]


def test_training_refuses_a_delay(capsys):
    """One line, exit code 2 (exact)."""
    argv = ["train", "--system", "eca", "--feedback-delay", "1e-3", "--speed", "3"]
    assert adaptive_rate.main(argv) == 2
    assert "leave out --feedback-delay" in capsys.readouterr().err
