"""What is known of the channel, as an embedding for networks and as one figure."""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.adaptation.snr_embedding import hat_embedding
from semcom_phy.phy.detection import lmmse_filter
from semcom_phy.snr import linear_to_db, snr_db_to_no

SNR_KNOTS = (-10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0)


@keras.saving.register_keras_serializable(package="semcom_phy")
class ChannelCondition(keras.layers.Layer):
    r"""Features of a channel estimate and an SNR.

    The channel of a slot is averaged over OFDM symbols and subcarriers, the figures
    made of it (in decibels) over the slots. In the place of slots there may be draws of
    a channel that is known in part: the figures are then expectations.

    What is fed to the perceptrons of the ECA paper, the real and imaginary parts of its
    entries and the SNR, is kept; beside it stand figures that a small perceptron would
    have to find first: the SINR of every stream after L-MMSE detection, and the
    effective SNR

    .. math::
        \mathrm{SNR}_{\mathrm{eff}} =
        \exp\Bigl(\frac{1}{N_t} \sum_k \ln (1 + \mathrm{SINR}_k)\Bigr) - 1,

    that of a channel without fading with the same L-MMSE sum rate.

    Parameters
    ----------
    num_tx_ant, num_rx_ant : `int`
        Antennas

    use_csi : `bool`, (default `True`)
        Look at the channel estimate; otherwise at the SNR alone, which is then the
        effective SNR, with zeros in the place of the rest

    Input
    -----
    h : [batch, slots or draws, num_rx_ant, num_tx_ant, T, F], `complex64`
        Channel estimate; not used without ``use_csi``

    snr_db : [batch], `float32`
        Average SNR per receive antenna [dB]

    Output
    ------
    features : [batch, num_features], `float32`
        O(1)

    effective_db : [batch], `float32`
        Effective SNR [dB]

    Raises
    ------
    ValueError
        If ``h`` is missing or of other antennas.
    """

    def __init__(self, num_tx_ant, num_rx_ant, use_csi=True, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_tx_ant = num_tx_ant
        self.num_rx_ant = num_rx_ant
        self.use_csi = use_csi
        self.num_entries = 2 * num_tx_ant * num_rx_ant + num_tx_ant
        self.num_features = 1 + len(SNR_KNOTS) + self.num_entries
        self.built = True

    def call(self, h, snr_db):
        snr_db = ops.cast(snr_db, "float32")
        if not self.use_csi:
            nothing = ops.zeros_like(snr_db)[:, None] * np.zeros(
                self.num_entries, "float32"
            )
            return self._features([nothing], snr_db, snr_db), snr_db
        if h is None:
            raise ValueError(
                "this codec needs the channel estimate that is fed back, received "
                "None: use it in a link that sounds the channel."
            )
        antennas = (self.num_rx_ant, self.num_tx_ant)
        if len(h.shape) != 6 or tuple(h.shape[2:4]) != antennas:
            raise ValueError(
                f"h must be [batch, slots, {antennas[0]}, {antennas[1]}, T, F] with "
                "receive before transmit antennas, received "
                f"{tuple(h.shape)}: the codec is made for other antennas."
            )
        h = ops.stop_gradient(ops.mean(ops.cast(h, "complex64"), axis=(4, 5)))
        no = snr_db_to_no(snr_db, self.num_tx_ant)
        _, no_eff = lmmse_filter(h, no[:, None, None, None])
        sinr = 1.0 / no_eff
        effective = ops.expm1(ops.mean(ops.log1p(sinr), axis=-1))
        effective_db = ops.stop_gradient(linear_to_db(effective))
        streams = ops.stop_gradient(linear_to_db(sinr)) / 10.0
        h = ops.mean(h, axis=1)
        entries = ops.reshape(ops.view_as_real(h), (-1, 2 * int(np.prod(antennas))))
        effective_db = ops.mean(effective_db, axis=1)
        parts = [entries, ops.mean(streams, axis=1)]
        return self._features(parts, snr_db, effective_db), effective_db

    @staticmethod
    def _features(parts, snr_db, effective_db):
        parts = [*parts, snr_db[:, None] / 10.0, hat_embedding(effective_db, SNR_KNOTS)]
        return ops.concatenate(parts, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "num_tx_ant": self.num_tx_ant,
            "num_rx_ant": self.num_rx_ant,
            "use_csi": self.use_csi,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class TwoLayerPerceptron(keras.layers.Layer):
    """Two dense layers, ReLU between them.

    Parameters
    ----------
    hidden_units, units : `int`
        Widths

    zero_start : `bool`, (default `False`)
        Start the second kernel at zero

    Input
    -----
    x : [batch, inputs], `float32`

    Output
    ------
    y : [batch, units], `float32`
    """

    def __init__(self, hidden_units, units, zero_start=False, **kwargs):
        super().__init__(**kwargs)
        self.hidden_units = hidden_units
        self.units = units
        self.zero_start = zero_start

    def build(self, input_shape):
        self.hidden = keras.layers.Dense(
            self.hidden_units, activation="relu", name="hidden"
        )
        self.hidden.build((None, input_shape[-1]))
        start = "zeros" if self.zero_start else "glorot_uniform"
        self.out = keras.layers.Dense(self.units, kernel_initializer=start, name="out")
        self.out.build((None, self.hidden_units))

    def call(self, x):
        return self.out(self.hidden(x))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "units": self.units,
            "zero_start": self.zero_start,
        }
