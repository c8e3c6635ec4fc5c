"""What every system hands back after sending a batch of images."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Transmission:
    """The receiver's images, and what happened to them on the way.

    Parameters
    ----------
    images : [batch, height, width, 3], `uint8`
        Reconstructions; an image in outage shows what the receiver puts in its
        place (the mean colour of the training set)
    outage : [batch], `bool`
        True where nothing could be decoded (failed CRC, or no rate fits)
    extras : `dict` of name -> [batch] array
        Further figures per image, e.g. ``bit_error`` (share of wrong bits) or
        ``block_error`` (`bool`); NaN where a figure does not apply. A system that
        spends another amount on every image says how much, see
        :func:`~semcom_phy.simulation.rows.with_spent`

    Raises
    ------
    ValueError
        If a shape or type differs from the above.
    """

    images: np.ndarray
    outage: np.ndarray
    extras: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        images, outage = self.images, self.outage
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(
                "images must be uint8 [batch, height, width, 3], got "
                f"{images.dtype} {list(images.shape)}"
            )
        batch = len(images)
        if outage.dtype != np.bool_ or outage.shape != (batch,):
            raise ValueError(
                f"outage must be bool [{batch}], got "
                f"{outage.dtype} {list(outage.shape)}"
            )
        for name, values in self.extras.items():
            if np.shape(values) != (batch,):
                raise ValueError(
                    f"extras[{name!r}] must have shape [{batch}], got "
                    f"{list(np.shape(values))}"
                )
