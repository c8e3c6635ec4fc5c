"""A caption in a room of its own: text codec, one short code word, link adaptation.

caption --> words that fit --> text codec --bytes--> CRC, short code, QAM --> [ room ]
                ^ average SNR      '-- tells its own end
caption_hat <-- text codec <--bytes, if the CRC holds-- [ room ]

Nobody tells the receiver how long the caption is: behind the last word that is sent
the text codec codes that nothing follows. How many of the words are sent, and by which
modulation, a receiver finds by trying the sizes against the CRC of 16 bits, so that no
signalling is charged. The simulation decodes with the size that was sent, and leaves
out the chance that another one passes (some hundred sizes times 2^-16 for every word of
the decoder's list, 8 of a polar code).
"""

from functools import lru_cache, partial

from link_models.systems.block_outage import MODULATION_ORDERS, BlockOutage
from link_models.systems.captions.word_choice import (
    choose_words,
    encoded_prefixes,
    leading,
)
from link_models.systems.knowledge import AVERAGE_SNR
from semcom_phy.channel_coding.protection import BlockProtection
from semcom_phy.language.caption_tokens import MOST_TOKENS, caption_tokens
from semcom_phy.phy.segments import Digital

CAPTION_ROOM = 112  # [channel uses]
ADAPTATION_SEED = 20214
_KEPT = 4096


class CodedCaption:
    """As of :class:`~.captioned.Sender`.

    The room is charged whole, whatever is sent in it: also where not even the first
    word would arrive, and for a caption without words, of which nothing is sent.

    Parameters
    ----------
    codec : :class:`~semcom_phy.source_coding.text.codec.TextCodec`

    blocks : :class:`~semcom_phy.channel_coding.messages.short_block.ShortBlocks`
        Channel code

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        By whose fades the words are chosen; its framing does not matter

    room : `int`, (default 112)
        [channel uses]
    """

    knows = (AVERAGE_SNR,)

    def __init__(self, codec, blocks, channel, room=CAPTION_ROOM):
        self.codec, self.blocks = codec, blocks
        self.room = self.num_symbols = room
        self._outage = BlockOutage(blocks, channel, ADAPTATION_SEED)
        self._prefixes = lru_cache(maxsize=_KEPT)(self._encode_prefixes)

    def describe(self):
        return {
            "source_codec": self.codec.title,
            "channel_code": self.blocks.words.title,
            "symbols": self.room,
            "link_adaptation": "average",
            "modulation_orders": list(MODULATION_ORDERS),
            "scheme": "found by trying against the CRC, not charged",
        }

    def encode(self, captions, snr_db):
        choices = [self.choose(caption, snr_db) for caption in captions]
        protection = BlockProtection(
            self.blocks, [c.block for c in choices], [self.room] * len(choices)
        )
        segment = Digital([c.payload for c in choices], protection)
        return segment, [c.num_words for c in choices]

    def read(self, payload):
        return self.codec.decode(payload, MOST_TOKENS)

    def choose(self, caption, snr_db):
        """What to send of a caption, so that most words are expected to arrive.

        Input
        -----
        caption : `str`

        snr_db : `float`
            Average SNR [dB]

        Output
        ------
        : :class:`~link_models.systems.captions.word_choice.Choice`
        """
        outage = partial(self._outage, snr_db=snr_db)
        return choose_words(self._prefixes(caption), self.room, outage)

    def _encode_prefixes(self, caption):
        words = leading(caption.split(), _num_tokens, MOST_TOKENS)
        return encoded_prefixes(self.codec, words, MOST_TOKENS)


def _num_tokens(word):
    return len(caption_tokens().encode(word))
