"""Still-image codecs: the best picture under a byte budget."""

from functools import lru_cache

from semcom_phy.source_coding.avif import AvifCodec
from semcom_phy.source_coding.bpg import BpgCodec
from semcom_phy.source_coding.errors import (
    BudgetError,
    DecodeError,
    MissingCodecError,
)
from semcom_phy.source_coding.hevc import FinerHevcCodec, HevcCodec
from semcom_phy.source_coding.jpeg import JpegCodec
from semcom_phy.source_coding.jpeg2000 import Jpeg2000Codec
from semcom_phy.source_coding.rate_ladder import Encoded, RateLadder
from semcom_phy.source_coding.webp import WebpCodec

SOURCE_CODECS = {
    "jpeg": JpegCodec,
    "webp": WebpCodec,
    "avif": AvifCodec,
    "jpeg2000": Jpeg2000Codec,
    "hevc": HevcCodec,
    "hevc_finer": FinerHevcCodec,
    "bpg": BpgCodec,
}

__all__ = [
    "SOURCE_CODECS",
    "BudgetError",
    "DecodeError",
    "Encoded",
    "MissingCodecError",
    "RateLadder",
    "shared_codec",
]


@lru_cache(maxsize=16)
def shared_codec(name, image_shape):
    r"""The process's one codec of this name and size, with its rate ladder.

    Systems that code the same images (HEVC + LDPC, HEVC + capacity) take their codec
    here, so that an image is encoded once for all of them.

    Parameters
    ----------
    name : `str`
        A key of ``SOURCE_CODECS``

    image_shape : (`int`, `int`)
        Height and width [pixels]

    Raises
    ------
    ValueError
        If ``name`` is unknown.

    MissingCodecError
        If the codec is not installed.
    """
    if name not in SOURCE_CODECS:
        raise ValueError(
            f"unknown source codec {name!r}; there are {sorted(SOURCE_CODECS)}"
        )
    return SOURCE_CODECS[name](image_shape)
