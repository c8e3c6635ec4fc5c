"""Values of features as analogue symbols: the transceivers of MMSemCom."""

import numpy as np
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.phy.segments import Analogue


class AnalogueValues:
    """Sends what the encoder of a link gives, and compares what its decoder gives.

    Parameters
    ----------
    link : :class:`~link_models.links.frame_link.FrameLink`
        Of the codec ``mmsemcom``, with its weights

    valuer : :class:`~link_models.systems.selection.held_candidates.Valuer`
        Of its encoder

    held : :class:`~link_models.systems.selection.held_candidates.HeldCandidates`

    rule : of :mod:`link_models.systems.selection.choice`

    about : `dict`
        What is to be said of the weights
    """

    knows = ()

    def __init__(self, link, valuer, held, rule, about):
        self.link, self.valuer, self.held, self.rule = link, valuer, held, rule
        self.about = dict(about)
        self.room = link.num_symbols
        self._encode = compile_fn(self._encode_batch)
        self._decode = compile_fn(self._decode_batch)

    def describe(self):
        return {
            **self.about,
            "sends": list(self.link.encoder.send),
            "values": self.link.encoder.num_values,
            "bytes_as_floats": 4 * self.link.encoder.num_values,
            "selection": self.rule.describe(),
            "features": self.held.features.identity,
            "parameters": int(self.link.count_params()),
        }

    def encode(self, targets, view, snr_db):
        parts = self.held.target_parts(targets.images, self.valuer)
        count = len(targets.images)
        sent = [parts[part].reshape(count, -1) for part in self.link.encoder.send]
        x = self._encode(ops.convert_to_tensor(np.concatenate(sent, axis=1)))
        return Analogue(x), parts

    def choose(self, received, reception, labels, targets, state):
        return self._chosen(self.arrived(received, reception), labels)

    def arrived(self, received, reception):
        """Values of a received segment, `dict` of part -> [batch, ...], `float32`."""
        values = self._decode(
            ops.convert_to_tensor(received.x_hat),
            ops.convert_to_tensor(received.no_eff),
            ops.convert_to_tensor(reception.snr_db),
        )
        encoder = self.link.encoder
        parts = encoder.split(ops.convert_to_numpy(values))
        if "prompts" in parts:
            shape = encoder.num_prompts, encoder.text_width
            parts["prompts"] = parts["prompts"].reshape(-1, *shape)
        return parts

    def noiseless(self, targets, state):
        return self._chosen(state, targets.labels)

    def _chosen(self, parts, labels):
        """Number of a candidate for each of a batch of values."""
        chosen = []
        for i, label in enumerate(labels):
            value = {part: values[i] for part, values in parts.items()}
            candidates = self.held.parts(label, self.valuer)
            chosen.append(self.rule.choose(value, candidates))
        return np.array(chosen)

    def _encode_batch(self, values):
        z = self.link.encoder.symbols(values, self.link.num_symbols)
        return self.link.modulate(Analogue(z))

    def _decode_batch(self, x_hat, no_eff, snr_db):
        known = RxKnowledge(snr_db, None, TxKnowledge(snr_db))
        return self.link.decode(x_hat, no_eff, None, known).features
