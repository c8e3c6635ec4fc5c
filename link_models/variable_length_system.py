"""Variable-length codecs as systems of a sweep, with their lengths really sent.

lengths --> length code --> ProtectedMessage --> first symbols of the frame
lost: an outage; nothing is decoded with lengths that did not arrive
"""

from pathlib import Path

import numpy as np
from keras import ops

from link_models.knowledge import AVERAGE_SNR, FREE_LENGTHS, knows
from link_models.semantic_link import to_uint8
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.protected_message import ProtectedMessage
from semcom_phy.layers.rate_allocation import LENGTHS
from semcom_phy.phy.channels import AWGN
from semcom_phy.seeding import check_seeds
from semcom_phy.simulation.plotting_symbols import plot_symbols
from semcom_phy.snr import snr_db_to_no

SIDE_INFO = ("sent", "free", "none")
_ROUNDS = 16  # of fitting data and side symbols into the frame
# QPSK at rate 1/3 decodes from -1 dB on, at 1/2 from 2 dB on. The stronger code is
# left 5 dB below where the weaker one has as much in hand, and in every fade.
STRONG, WEAK, WEAK_FROM_DB = Mcs(2, 1 / 3), Mcs(2, 1 / 2), 7.0


class VariableLengthSystem:
    r"""A variable-length link with trained weights as a system of a sweep.

    Every image takes as many symbols as the frame holds, data and side information
    together, less what the steps of the lengths leave.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

    link : :class:`~link_models.variable_length_link.VariableLengthLink`
        The model with its weights

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]

    record : `dict`
        What is known of the weights, for the result file

    outage_color : [3], `uint8`
        Shown where the lengths are lost

    length_code : :class:`~semcom_phy.source_coding.length_code.LengthCode` or `None`
        Codes the lengths; not needed unless they are sent

    side_info : "sent" (default) | "free" | "none"
        Send the lengths and charge them, give them to the receiver free of errors and
        charge, as published figures do, or have none, because all are equal

    levels : object of :mod:`link_models.scene_levels`, optional
        Levels, or expected levels, by the annotator at the transmitter: callable,
        images -> [batch, rows, columns]; with ``name`` and, from the table of
        :mod:`link_models.knowledge`, what it ``knows``

    Raises
    ------
    ValueError
        If ``side_info`` is unknown, or lacks a length code.
    """

    def __init__(
        self,
        name,
        title,
        link,
        image_shape,
        record,
        outage_color,
        length_code=None,
        side_info="sent",
        levels=None,
    ):
        if side_info not in SIDE_INFO:
            raise ValueError(
                f"side_info must be one of {', '.join(SIDE_INFO)}, got {side_info!r}"
            )
        if side_info == "sent" and length_code is None:
            raise ValueError(
                "lengths that are sent need a length code: fit one with python -m "
                "benchmarks.fit_length_code"
            )
        self.name = name
        self.title = title
        self.link = link
        self.codec = link.encoder
        self.channel = link.channel
        self.image_shape = tuple(image_shape)
        self.record = record
        self.outage_color = np.asarray(outage_color, np.uint8)
        self.length_code = length_code
        self.side_info = side_info
        self.levels = levels
        # Lengths take 3 bits a patch at most; a header that can only mean what fits is
        # less easily mistaken.
        short = 3 * np.prod(self.codec.grid) < 8 * 255
        segment = 255 if short else 4095
        self._messages = {mcs: ProtectedMessage(mcs, segment) for mcs in (STRONG, WEAK)}
        self._analyse = compile_fn(self.codec.analyse)
        self._choose = compile_fn(self.codec.choose_lengths)
        self._pack = compile_fn(self._pack_images)
        jit = self.channel.channel_model.is_flat
        self._send = compile_fn(self.channel.__call__, jit=jit)
        self._read = compile_fn(link.read)

    def describe(self):
        framing = self.channel.framing
        known = [AVERAGE_SNR]
        if self.side_info == "free":
            known.append(FREE_LENGTHS)
        if self.levels is not None:
            known.extend(self.levels.knows)
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(framing, self.image_shape).as_dict(),
            "bandwidth_note": "data and side information together, at most; what was "
            "spent is in extras, cbr and side_cbr",
            "parameters": int(self.link.count_params()),
            "side_info": self.side_info,
            "outage_color": self.outage_color.tolist(),
            "knows": knows(*known),
            "importance_at_transmitter": self.levels.name if self.levels else "none",
            **self.record,
        }

    def message(self, snr_db):
        """The transport of the lengths at an average SNR, which both ends know; `None`
        where none is sent."""
        if self.side_info != "sent":
            return None
        steady = isinstance(self.channel.channel_model, AWGN)
        return self._messages[WEAK if steady and snr_db >= WEAK_FROM_DB else STRONG]

    def transmit(self, images, snr_db, h, seeds):
        """Sends images; ``extras`` say what each spent.

        Output
        ------
        : :class:`~link_models.transmission.Transmission`
            extras: ``cbr`` (data symbols), ``side_cbr``, ``cbr_total``, ``side_share``
            (of all symbols), ``side_bits`` (of the coded lengths), ``side_info_error``,
            ``undetected`` (the CRC held, the bytes are not those sent)
        """
        images_hat, lost, extras = self.send(images, snr_db, h, seeds)
        images_hat[lost] = self.outage_color
        return Transmission(images_hat, lost, extras)

    def send(self, images, snr_db, h, seeds):
        """As :meth:`transmit`; lost images are as an error-free side stream had it."""
        noise = self.channel.draw_noise(check_seeds(seeds, len(images)))
        message = self.message(snr_db)
        analysed, index, payloads = self.fit(images, message)
        x, count = self._pack(analysed.latents, index)
        x, count = ops.convert_to_numpy(x), ops.convert_to_numpy(count)
        side = np.zeros(len(images), int)
        frame = x
        if message is not None:
            side_x = message.encode(payloads)
            side = np.array([len(s) for s in side_x])
            frame = np.zeros_like(x)
            for b, (own, number) in enumerate(zip(side_x, side, strict=True)):
                frame[b, :number] = own
                frame[b, number : number + count[b]] = x[b, : count[b]]
        no = np.full(len(images), snr_db_to_no(snr_db, self.channel.num_tx_ant))
        x_hat, no_eff = self._send(
            *map(ops.convert_to_tensor, (frame, h, no.astype("float32"), noise))
        )
        lost, wrong = np.zeros(len(images), bool), np.zeros(len(images), bool)
        index = np.array(ops.convert_to_numpy(index))
        if message is not None:
            x_hat, no_eff = ops.convert_to_numpy(x_hat), ops.convert_to_numpy(no_eff)
            received, _ = message.decode(list(x_hat), list(no_eff))
            wrong = np.array(
                [
                    got is not None and got != sent
                    for got, sent in zip(received, payloads, strict=True)
                ]
            )
            index, start, lost = self._read_messages(message, received, index, side)
            place = start[:, None] + np.arange(x_hat.shape[1])
            place = np.minimum(place, x_hat.shape[1] - 1)
            x_hat, no_eff = (
                ops.convert_to_tensor(np.take_along_axis(v, place, axis=1))
                for v in (x_hat, no_eff)
            )
        snr = np.full(len(images), snr_db, "float32")
        images_hat = self._read(
            x_hat, no_eff, *map(ops.convert_to_tensor, (index, snr))
        )
        images_hat = to_uint8(images_hat)
        dimensions = float(np.prod(self.image_shape))
        bits = np.zeros(len(images))
        if message is not None:
            bits = np.array([8.0 * len(payload) for payload in payloads])
        extras = {
            "cbr": count / dimensions,
            "side_cbr": side / dimensions,
            "cbr_total": (count + side) / dimensions,
            "side_share": side / (count + side),
            "side_bits": bits,
            "side_info_error": lost,
            "undetected": wrong,
        }
        return images_hat, lost, extras

    def fit(self, images, message=None):
        """Lengths and the bytes that tell them, so that both fill the frame.

        Input
        -----
        images : [batch, H, W, 3], `uint8`

        message : of :meth:`message`, optional
            Carries the lengths; without it the data fill the frame

        Output
        ------
        analysed : :class:`~semcom_phy.codecs.ntscc.Analysed`

        index : [batch, rows, columns], `int32`
            Indices of the lengths

        payloads : list of `bytes`, or `None` where none is sent

        Raises
        ------
        ValueError
            If the frame does not hold even the shortest lengths.
        """
        source = ops.convert_to_tensor(images.astype("float32") / 255.0)
        levels = np.full((len(images), *self.codec.grid), -1, "int32")
        if self.levels is not None:
            levels = self.levels(images)
        levels = ops.convert_to_tensor(np.asarray(levels, "float32"))
        analysed = self._analyse(source, levels)
        total = self.channel.framing.num_symbols
        room = np.full(len(images), float(total))
        for attempt in range(_ROUNDS):
            _, index = self._choose(
                analysed, ops.convert_to_tensor(room.astype("float32"))
            )
            if message is None:
                return analysed, index, None
            grids = ops.convert_to_numpy(index)
            payloads = [self.length_code.encode(grid) for grid in grids]
            side = np.array([message.num_symbols(len(p)) for p in payloads])
            over = np.array(LENGTHS)[grids].sum(axis=(1, 2)) + side - total
            if attempt and np.all(over <= 0):
                return analysed, index, payloads
            # First what the message leaves, then less where it grew, by more each time.
            less = np.where(over > 0, over + 8 * attempt, 0)
            room = room - less if attempt else np.array(total - side, float)
        raise ValueError(
            f"a frame of {total} symbols does not hold the lengths of "
            f"{self.codec.grid[0]}x{self.codec.grid[1]} patches beside the data: "
            "raise the cbr"
        )

    def symbols_map(self, images, snr_db=10.0):
        """Complex symbols of every patch, [batch, rows, columns] `int`."""
        index = self.fit(images, self.message(snr_db))[1]
        return np.array(LENGTHS)[ops.convert_to_numpy(index)]

    def draw(self, images, snr_db, seed, folder):
        """Draws :meth:`symbols_map` over the first images into a folder.

        Output
        ------
        : list of `Path`
            The figure
        """
        del seed  # lengths do not depend on the channel
        shown = images[:3]
        path = Path(folder) / f"{self.name}_symbols.png"
        plot_symbols(shown, {self.title: self.symbols_map(shown, snr_db[-1])}, path)
        return [path]

    def _read_messages(self, message, payloads, index, side):
        """Lengths as they arrived, where the data begin, and what was lost.

        Where the message is lost, or cannot be meant, what was sent stands in for it;
        the caller treats the image as an outage.
        """
        index, start = index.copy(), side.copy()
        lost = np.zeros(len(payloads), bool)
        for b, payload in enumerate(payloads):
            grid = None if payload is None else self._read_lengths(message, payload)
            if grid is None:
                lost[b] = True
                continue
            index[b], start[b] = grid, message.num_symbols(len(payload))
        return index, start, lost

    def _read_lengths(self, message, payload):
        """Lengths of a message, or `None` where they cannot be meant."""
        try:
            grid = self.length_code.decode(payload, self.codec.grid)
        except ValueError:
            return None
        data = np.array(LENGTHS)[grid].sum() + message.num_symbols(len(payload))
        return grid if data <= self.channel.framing.num_symbols else None

    def _pack_images(self, latents, index):
        return self.link.pack(self.codec.to_symbols(latents, index), index)
