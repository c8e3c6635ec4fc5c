"""The contract between a sweep and what it compares."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from semcom_phy.sources.samples import Delivered, Samples


class Spent(NamedTuple):
    """Complex symbols that every sample of a batch took of its frame.

    Attributes
    ----------
    data, side : [batch], `float`
        Data, and side information that is charged on top
    """

    data: np.ndarray
    side: np.ndarray


@dataclass(frozen=True)
class Transmission:
    """What a system hands back after sending a batch of samples.

    Parameters
    ----------
    delivered : :class:`~semcom_phy.sources.samples.Delivered`
        At least one of images [batch, height, width, 3] `uint8`, texts (list of [batch]
        `str`) and features [batch, ...]. A sample in outage is what the receiver puts
        in its place: the mean colour of the training set, an empty text, zeros

    outage : [batch], `bool`
        True where nothing could be decoded (failed CRC, or no rate fits)

    spent : :class:`Spent`
        What the frame counted

    lost : `dict` of name -> [batch] `bool`
        Segments that did not arrive, by their names

    figures : `dict` of name -> [batch] array
        Further figures per sample, e.g. ``bit_error`` (share of wrong bits) or
        ``block_error`` (`bool`); NaN where one does not apply

    Raises
    ------
    ValueError
        If nothing was delivered, or a shape or type differs from the above.
    """

    delivered: Delivered
    outage: np.ndarray
    spent: Spent
    lost: dict[str, np.ndarray] = field(default_factory=dict)
    figures: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        images, texts, features, _ = self.delivered
        parts = [part for part in (images, texts, features) if part is not None]
        if not parts:
            raise ValueError("delivered holds neither images, texts nor features")
        batch = len(parts[0])
        if images is not None and (
            images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3
        ):
            raise ValueError(
                "images must be uint8 [batch, height, width, 3], got "
                f"{images.dtype} {list(images.shape)}"
            )
        if {len(part) for part in parts} != {batch}:
            raise ValueError(
                f"delivered holds {[len(part) for part in parts]} images, texts and "
                "features of one batch"
            )
        for name, values in {"outage": self.outage, **self.lost}.items():
            if values.dtype != np.bool_ or values.shape != (batch,):
                raise ValueError(
                    f"{name} must be bool [{batch}], got "
                    f"{values.dtype} {list(values.shape)}"
                )
        counted = {f"spent.{n}": v for n, v in self.spent._asdict().items()}
        for name, values in {**counted, **self.figures}.items():
            if np.shape(values) != (batch,):
                raise ValueError(
                    f"{name} must have shape [{batch}], got {list(np.shape(values))}"
                )


class SymbolMaps(NamedTuple):
    """What a system sends of some images, for figures; one of the two or both.

    Attributes
    ----------
    title : `str`
        Name of the system

    images : [num_images, height, width, 3], `uint8`
        The images

    patches : [num_images, rows, columns], `int`, or `None` (default)
        Complex symbols of every patch

    cells : `dict` of snr_db -> [num_images, rows, columns, num_maps], or `None`
        Of every symbol of every feature map, `float`: 1 sent, 0.25 pruned, 0 where the
        map was not kept

    cell : `str`
        What a cell stands for, in words

    patch_size : `int` or `None` (default)
        Side of a patch; `None`: they divide the image [pixels]
    """

    title: str
    images: np.ndarray
    patches: np.ndarray | None = None
    cells: dict | None = None
    cell: str = "a symbol of it"
    patch_size: int | None = None


class System(Protocol):
    """What a sweep compares.

    Attributes
    ----------
    name : `str`
        In file names and tables

    title : `str`
        In figures
    """

    name: str
    title: str

    def describe(self) -> dict:
        """Plain JSON values for the result file.

        Output
        ------
        : `dict`
            At least ``title``, ``knows`` (in words of
            :mod:`link_models.systems.knowledge`) and ``bandwidth``
            (:class:`~semcom_phy.bandwidth.Bandwidth`)
        """

    def transmit(self, samples: Samples, snr_db: float, h, seeds) -> Transmission:
        """Sends samples.

        Input
        -----
        samples : :class:`~semcom_phy.sources.samples.Samples`
            A batch

        snr_db : `float`
            SNR per receive antenna [dB]

        h : [batch, slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            Channel of every sample

        seeds : [batch], `int`
            Fix all that is random about a sample but its fade
        """

    def shared(self, spreading, how: str) -> "System":
        """The same system where users share its frames, for scenarios with users.

        Input
        -----
        spreading : of :mod:`link_models.links.shared_radio`
            How they share them

        how : `str`
            The same in words, for the title
        """

    def symbol_maps(self, samples: Samples, snr_db, seed):
        """Where the symbols go, for a figure.

        Input
        -----
        samples, seed
            As for :meth:`transmit`; the seed is that of the sweep

        snr_db : sequence of `float`
            SNRs of the sweep [dB]

        Output
        ------
        : :class:`SymbolMaps` or `None`
            `None` where a system fills every frame alike
        """
