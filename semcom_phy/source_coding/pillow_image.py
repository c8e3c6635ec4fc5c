"""Pillow in memory: one file format to bytes, and bytes to an RGB array."""

import io
import struct

import numpy as np
from PIL import Image, features

from semcom_phy.source_coding.errors import DecodeError, MissingCodecError


def require_feature(feature, codec_name):
    """`MissingCodecError` unless this Pillow was built with ``feature``."""
    if not features.check(feature):
        raise MissingCodecError(
            f"this Pillow has no {feature}, which the {codec_name} codec needs; "
            "install the wheel from PyPI: pip install --force-reinstall 'pillow>=11.3'"
        )


def save_bytes(image, file_format, **options):
    """File content (`bytes`) of a uint8 [H, W, 3] image."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format=file_format, **options)
    return buffer.getvalue()


def strip_header(stream, header, file_format):
    """``stream`` without the ``header`` that the receiver makes itself."""
    if not stream.startswith(header):
        raise RuntimeError(
            f"this Pillow writes {file_format} headers that depend on the image's "
            "content; install the version named in pyproject.toml"
        )
    return stream[len(header) :]


def load_image(data, file_format, image_shape):
    """uint8 [H, W, 3] image of a file content; `DecodeError` if it is damaged."""
    try:
        with Image.open(io.BytesIO(data), formats=(file_format,)) as picture:
            if picture.size != (image_shape[1], image_shape[0]):
                raise DecodeError(
                    f"{file_format} picture of {picture.size[1]}x{picture.size[0]}, "
                    f"expected {image_shape[0]}x{image_shape[1]}"
                )
            return np.array(picture.convert("RGB"))
    except DecodeError:
        raise
    except (
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
        RuntimeError,
        MemoryError,
        struct.error,
    ) as error:
        raise DecodeError(f"damaged {file_format} stream: {error}") from error
