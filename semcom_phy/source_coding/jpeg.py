"""JPEG: one mode byte and the entropy-coded scan; the tables are rebuilt.

Everything in front of the scan (quantiser tables, standard Huffman tables, size:
about 620 bytes) follows from quality, chroma format and picture size. The receiver
makes it by encoding a grey picture with the same settings. Image-specific Huffman
tables (`optimize`) would have to be sent and cost more than they save on small
pictures.
"""

from functools import lru_cache

from semcom_phy.source_coding.codec import SourceCodec
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.pillow_image import (
    load_image,
    save_bytes,
    strip_header,
)

_END_OF_IMAGE = b"\xff\xd9"


class JpegCodec(SourceCodec):
    """Baseline JPEG (Pillow), quality 1 to 100, 4:4:4 and 4:2:0.

    The first byte holds the quality (bits 6-0) and the chroma format (bit 7: 4:2:0).
    """

    name = "jpeg"
    branches = ("4:4:4", "4:2:0")
    num_steps = 100

    def __init__(self, image_shape):
        super().__init__(image_shape)
        self._header = lru_cache(maxsize=2 * self.num_steps)(self._make_header)

    def encode_step(self, image, branch, step):
        quality = step + 1
        stream = self._save(self.check_image(image), branch, quality)
        scan = strip_header(stream, self._header(branch, quality), "JPEG")
        mode = quality | (0x80 if branch == "4:2:0" else 0)
        return bytes([mode]) + scan.removesuffix(_END_OF_IMAGE)

    def decode(self, data):
        if len(data) < 2 or not 1 <= data[0] & 0x7F <= self.num_steps:
            raise DecodeError(
                f"no JPEG stream: {len(data)} bytes, first {data[:1].hex() or 'none'}"
            )
        branch = "4:2:0" if data[0] & 0x80 else "4:4:4"
        header = self._header(branch, data[0] & 0x7F)
        return load_image(header + data[1:] + _END_OF_IMAGE, "JPEG", self.image_shape)

    def _save(self, image, branch, quality):
        return save_bytes(image, "JPEG", quality=quality, subsampling=branch)

    def _make_header(self, branch, quality):
        """Everything up to the end of the start-of-scan segment."""
        stream = self._save(self.blank_image(), branch, quality)
        scan = stream.index(b"\xff\xda")
        return stream[: scan + 2 + int.from_bytes(stream[scan + 2 : scan + 4], "big")]
