"""What the transmitter of a semantic codec goes by, as both ends know it."""

from functools import cached_property

import numpy as np
from keras import ops

from link_models.links.frame_link import check_one_fade
from semcom_phy.phy.detection import lmmse_filter
from semcom_phy.phy.feedback import draw_seeds
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.snr import snr_db_to_no

DRAWS = draw_seeds(20211, 128)  # of a channel that the transmitter knows in part


class View:
    """One batch as its transmitter sees it, which the receiver knows as well.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Its statistics are known

    snr_db : [batch], `float32`
        Average SNR as it knows it [dB]

    fades : callable, () -> [batch, draws, num_rx_ant, num_tx_ant, 1, 1] `complex64`
        Channels that may come, with the precoder; `None` where all that is known of a
        selective channel is its SNR

    knows_channel : `bool`
        They are told to the codec

    precoder : [batch, num_tx_ant, num_tx_ant], `complex64`, or `None`
    """

    def __init__(self, channel, snr_db, fades, knows_channel, precoder=None):
        self.channel = channel
        self.snr_db = snr_db
        self.knows_channel = knows_channel
        self.precoder = precoder
        self._fades = fades

    @cached_property
    def fades(self):
        """Channels that may come, as given to the constructor."""
        return self._fades()

    @property
    def ordered(self):
        """[batch], `bool`, or `None` : Streams are filled in the order of their
        strength."""
        if self.precoder is None:
            return None
        return np.ones(len(self.precoder), bool)

    @cached_property
    def sinr(self):
        """SINR of the streams, [batch, draws, streams] `float64`; of a selective
        channel nothing is known: 0."""
        return self._sinr(count_error=False)

    @cached_property
    def detected_sinr(self):
        """The same, with the error of the receiver's own estimate as noise."""
        return self._sinr(count_error=True)

    def _sinr(self, count_error):
        num_tx_ant = self.channel.num_tx_ant
        if self.fades is None:
            return np.zeros((len(self.snr_db), 1, num_tx_ant))
        no = ops.convert_to_tensor(snr_db_to_no(self.snr_db, num_tx_ant))
        if count_error:
            one = ops.convert_to_tensor(self.fades[:, :1])
            error = self.channel.sounding_error(one, no)
            no = no + num_tx_ant * ops.reshape(error, (-1,))
        no = no[:, None, None, None]
        matrices = ops.convert_to_tensor(self.fades)[..., 0, 0]
        _, no_eff = lmmse_filter(matrices, no)
        return 1.0 / ops.convert_to_numpy(no_eff).astype("float64")


class Transmitter:
    """What is fed back, and what the transmitter makes of it.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    feedback : :class:`~semcom_phy.phy.feedback.Feedback`, optional
        The average SNR alone is known if not given

    precoding : `bool`, (default `False`)
        Send over the eigenmodes of the fed-back channel, the first symbols over the
        strongest, with equal gains. Symbols of an analogue segment differ in power from
        stream to stream: with water-filling on top, as of
        :func:`~semcom_phy.phy.precoding.svd_precoder`, an image would radiate up to
        twice its power

    Raises
    ------
    ValueError
        If there is no channel fed back for precoding.
    """

    def __init__(self, channel, feedback=None, precoding=False):
        if precoding and not (feedback and feedback.knows_channel):
            raise ValueError("precoding needs a channel that is fed back")
        self.channel = channel
        self.feedback = feedback
        self.precoding = precoding

    def view(self, snr_db, h, seeds):
        """What is known of a batch.

        Input
        -----
        snr_db, h, seeds
            As of :meth:`~semcom_phy.simulation.system.System.transmit`

        Output
        ------
        : :class:`View`
        """
        batch, num_tx_ant = len(seeds), self.channel.num_tx_ant
        average = np.full(batch, snr_db, "float32")
        if self.feedback is None:
            return View(self.channel, average, lambda: self._any(batch), False)
        check_one_fade(h)
        no = snr_db_to_no(average, num_tx_ant)
        csi = self.feedback.sound(ops.convert_to_tensor(h), no, seeds)
        told = ops.convert_to_numpy(csi.snr_db)
        known = self.feedback.predict(
            csi.h_hat, snr_db_to_no(csi.snr_db, num_tx_ant), seeds
        )
        fades = self.feedback.fades(known, DRAWS)[:, :, 0]
        precoder = None
        if self.precoding:
            precoder = svd_precoder(known.mean, told)
            seen = np.matmul(fades[..., 0, 0], precoder[:, None])
            fades = seen[..., None, None]
        told_channel = self.feedback.knows_channel
        return View(self.channel, told, lambda: fades, told_channel, precoder)

    def _any(self, batch):
        """Fades where only their distribution is known."""
        if not self.channel.channel_model.is_flat:
            return None
        fades = np.asarray(ops.convert_to_numpy(self.channel.sample_each(DRAWS)))
        return np.repeat(fades[None, :, 0], batch, axis=0)
