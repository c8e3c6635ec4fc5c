"""Which figure of a validation a run shows."""

from typing import NamedTuple


class Shown(NamedTuple):
    """One of the lists of a validation, a value for each of its ``snr_db``.

    Attributes
    ----------
    key : `str`
        Its name

    unit : `str`

    form : `str`
        As of `format`
    """

    key: str
    unit: str
    form: str


PSNR = Shown("psnr_db", "dB", ".2f")
TOKEN_ACCURACY = Shown("token_accuracy", "of the tokens right", ".4f")
