"""SA-OOSC: symbols go where the scenario makes an image matter.

F. Zhang, Y. Du, Y. Xiang, X. Liu, S. C. Liew, "SA-OOSC: A multimodal LLM-distilled
semantic communication framework for enhanced coding efficiency with scenario
understanding", arXiv:2509.07436.

    annotator --levels I--.-- C2(I) --------------------------.
                          '-- teaches (training)              v
    image --> [ g_a, h_a, h_s, importance head ] --SA entropy e--> k = Q[C1(e) + C2(I)]
                  '--y--> [ f_e ] --k_i symbols--> as NTSCC

Chain            : a digital segment with the lengths k, then an analogue one
Bandwidth        : as NTSCC; importance itself is not sent
Known at encoder : the number of symbols; importance levels where there is an annotator
Known at decoder : k as received, no_eff
Trained with     : log of the importance-weighted D_jscc + log(weighted D_compression
                   + lambda R) + cross entropy of the importance head, driving scenes,
                   10 dB

OOSC (static importance by class of object) is the same codec taught by
:class:`~semcom_phy.knowledge_base.importance.driving_rule.StaticClassRule`.

Differences from the paper
--------------------------
* Its technical report is not at hand. SA entropy is rebuilt from the text: a head of
  the hyperprior network predicts the level of every patch, and a patch of weight w (the
  expected one where no level is told) is quantised with a step finer by sqrt(w), so
  that its entropy counts for importance as well (reverse water-filling of the weighted
  distortion).
* C1 is the paper's term proportional to entropy; C2 a table of symbols per level, which
  acts where an annotator is at hand at the transmitter.
* The teacher of the shipped weights is a documented rule on semantic labels; a
  multimodal LLM takes its place behind the same interface.
* All differences of :mod:`semcom_phy.codecs.ntscc`. Patches of the padding are
  background to whoever tells levels.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.ntscc import Allocation, NtsccDecoder, NtsccEncoder
from semcom_phy.layers.transforms.spectrum import grid_coordinates

NUM_LEVELS = 4  # background, low, medium, high


@keras.saving.register_keras_serializable(package="semcom_phy")
class SaOoscEncoder(NtsccEncoder):
    """NTSCC's encoder with importance.

    Parameters
    ----------
    level_weights : 4 `float`, positive, (default (0.01, 0.5, 1.0, 2.5))
        Weight of a patch in the distortion: background, low, medium, high

    level_symbols : 4 `float`, (default (0, 2, 6, 12))
        C2: symbols beside those for the SA entropy, by the annotator's level

    image_shape, filters, blocks, side_channels, symbols_per_bit
        As in :class:`~semcom_phy.codecs.ntscc.NtsccEncoder`
    """

    num_levels = NUM_LEVELS

    def __init__(
        self,
        image_shape=(192, 256, 3),
        filters=96,
        blocks=2,
        side_channels=16,
        symbols_per_bit=0.35,
        level_weights=(0.01, 0.5, 1.0, 2.5),
        level_symbols=(0.0, 2.0, 6.0, 12.0),
        **kwargs,
    ):
        super().__init__(
            image_shape, filters, blocks, side_channels, symbols_per_bit, **kwargs
        )
        if len(level_weights) != NUM_LEVELS or not min(level_weights) > 0:
            raise ValueError(f"level_weights must be 4 positive, got {level_weights}")
        if len(level_symbols) != NUM_LEVELS:
            raise ValueError(f"level_symbols must be 4 numbers, got {level_symbols}")
        self.level_weights = tuple(float(w) for w in level_weights)
        self.level_symbols = tuple(float(n) for n in level_symbols)
        self.importance_in = self._dense("importance_in", 2 * filters + 2, filters)
        self.importance_trunk = self._trunk("importance_trunk", 1)
        self.importance_hidden = self._dense("importance_hidden", 2 * filters, filters)
        self.importance_out = self._dense("importance_out", filters, NUM_LEVELS)

    def allocation(self, features, levels=None):
        logits = self._predict(features)
        weights = np.array(self.level_weights, "float32")
        expected = ops.matmul(ops.softmax(logits), ops.convert_to_tensor(weights))
        log_gain = 0.5 * ops.log(expected)
        extra = ops.zeros_like(log_gain)
        if levels is not None:  # what the annotator says, where it says something
            levels = _padded(levels, *features.shape[1:3])
            by_level = 0.5 * np.log(weights)
            told = self._by_level(by_level, levels)
            log_gain = ops.where(levels >= 0, told, log_gain)
            extra = self._by_level(self.level_symbols, levels)
        return Allocation(log_gain, extra), logits

    def _predict(self, features):
        """Logits of the levels: of a patch, its place, and the whole scene."""
        place = ops.broadcast_to(
            ops.convert_to_tensor(grid_coordinates(*features.shape[1:3])),
            (*ops.shape(features)[:-1], 2),
        )
        inputs = ops.concatenate([features, place], axis=-1)
        hidden = self.importance_trunk(self.importance_in(inputs), None)
        scene = ops.mean(hidden, axis=(1, 2), keepdims=True)
        scene = ops.broadcast_to(scene, ops.shape(hidden))
        hidden = ops.concatenate([hidden, scene], axis=-1)
        return self.importance_out(ops.silu(self.importance_hidden(hidden)))

    def level_tables(self, levels):
        log_gain = 0.5 * np.log(np.array(self.level_weights))[levels]
        log_gain = np.where(levels >= 0, log_gain, 0.0)
        extra = np.where(levels >= 0, np.array(self.level_symbols)[levels], 0.0)
        return log_gain, extra

    def patch_weights(self, levels):
        """Weight of every patch in the distortion, as :attr:`level_weights`."""
        return self._by_level(self.level_weights, levels)

    def level_of_expected_weight(self, probabilities):
        """Level whose weight is the expected one: what to tell the encoder of a patch
        whose importance is not certain.

        The expected weighted distortion of a patch is the distortion by the expected
        weight, so that a patch which is an object with one chance in ten is worth more
        than the level 0.1 between background and low.

        Input
        -----
        probabilities : [batch, rows, columns, 4], float
            Of the levels

        Output
        ------
        : [batch, rows, columns], `float32`
            0 to 3

        Raises
        ------
        ValueError
            If the weights of the levels do not rise, so that there is no such level.
        """
        if not np.all(np.diff(self.level_weights) > 0):
            raise ValueError(
                f"level_weights are {self.level_weights}: a level has an expected "
                "weight where they rise from level to level"
            )
        weight = np.log(np.asarray(probabilities) @ np.array(self.level_weights))
        log_weights = np.log(self.level_weights)
        return np.interp(weight, log_weights, np.arange(NUM_LEVELS)).astype("float32")

    @staticmethod
    def _by_level(table, levels):
        """A number per level, linear between two; 0 where the level is -1, unknown."""
        distance = ops.cast(levels, "float32")[..., None] - np.arange(
            NUM_LEVELS, dtype="float32"
        )
        known = ops.relu(1.0 - ops.abs(distance))
        return ops.matmul(known, ops.convert_to_tensor(np.array(table, "float32")))

    def get_config(self):
        config = super().get_config()
        del config["fixed"]
        names = ("level_weights", "level_symbols")
        return {**config, **{name: getattr(self, name) for name in names}}


def _padded(levels, rows, columns):
    """Levels of all patches: those of the padding, in a last row or column, are
    background."""
    missing = rows - levels.shape[1], columns - levels.shape[2]
    if not {*missing} <= {0, 1}:
        raise ValueError(
            f"levels are of {levels.shape[1]}x{levels.shape[2]} patches, the image has "
            f"{rows}x{columns} with its padding: give one level per patch of 16x16 "
            "pixels"
        )
    if not any(missing):
        return levels
    return ops.pad(levels, ((0, 0), (0, missing[0]), (0, missing[1])))


@keras.saving.register_keras_serializable(package="semcom_phy")
class SaOoscDecoder(NtsccDecoder):
    """NTSCC's decoder: what was important shows in the lengths."""
