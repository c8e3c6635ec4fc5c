"""Pictures by a text-to-image pipeline of diffusers, such as Stable Diffusion."""

import math

import numpy as np

from semcom_phy.knowledge_base.generator.request import (
    check_request,
    picture_seed,
    resized,
)
from semcom_phy.knowledge_base.loading import (
    INSTALL,
    folder_identity,
    load_pretrained,
)

_MULTIPLE = 8  # of the sides that pipelines paint
_DRAWS = 4


class PipelineGenerator:
    """Any text-to-image pipeline, one picture after the other.

    It paints about as many pixels as it was trained on, in the aspect ratio that is
    asked for, in multiples of 8; the picture is then brought to the size (Lanczos).

    A pipeline with a safety checker keeps it. The checker blacks a picture out, and a
    black picture says nothing about the caption: the picture's next draw takes its
    place, and after four of them the caption is refused.

    Parameters
    ----------
    id_or_folder : `str` or path
        Local folder, or name on the hub; safetensors alone are read

    steps : `int`, (default 30)
        Of denoising

    guidance : `float`, (default 7.5)
        Scale of classifier-free guidance

    side : `int` or `None`, (default `None`)
        Of the squares that it was trained on [pixels]; `None` for what its
        configuration says

    Raises
    ------
    ImportError
        If the extra is not installed.

    FileNotFoundError, ValueError
        If there is no such model, it is another kind, or it does not tell its side.
    """

    def __init__(self, id_or_folder, steps=30, guidance=7.5, side=None):
        try:
            from diffusers import AutoPipelineForText2Image
        except ImportError as error:
            raise ImportError(f"diffusers is not there: {INSTALL}") from error
        what = "a text-to-image pipeline"
        self._pipeline = load_pretrained(
            AutoPipelineForText2Image, id_or_folder, what, use_safetensors=True
        )
        self._pipeline.set_progress_bar_config(disable=True)
        self.steps = steps
        self.guidance = guidance
        self.side = side or _trained_side(self._pipeline, id_or_folder)
        self.identity = folder_identity(
            id_or_folder, steps=steps, guidance=guidance, side=self.side
        )

    def generate(self, captions, seed, num=1, size=None, first=0):
        """Pictures of each caption, as of
        :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`.

        Raises
        ------
        ValueError
            If the request is none, or the pipeline's own safety checker blacks every
            draw of a picture out.
        """
        check_request(captions, num, size, first)
        return np.stack(
            [
                [
                    resized(self._picture(text, seed, k, size), size)
                    for k in range(first, first + num)
                ]
                for text in captions
            ]
        )

    def _picture(self, caption, seed, k, size):
        import torch

        first = picture_seed(seed, caption, k)
        height, width = _painted_sides(self.side, size)
        for draw in range(_DRAWS):
            painted = self._pipeline(
                prompt=caption,
                height=height,
                width=width,
                num_inference_steps=self.steps,
                guidance_scale=self.guidance,
                generator=torch.Generator("cpu").manual_seed(first + draw),
                output_type="np",
            )
            # Pipelines without a checker have no such entry.
            if not any(painted.get("nsfw_content_detected") or ()):
                pixels = np.clip(painted.images[0] * 255, 0, 255)
                return np.round(pixels).astype("uint8")
        raise ValueError(
            f"the safety checker of {self.identity['model']!r} blacked out {_DRAWS} "
            f"draws of {caption!r}: give another caption or seed"
        )


def _trained_side(pipeline, id_or_folder):
    """Side of the pictures that a latent pipeline was trained on."""
    parts = pipeline.components
    network = parts.get("unet") or parts.get("transformer")
    latent = None if network is None else network.config.get("sample_size")
    if not isinstance(latent, int) or "vae" not in parts:
        raise ValueError(
            f"{str(id_or_folder)!r} does not tell the side of the pictures that it was "
            "trained on: give side"
        )
    return latent * pipeline.vae_scale_factor


def _painted_sides(side, size):
    """Multiples of 8 of the aspect ratio of a size, as many pixels as a square."""
    height, width = size or (side, side)
    scale = side / math.sqrt(height * width)
    return tuple(
        max(_MULTIPLE, round(n * scale / _MULTIPLE) * _MULTIPLE)
        for n in (height, width)
    )
