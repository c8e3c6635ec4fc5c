"""Captions by separate coding over the link: what is spent, sent and lost."""

from fractions import Fraction

import numpy as np
import pytest

from link_models.systems.table import SYSTEMS, build_system
from scenarios.scenario import Scenario
from semcom_phy.channel_coding.messages.short_block import BlockFormat
from semcom_phy.language.caption_tokens import MOST_TOKENS, caption_tokens
from semcom_phy.phy.segments import ReceivedDigital
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.samples import Samples

TEXTS = (
    "a dog runs through the grass",
    "Two men sit on a bench",
    "a 犬 😀 runs",
    "привет мир",
    "zqxj blorf",
    "a",
)
FADING = {"channel": "rayleigh", "num_tx_ant": 2, "num_rx_ant": 2}
# What the receiver fills in is looked at by itself.
NAMES = [n for n in SYSTEMS if n.startswith("text_") and not n.endswith("completed")]


def samples_of(texts):
    images = np.zeros((len(texts), 32, 32, 3), np.uint8)
    return Samples(images, None, {}, tuple((text, "another one") for text in texts))


def system(name, **options):
    options = {"channel": "awgn", **options}
    return build_system(name, Scenario("test", cbr=Fraction(1, 6), **options))


def transmit(one, texts, snr_db, draw=0):
    samples = samples_of(texts)
    seeds = image_seeds(1, draw, range(len(samples)))
    h = sample_fades(one.channel, seeds)
    return one.transmit(samples, snr_db, h, seeds)


def num_tokens(text):
    return len(caption_tokens().encode(text))


@pytest.mark.parametrize("options", [{}, FADING], ids=["awgn", "rayleigh"])
@pytest.mark.parametrize("name", NAMES)
def test_captions_arrive_where_there_is_room(name, options):
    """At 45 dB every caption, or its first words where no more fit, and what is spent
    is the caption's tokens times the symbols of one, and the shortest length message
    (exact)."""
    one = system(name, **options)
    sent = transmit(one, TEXTS, 45.0)
    per_token = SYSTEMS[name].symbols_per_token
    expected = [per_token * num_tokens(text) for text in TEXTS]
    assert sent.spent.data.tolist() == expected
    assert set(sent.spent.side) == {12.0}
    fits = 0
    for text, found, number in zip(
        TEXTS, sent.delivered.texts, sent.figures["words_sent"], strict=True
    ):
        words = text.lower().split()
        assert found == " ".join(words[: int(number)])
        fits += len(words) == number
    assert fits >= (1 if name == "text_utf8" else 4)
    assert not sent.outage[0] and sent.figures["payload_bits"][0] > 0


@pytest.mark.parametrize("options", [{}, FADING], ids=["awgn", "rayleigh"])
def test_fewer_words_are_sent_where_the_channel_is_worse(options):
    """Of one caption, UTF-8, from -2 to 26 dB: words and bits rise, and outages have
    the empty text."""
    one, text = system("text_utf8", **options), "a dog runs through the tall grass"
    sent = [transmit(one, [text] * 8, snr_db) for snr_db in (-2.0, 8.0, 26.0)]
    words = [float(s.figures["words_sent"][0]) for s in sent]
    bits = [float(s.figures["payload_bits"][0]) for s in sent]
    assert words == sorted(words) and words[0] < words[-1] and bits[0] < bits[-1]
    for one_sent in sent:
        for found, gone in zip(one_sent.delivered.texts, one_sent.outage, strict=True):
            assert text.startswith(found) and (found == "") == gone


@pytest.mark.parametrize("snr_db", [-1.0, 4.0, 12.0])
def test_no_other_choice_promises_more_words(snr_db):
    """Over all first words and modulations, AWGN with perfect CSI (1e-6)."""
    coder, text = system("text_utf8", csi="perfect").coder, TEXTS[0]
    num_symbols, sinr = 8 * num_tokens(text), [[10 ** (snr_db / 10)]]
    promised = []
    for number in range(1, len(text.split()) + 1):
        part = " ".join(text.split()[:number])
        num_bytes = len(coder.codec.encode(part, num_tokens(text)))
        for order in (2, 4, 6):
            block = BlockFormat(num_bytes, order, num_symbols)
            promised.append(number * (1 - coder.blocks.error_rate(block, sinr)[0]))
    choice = coder.choose(text, num_tokens(text), snr_db)
    expected = choice.num_words * (1 - choice.outage)
    assert expected == pytest.approx(max(promised), abs=1e-6)


@pytest.mark.parametrize("name", ["text_ldpc", "text_polar"])
def test_predicted_outage_is_unbiased(name):
    """2x2 Rayleigh with LS, 5 dB, 400 captions: outage of the data less the prediction
    within 4 standard errors, 1000 fades of the prediction and 2 % of its model
    included."""
    one, difference = system(name, **FADING), []
    for draw in range(4):
        sent = transmit(one, TEXTS[:2] * 50, 5.0, draw)
        difference.append(
            sent.figures["block_error"] - sent.figures["predicted_outage"]
        )
    difference = np.concatenate(difference)
    error = difference.std() * np.sqrt(1 / 400 + 1 / 1000)
    assert abs(difference.mean()) < 4 * error + 0.02
    assert 0.02 < sent.figures["predicted_outage"].mean() < 0.5


def test_nothing_arrives_over_a_dead_channel():
    """At -30 dB nothing is decoded, but charged, and no text is invented (exact)."""
    sent = transmit(system("text_ldpc"), TEXTS, -30.0)
    assert sent.outage.all() and set(sent.delivered.texts) == {""}
    assert sent.spent.data.tolist() == [8.0 * num_tokens(text) for text in TEXTS]
    assert np.isnan(sent.figures["block_error"]).any()


def test_a_completed_caption_has_its_length_and_what_arrived():
    """AWGN, -4 and 0 dB: the same words first, then others up to the length, of
    which some are right; an outage is a lost length alone (exact)."""
    plain, completed = system("text_polar"), system("text_polar_completed")
    for snr_db in (-4.0, 0.0):
        one, other = (transmit(s, TEXTS, snr_db) for s in (plain, completed))
        np.testing.assert_array_equal(other.outage, one.lost["side"])
        np.testing.assert_array_equal(other.lost["data"], one.lost["data"])
        for text, short, long, lost in zip(
            TEXTS, one.delivered.texts, other.delivered.texts, other.outage, strict=True
        ):
            assert long.startswith(short)
            assert long == "" if lost else num_tokens(long) == num_tokens(text)
    assert other.delivered.texts != one.delivered.texts


def test_a_lost_length_and_a_wrong_one_are_outages(monkeypatch):
    """The data arrive, the length does not, or another one passes (exact)."""
    one = system("text_ldpc")
    split = one.coder.frame.split

    def with_lengths(x_hat, no_eff, placed):
        received = split(x_hat, no_eff, placed)
        lengths = [None, b"\x07", *received["side"].payloads[2:]]
        wrong = np.array([False, True] + [False] * (len(lengths) - 2))
        return received | {"side": ReceivedDigital(lengths, wrong)}

    monkeypatch.setattr(one.coder.frame, "split", with_lengths)
    sent = transmit(one, TEXTS, 30.0)
    assert sent.outage.tolist() == [True, True] + [False] * 4
    assert sent.lost["side"].tolist() == sent.outage.tolist()
    assert sent.delivered.texts[:3] == ["", "", TEXTS[2]]


def test_batches_do_not_matter():
    """Captions together and alone: the same texts, losses and figures (exact)."""
    one = system("text_polar", **FADING)
    samples, texts = samples_of(TEXTS), []
    seeds = np.array(image_seeds(1, 0, range(len(samples))))
    h = np.asarray(sample_fades(one.channel, seeds))
    whole = one.transmit(samples, 6.0, h, seeds)
    for i in range(len(samples)):
        sent = one.transmit(samples.take([i]), 6.0, h[[i]], seeds[[i]])
        texts += sent.delivered.texts
        for name, values in sent.figures.items():
            np.testing.assert_allclose(values, whole.figures[name][[i]], err_msg=name)
    assert texts == whole.delivered.texts


def test_what_is_said_of_it():
    about = system("text_ldpc_4").describe()
    assert about["symbols_per_token"] == 4 and "not charged" in about["scheme"]
    assert about["knows"] == ["average SNR"]
    assert (about["source_codec"], about["channel_code"]) == (
        "arithmetic coding",
        "5G LDPC",
    )


def test_what_cannot_be_sent_is_refused():
    """One clear line each: 500 words, no caption, a frame that is too small."""
    one = system("text_ldpc")
    with pytest.raises(ValueError, match=f"dog.*500 tokens.*most {MOST_TOKENS}"):
        transmit(one, [" ".join(["dog"] * 500)], 10.0)
    with pytest.raises(ValueError, match="no word"):
        transmit(one, ["a", " "], 10.0)
    with pytest.raises(ValueError, match="'text_ldpc'.*512 in all.*has 384.*cbr"):
        build_system("text_ldpc", Scenario("test", channel="awgn", cbr="1/8"))
