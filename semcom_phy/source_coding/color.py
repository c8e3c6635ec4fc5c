"""Colour transform and chroma sampling of the codecs that take YCbCr planes.

ITU-R BT.601, full range, in floating point: rounding happens once, at the bit depth
of the planes. Ten bits keep the transform's rounding below the 8-bit image's own.
"""

import numpy as np

KR, KB = 0.299, 0.114
RGB_TO_YCBCR = np.array(
    [
        [KR, 1 - KR - KB, KB],
        [-KR / (2 * (1 - KB)), -(1 - KR - KB) / (2 * (1 - KB)), 0.5],
        [0.5, -(1 - KR - KB) / (2 * (1 - KR)), -KB / (2 * (1 - KR))],
    ]
)
YCBCR_TO_RGB = np.linalg.inv(RGB_TO_YCBCR)


def rgb_to_planes(image, subsample, bit_depth):
    r"""Luma and chroma planes of an image.

    Input
    -----
    image : [H, W, 3], `uint8`

    subsample : `bool`
        `True` for 4:2:0 (H and W even; mean of 2x2 pixels), `False` for 4:4:4

    bit_depth : `int`
        8 to 16 [bit]

    Output
    ------
    : `list` of 3 arrays, `uint16`
        Y, Cb, Cr in 0 ... 2^bit_depth - 1, chroma centred on half the range
    """
    scale = 2 ** (bit_depth - 8)
    planes = np.moveaxis(image @ RGB_TO_YCBCR.T * scale, -1, 0)
    luma, chroma = planes[0], planes[1:] + 128 * scale
    if subsample:
        _, height, width = chroma.shape
        chroma = chroma.reshape(2, height // 2, 2, width // 2, 2).mean((2, 4))
    top = 256 * scale - 1
    return [
        np.clip(np.rint(plane), 0, top).astype(np.uint16) for plane in (luma, *chroma)
    ]


def planes_to_rgb(planes, bit_depth):
    r"""Image of luma and chroma planes; inverse of :func:`rgb_to_planes`.

    Half-size chroma is interpolated linearly between the centres of its 2x2 pixels.

    Output
    ------
    : [H, W, 3], `uint8`
    """
    scale = 2 ** (bit_depth - 8)
    luma, chroma = planes[0], np.stack(planes[1:]).astype(np.float64)
    if chroma.shape[1:] != luma.shape:
        chroma = _double(_double(chroma, 1), 2)
    ycbcr = np.stack([luma, *(chroma - 128 * scale)], axis=-1) / scale
    return np.clip(np.rint(ycbcr @ YCBCR_TO_RGB.T), 0, 255).astype(np.uint8)


def _double(planes, axis):
    """Twice as many samples along ``axis``, weights 3/4 and 1/4, edges repeated."""
    planes = np.moveaxis(planes, axis, -1)
    before = np.concatenate([planes[..., :1], planes[..., :-1]], axis=-1)
    after = np.concatenate([planes[..., 1:], planes[..., -1:]], axis=-1)
    doubled = np.stack(
        [0.75 * planes + 0.25 * before, 0.75 * planes + 0.25 * after], axis=-1
    )
    return np.moveaxis(doubled.reshape(*planes.shape[:-1], -1), -1, axis)
