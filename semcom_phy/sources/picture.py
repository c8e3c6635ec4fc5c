"""One picture file: what is made of its orientation, colours and size.

file --> header (size, limit) --> decode --> EXIF orientation --> 8-bit RGB
     --> central part of the aspect ratio --> size
"""

import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MIN_SIZE = 16  # SSIM's window takes 11 pixels, codecs halve a side up to three times
_GREY_16_BITS = ("I;16", "I;16L", "I;16B")
TURNED = "turned by 90 degrees"  # what a provenance calls it
_ORIENTATION = 0x0112  # EXIF tag
_ON_THEIR_SIDE = (5, 6, 7, 8)  # its values

# colour mode -> what the provenance calls its conversion
_CONVERTED = {
    "1": "grey",
    "L": "grey",
    "I": "grey",
    "I;16": "grey",
    "I;16L": "grey",
    "I;16B": "grey",
    "LA": "alpha channel",
    "P": "palette",
    "PA": "palette",
    "RGBA": "alpha channel",
    "RGBX": "RGBX",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "LAB",
}


class UnusablePicture(ValueError):
    """A file that gives no image: damaged, too small, or of an unknown colour mode.

    Parameters
    ----------
    path : `Path`
        The file
    reason : `str`
        What is wrong with it, without a path
    """

    def __init__(self, path, reason):
        super().__init__(f"{path} {reason}")
        self.reason = reason


def open_picture(path, formats=None):
    """A picture of which only the header was read.

    Parameters
    ----------
    path : `Path`
        The file
    formats : `tuple` of `str`, optional
        Pillow's names of the formats that are tried

    Output
    ------
    picture : `PIL.Image.Image`

    Raises
    ------
    UnusablePicture
        If the header cannot be read.

    ValueError
        If the picture has more pixels than Pillow decodes: a decompression bomb.
    """
    try:
        with warnings.catch_warnings():  # of half the limit
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path, formats=formats)
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path} is a decompression bomb or too large a picture: {error} Reduce it "
            "or take it out"
        ) from error
    except Exception as error:  # Pillow's decoders raise many kinds
        raise _damaged(path, error) from error


def has_16_bits(picture):
    """Whether an opened, not yet decoded picture stores 16 bits per colour."""
    if picture.mode in _GREY_16_BITS or (picture.mode, picture.format) == ("I", "PPM"):
        return True
    return any(";16" in str(tile[3]) for tile in picture.tile)


def read_picture(path, size=(MIN_SIZE, MIN_SIZE), strict=False):
    """A picture as 8-bit RGB, upright, and what had to be done for it.

    Of 16 bits the upper 8 are kept. What is transparent shows white. The picture is
    turned as its EXIF orientation says.

    Parameters
    ----------
    path : `Path`
        The file
    size : (`int`, `int`), optional
        Height and width that will be asked for [pixels]: a smaller picture is told by
        its header
    strict : `bool`, (default `False`)
        Refuse what is not 8-bit RGB

    Output
    ------
    picture : `PIL.Image.Image`
        Of mode RGB
    remarks : `tuple` of `str`
        Of "grey", "palette", "16 bits", "alpha channel", "turned by EXIF", ...

    Raises
    ------
    UnusablePicture
        If the file is damaged, smaller than ``size``, of a colour mode that has no
        8-bit range, or has to be converted and ``strict`` is set.

    ValueError
        If it is a decompression bomb.
    """
    with open_picture(path) as picture:
        sides = picture.size[::-1]
        if min(sides) < min(size) or max(sides) < max(size):  # whichever way up
            check_size(sides, size, path)
        sixteen = has_16_bits(picture)
        try:
            turned = picture.getexif().get(_ORIENTATION, 1) not in (0, 1)
            picture.load()  # turns TIFF files itself
            picture = ImageOps.exif_transpose(picture)
        except Exception as error:  # Pillow's decoders raise many kinds
            raise _damaged(path, error) from error
    remarks = ("16 bits",) if sixteen else ()
    if picture.mode != "RGB":
        if picture.mode not in _CONVERTED or (picture.mode == "I" and not sixteen):
            raise UnusablePicture(
                path,
                f"has colour mode {picture.mode!r}, whose values have no range of 8 or "
                "16 bits; convert it first",
            )
        remarks += (_CONVERTED[picture.mode],)
    if strict and remarks:
        raise UnusablePicture(
            path,
            f"has colour mode {picture.mode!r} ({', '.join(remarks)}), not 8-bit RGB; "
            "convert it first, or leave out --strict-images",
        )
    return _to_rgb(picture), remarks + (("turned by EXIF",) if turned else ())


def fit_picture(picture, size, path, longest=None):
    """Central part of the aspect ratio of a size, reduced to it (Lanczos).

    Parameters
    ----------
    picture : `PIL.Image.Image`
        Of mode RGB
    size : (`int`, `int`)
        Height and width [pixels]
    path : `Path`
        Its file, for messages
    longest : `int`, optional
        Longest side [pixels] of an image that keeps as many pixels as it has; the
        aspect ratio alone counts then, and ``size`` as the least

    Output
    ------
    image : [height, width, 3], `uint8`

    Raises
    ------
    UnusablePicture
        If the picture is smaller; it is not enlarged.
    """
    sides = picture.size[::-1]
    check_size(sides, size, path)
    part = picture.crop(central_part(sides, size))
    if longest is not None:
        kept = min(_scale(sides, size), max(1.0, longest / max(size)))
        size = tuple(round(n * kept) for n in size)
    if part.size != (size[1], size[0]):
        part = part.resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.array(part)


def central_part(sides, size):
    """The largest central part that has the aspect ratio of a size.

    Parameters
    ----------
    sides : (`int`, `int`)
        Height and width of a picture [pixels]
    size : (`int`, `int`)
        Height and width [pixels]

    Output
    ------
    : (left, top, right, bottom), `int`
        As Pillow's ``crop`` takes it
    """
    height, width = (round(n * _scale(sides, size)) for n in size)
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    return left, top, left + width, top + height


def lies_across(sides, size):
    """Whether a picture is a portrait and a size a landscape, or the other way round.

    Parameters
    ----------
    sides, size : (`int`, `int`)
        Heights and widths [pixels]

    Output
    ------
    : `bool`
    """
    return (sides[0] - sides[1]) * (size[0] - size[1]) < 0


def turn_picture(picture):
    """A picture turned by 90 degrees, counter-clockwise; no pixel is lost.

    Parameters
    ----------
    picture : `PIL.Image.Image`
    """
    return picture.transpose(Image.Transpose.ROTATE_90)


def upright_sides(path):
    """Height and width of a picture file as its EXIF orientation turns it [pixels]."""
    with open_picture(path) as picture:
        width, height = picture.size
        lies = picture.getexif().get(_ORIENTATION, 1) in _ON_THEIR_SIDE
    return (width, height) if lies else (height, width)


def check_size(sides, size, path):
    """Refuses images that are too small.

    Parameters
    ----------
    sides : (`int`, `int`)
        Height and width of an image [pixels]
    size : (`int`, `int`)
        Height and width that it is reduced to [pixels]
    path : `Path`
        Its file

    Raises
    ------
    UnusablePicture
        If a side is smaller than that, or has less than :data:`MIN_SIZE` pixels.
    """
    if min(sides) < MIN_SIZE:
        raise UnusablePicture(
            path,
            f"has an image of {sides[0]}x{sides[1]}; images need at least "
            f"{MIN_SIZE}x{MIN_SIZE} pixels",
        )
    if sides[0] < size[0] or sides[1] < size[1]:
        raise UnusablePicture(
            path,
            f"has an image of {sides[0]}x{sides[1]}, smaller than the size "
            f"{size_text(size)}; images are not enlarged",
        )


def size_text(size):
    """A height and width as it is printed: "32", "192x256"."""
    height, width = size
    return f"{height}" if height == width else f"{height}x{width}"


def fit_text(size, turn=False):
    """What :func:`fit_picture` does, in words; ``turn``: behind
    :func:`turn_picture` where a picture lies across."""
    part = "square" if size[0] == size[1] else "part of that aspect ratio"
    turned = f"pictures that lie across {TURNED}, " if turn else ""
    return f"{turned}central {part} reduced to {size_text(size)}"


def _scale(sides, size):
    return min(side / n for side, n in zip(sides, size, strict=True))


def _damaged(path, error):
    why = error
    if isinstance(error, UnidentifiedImageError):
        why = "of no known format"  # Pillow's text holds the whole path, as the next
    elif isinstance(error, OSError) and error.strerror:
        why = error.strerror
    return UnusablePicture(path, f"is damaged or no image: {why}")


def _to_rgb(picture):
    if picture.mode == "RGB":
        return picture
    if picture.mode == "I" or picture.mode in _GREY_16_BITS:
        return Image.fromarray((np.asarray(picture) >> 8).astype("uint8")).convert(
            "RGB"
        )
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")
