"""What a picture shows, place by place, and the prompts that say it best, in one array.

image --> CNN --> rows of its places ----------------------------------------.
  '--> dual encoder --> the best prompts of a list --> their text features ---+--> rows
"""

import hashlib
import json

import numpy as np

from semcom_phy.checks import check_integer
from semcom_phy.knowledge_base.checks import check_images, check_texts
from semcom_phy.knowledge_base.dual_encoder.prompts import MOST, rank_prompts

_AT_ONCE = 50


class PictureFeatures:
    """Rows of a picture: those of its places, then those of its prompts.

    Prompts stand in the order of the list, so that the same prompts are the same rows.

    Parameters
    ----------
    cnn : :class:`~semcom_phy.knowledge_base.interfaces.Cnn`

    dual_encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    prompts : list of `str`
        Candidates, none twice

    num_prompts : `int`
        Prompts of a picture, 1 to 7

    Attributes
    ----------
    places, cnn_width, text_width : `int`
        Rows of places, and the numbers of a place's and of a prompt's row

    row_width : `int`
        The larger width; shorter rows end in zeros

    text_rows : [len(prompts), text_width], `float32`
        Unit vectors of all prompts

    identity : `dict`
        Plain values: of both models, SHA-256 of the list, and ``num_prompts``

    Raises
    ------
    ValueError
        If a prompt is no text or listed twice, or ``num_prompts`` is out of its range.
    """

    def __init__(self, cnn, dual_encoder, prompts, num_prompts):
        self.prompts = check_texts("prompts", prompts)
        self._numbers = {text: number for number, text in enumerate(self.prompts)}
        if len(self._numbers) < len(self.prompts):
            twice = next(t for t in self.prompts if self.prompts.count(t) > 1)
            raise ValueError(f"prompts holds {twice!r} twice; take one of them out")
        most = min(MOST, len(self.prompts))
        check_integer("num_prompts", num_prompts, 1, most)
        self._cnn, self._dual_encoder = cnn, dual_encoder
        self.num_prompts = num_prompts
        self.text_rows = dual_encoder.text_features(self.prompts)
        self.places = cnn.grid[0] * cnn.grid[1]
        self.cnn_width, self.text_width = cnn.width, self.text_rows.shape[1]
        self.row_width = max(self.cnn_width, self.text_width)
        listed = json.dumps(self.prompts).encode()
        self.identity = {
            "cnn": cnn.identity,
            "dual_encoder": dual_encoder.identity,
            "prompts": hashlib.sha256(listed).hexdigest(),
            "num_prompts": num_prompts,
        }

    def of(self, images):
        """All rows of each picture.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : [num_images, places + num_prompts, row_width], `float16`
        """
        images = check_images(images)
        shape = len(images), self.places + self.num_prompts, self.row_width
        rows = np.zeros(shape, "float16")
        for block in _blocks(images):
            maps = self._cnn.maps(images[block])
            rows[block, : self.places, : self.cnn_width] = maps.reshape(
                len(maps), self.places, self.cnn_width
            )
            # The embedded encoder asks for the maps that EfficientNet remembers.
            texts = self.text_rows[self._best(images[block])]
            rows[block, self.places :, : self.text_width] = texts
        return rows

    def prompt_numbers(self, images):
        """Which prompts of the list say best what each picture shows.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : [num_images, num_prompts], `int32`
            Places in the list, upwards
        """
        images = check_images(images)
        numbers = np.empty((len(images), self.num_prompts), "int32")
        for block in _blocks(images):
            numbers[block] = self._best(images[block])
        return numbers

    def _best(self, images):
        best, _ = rank_prompts(
            self._dual_encoder, images, self.prompts, self.num_prompts
        )
        return np.sort([[self._numbers[text] for text in row] for row in best])


def _blocks(images):
    starts = range(0, len(images), _AT_ONCE)
    return (slice(start, start + _AT_ONCE) for start in starts)
