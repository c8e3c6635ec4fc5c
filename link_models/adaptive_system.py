"""Adaptive-rate codecs as systems of a sweep, with their cut-offs really sent.

cut-offs --> number --> 5G polar code, QPSK --> side symbols behind the data
                              ^ length by what is fed back of the channel
a lost number is an outage: nothing is decoded with cut-offs that did not arrive
"""

from pathlib import Path

import numpy as np
from keras import ops

from link_models.knowledge import (
    AVERAGE_SNR,
    FED_BACK_CSI,
    FEEDBACK_AGE,
    FREE_CUTOFFS,
    knows,
)
from link_models.semantic_link import to_uint8
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.short_message import MAX_SYMBOLS, ShortMessage
from semcom_phy.codecs.map_codec import Cutoffs
from semcom_phy.phy.detection import lmmse_filter
from semcom_phy.phy.feedback import AverageSnr, Feedback, draw_seeds
from semcom_phy.phy.knowledge import Csi
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.seeding import check_seeds, image_generator, image_seeds, sample_fades
from semcom_phy.simulation.plotting_symbols import plot_choices
from semcom_phy.snr import snr_db_to_no

MAX_SIDE_SYMBOLS = MAX_SYMBOLS  # those of the longest message
SIDE_INFO = ("sent", "free")
DRAWS = draw_seeds(20211, 128)  # of a channel that the transmitter knows in part


class AdaptiveSystem:
    r"""An adaptive-rate link with trained weights as a system of a sweep.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

    link : :class:`~link_models.adaptive_link.AdaptiveLink`
        The model with its weights; its frame has room for the side symbols

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]

    record : `dict`
        What is known of the weights, for the result file

    outage_color : [3], `uint8`
        Shown where the cut-offs are lost

    side_info : "sent" (default) | "free"
        Send the cut-offs and charge them, or give them to the receiver free of errors
        and charge, as published figures do

    precoding : "equal" | "waterfilling" | `None` (default)
        Send over the eigenmodes of the fed-back channel, the most important symbols
        over the strongest; see :func:`~semcom_phy.phy.precoding.svd_precoder`

    rates : callable, snr_db -> cr_real, optional
        Rate that is asked for, for codecs that do not choose it; between two rates that
        the codec has, images take one or the other, so that their mean is met

    feedback : :class:`~semcom_phy.phy.feedback.Feedback`, optional
        What is fed back; fresh if not given. Without precoding a codec that does not
        look at the channel is fed back the SNR alone

    Raises
    ------
    ValueError
        If an option is unknown.
    """

    def __init__(
        self,
        name,
        title,
        link,
        image_shape,
        record,
        outage_color,
        side_info="sent",
        precoding=None,
        rates=None,
        feedback=None,
    ):
        if side_info not in SIDE_INFO:
            raise ValueError(
                f"side_info must be one of {', '.join(SIDE_INFO)}, got {side_info!r}"
            )
        if precoding not in (None, "equal", "waterfilling"):
            raise ValueError(
                f'precoding must be "equal", "waterfilling" or None, got {precoding!r}'
            )
        self.name = name
        self.title = title
        self.link = link
        self.channel = link.channel
        self.image_shape = tuple(image_shape)
        self.record = record
        self.outage_color = np.asarray(outage_color, np.uint8)
        self.side_info = side_info
        self.precoding = precoding
        self.rates = rates
        self.codec = link.encoder
        self.feedback = feedback or Feedback(self.channel)
        if not self.codec.use_csi and precoding is None:
            self.feedback = AverageSnr(self.channel)
        self.num_choices = self.codec.num_maps * (1 if rates else self.codec.length)
        # A mask that differs from image to image takes a bit per map.
        self.masked = getattr(self.codec, "mask", None) == "learned"
        self.message = ShortMessage(
            2**self.codec.num_maps if self.masked else self.num_choices
        )
        self._encode = compile_fn(self._encode_images)
        self._send_frame = compile_fn(link.send_frame)
        self._read_frame = compile_fn(self._read_images)

    def describe(self):
        framing = self.channel.framing
        known = [AVERAGE_SNR]
        if self.feedback.knows_channel:
            known.append(FED_BACK_CSI)
        if self.feedback.knows_age:
            known.append(FEEDBACK_AGE)
        if self.side_info == "free":
            known.append(FREE_CUTOFFS)
        side = MAX_SIDE_SYMBOLS if framing.num_symbols > self.codec.num_symbols else 0
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(framing, self.image_shape, side).as_dict(),
            "bandwidth_note": "the most; what was spent is in extras, cr_real",
            "knows": knows(*known),
            "parameters": int(self.link.count_params()),
            "side_info": self.side_info,
            "precoding": self.precoding,
            "outage_color": self.outage_color.tolist(),
            **self.record,
        }

    def transmit(self, images, snr_db, h, seeds):
        """Sends images; ``extras`` say what each spent.

        Output
        ------
        : :class:`~link_models.transmission.Transmission`
            extras: ``cr_real`` (data), ``cr_real_charged`` (data and side information;
            without the latter if it is free), ``side_symbols``, ``num_maps``,
            ``num_rows``, ``entropy`` (mean over the maps [bit]), ``effective_snr_db``,
            ``side_info_error``
        """
        images_hat, lost, extras = self.send(images, snr_db, h, seeds)
        images_hat[lost] = self.outage_color
        return Transmission(images_hat, lost, extras)

    def send(self, images, snr_db, h, seeds):
        """As :meth:`transmit`, with what an error-free side stream would have given.

        Output
        ------
        images_hat : [batch, H, W, 3], `uint8`
            Decoded with the cut-offs that arrived, where none did with those sent

        lost : [batch], `bool`
            Where they did not arrive

        extras : `dict`
            As of :meth:`transmit`
        """
        seeds = check_seeds(seeds, len(images))
        coded, fades, snr_told, precoder, ordered = self.encode(
            images, snr_db, h, seeds
        )
        sinr = self._sinr(fades, snr_told)
        batch, size = len(images), self.codec.num_symbols
        number = self._number(coded.cutoffs)
        num_side, lost = np.zeros(batch, int), np.zeros(batch, bool)
        wrong = np.zeros(batch, bool)
        side_x = np.zeros((batch, MAX_SIDE_SYMBOLS), np.complex64)
        if self.side_info == "sent":
            formats = self.message.choose_format(sinr)
            num_side = np.array(self.message.num_symbols)[formats]
            side_x = self.message.encode(number, formats)
        frame = self._send_frame(
            coded.z,
            coded.mask,
            ops.convert_to_tensor(side_x),
            ops.convert_to_tensor(np.full(batch, snr_db, "float32")),
            ops.convert_to_tensor(h),
            ops.convert_to_tensor(self.channel.draw_noise(seeds)),
            precoder,
            ordered,
        )
        if self.side_info == "sent":
            values, received = self.message.decode(
                ops.convert_to_numpy(frame.x_hat[:, size:]),
                ops.convert_to_numpy(frame.no_eff[:, size:]),
                formats,
            )
            lost, wrong = ~received, received & (values != number)
            number = np.where(received, values, number)
        images_hat = to_uint8(
            self._read_frame(
                frame.x_hat[:, :size],
                frame.no_eff[:, :size],
                *map(ops.convert_to_tensor, self._read(number)),
                frame.h_hat,
                frame.snr_db,
                fades,
                snr_told,
                precoder,
                ordered,
            )
        )
        sent = ops.convert_to_numpy(coded.mask).sum(axis=1)
        dimensions = np.prod(self.image_shape)
        effective = np.expm1(np.log1p(sinr).mean(axis=(1, 2)))
        extras = {
            "cr_real": 2 * sent / dimensions,
            "cr_real_charged": 2 * (sent + num_side) / dimensions,
            "side_symbols": num_side,
            "num_maps": ops.convert_to_numpy(coded.cutoffs.num_maps),
            "num_rows": ops.convert_to_numpy(coded.cutoffs.num_rows),
            "entropy": ops.convert_to_numpy(coded.entropy).mean(axis=1),
            "effective_snr_db": 10 * np.log10(effective),
            "side_info_error": lost,
            "undetected": wrong,
        }
        extras = {
            name: v if v.dtype == bool else np.asarray(v, float)
            for name, v in extras.items()
        }
        return images_hat, lost, extras

    def spent(self, images, snr_db, h, seeds):
        """Rate of each image, without sending it.

        Output
        ------
        : `dict`
            ``cr_real`` and ``cr_real_charged``, [batch] each
        """
        coded, fades, snr_told, _, _ = self.encode(images, snr_db, h, seeds)
        sent = ops.convert_to_numpy(coded.mask).sum(axis=1)
        formats = self.message.choose_format(self._sinr(fades, snr_told))
        side = np.array(self.message.num_symbols)[formats]
        dimensions = np.prod(self.image_shape)
        return {
            "cr_real": 2 * sent / dimensions,
            "cr_real_charged": 2 * (sent + side) / dimensions,
        }

    def encode(self, images, snr_db, h, seeds, compiled=True):
        """What the transmitter makes of images, with what it is fed back.

        Input
        -----
        images, snr_db, h, seeds
            As of :meth:`transmit`

        compiled : `bool`, (default `True`)
            Compile for this number of images

        Output
        ------
        coded : :class:`~semcom_phy.codecs.map_codec.Coded`

        fades, snr_told : tensors
            Channels that may come, with the precoder, if any
            [batch, draws, num_rx_ant, num_tx_ant, 1, 1], and SNR [batch] [dB], as both
            ends know them by the feedback; one draw where the channel itself is known

        precoder, ordered : tensors
            Precoder [batch, Nt, Nt] and whether streams are filled in order [batch]
        """
        source = ops.convert_to_tensor(images.astype("float32") / 255.0)
        encode = self._encode if compiled else self._encode_images
        batch, num_tx_ant = len(images), self.channel.num_tx_ant
        no = snr_db_to_no(np.full(batch, snr_db, "float32"), num_tx_ant)
        h_hat, snr_told = self.feedback.sound(ops.convert_to_tensor(h), no, seeds)
        no_told = snr_db_to_no(snr_told, num_tx_ant)
        known = self.feedback.predict(h_hat, no_told, seeds)
        fades = self.feedback.fades(known, DRAWS)[:, :, 0]
        precoder = np.tile(np.eye(num_tx_ant, dtype="complex64"), (batch, 1, 1))
        ordered = np.full(batch, self.precoding is not None)
        if self.precoding is not None:
            precoder = svd_precoder(
                known.mean,
                ops.convert_to_numpy(snr_told),
                self.precoding,
                known.variance.reshape(-1),
            )
            seen = np.matmul(fades[..., 0, 0], precoder[:, None])
            fades = seen[..., None, None]
        fades, precoder, ordered = map(
            ops.convert_to_tensor, (fades, precoder, ordered)
        )
        cutoffs = self._asked(batch, snr_db, seeds)
        coded = encode(source, snr_told, fades, *cutoffs)
        return coded, fades, snr_told, precoder, ordered

    def choices(self, images, snr_db, seed):
        """Which symbols of which feature maps are sent, over one fade per image: that
        of the first draw of a sweep with this seed.

        Output
        ------
        : [batch, height, width, num_maps], `float`
            1 sent, 0.25 pruned from a kept map, 0 of a map that is not kept
        """
        seeds = image_seeds(seed, 0, range(len(images)))
        h = sample_fades(self.channel, seeds)
        coded = self.encode(images, snr_db, h, seeds, compiled=False)[0]
        sent = ops.convert_to_numpy(self.codec.positions(coded.cutoffs)) > 0
        sent = sent.reshape(len(images), *self.codec.grid, self.codec.num_maps)
        num_maps = ops.convert_to_numpy(coded.cutoffs.num_maps)
        kept = np.arange(self.codec.num_maps) < num_maps[:, None, None, None]
        return np.where(sent, 1.0, np.where(kept, 0.25, 0.0))

    def draw(self, images, snr_db, seed, folder):
        """Draws :meth:`choices` of the first images into a folder.

        Output
        ------
        : list of `Path`
            The figure
        """
        shown = images[:4]
        path = Path(folder) / f"{self.name}_choices.png"
        chosen = {snr: self.choices(shown, snr, seed) for snr in snr_db}
        cell = "a DCT coefficient of it" if self.codec.shaped else "a position in it"
        plot_choices(
            shown, chosen, f"{self.title}: a tile is a feature map, a cell {cell}", path
        )
        return [path]

    def _encode_images(self, source, snr_db, h, num_maps=None, num_rows=None):
        cutoffs = None if num_maps is None else Cutoffs(num_maps, num_rows)
        return self.link.encode(source, snr_db, h, None, cutoffs)

    def _read_images(
        self,
        x_hat,
        no_eff,
        num_maps,
        num_rows,
        map_order,
        h_hat,
        snr_db,
        fades,
        snr_told,
        precoder,
        ordered,
    ):
        cutoffs = Cutoffs(num_maps, num_rows, map_order)
        seen = ops.matmul(h_hat[:, 0, :, :, 0, 0], precoder)
        told = Csi(fades, snr_told)
        csi = Csi(seen[:, None, :, :, None, None], snr_db, told)
        return self.link.read_frame(x_hat, no_eff, cutoffs, csi, ordered).image

    def _asked(self, batch, snr_db, seeds):
        """Cut-offs asked for, where the codec does not choose them.

        Which of two numbers of maps an image is given follows from its seed alone: the
        rate is met on average over images, not in a batch.
        """
        if self.rates is None:
            return ()
        codec = self.codec
        real_symbols = self.rates(snr_db) * np.prod(self.image_shape)
        maps = (real_symbols - 2 * codec.scale_symbols) / codec.length
        if not 1 <= maps <= codec.num_maps:
            raise ValueError(
                f"a cr_real of {self.rates(snr_db):.4f} takes {maps:.2f} maps of "
                f"{self.name}, which has 1 to {codec.num_maps}"
            )
        share = maps - np.floor(maps)
        draw = np.array([image_generator(seed, "rate").random() for seed in seeds])
        num_maps = (np.floor(maps) + (draw < share)).astype("int32")
        num_rows = np.full(batch, codec.length, "int32")
        return ops.convert_to_tensor(num_maps), ops.convert_to_tensor(num_rows)

    def _sinr(self, fades, snr_told):
        """SINR of the streams as both ends know it, [batch, draws, streams]."""
        no = snr_db_to_no(snr_told, self.channel.num_tx_ant)[:, None, None, None]
        _, no_eff = lmmse_filter(fades[..., 0, 0], ops.convert_to_tensor(no))
        return 1.0 / ops.convert_to_numpy(no_eff).astype("float64")

    def _number(self, cutoffs):
        """The cut-offs as one number, [batch]."""
        num_maps = ops.convert_to_numpy(cutoffs.num_maps).astype(int)
        if self.masked:
            order = ops.convert_to_numpy(cutoffs.map_order).astype(int)
            kept = np.arange(self.codec.num_maps) < num_maps[:, None]
            return np.sum(kept << order, axis=1)
        if self.rates is not None:
            return num_maps - 1
        num_rows = ops.convert_to_numpy(cutoffs.num_rows).astype(int)
        return (num_maps - 1) * self.codec.length + num_rows - 1

    def _read(self, number):
        """Inverse of :meth:`_number`: num_maps, num_rows, map_order, `int32`.

        Without a learned mask the order of the maps is their own.
        """
        num_maps = self.codec.num_maps
        order = np.tile(np.arange(num_maps), (len(number), 1))
        whole = np.full(len(number), self.codec.length)
        if self.masked:
            dropped = (number[:, None] >> order & 1) == 0
            kept = num_maps - dropped.sum(axis=1)
            order = np.argsort(dropped, axis=1, kind="stable")
            cutoffs = (np.maximum(kept, 1), whole, order)
        elif self.rates is not None:
            cutoffs = (number + 1, whole, order)
        else:
            cutoffs = (*read_number(number, num_maps, self.codec.length), order)
        return [v.astype("int32") for v in cutoffs]


def read_number(number, num_maps, length):
    """Cut-offs (k, l) of a number of :class:`AdaptiveSystem`, arrays of `int`."""
    number = np.asarray(number)
    if np.any((number < 0) | (number >= num_maps * length)):
        raise ValueError(
            f"numbers must be from 0 to {num_maps * length - 1}, got {number}"
        )
    return number // length + 1, number % length + 1
