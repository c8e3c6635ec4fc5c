"""PNG files that Pillow does not write: of 16 bits per colour, or of a size alone."""

import struct
import zlib


def write_png(path, height, width, bits, pixels=b""):
    """An RGB picture; ``pixels`` are rows, each after a filter byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in chunks:
        data += (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )
    path.write_bytes(data)
