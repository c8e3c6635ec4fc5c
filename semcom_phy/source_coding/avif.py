"""AVIF (AV1 intra): the AV1 stream without its container.

The container's 271 bytes depend only on the picture's size and chroma format, save
for two length fields. The receiver makes them by encoding a grey picture; the first
byte of the stream tells the chroma format (0: 4:4:4, 1: 4:2:0).
"""

from functools import lru_cache

from semcom_phy.source_coding.codec import SourceCodec
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.pillow_image import (
    load_image,
    require_feature,
    save_bytes,
    strip_header,
)

_LENGTH_SIZE = 4
_BOX_HEADER_SIZE = 8


class AvifCodec(SourceCodec):
    """AVIF (Pillow, speed 4, one thread), quality 0 to 100, 4:4:4 and 4:2:0.

    Raises
    ------
    MissingCodecError
        If Pillow was built without AVIF.
    """

    name = "avif"
    branches = ("4:4:4", "4:2:0")
    num_steps = 101

    def __init__(self, image_shape):
        require_feature("avif", self.name)
        super().__init__(image_shape)
        self._container = lru_cache(maxsize=None)(self._make_container)

    def encode_step(self, image, branch, step):
        stream = self._save(self.check_image(image), branch, step)
        payload_size = len(stream) - len(self._container(branch))
        header = self._header(branch, payload_size)
        payload = strip_header(stream, header, "AVIF")
        return bytes([self.branches.index(branch)]) + payload

    def decode(self, data):
        if len(data) < 2 or data[0] >= len(self.branches):
            raise DecodeError(
                f"no AVIF stream: {len(data)} bytes, first {data[:1].hex() or 'none'}"
            )
        header = self._header(self.branches[data[0]], len(data) - 1)
        return load_image(header + data[1:], "AVIF", self.image_shape)

    def _save(self, image, branch, quality):
        return save_bytes(
            image,
            "AVIF",
            quality=quality,
            subsampling=branch,
            speed=4,
            max_threads=1,
            autotiling=False,
        )

    def _make_container(self, branch):
        """Boxes in front of the AV1 stream, with the grey picture's lengths."""
        stream = self._save(self.blank_image(), branch, 0)
        return stream[: stream.index(b"mdat") + _LENGTH_SIZE]

    def _header(self, branch, payload_size):
        """Boxes in front of an AV1 stream of ``payload_size`` bytes."""
        header = bytearray(self._container(branch))
        # iloc ends with the extent's offset (the header's own size) and its length
        offset = len(header).to_bytes(_LENGTH_SIZE, "big")
        extent = header.index(offset, header.index(b"iloc")) + _LENGTH_SIZE
        header[extent : extent + _LENGTH_SIZE] = payload_size.to_bytes(4, "big")
        box_size = (_BOX_HEADER_SIZE + payload_size).to_bytes(_LENGTH_SIZE, "big")
        header[-_BOX_HEADER_SIZE:-_LENGTH_SIZE] = box_size
        return bytes(header)
