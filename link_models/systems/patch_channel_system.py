"""NTSCC of published weights over the channel of its authors.

    images --> g_a, f_e: eta --> batch channel of what is kept --> f_d, g_s --> images
                    '-- k, with refinement z: free, at the charge of an ideal code --'

For the published figures alone: the rate follows from eta and the picture, whatever the
scenario's cbr; power is normalised over the batch, the receiver is handed its scale and
the side information (:mod:`semcom_phy.phy.channel_models.batch_channel`). What comes
out depends on which images are sent together.
"""

import numpy as np
from keras import ops

from link_models.systems.batch_channel_system import BatchChannelSystem, draws
from link_models.systems.knowledge import (
    AVERAGE_SNR,
    BATCH_POWER,
    FREE_SCALE,
    IDEAL_LENGTHS,
    knows,
)
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.phy.channel_models.batch_channel import send_kept_over_batch
from semcom_phy.phy.framing import Framing
from semcom_phy.simulation.system import Spent
from semcom_phy.snr import db_to_linear, snr_db_to_no


class PatchChannelSystem(BatchChannelSystem):
    r"""NTSCC over its authors' channel as a system of a sweep.

    Side information is charged as its authors do, at the capacity of the channel: of
    every patch :math:`\log_2 R` bits for R rates, and with refinement the information
    of z,

    .. math::
        \frac{\text{bits}}{\log_2(1 + \mathrm{SNR})}

    complex symbols. They are not sent.

    Parameters
    ----------
    name, title, link, fading, about
        As of :class:`~link_models.systems.batch_channel_system.BatchChannelSystem`
    """

    channels = ("awgn",)

    def describe(self):
        encoder = self.link.encoder
        most = spent_bandwidth(Framing(encoder.most_symbols, 1), encoder.image_shape)
        return {
            "title": self.title,
            "knows": knows(AVERAGE_SNR, BATCH_POWER, FREE_SCALE, IDEAL_LENGTHS),
            "bandwidth": most.as_dict(),
            "bandwidth_note": "the most; what was spent is in cbr, and side_cbr by "
            "capacity; pilots are not sent",
            "channel": "the authors': AWGN",
            "eta": encoder.eta,
            **self.about,
        }

    def send(self, images, snr_db, seeds):
        encoder = self.link.encoder
        features, kept, rate_index, steps, hyper_bits = self._features(images)
        noise = ops.convert_to_tensor(draws(seeds, "noise", encoder.most_symbols))
        no = ops.convert_to_tensor(snr_db_to_no(snr_db, 1))
        received = send_kept_over_batch(features, kept, no, noise).features
        data = ops.convert_to_numpy(ops.sum(kept, axis=(1, 2, 3))) / 2
        side_bits = np.full(len(images), encoder.tokens * np.log2(len(encoder.rates)))
        if encoder.refined:
            side_bits = side_bits + ops.convert_to_numpy(hyper_bits)
        side = side_bits / np.log2(1.0 + db_to_linear(snr_db))
        return self._images(received, rate_index, steps), Spent(data, side)

    def _features_of(self, images):
        encoder = self.link.encoder
        found = encoder.analyse(images)
        rate_index = encoder.published_index(found)
        features, kept = encoder.features(*found[:2], rate_index)
        hyper_bits = ops.sum(encoder.bottleneck(found.steps), axis=(1, 2, 3))
        return features, kept, rate_index, found.steps, hyper_bits
