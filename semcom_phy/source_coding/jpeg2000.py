"""JPEG 2000: the packets of one tile; the codestream's headers are rebuilt.

The main header (SIZ, COD, QCD, COM) follows from the picture's size: the receiver
makes it by encoding a grey picture. The tile-part header holds only a length.
"""

from functools import cached_property

from semcom_phy.source_coding.codec import SourceCodec
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.pillow_image import (
    load_image,
    require_feature,
    save_bytes,
    strip_header,
)

_MIN_PSNR = 12.0
_PSNR_STEP = 0.5
_START_OF_TILE = b"\xff\x90\x00\x0a\x00\x00"
_END_OF_CODESTREAM = b"\xff\xd9"
_TILE_HEADER_SIZE = 14  # SOT and SOD


class Jpeg2000Codec(SourceCodec):
    """JPEG 2000 (Pillow, 9/7 wavelet, one tile), target 12 to 59.5 dB by 0.5 dB.

    Raises
    ------
    MissingCodecError
        If Pillow was built without JPEG 2000.
    """

    name = "jpeg2000"
    branches = ("4:4:4",)
    num_steps = 96

    def __init__(self, image_shape):
        require_feature("jpg_2000", self.name)
        super().__init__(image_shape)

    def encode_step(self, image, branch, step):
        stream = self._save(self.check_image(image), step)
        tile = strip_header(stream, self._main_header, "JPEG 2000")
        return tile[_TILE_HEADER_SIZE:].removesuffix(_END_OF_CODESTREAM)

    def decode(self, data):
        if not data:
            raise DecodeError("no JPEG 2000 stream: 0 bytes")
        size = _TILE_HEADER_SIZE + len(data)
        start_of_tile = _START_OF_TILE + size.to_bytes(4, "big") + b"\x00\x01"
        tile = start_of_tile + b"\xff\x93" + data
        stream = self._main_header + tile + _END_OF_CODESTREAM
        return load_image(stream, "JPEG2000", self.image_shape)

    def _save(self, image, step):
        num_resolutions = min(6, min(self.image_shape).bit_length() - 2)
        return save_bytes(
            image,
            "JPEG2000",
            no_jp2=True,
            irreversible=True,
            mct=1,
            num_resolutions=num_resolutions,
            quality_mode="dB",
            quality_layers=[_MIN_PSNR + _PSNR_STEP * step],
        )

    @cached_property
    def _main_header(self):
        stream = self._save(self.blank_image(), 0)
        return stream[: stream.index(_START_OF_TILE)]
