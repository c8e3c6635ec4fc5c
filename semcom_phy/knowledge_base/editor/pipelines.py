"""Editors of diffusers: InstructPix2Pix, image-to-image, Qwen-Image-Edit.

A pipeline says in its ``model_index.json`` of which class it is; :data:`KINDS` says how
pipelines of a class are loaded and asked, and what they are usually set to.

References
----------
T. Brooks, A. Holynski, A. A. Efros, "InstructPix2Pix: learning to follow image editing
instructions", arXiv:2211.09800; C. Meng et al., "SDEdit: guided image synthesis and
editing with stochastic differential equations", arXiv:2108.01073 (image-to-image);
C. Wu et al., "Qwen-Image technical report", arXiv:2508.02324.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.checks import check_pictures
from semcom_phy.knowledge_base.loading import (
    INSTALL,
    folder_identity,
    load_pretrained,
)
from semcom_phy.seeding import derived_seed

_WHAT = "an image editing pipeline"
_DTYPES = ("float32", "bfloat16", "float16")
# Where the parts of a pipeline come from; others would be code beside the model.
_LIBRARIES = (None, "diffusers", "transformers", "stable_diffusion")


@dataclass(frozen=True)
class Kind:
    """How pipelines of one kind are used.

    Parameters
    ----------
    loader : `str`
        Class of diffusers

    usual : `dict`
        Setting of the editor -> its usual value

    arguments : `dict`
        Setting of the editor -> argument of the pipeline

    side : `int`
        Shorter side that such models are made for [pixels]

    given : `dict`
        Further arguments of the pipeline

    told_size, multiple : `bool`, `int`
        Whether the pipeline is told height and width, and what divides both [pixels]
    """

    loader: str
    usual: dict
    arguments: dict
    side: int
    given: dict = field(default_factory=dict)
    told_size: bool = False
    multiple: int = 8


_STEPS = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
_INSTRUCTED = Kind(
    "StableDiffusionInstructPix2PixPipeline",
    {"steps": 100, "guidance": 7.5, "image_guidance": 1.5},
    _STEPS | {"image_guidance": "image_guidance_scale"},
    side=512,
)
_IMAGE_TO_IMAGE = Kind(
    "AutoPipelineForImage2Image",
    {"steps": 50, "guidance": 7.5, "strength": 0.8},
    _STEPS | {"strength": "strength"},
    side=512,
)
_IMAGE_TO_IMAGE_XL = Kind(
    "AutoPipelineForImage2Image",
    {"steps": 50, "guidance": 5.0, "strength": 0.3},
    _STEPS | {"strength": "strength"},
    side=1024,
)
_QWEN: dict[str, Any] = {
    "usual": {"steps": 50, "guidance": 4.0},
    "arguments": {"steps": "num_inference_steps", "guidance": "true_cfg_scale"},
    "side": 1024,
    "given": {"negative_prompt": " "},  # without one there is no guidance
    "told_size": True,
    "multiple": 16,
}

# Class that model_index.json names -> how it is used.
KINDS = {
    "StableDiffusionInstructPix2PixPipeline": _INSTRUCTED,
    "StableDiffusionPipeline": _IMAGE_TO_IMAGE,
    "StableDiffusionImg2ImgPipeline": _IMAGE_TO_IMAGE,
    "StableDiffusionXLPipeline": _IMAGE_TO_IMAGE_XL,
    "StableDiffusionXLImg2ImgPipeline": _IMAGE_TO_IMAGE_XL,
    "QwenImageEditPipeline": Kind("QwenImageEditPipeline", **_QWEN),
    "QwenImageEditPlusPipeline": Kind("QwenImageEditPlusPipeline", **_QWEN),
}


class PipelineEditor:
    r"""Edits by a pipeline of diffusers.

    What is drawn for a picture follows from seed, prompt and the picture itself;
    pictures are edited one by one. They are brought to the size that the model is made
    for, and back (Lanczos). Safetensors only are read, no code beside a model is run.

    Parameters
    ----------
    id_or_folder : `str` or path
        Hub id, such as "timbrooks/instruct-pix2pix", or a local copy

    steps : `int` or `None`, (default `None`)
        Steps of denoising; here and below `None` stands for what is usual for the class
        of the pipeline, :data:`KINDS`

    guidance : `float` or `None`, (default `None`)
        How strictly the prompt is followed

    image_guidance : `float` or `None`, (default `None`)
        InstructPix2Pix: how strictly the picture is kept

    strength : `float` or `None`, (default `None`)
        Image-to-image: share of the steps that are made, above 0, 1 at most; 0.3 keeps
        most of a picture, 0.8 little

    side : `int` or `None`, (default `None`)
        Shorter side at which it works [pixels]; both sides are rounded to multiples of
        8 (of 16 for Qwen-Image-Edit)

    device : `str`, (default "cpu")
        Where PyTorch runs it

    dtype : "float32" (default) | "bfloat16" | "float16"

    Input
    -----
    images, prompts, seed
        As of :class:`~semcom_phy.knowledge_base.interfaces.ImageEditor`

    Raises
    ------
    ImportError, FileNotFoundError
        If the extra is not installed, or there is no such pipeline.

    ValueError
        If the pipeline is none that edits, a setting is none of its own or out of
        range; on ``edit``, if its safety checker refuses a picture.

    Example
    -------
    >>> name = "timbrooks/instruct-pix2pix"
    >>> editor = PipelineEditor(name, steps=20)  # doctest: +SKIP
    >>> edited = editor.edit(images, ["sharpen the photo"], seed=1)  # doctest: +SKIP
    """

    def __init__(
        self,
        id_or_folder,
        steps=None,
        guidance=None,
        image_guidance=None,
        strength=None,
        side=None,
        device="cpu",
        dtype="float32",
    ):
        try:
            import diffusers
            import torch
        except ImportError as error:
            raise ImportError(f"diffusers is not there: {INSTALL}") from error
        if dtype not in _DTYPES:
            raise ValueError(f"dtype is {dtype!r}; there are {', '.join(_DTYPES)}")
        self.name = str(id_or_folder)
        class_name, self.kind = _kind_of(id_or_folder)
        asked = {
            "steps": steps,
            "guidance": guidance,
            "image_guidance": image_guidance,
            "strength": strength,
        }
        self.settings = _settings(asked, class_name)
        self.side = self.kind.side if side is None else side
        if int(self.side) != self.side or self.side < self.kind.multiple:
            raise ValueError(f"side is {side!r}; give at least {self.kind.multiple}")
        pipeline = load_pretrained(
            getattr(diffusers, self.kind.loader),
            id_or_folder,
            _WHAT,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
        )
        for name, part in pipeline.components.items():
            if isinstance(part, torch.nn.Module):
                _check_whole(id_or_folder, name, part.eval().requires_grad_(False))
        pipeline.set_progress_bar_config(disable=True)
        self.pipeline = pipeline.to(device)
        self.identity = folder_identity(
            id_or_folder,
            pipeline=class_name,
            **self.settings,
            side=int(self.side),
            dtype=dtype,
        )

    def edit(self, images, prompts, seed):
        images, prompts = check_pictures(images, prompts)
        edited = np.empty_like(images)
        for place, image, prompt in zip(edited, images, prompts, strict=True):
            place[:] = self._edited(image, prompt, seed)
        return edited

    def _edited(self, image, prompt, seed):
        import torch

        own_seed = derived_seed(seed, "edit", prompt, array_sha256(image))
        height, width = self._working_size(*image.shape[:2])
        options = {
            self.kind.arguments[name]: value for name, value in self.settings.items()
        }
        if self.kind.told_size:
            options |= {"height": height, "width": width}
        (found, *flags) = self.pipeline(
            prompt=prompt,
            image=_resized(Image.fromarray(image), (width, height)),
            generator=torch.Generator().manual_seed(own_seed),
            output_type="np",
            return_dict=False,
            **options,
            **self.kind.given,
        )
        if any(any(flag) for flag in flags if flag is not None):
            raise ValueError(
                f"the safety checker of {self.name!r} refuses the picture edited by "
                f"{prompt!r}: change the prompt, or leave the picture out"
            )
        if not np.isfinite(found).all():
            raise ValueError(
                f"{self.name!r} gives numbers that are not finite: take dtype float32"
            )
        picture = Image.fromarray(np.rint(255 * found[0]).astype("uint8"))
        return np.array(_resized(picture, image.shape[1::-1]))

    def _working_size(self, height, width):
        scale = self.side / min(height, width)
        step = self.kind.multiple
        return tuple(max(step, step * round(n * scale / step)) for n in (height, width))


def _kind_of(id_or_folder):
    """Class that a pipeline says it is of, and how it is used."""
    from diffusers import DiffusionPipeline

    class Index:
        from_pretrained = staticmethod(DiffusionPipeline.load_config)

    index = load_pretrained(Index, id_or_folder, _WHAT)
    name = index.get("_class_name")
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(
            f"{str(id_or_folder)!r} is a pipeline of class {name}; as an editor there "
            f"are {', '.join(KINDS)}"
        )
    for part, place in index.items():
        if isinstance(place, list | tuple) and place[0] not in _LIBRARIES:
            raise ValueError(
                f"{str(id_or_folder)!r} takes its {part} from {place[0]}; no code "
                "beside diffusers and transformers is run"
            )
    return name, KINDS[name]


def _settings(asked, class_name):
    """Usual settings of a class, with those that are asked for in their places."""
    usual = KINDS[class_name].usual
    asked = {name: value for name, value in asked.items() if value is not None}
    for name, value in asked.items():
        if name not in usual:
            raise ValueError(
                f"{name} is {value!r}, but {class_name} has {', '.join(usual)} alone"
            )
    settings = usual | asked
    steps, strength = settings["steps"], settings.get("strength", 1)
    if int(steps) != steps or steps < 1:
        raise ValueError(f"steps is {steps!r}; give at least 1")
    if not 0 < strength <= 1 or int(steps * strength) < 1:
        raise ValueError(
            f"strength is {strength!r} of {steps} steps; give more than 0, 1 at most, "
            "so that one step or more is made"
        )
    for name in ("guidance", "image_guidance"):
        if name in settings and not 0 <= settings[name] < np.inf:
            raise ValueError(f"{name} is {settings[name]!r}; give 0 or more")
    return settings


def _check_whole(id_or_folder, name, part):
    """What a file lacks, diffusers leaves without numbers and says so in a warning."""
    missing = [key for key, value in part.named_parameters() if value.is_meta]
    if missing:
        raise ValueError(
            f"{str(id_or_folder)!r} is not whole: {len(missing)} weights of its {name} "
            f"are missing, the first is {missing[0]}; download it again"
        )


def _resized(picture, size):
    if picture.size == tuple(size):
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS)
