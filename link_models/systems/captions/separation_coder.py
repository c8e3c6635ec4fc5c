"""Captions by separate source and channel coding, on the symbols of a semantic codec.

    caption --> words that fit --> text codec --bytes--> [ data: CRC, short code, QAM ]
                     ^ average SNR, number of tokens
            --> number of tokens ----------------------> [ side: ShortMessage ]
    caption_hat <-- text codec <--bytes, if the CRC holds-- [ data ], [ side ]
         '-- likely words in the place of those that did not arrive, if asked for

The number of tokens, which is sent as the learned systems send it, says how many
symbols the data take: what is spent is equal, caption by caption. The transmitter holds
the caption and chooses how many of its words it sends, and by which modulation. A
receiver finds both by trying the sizes against the CRC of 16 bits, so that no
signalling is charged. The simulation decodes with the size that was sent, and leaves
out the chance that another one passes: some hundred sizes times 2^-16 for every word
of the decoder's list, 8 of a polar code, so that up to 1 % of the captions would be
mistaken for a receiver that takes the first size that passes.
"""

from functools import lru_cache, partial

import numpy as np

from link_models.systems.block_outage import MODULATION_ORDERS, BlockOutage
from link_models.systems.captions.length import (
    length_payloads,
    length_side,
    sent_captions,
    tokens_of,
)
from link_models.systems.captions.word_choice import choose_words, encoded_prefixes
from link_models.systems.frame_system import Message, Outcome
from link_models.systems.knowledge import AVERAGE_SNR
from link_models.systems.transmitter import Transmitter
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.protection import BlockProtection
from semcom_phy.phy.segments import DATA, Digital, Frame
from semcom_phy.source_coding import DecodeError
from semcom_phy.source_coding.text.completion import complete
from semcom_phy.sources.samples import Delivered

SIDE = "side"
ADAPTATION_SEED = 20212
_SIZES_KEPT = 4096


class CaptionSeparationCoder:
    """Text codec, short code words and link adaptation, as of
    :class:`~link_models.systems.frame_system.Coder`.

    Parameters
    ----------
    codec : :class:`~semcom_phy.source_coding.text.codec.TextCodec`

    blocks : :class:`~semcom_phy.channel_coding.messages.short_block.ShortBlocks`
        Channel code

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Its framing holds the data and behind them the message of the length

    symbols_per_token : `int`
        Data symbols of a caption are its tokens times this [channel uses]

    image_shape : (`int`, `int`, `int`)
        Of the pictures that the captions belong to, by which the rate counts

    completes : `bool`, (default `False`)
        Let the receiver fill in likely words for those that did not arrive
        (:func:`~semcom_phy.source_coding.text.completion.complete`), all of them if the
        data are lost; in outage is then what arrives without its length
    """

    knows = (AVERAGE_SNR,)

    def __init__(
        self, codec, blocks, channel, symbols_per_token, image_shape, completes=False
    ):
        self.codec = codec
        self.blocks = blocks
        self.channel = channel
        self.symbols_per_token = symbols_per_token
        self.image_shape = tuple(image_shape)
        self.completes = completes
        self.transmitter = Transmitter(channel)
        self.side = length_side()
        room = channel.framing.num_symbols - self.side.room
        self.frame = Frame(
            channel.framing.num_symbols, {DATA: room, SIDE: self.side.room}
        )
        self._prefixes = lru_cache(maxsize=_SIZES_KEPT)(self._encode_prefixes)
        self._outage = BlockOutage(blocks, channel, ADAPTATION_SEED)

    def describe(self):
        framing = self.channel.framing
        bandwidth = spent_bandwidth(framing, self.image_shape, self.side.room)
        return {
            "bandwidth": bandwidth.as_dict(),
            "bandwidth_note": "the most; what was spent is in cbr and side_cbr",
            "symbols_per_token": self.symbols_per_token,
            "source_codec": self.codec.title,
            "channel_code": self.blocks.words.title,
            "link_adaptation": "average",
            "modulation_orders": list(MODULATION_ORDERS),
            "scheme": "found by trying against the CRC, not charged",
            "completes": self.completes,
        }

    def encode(self, samples, snr_db, h, seeds):
        tokens = tokens_of(samples)
        choices = [
            self.choose(caption, len(own), snr_db)
            for caption, own in zip(sent_captions(samples), tokens, strict=True)
        ]
        num_symbols = [len(own) * self.symbols_per_token for own in tokens]
        blocks = [choice.block for choice in choices]
        view = self.transmitter.view(snr_db, h, seeds)
        segments = {
            DATA: Digital(
                [choice.payload for choice in choices],
                BlockProtection(self.blocks, blocks, num_symbols),
            ),
            SIDE: Digital(length_payloads(tokens), self.side.bind(view, snr_db)),
        }
        return Message(segments, choices)

    def decode(self, received, message, reception):
        data, side, choices = received[DATA], received[SIDE], message.state
        # With another length, other symbols are taken for the data: their CRC fails.
        no_length = side.lost | side.undetected
        arrived = ~data.lost & ~no_length
        texts = [""] * len(choices)
        for i in np.flatnonzero(arrived):
            (num_tokens,) = side.payloads[i]
            try:
                texts[i] = self.codec.decode(data.payloads[i], num_tokens)
            except DecodeError:  # the CRC passed by chance
                arrived[i] = False
        if self.completes:
            for i in np.flatnonzero(~no_length):
                texts[i] = complete(texts[i], *side.payloads[i])
            arrived = ~no_length
        sent = np.array([choice.block is not None for choice in choices])
        lost = {DATA: sent & data.lost, SIDE: no_length}
        figures = _figures(choices)
        figures["block_error"] = np.where(sent, data.lost | data.undetected, np.nan)
        return Outcome(Delivered(texts=texts), ~arrived, lost, figures)

    def symbol_maps(self, samples, snr_db, seed):
        return None

    def choose(self, caption, num_tokens, snr_db):
        """What to send of a caption, so that most words are expected to arrive.

        Input
        -----
        caption : `str`

        num_tokens : `int`
            Its tokens

        snr_db : `float`
            Average SNR [dB]

        Output
        ------
        : :class:`~link_models.systems.captions.word_choice.Choice`
        """
        return choose_words(
            self._prefixes(caption, num_tokens),
            num_tokens * self.symbols_per_token,
            partial(self._outage, snr_db=snr_db),
        )

    def _encode_prefixes(self, caption, num_tokens):
        return encoded_prefixes(self.codec, caption.split(), num_tokens)


def _figures(choices):
    """What was chosen, `dict` of name -> [batch] array."""
    blocks = [choice.block for choice in choices]
    return {
        "payload_bits": np.array([8.0 * len(c.payload or b"") for c in choices]),
        "words_sent": np.array([float(c.num_words) for c in choices]),
        "modulation_order": np.array(
            [np.nan if b is None else float(b.modulation_order) for b in blocks]
        ),
        "predicted_outage": np.array([c.outage for c in choices]),
    }
