"""The embedded editor: takes blur, noise and traces of coding away, unasked.

    picture --> RestorationNetwork --> picture + what it adds, in 8 bits

It is blind: nobody tells it what is wrong with a picture, or how much. The prompt says
nothing to it, so two prompts give the same picture; an editor that follows one is an
adapter of :mod:`.pipelines` or :mod:`.embedded_diffusion`.

Trained by ``python -m link_models.training restoration``, on photographs of 128x128.
"""

import numpy as np

from semcom_phy.knowledge_base.checks import check_pictures
from semcom_phy.knowledge_base.embedded_weights import (
    SHIPPED,
    frozen_network,
    load_weights,
)
from semcom_phy.knowledge_base.loading import INSTALL

NAME = "restoration"


class RestorationEditor:
    r"""Repairs pictures of any size from 16x16 on.

    Parameters
    ----------
    folder : path, (default: that of the shipped weights)
        Where ``restoration.h5`` and ``.json`` lie

    Input
    -----
    images, prompts, seed
        As of :class:`~semcom_phy.knowledge_base.interfaces.ImageEditor`; prompts and
        seed are without influence

    Raises
    ------
    ImportError, FileNotFoundError, ValueError
        If the extra is not installed, or the weights are missing or altered.

    Example
    -------
    >>> editor = RestorationEditor()
    >>> images = np.full((1, 16, 16, 3), 90, np.uint8)
    >>> editor.edit(images, ["a dog"], seed=1).shape
    (1, 16, 16, 3)
    """

    def __init__(self, folder=SHIPPED):
        try:
            from semcom_phy.knowledge_base.editor.restoration_network import (
                RestorationNetwork,
            )
        except ImportError as error:
            raise ImportError(f"PyTorch is not there: {INSTALL}") from error
        tensors, record = load_weights(NAME, folder)
        network = RestorationNetwork(**record["config"])
        self.network = frozen_network(network, tensors)
        self.identity = {
            "model": NAME,
            "sha256": record["sha256"],
            "prompt": "without influence",
            "seed": "without influence",
        }

    def edit(self, images, prompts, seed):
        images, _ = check_pictures(images, prompts)
        return restored(self.network, images)


def restored(network, images):
    """Pictures as a network repairs them, one by one, so that none depends on others.

    Input
    -----
    network : :class:`.restoration_network.RestorationNetwork`

    images : [num_images, height, width, 3], `uint8`

    Output
    ------
    : [num_images, height, width, 3], `uint8`
    """
    import torch

    result = np.empty_like(images)
    with torch.inference_mode():
        for image, place in zip(images, result, strict=True):
            x = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
            y = network(x.float() / 255)[0].permute(1, 2, 0)
            place[:] = (255 * y).round().clamp(0, 255).byte().numpy()
    return result
