"""A caption in the frame of an image: what is spent, sent and lost."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_edited import CAPTIONS, TinyEdited, captioned_samples

from link_models.links.radio import build_channel
from link_models.links.shared_radio import TimeSharing
from link_models.systems.edited.captioned import CaptionedCoder
from link_models.systems.edited.entries import Captioned
from link_models.systems.edited.plain_caption import MOST_BYTES
from link_models.systems.edited.senders import SENDERS, caption_sender
from link_models.systems.entries import Semantic, load_klt
from link_models.systems.frame_system import FrameSystem, Message
from link_models.systems.linear_coder import LinearCoder
from link_models.systems.table import build_system
from scenarios.mimo_2x2 import SCENARIO as IMAGES_ALONE
from semcom_phy.phy.segments import DATA, Frame, ReceivedDigital
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.source_coding import DecodeError

FADING = {"channel": "rayleigh", "num_tx_ant": 2, "num_rx_ant": 2, "csi": "estimated"}
CODED_ROOM, HEADER = 112, 32
LONG = (
    "a man in a red shirt rides a small brown horse across the wide green field while "
    "two young children watch from behind an old wooden fence near the river"
)
ENTRY = Captioned(Semantic("ADJSCC", "adjscc", "adjscc_32x32"), edited=False)


@pytest.fixture(scope="module", params=list(SENDERS))
def way(request):
    return request.param


@pytest.fixture(scope="module")
def system(way):
    return captioned(caption_as=way)


def captioned(**options):
    """The linear coder with its scale, and a caption behind: no weights are needed."""
    scenario = TinyEdited(**options)
    sender = caption_sender("test", scenario)
    image = LinearCoder(load_klt(), build_channel(scenario, extra_symbols=64), 64)
    channel = build_channel(scenario, extra_symbols=64 + sender.num_symbols)
    coder = CaptionedCoder(image, sender, channel, scenario.image_shape)
    return FrameSystem("linear", "Linear", coder, channel, (126, 123, 114))


def transmit(system, snr_db, samples=None, draw=0):
    samples = captioned_samples() if samples is None else samples
    seeds = image_seeds(1, draw, range(len(samples)))
    h = sample_fades(system.channel, seeds)
    return system.transmit(samples, snr_db, h, seeds)


def with_captions(system, monkeypatch, payloads):
    """Lets these bytes arrive in the place of the captions."""
    split = system.coder.frame.split

    def other(x_hat, no_eff, placed):
        received = split(x_hat, no_eff, placed)
        fake = ReceivedDigital(payloads, np.zeros(len(payloads), bool))
        return received | {"caption": fake}

    monkeypatch.setattr(system.coder.frame, "split", other)


def test_whole_captions_arrive(system, way):
    """At 30 dB, in lower case where words are coded (exact)."""
    sent = transmit(system, 30.0)
    told = [c.lower() for c in CAPTIONS] if way == "coded" else list(CAPTIONS)
    assert sent.delivered.texts == told
    assert sent.figures["caption_words"].tolist() == [len(c.split()) for c in CAPTIONS]
    assert not sent.outage.any() and not sent.lost["caption"].any()
    assert not sent.figures["caption_lost"].any()


def test_what_a_caption_takes_is_charged_as_side_information(system, way):
    """The room of coded captions whole; of others header and code word, as long as
    their bytes ask for (exact). The frame has no more in it than is counted."""
    placed = []
    place = system.coder.frame.place
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            system.coder.frame, "place", lambda s: placed.append(place(s)) or placed[-1]
        )
        sent = transmit(system, 10.0)
    of_captions = sent.figures["caption_symbols"]
    np.testing.assert_array_equal(sent.spent.side, 64 + of_captions)
    np.testing.assert_array_equal(sent.spent.data, 768)
    x = placed[0].x
    np.testing.assert_array_equal(np.count_nonzero(x, axis=1), 768 + 64 + of_captions)
    if way == "coded":
        assert set(of_captions) == {CODED_ROOM}
        return
    num_bytes = np.array([len(c.encode()) for c in CAPTIONS])
    np.testing.assert_array_equal(sent.figures["caption_bits"], 8 * num_bytes)
    payload = of_captions - HEADER
    assert np.all(payload >= 4 * num_bytes + 4)  # 8 bits at 2 a symbol, and the CRC
    assert np.all(payload <= 4 * num_bytes + 40)


def test_a_caption_that_is_lost_leaves_the_image_alone(system, monkeypatch):
    """No caption arrives, or bytes that no caption has: the image is the same as with
    it, and no outage (exact)."""
    whole = transmit(system, 30.0)
    with_captions(system, monkeypatch, [None] * 4)
    sent = transmit(system, 30.0)
    assert sent.lost["caption"].all() and sent.figures["caption_lost"].all()
    assert sent.delivered.texts == [""] * 4 and not sent.outage.any()
    np.testing.assert_array_equal(sent.delivered.images, whole.delivered.images)

    def refuse(payload):
        raise DecodeError("damaged")

    monkeypatch.undo()
    monkeypatch.setattr(system.coder.sender, "read", refuse)
    sent = transmit(system, 30.0)
    assert sent.lost["caption"].all() and not sent.outage.any()


def test_the_image_is_as_good_as_without_a_caption(system):
    """Mean PSNR at 10 dB, other noise: within 0.3 dB of the coder by itself."""
    scenario, samples = TinyEdited(), captioned_samples(8 * CAPTIONS)
    alone = build_system("linear", scenario)
    errors = [
        np.square(transmit(one, 10.0, samples).delivered.images - 1.0 * samples.images)
        for one in (system, alone)
    ]
    with_caption, without = (np.mean(e, axis=(1, 2, 3)) for e in errors)
    assert abs(np.mean(10 * np.log10(with_caption / without))) < 0.3


def test_of_the_papers_scheme_nothing_arrives_at_low_snr():
    """AWGN: at 1 dB UTF-8 at rate 1/2 and 16-QAM is lost, at 10 dB it arrives; coded
    captions arrive at both, whole or in part (exact)."""
    plain, coded = (captioned(caption_as=way) for way in ("utf8", "coded"))
    assert transmit(plain, 1.0).lost["caption"].all()
    assert not transmit(plain, 10.0).lost["caption"].any()
    for snr_db in (1.0, 10.0):
        sent = transmit(coded, snr_db)
        assert sent.lost["caption"].sum() <= 1
        for text, caption in zip(sent.delivered.texts, CAPTIONS, strict=True):
            assert caption.lower().startswith(text)


def test_more_words_are_sent_over_a_better_channel():
    """2x2 Rayleigh, of a long caption, from -4 to 30 dB."""
    system = captioned(**FADING)
    samples = captioned_samples([LONG])
    words = [
        float(transmit(system, snr_db, samples).figures["caption_words"][0])
        for snr_db in (-4.0, 6.0, 30.0)
    ]
    assert 1 <= words[0] < words[1] < words[2] <= len(LONG.split())


def test_predicted_outage_is_unbiased():
    """2x2 Rayleigh with LS, -2 dB, 400 captions: losses less the prediction within 4
    standard errors, 1000 fades of the prediction and 2 % of its model included."""
    system, samples = captioned(**FADING), captioned_samples(50 * CAPTIONS[:2])
    lost = [transmit(system, -2.0, samples, d).lost["caption"] for d in range(4)]
    predicted = [system.coder.sender.choose(c, -2.0).outage for c in CAPTIONS[:2]]
    difference = np.concatenate(lost).reshape(-1, 2) - predicted
    error = difference.std() * np.sqrt(1 / 400 + 1 / 1000)
    assert abs(difference.mean()) < 4 * error + 0.02
    assert 0.01 < np.mean(predicted) < 0.5


@pytest.mark.parametrize("snr_db", [-30.0, 30.0])
def test_a_caption_without_words_is_nothing(system, way, snr_db):
    """It is not lost, whatever the channel, and charged as its sender says (exact)."""
    sent = transmit(system, snr_db, captioned_samples(["", "  ", "a dog"]))
    assert sent.delivered.texts[:2] == ["", ""]
    assert not sent.lost["caption"][:2].any() and not sent.outage.any()
    assert sent.lost["caption"][2] == (snr_db < 0)
    assert sent.figures["caption_bits"][:2].tolist() == [0, 0]
    assert sent.figures["caption_words"][:2].tolist() == [0, 0]
    if way == "coded":
        assert set(sent.figures["caption_symbols"]) == {CODED_ROOM}
    else:
        assert np.all(sent.figures["caption_symbols"] > HEADER)


def test_of_a_long_caption_the_first_words_are_sent(system, way):
    """500 words at 50 dB: what arrives begins it (exact)."""
    caption = "dog " * 500
    sent = transmit(system, 50.0, captioned_samples([caption]))
    (text,), (number,) = sent.delivered.texts, sent.figures["caption_words"]
    assert text == " ".join(["dog"] * int(number))
    most = 64 if way == "coded" else (MOST_BYTES + 1) // 4
    assert 0 < number <= most and (way == "coded" or number == most)


def test_batches_do_not_matter(system):
    """Together and alone (texts exact, figures to 1e-6)."""
    samples, texts = captioned_samples(), []
    seeds = np.array(image_seeds(1, 0, range(4)))
    h = np.asarray(sample_fades(system.channel, seeds))
    whole = system.transmit(samples, 6.0, h, seeds)
    for i in range(4):
        sent = system.transmit(samples.take([i]), 6.0, h[[i]], seeds[[i]])
        texts += sent.delivered.texts
        for name, values in sent.figures.items():
            np.testing.assert_allclose(values, whole.figures[name][[i]], err_msg=name)
    assert texts == whole.delivered.texts


def test_what_is_said_of_it(system, way):
    """What the coder says, the caption beside it, and both in the bandwidth (exact)."""
    about = json.loads(json.dumps(system.describe()))
    assert about["knows"] == ["average SNR"]
    assert about["scale"] == "sent as 8 bits and charged"
    used, most = about["bandwidth"], system.coder.sender.num_symbols
    assert (used["data_symbols"], used["side_info_symbols"]) == (768, 64 + most)
    assert ("bandwidth_note" in about) == (way == "utf8")
    codec = "arithmetic coding" if way == "coded" else "UTF-8"
    assert about["caption"]["source_codec"] == codec


def test_maps_of_symbols_are_the_coders(system, monkeypatch):
    monkeypatch.setattr(system.coder.coder, "symbol_maps", lambda *given: given)
    assert system.coder.symbol_maps("samples", (1.0,), 7) == ("samples", (1.0,), 7)


def test_the_precoder_is_the_coders(system, monkeypatch):
    monkeypatch.setattr(
        system.coder.coder, "encode", lambda *given: Message({}, None, "precoder")
    )
    message = system.coder.encode(captioned_samples(), 10.0, None, None)
    assert message.precoder == "precoder" and list(message.segments) == ["caption"]


def test_a_learned_codec_leaves_room_for_a_caption(way):
    """By its entry, with weights; symbols that are reserved are no data (exact)."""
    scenario = TinyEdited(caption_as=way)
    system = ENTRY.build("adjscc_captioned", scenario)
    sent = transmit(system, 30.0)
    assert [t.lower() for t in sent.delivered.texts] == [c.lower() for c in CAPTIONS]
    errors = np.abs(sent.delivered.images - 1.0 * captioned_samples().images)
    assert errors.mean() < 12
    np.testing.assert_array_equal(sent.spent.data, 768)
    more = replace(scenario, cbr="880/3072")
    within = replace(ENTRY, reserved=112).build("adjscc_captioned", more)
    sent = transmit(within, 30.0)
    np.testing.assert_array_equal(sent.spent.data, 768)
    if way == "coded":
        np.testing.assert_array_equal(sent.spent.data + sent.spent.side, 880)
    with pytest.raises(ValueError, match="keeps 768 symbols.*of 768: raise the cbr"):
        replace(ENTRY, reserved=768).build("adjscc_captioned", scenario)


def test_users_may_share_the_frame():
    """Two by time sharing: both captions arrive at 30 dB (exact)."""
    system, samples = captioned(), captioned_samples()
    seeds = image_seeds(1, 0, range(4))
    h = sample_fades(system.channel, seeds)
    shared = system.shared(TimeSharing(2), "two users")
    sent = shared.transmit(samples, 30.0, h, seeds)
    assert sent.delivered.texts == [c.lower() for c in CAPTIONS]


def test_what_cannot_be_sent_is_refused(system):
    """One clear line each: no captions at all, none of a sample."""
    samples = captioned_samples()
    with pytest.raises(ValueError, match="needs pictures with captions"):
        transmit(system, 10.0, replace(samples, texts=None))
    with pytest.raises(ValueError, match="sample 1 has no caption"):
        transmit(system, 10.0, replace(samples, texts=(("a",), (), ("b",), ("c",))))


def test_what_cannot_be_built_is_refused():
    """A codec that takes what is left, a frame that is too small, a scenario that sends
    no captions, an unknown way to send them."""
    system = captioned()
    coder, sender = system.coder.coder, system.coder.sender
    channel = system.channel
    with pytest.raises(ValueError, match="take 944 symbols, the frame has 832"):
        small = build_channel(TinyEdited(), extra_symbols=64)
        CaptionedCoder(coder, sender, small, (32, 32, 3))
    coder.frame = Frame(900, {"side": 10, DATA: None})
    with pytest.raises(ValueError, match="rooms of their own.*'data': None"):
        CaptionedCoder(coder, sender, channel, (32, 32, 3))
    with pytest.raises(ValueError, match="'x' sends captions.*'mimo_2x2' does not"):
        ENTRY.build("x", IMAGES_ALONE)
    with pytest.raises(ValueError, match="one of coded, utf8, got 'morse'"):
        ENTRY.build("x", TinyEdited(caption_as="morse"))
