"""What an image costs on the air, in the units that published figures use."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Bandwidth:
    """Channel uses spent on one image.

    Three rates that differ by factors of 2 and Nt; never compare one with another.

    Attributes
    ----------
    data_symbols : `float`
        Complex data symbols (a mean over images for a variable-rate codec)

    side_info_symbols : `float`
        Complex symbols of protected side information, on top of the data

    data_res : `float`
        Data resource elements that carry the data symbols; one with an empty stream
        is charged whole

    side_info_res : `float`
        Data resource elements that carry side information

    pilot_res : `float`
        Pilot resource elements of all slots of the image; of a frame that users share,
        a user's part

    num_slots : `float`
        Slots per image, counted likewise

    cbr : `float`
        Channel bandwidth ratio: complex data symbols / (3HW)

    side_info_cbr : `float`
        Complex side-information symbols / (3HW)

    cr_real : `float`
        2 cbr, real symbols per source dimension

    uses_per_dim : `float`
        Data resource elements / (3HW), cbr / Nt when streams are full
    """

    data_symbols: float
    side_info_symbols: float
    data_res: float
    side_info_res: float
    pilot_res: float
    num_slots: float
    cbr: float
    side_info_cbr: float
    cr_real: float
    uses_per_dim: float

    def as_dict(self):
        """The figures as plain JSON values."""
        return asdict(self)


def spent_bandwidth(framing, image_shape, side_info_symbols=0, mask=None):
    """Counts what a framing spends on an image.

    Parameters
    ----------
    framing : :class:`~semcom_phy.phy.framing.Framing`
        The frame: its ``num_symbols`` are data and side information together

    image_shape : (`int`, `int`) or (`int`, `int`, `int`)
        Height, width and, if given, channels [px]

    side_info_symbols : `int`, (default 0)
        How many of the frame's symbols are side information

    mask : [batch, num_symbols - side_info_symbols], or `None` (default)
        1 for data symbols that are sent. Masked symbols are not charged, resource
        elements are charged unless all their streams are empty; means over the
        batch are reported. `None`: all symbols are sent

    Output
    ------
    : :class:`Bandwidth`

    Raises
    ------
    ValueError
        If the side information leaves no room for data, or a shape does not fit.

    Example
    -------
    >>> from semcom_phy.phy.framing import Framing
    >>> spent = spent_bandwidth(Framing(768, num_streams=2), (32, 32, 3))
    >>> spent.cbr, spent.cr_real, spent.uses_per_dim, spent.pilot_res
    (0.25, 0.5, 0.125, 144)
    """
    height, width, *channels = image_shape
    dimensions = height * width * (channels[0] if channels else 3)
    if dimensions < 1:
        raise ValueError(f"image_shape must be positive, got {tuple(image_shape)}.")
    if not 0 <= side_info_symbols < framing.num_symbols:
        raise ValueError(
            f"side_info_symbols must be from 0 to {framing.num_symbols - 1}, "
            f"got {side_info_symbols}."
        )
    data_symbols = framing.num_symbols - side_info_symbols
    data_res = framing.data_res(data_symbols)
    if mask is not None:
        mask = np.asarray(mask)
        if mask.ndim != 2 or mask.shape[1] != data_symbols:
            raise ValueError(
                f"Expected a mask of shape [batch, {data_symbols}], got {mask.shape}."
            )
        data_symbols = float(np.mean(np.sum(mask > 0, axis=1)))
        data_res = float(np.mean(np.asarray(framing.count_used(mask))))
    cbr = data_symbols / dimensions
    return Bandwidth(
        data_symbols=data_symbols,
        side_info_symbols=side_info_symbols,
        data_res=data_res,
        side_info_res=framing.data_res(side_info_symbols),
        pilot_res=framing.num_pilot_res,
        num_slots=framing.num_slots,
        cbr=cbr,
        side_info_cbr=side_info_symbols / dimensions,
        cr_real=2 * cbr,
        uses_per_dim=data_res / dimensions,
    )


def shared_overhead(framing, num_users):
    """What each of several users has to bear of the frame that they share.

    Parameters
    ----------
    framing : :class:`~semcom_phy.phy.framing.Framing`
        The frame of one user

    num_users : `int`
        Number of users

    Output
    ------
    : `dict`
        ``pilot_res`` and ``num_slots``, as of :class:`Bandwidth`
    """
    shared = framing.among(num_users)
    return {
        "pilot_res": shared.num_pilot_res / num_users,
        "num_slots": shared.num_slots / num_users,
    }
