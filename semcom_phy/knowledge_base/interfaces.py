"""What a frozen model of both ends can do, whatever library it comes from.

=================  ==========================================  =========================
interface          method                                      found by name with
=================  ==========================================  =========================
`Captioner`        caption(images)                             captioner.find_captioner
`ImageGenerator`   generate(captions, seed, num, size)         generator.find_generator
`DualEncoder`      image_features, text_features,              dual_encoder.
                   patch_features, detail_features             find_dual_encoder
`Cnn`              maps(images)                                cnn.find_cnn
`ImageEditor`      edit(images, prompts, seed)                 editor.find_editor
`Classifier`       probabilities(images)                       classifier.
                                                               find_classifier
=================  ==========================================  =========================

Images are `uint8` RGB, [num_images, height, width, 3]. A model is frozen: the same
input gives the same output, whatever else is in the batch; where it draws, it draws
from the seed it is given. ``identity`` are plain JSON values (name, SHA-256 of the
weights, settings) that go into result files, so that a stored result is valid only for
the model that made it.
"""

from typing import Any, Protocol

import numpy as np


class Captioner(Protocol):
    """Says in words what a picture shows."""

    identity: dict[str, Any]

    def caption(self, images: np.ndarray) -> list[str]:
        """One caption of each image, lower case, without a final stop.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : list of [num_images] `str`
        """
        ...


class ImageGenerator(Protocol):
    """Draws pictures of what a caption says."""

    identity: dict[str, Any]

    def generate(
        self,
        captions: list[str],
        seed: int,
        num: int = 1,
        size: tuple[int, int] | None = None,
        first: int = 0,
    ) -> np.ndarray:
        """Pictures of each caption.

        Input
        -----
        captions : list of `str`

        seed : `int`
            The picture number k of a caption is a function of seed, caption and k alone

        num : `int`, (default 1)
            Pictures of each caption

        size : (`int`, `int`) or `None`, (default `None`)
            Height and width [pixels]; `None` for the model's own

        first : `int`, (default 0)
            Number of the first picture of each caption: 100 pictures are 50, and 50
            with ``first=50``

        Output
        ------
        : [num_captions, num, height, width, 3], `uint8`
        """
        ...


class DualEncoder(Protocol):
    """Puts images and texts into one space, in which those that match are close."""

    identity: dict[str, Any]

    def image_features(self, images: np.ndarray) -> np.ndarray:
        """[num_images, height, width, 3], `uint8` -> unit vectors [num_images, width],
        `float32`."""
        ...

    def text_features(self, texts: list[str]) -> np.ndarray:
        """list of `str` -> unit vectors [num_texts, width], `float32`."""
        ...

    def patch_features(self, images: np.ndarray) -> np.ndarray:
        """[num_images, height, width, 3], `uint8` -> unit vectors of a grid of places,
        row by row, [num_images, rows, columns, width], `float32`."""
        ...

    def detail_features(self, images: np.ndarray) -> np.ndarray:
        """[num_images, height, width, 3], `uint8` -> features of an earlier layer,
        [num_images, rows, columns, detail_width], `float32`, of any scale: where things
        end, rather than what they are."""
        ...


class Cnn(Protocol):
    """Says in numbers what is at each place of a picture."""

    identity: dict[str, Any]
    grid: tuple[int, int]  # rows and columns of places
    width: int  # numbers of a place

    def maps(self, images: np.ndarray) -> np.ndarray:
        """[num_images, height, width, 3], `uint8` -> [num_images, rows, columns,
        width], `float32`: the last map before places are pooled."""
        ...


class ImageEditor(Protocol):
    """Repaints a picture as a prompt says, keeping what it shows."""

    identity: dict[str, Any]

    def edit(self, images: np.ndarray, prompts: list[str], seed: int) -> np.ndarray:
        """Edited images.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        prompts : list of [num_images] `str`

        seed : `int`
            An edited image is a function of image, prompt and seed alone

        Output
        ------
        : [num_images, height, width, 3], `uint8`
        """
        ...


class Classifier(Protocol):
    """Tells the class of a picture."""

    identity: dict[str, Any]
    class_names: tuple[str, ...]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """[num_images, height, width, 3], `uint8` -> [num_images, num_classes],
        `float32`."""
        ...
