"""WebP (VP8 intra, 4:2:0): the frame without RIFF container and picture size.

Left out and rebuilt: the RIFF and chunk headers (20 bytes), the key frame's start
code and its width and height (7 bytes). libwebp fills frames to an even length.
"""

from semcom_phy.source_coding.codec import SourceCodec
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.pillow_image import (
    load_image,
    require_feature,
    save_bytes,
    strip_header,
)

_RIFF_SIZE = 20
_FRAME_TAG_SIZE = 3
_START_CODE = b"\x9d\x01\x2a"


class WebpCodec(SourceCodec):
    """Lossy WebP (Pillow, method 6), quality 0 to 100.

    Raises
    ------
    MissingCodecError
        If Pillow was built without WebP.
    """

    name = "webp"
    branches = ("4:2:0",)
    num_steps = 101

    def __init__(self, image_shape):
        require_feature("webp", self.name)
        super().__init__(image_shape)
        height, width = self.image_shape
        if max(height, width) > 16383:
            raise ValueError(f"image_shape is {image_shape!r}; WebP ends at 16383")
        size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
        self._size_fields = _START_CODE + size

    def encode_step(self, image, branch, step):
        stream = save_bytes(self.check_image(image), "WEBP", quality=step, method=6)
        frame_size = int.from_bytes(stream[16:_RIFF_SIZE], "little")
        frame = stream[_RIFF_SIZE : _RIFF_SIZE + frame_size]
        tag, rest = frame[:_FRAME_TAG_SIZE], frame[_FRAME_TAG_SIZE:]
        return tag + strip_header(rest, self._size_fields, "WebP")

    def decode(self, data):
        if len(data) <= _FRAME_TAG_SIZE:
            raise DecodeError(f"no WebP stream: {len(data)} bytes")
        tag, rest = data[:_FRAME_TAG_SIZE], data[_FRAME_TAG_SIZE:]
        frame = tag + self._size_fields + rest
        chunk = b"VP8 " + len(frame).to_bytes(4, "little") + frame
        riff = b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP"
        return load_image(riff + chunk, "WEBP", self.image_shape)
