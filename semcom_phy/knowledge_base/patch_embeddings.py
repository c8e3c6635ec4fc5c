"""What a dual encoder sees in every patch of a picture, in one array.

image --> dual encoder --> patches in the common space --.
                     '---> details of an earlier layer ---+--> rows of the patches
                     '---> the picture as a whole ----------> last row
"""

import numpy as np

from semcom_phy.knowledge_base.checks import check_images

_AT_ONCE = 50


class PatchEmbeddings:
    """Rows of a picture: those of its patches, then that of all of it.

    The grids of the model are brought to that of the patches by linear interpolation;
    vectors have the length of their number of entries, so that none of both parts
    drowns in the other.

    Parameters
    ----------
    dual_encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    Attributes
    ----------
    patch_width, common_width : `int`
        Numbers of a patch, and of a picture or a text; the picture's row ends in zeros

    row_width : `int`
        Of all rows, which end in zeros

    identity : `dict`
        Of the model
    """

    def __init__(self, dual_encoder):
        self._model = dual_encoder
        self.identity = dual_encoder.identity
        blank = np.zeros((1, 32, 32, 3), "uint8")
        self.common_width = dual_encoder.image_features(blank).shape[-1]
        detail_width = dual_encoder.detail_features(blank).shape[-1]
        self.patch_width = self.common_width + detail_width
        # Room for a text behind the picture, in a row as long as those of patches.
        self.row_width = max(self.patch_width, 2 * self.common_width)

    def of(self, images, grid):
        """All rows of each picture.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        grid : (`int`, `int`)
            Rows and columns of patches

        Output
        ------
        : [num_images, rows * columns + 1, row_width], `float16`
        """
        images = check_images(images)
        rows = np.zeros((len(images), grid[0] * grid[1] + 1, self.row_width), "float16")
        for start in range(0, len(images), _AT_ONCE):
            block = slice(start, start + _AT_ONCE)
            part = images[block]
            maps = self._model.patch_features(part), self._model.detail_features(part)
            maps = np.concatenate([_even(to_grid(each, grid)) for each in maps], -1)
            rows[block, :-1, : self.patch_width] = maps.reshape(
                len(part), -1, self.patch_width
            )
            whole = _even(self._model.image_features(part))
            rows[block, -1, : self.common_width] = whole
        return rows

    def of_texts(self, texts):
        """Vectors of texts, as long as that of a picture; zeros of an empty one.

        Input
        -----
        texts : list of [num_texts] `str`

        Output
        ------
        : [num_texts, common_width], `float32`
        """
        vectors = np.zeros((len(texts), self.common_width), "float32")
        told = [i for i, text in enumerate(texts) if text.strip()]
        if told:
            vectors[told] = _even(self._model.text_features([texts[i] for i in told]))
        return vectors


def to_grid(maps, grid):
    """Maps of another number of places, by linear interpolation between their centres.

    Input
    -----
    maps : [num_images, rows, columns, width], `float`

    grid : (`int`, `int`)
        Rows and columns wanted

    Output
    ------
    : [num_images, *grid, width]
    """
    down, across = (
        _interpolation(size, wanted)
        for size, wanted in zip(maps.shape[1:3], grid, strict=True)
    )
    return np.einsum("Rr,Cc,nrcw->nRCw", down, across, maps, optimize=True)


def _interpolation(size, wanted):
    """[wanted, size]: weights of the places that there are."""
    centre = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
    distance = np.abs(centre[:, None] - np.arange(size)[None])
    return np.maximum(1.0 - distance, 0.0)


def _even(vectors):
    """Vectors of unit mean square."""
    square = np.mean(np.square(vectors), axis=-1, keepdims=True)
    return vectors / np.sqrt(square + 1e-12)
