"""What every model refuses that is shown pictures or told texts."""

import numpy as np

MIN_SIDE = 16  # pixels


def check_pictures(images, prompts):
    """Pictures and their prompts, as every editor takes them.

    Input
    -----
    images : [num_images, height, width, 3], `uint8`

    prompts : list of [num_images] `str`

    Output
    ------
    images : array

    prompts : list of `str`

    Raises
    ------
    ValueError
        If they are not such, or a side has less than 16 pixels.
    """
    images, prompts = check_images(images), check_texts("prompts", prompts)
    if len(prompts) != len(images):
        raise ValueError(
            f"{len(prompts)} prompts for {len(images)} images; give one for each"
        )
    return images, prompts


def check_images(images):
    """Pictures alone, as of :func:`check_pictures`."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(
            f"images are {images.dtype} {images.shape}; give uint8 "
            "[num_images, height, width, 3]"
        )
    if min(images.shape[1:3]) < MIN_SIDE:
        raise ValueError(
            f"images are {images.shape[1]}x{images.shape[2]}; give at least "
            f"{MIN_SIDE}x{MIN_SIDE} pixels"
        )
    return images


def check_texts(name, texts):
    """A list of `str`; one text alone, or what is none, is refused by ``name``."""
    if isinstance(texts, str):
        raise ValueError(f"{name} is one text, {texts!r}; give a list of them")
    texts = list(texts)
    wrong = [text for text in texts if not isinstance(text, str)]
    if wrong:
        raise ValueError(f"{name} holds {wrong[0]!r}, which is no text")
    return texts
