"""Amplitudes of analogue symbols: power allocation that starts in closed form."""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.adaptation.channel_condition import SNR_KNOTS
from semcom_phy.layers.adaptation.snr_embedding import SnrTable, hat_embedding
from semcom_phy.phy.power_allocation import power_allocation

SHARES = (0.25, 0.5, 0.75, 1.0)


@keras.saving.register_keras_serializable(package="semcom_phy")
class AmplitudeTable(keras.layers.Layer):
    r"""Log amplitude of every value over the effective SNR and the number sent.

    A table over SNR and number, read by linear interpolation. :meth:`fit` fills it with
    the powers that minimise the squared error of a linear coder,
    :math:`p_i = (\nu \sqrt{\lambda_i N_0} - N_0)^+`; training goes on from there.

    Parameters
    ----------
    size : `int`
        Number of values that can be sent

    Input
    -----
    effective_db : [batch], `float32`
        Effective SNR [dB]

    num_sent : [batch], `float32`
        Values sent, at most ``size``

    Output
    ------
    log_gain : [batch, size], `float32`
        Natural logarithm of the amplitude of a value of unit variance
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.num_context = len(SNR_KNOTS) * len(SHARES)
        self.table = SnrTable(size, name="table")
        self.table.build((None, self.num_context))
        self.built = True

    def fit(self, variances, listed):
        """Closed-form start.

        Parameters
        ----------
        variances : [size], `float`
            Energy of each value in the image

        listed : [size], `int`
            Values in the order in which they are sent
        """
        rows = []
        for snr_db in SNR_KNOTS:
            for share in SHARES:
                used = listed[: int(share * self.size)]
                no = 10 ** (-snr_db / 10)
                powers = np.zeros(self.size)
                powers[used] = power_allocation(variances[used], no, len(used))
                rows.append(0.5 * np.log(powers + 1e-3))
        self.table.table.assign(np.asarray(rows, "float32"))

    def context(self, effective_db, num_sent):
        """Interpolation weights, [batch, num_context]."""
        snr = hat_embedding(effective_db, SNR_KNOTS)
        share = hat_embedding(num_sent / self.size, SHARES)
        return ops.reshape(snr[:, :, None] * share[:, None], (-1, self.num_context))

    def call(self, effective_db, num_sent):
        return self.table(self.context(effective_db, num_sent))

    def get_config(self):
        return {**super().get_config(), "size": self.size}
