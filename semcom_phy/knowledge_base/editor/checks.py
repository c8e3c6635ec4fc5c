"""What every editor, and every captioner at an address, refuses."""

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
    images = check_images(images)
    if isinstance(prompts, str):
        raise ValueError(f"prompts is one text, {prompts!r}; give a list of them")
    prompts = list(prompts)
    wrong = [prompt for prompt in prompts if not isinstance(prompt, str)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no prompt; give texts")
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
