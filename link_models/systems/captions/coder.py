"""A codec of captions as the coder of a system: texts in, texts out.

texts --> tokens --> encoder --> z ------------------> [ data ]
             '--> how many --> short polar-coded message --> [ side ]
"""

from dataclasses import replace

import numpy as np

from link_models.systems.captions.length import sent_captions, tokens_of
from link_models.systems.semantic_coder import SemanticCoder
from semcom_phy.language.caption_tokens import MOST_TOKENS, PAD, caption_tokens
from semcom_phy.sources.samples import Delivered


class CaptionCoder(SemanticCoder):
    """A :class:`SemanticCoder` of the first text of every sample."""

    def source(self, samples):
        rows = np.full((len(samples), MOST_TOKENS), PAD, np.int32)
        captions = sent_captions(samples)
        for row, tokens, text in zip(rows, tokens_of(samples), captions, strict=True):
            self.codec.check_tokens(tokens, text)
            row[: len(tokens)] = tokens
        return rows

    def finished(self, delivered):
        return Delivered(features=self.link.decoder.read(delivered))

    def decode(self, received, message, reception):
        outcome = super().decode(received, message, reception)
        tokens = outcome.delivered.features.astype(int)
        texts = [caption_tokens().decode(row[row != PAD].tolist()) for row in tokens]
        return replace(outcome, delivered=Delivered(texts=texts))
