"""ResNets of transformers.

References
----------
K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition",
CVPR 2016, arXiv:1512.03385.
"""

import numpy as np

from semcom_phy.knowledge_base.checks import check_images
from semcom_phy.knowledge_base.frozen_model import load_frozen
from semcom_phy.knowledge_base.loading import (
    INSTALL,
    folder_identity,
    load_pretrained,
)

_WHAT = "a ResNet"
_BATCH = 16
_SIDE = 64  # of the picture that tells how many places there are


class TransformersResNet:
    """The last hidden state, 7x7 places of 2048 numbers for ResNet-50.

    The processor of the model prepares pictures: size, mean and deviation are its own,
    and so is that it takes the central square.

    Parameters
    ----------
    model, processor : of transformers
        A frozen ``ResNetModel`` and its image processor; :meth:`load` makes both

    identity : `dict`
        Plain values
    """

    def __init__(self, model, processor, identity):
        self.model, self.processor, self.identity = model, processor, identity
        grey = np.full((1, _SIDE, _SIDE, 3), 128, "uint8")
        *grid, self.width = self._batch(grey).shape[1:]
        self.grid = tuple(grid)

    @classmethod
    def load(cls, id_or_folder):
        """From transformers' files; safetensors only, no code beside them is run.

        Parameters
        ----------
        id_or_folder : `str` or path
            Hub id or local copy, such as "microsoft/resnet-50"

        Raises
        ------
        FileNotFoundError
            If there is no such model.

        ValueError
            If what is there is no ResNet, or not whole.

        ImportError
            If the extra is not installed.
        """
        try:
            import torch  # noqa: F401  (transformers' models are placeholders without)
            from transformers import AutoConfig, AutoImageProcessor, ResNetModel
        except ImportError as error:
            raise ImportError(f"ResNets need transformers: {INSTALL}") from error
        config = load_pretrained(
            AutoConfig, id_or_folder, _WHAT, trust_remote_code=False
        )
        if config.model_type != "resnet":  # other files would be taken, with a warning
            raise ValueError(
                f"{str(id_or_folder)!r} cannot be loaded as {_WHAT}: its model type is "
                f"{config.model_type!r}"
            )
        model = load_frozen(ResNetModel, id_or_folder, _WHAT, dtype="float32")
        processor = load_pretrained(
            AutoImageProcessor,
            id_or_folder,
            f"the image processor of {_WHAT}",
            backend="pil",  # the same pixels whether torchvision is there or not
            trust_remote_code=False,
        )
        return cls(model, processor, folder_identity(id_or_folder))

    def maps(self, images):
        """[num_images, height, width, 3], `uint8` -> [num_images, rows, columns,
        width], `float32`, as of :class:`~semcom_phy.knowledge_base.interfaces.Cnn`.

        Raises
        ------
        ValueError
            If images are none, or the processor leaves them at a size of their own.
        """
        images = check_images(images)
        found = np.empty((len(images), *self.grid, self.width), "float32")
        for start in range(0, len(images), _BATCH):
            batch = self._batch(images[start : start + _BATCH])
            if batch.shape[1:3] != self.grid:
                raise ValueError(
                    f"images of {images.shape[1]}x{images.shape[2]} have "
                    f"{batch.shape[1]}x{batch.shape[2]} places, square ones "
                    f"{self.grid[0]}x{self.grid[1]}: give square images"
                )
            found[start : start + _BATCH] = batch
        return found

    def _batch(self, images):
        import torch

        pixels = self.processor(images=list(images), return_tensors="pt")
        with torch.inference_mode():
            state = self.model(pixels["pixel_values"]).last_hidden_state
        return state.permute(0, 2, 3, 1).numpy()
