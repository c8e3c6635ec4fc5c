"""CLIP models of transformers.

References
----------
A. Radford et al., "Learning transferable visual models from natural language
supervision", ICML 2021, arXiv:2103.00020.
"""

import numpy as np

from semcom_phy.knowledge_base.checks import check_images, check_texts
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.frozen_model import load_frozen
from semcom_phy.knowledge_base.loading import (
    INSTALL,
    folder_identity,
    load_pretrained,
)

_WHAT = "a CLIP model"
_BATCH = 16


class TransformersDualEncoder:
    """Unit vectors of pictures, of their patches, and of texts.

    The processor of the model prepares pictures: CLIP's own takes the central square,
    so that the patches are those of it.

    Parameters
    ----------
    model, processor : of transformers
        A frozen ``CLIPModel`` and its processor; :meth:`load` makes both

    identity : `dict`
        Plain values
    """

    def __init__(self, model, processor, identity):
        self.model, self.processor, self.identity = model, processor, identity
        self.max_text_tokens = model.config.text_config.max_position_embeddings
        self.width = model.config.projection_dim
        vision = model.config.vision_config
        self.grid = (vision.image_size // vision.patch_size,) * 2
        self._cache = ContentCache()

    @classmethod
    def load(cls, id_or_folder):
        """From transformers' files; safetensors only, no code beside them is run.

        Parameters
        ----------
        id_or_folder : `str` or path
            Hub id or local copy, such as "openai/clip-vit-base-patch32"

        Raises
        ------
        FileNotFoundError
            If there is no such model.

        ValueError
            If what is there is no CLIP, or not whole.

        ImportError
            If the extra is not installed.
        """
        try:
            import torch  # noqa: F401  (transformers' models are placeholders without)
            from transformers import AutoConfig, AutoProcessor, CLIPModel
        except ImportError as error:
            raise ImportError(f"dual encoders need transformers: {INSTALL}") from error
        config = load_pretrained(
            AutoConfig, id_or_folder, _WHAT, trust_remote_code=False
        )
        if config.model_type != "clip":  # other files would be taken, with a warning
            raise ValueError(
                f"{str(id_or_folder)!r} cannot be loaded as {_WHAT}: its model type is "
                f"{config.model_type!r}"
            )
        model = load_frozen(CLIPModel, id_or_folder, _WHAT, dtype="float32")
        processor = load_pretrained(
            AutoProcessor,
            id_or_folder,
            f"the processor of {_WHAT}",
            backend="pil",  # the same pixels whether torchvision is there or not
            trust_remote_code=False,
        )
        return cls(model, processor, folder_identity(id_or_folder))

    def image_features(self, images):
        """[num_images, height, width, 3], `uint8` -> unit vectors [num_images, width],
        `float32`."""
        return self._answers(list(check_images(images)), self._image_batch)

    def text_features(self, texts):
        """Unit vectors of texts.

        Input
        -----
        texts : list of `str`
            What is beyond the model's length (``max_text_tokens``, 77 for CLIP: some 60
            words) is cut off

        Output
        ------
        : [num_texts, width], `float32`
        """
        return self._answers(check_texts("texts", texts), self._text_batch)

    def patch_features(self, images):
        """[num_images, height, width, 3], `uint8` -> unit vectors of the patches of the
        prepared picture, row by row, [num_images, rows, columns, width], `float32`:
        their last hidden states, put into the common space as that of the class token
        is."""
        images, shape = list(check_images(images)), (*self.grid, self.width)
        return self._answers(images, self._patch_batch, *shape)

    def detail_features(self, images):
        """[num_images, height, width, 3], `uint8` -> hidden states of the patches in
        the middle of the image tower, [num_images, rows, columns, hidden_width],
        `float32`."""
        images = list(check_images(images))
        shape = *self.grid, self.model.config.vision_config.hidden_size
        return self._answers(images, self._detail_batch, *shape)

    def _answers(self, items, features, *shape):
        """Vectors of each item, [num_items, *shape], one of the common space if not
        given; each item is asked once."""

        def ask(new):
            parts = [features(new[i : i + _BATCH]) for i in range(0, len(new), _BATCH)]
            return [vectors for part in parts for vectors in part]

        found = self._cache.answers(items, ask, key=features.__name__)
        return np.array(found, "float32").reshape(len(items), *(shape or (self.width,)))

    def _image_batch(self, images):
        import torch

        with torch.inference_mode():
            found = self.model.get_image_features(**self._pixels(images))
        return _unit(found.pooler_output)

    def _patch_batch(self, images):
        import torch

        with torch.inference_mode():
            vision = self.model.vision_model
            found = vision(**self._pixels(images)).last_hidden_state[:, 1:]
            found = self.model.visual_projection(vision.post_layernorm(found))
        return _unit(found)

    def _detail_batch(self, images):
        import torch

        with torch.inference_mode():
            states = self.model.vision_model(
                **self._pixels(images), output_hidden_states=True
            ).hidden_states
        return states[len(states) // 2][:, 1:].numpy()

    def _text_batch(self, texts):
        import torch

        tokens = self.processor.tokenizer(
            texts,
            padding="max_length",
            truncation=True,
            max_length=self.max_text_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            found = self.model.get_text_features(
                tokens["input_ids"], tokens["attention_mask"]
            )
        return _unit(found.pooler_output)

    def _pixels(self, images):
        return self.processor.image_processor(images=images, return_tensors="pt")


def _unit(vectors):
    vectors = vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return vectors.numpy()
