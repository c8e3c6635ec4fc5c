"""Prompts of a picture: those of a list that say best what it shows.

.. math::
    p_j = \\frac{\\exp(s_j / T)}{\\sum_k \\exp(s_k / T)}, \\qquad
    s_j = \\langle f(\\text{image}), g(\\text{prompt}_j) \\rangle
"""

import numpy as np

MOST = 7


def rank_prompts(encoder, images, prompts, num=3, temperature=0.01):
    """The best prompts of each image, and their probabilities among all of the list.

    Parameters
    ----------
    encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    Input
    -----
    images : [num_images, height, width, 3], `uint8`

    prompts : list of `str`
        Candidates, encoded as they are written; those that are shipped are given by
        :func:`~semcom_phy.knowledge_base.dual_encoder.prompt_list.read_prompts`

    num : `int`, (default 3)
        Prompts of an image, 1 to 7

    temperature : `float`, (default 0.01)
        That of CLIP; the lower, the more the best one is ahead

    Output
    ------
    best : list of [num_images] lists of [num] `str`
        The best one first; of two that are equal, the one that is listed first

    probabilities : [num_images, num], `float32`

    Raises
    ------
    ValueError
        If ``num`` is not from 1 to 7 or there are fewer prompts, or the temperature is
        not above 0.
    """
    if int(num) != num or not 1 <= num <= MOST:
        raise ValueError(f"num is {num!r}; give 1 to {MOST}")
    if num > len(prompts):
        raise ValueError(f"num is {num}, but there are {len(prompts)} prompts")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature!r}; give more than 0")
    texts = encoder.text_features(list(prompts))
    scores = encoder.image_features(images).astype("float64") @ texts.T / temperature
    likely = np.exp(scores - scores.max(-1, keepdims=True))
    likely /= likely.sum(-1, keepdims=True)
    best = np.argsort(-scores, axis=-1, kind="stable")[:, :num]
    chosen = [[prompts[i] for i in row] for row in best]
    return chosen, np.take_along_axis(likely, best, -1).astype("float32")
