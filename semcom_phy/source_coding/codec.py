"""Interface of all still-image codecs: bytes under a budget, and back."""

import numpy as np

from semcom_phy.source_coding.rate_ladder import RateLadder


class SourceCodec:
    r"""A lossy still-image codec for pictures of one known size.

    Both ends know the picture's size from the scenario, so that a codec may leave
    it, and whatever else follows from it, out of the stream.

    A codec offers its operating points as a table: per chroma format (`branches`)
    the steps 0 (coarsest) to ``num_steps - 1`` (finest). The search over this table
    is in :class:`~semcom_phy.source_coding.rate_ladder.RateLadder`.

    Parameters
    ----------
    image_shape : (`int`, `int`)
        Height and width [pixels], at least 16 each (libx265 takes no less)

    Raises
    ------
    ValueError
        If ``image_shape`` is not two integers of at least 16.

    Example
    -------
    >>> from semcom_phy.source_coding import shared_codec
    >>> codec = shared_codec("jpeg", (32, 32))
    >>> image = np.full((32, 32, 3), 90, np.uint8)
    >>> data = codec.encode(image, max_bytes=100)
    >>> len(data) <= 100, codec.decode(data).shape
    (True, (32, 32, 3))
    """

    name: str | None = None
    branches: tuple[str, ...] = ()
    num_steps = 0

    def __init__(self, image_shape):
        shape = tuple(image_shape)
        if len(shape) != 2 or any(int(n) != n or n < 16 for n in shape):
            raise ValueError(
                f"image_shape is {image_shape!r}; give (height, width), both >= 16"
            )
        self.image_shape = (int(shape[0]), int(shape[1]))
        self.ladder = RateLadder(self)

    def encode(self, image, max_bytes):
        r"""Best stream (highest PSNR) of at most ``max_bytes``.

        Input
        -----
        image : [H, W, 3], `uint8`
            Red, green, blue

        max_bytes : `int`
            Budget [byte]

        Output
        ------
        : `bytes`
            Stream of 1 to ``max_bytes`` bytes

        Raises
        ------
        BudgetError
            If the smallest stream is larger than ``max_bytes``.

        ValueError
            If the image is not `uint8` of this codec's shape.
        """
        return self.ladder.best(image, max_bytes).bytes

    def encode_step(self, image, branch, step):
        """Stream (`bytes`) of one operating point: chroma format and step."""
        raise NotImplementedError

    def decode(self, data):
        r"""Image of a stream.

        Input
        -----
        data : `bytes`
            What `encode` returned

        Output
        ------
        : [H, W, 3], `uint8`
            Reconstruction, the same on every call

        Raises
        ------
        DecodeError
            If the decoder reports damage. A damaged stream may also decode to a
            wrong picture without a report: protect it with a CRC.
        """
        raise NotImplementedError

    def ceiling(self, image, branch):
        """PSNR [dB] that ``branch`` cannot exceed on ``image`` at any step."""
        return float("inf")

    def check_image(self, image):
        """Returns ``image``; `ValueError` unless it is uint8 [H, W, 3] as agreed."""
        image = np.asarray(image)
        expected = (*self.image_shape, 3)
        if image.dtype != np.uint8 or image.shape != expected:
            raise ValueError(
                f"image is {image.dtype} {image.shape}; "
                f"the {self.name} codec was built for uint8 {expected}"
            )
        return np.ascontiguousarray(image)

    def blank_image(self):
        """Grey image [H, W, 3] whose stream carries the headers of every image."""
        return np.full((*self.image_shape, 3), 128, np.uint8)
