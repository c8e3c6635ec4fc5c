"""Importance of objects, judged by a multimodal large language model.

image, labels --> detector --> numbered boxes in the picture --.
task, required form of the answer ------------------------------+--> model --> reply
boxes with levels <------------------------- parse_reply <--------------------'

The model is any that transformers runs as image-text-to-text, from a local folder or by
its name: LLaVA, Qwen-VL, InternVL, SmolVLM and others.

References
----------
Section II of F. Zhang, Y. Du, Y. Xiang, X. Liu, S. C. Liew, "SA-OOSC: a multimodal
LLM-distilled semantic communication framework for enhanced coding efficiency with
scenario understanding", arXiv:2509.07436; the prompt here is our own.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from semcom_phy.knowledge_base.importance.label_objects import find_objects
from semcom_phy.knowledge_base.importance.levels import ObjectBox
from semcom_phy.knowledge_base.importance.mllm_reply import ReplyError, parse_reply

__all__ = ["DRIVING_TASK", "MllmAnnotator", "ReplyError", "parse_reply"]

DRIVING_TASK = (
    "The picture is from the front camera of a car on the road. Other vehicles get it "
    "over a slow radio link and decide by it how to drive, so the objects that matter "
    "most to safe driving are to arrive most clearly. Judge every object by its place "
    "in this scene, not by its class:\n"
    "- high: the driver has to react to it now or soon, such as a vehicle ahead in the "
    "own lane, or a nearby person crossing or cycling on the road;\n"
    "- medium: the driver has to keep an eye on it, such as an oncoming vehicle in "
    "another lane, or a nearby person beside the road;\n"
    "- low: it hardly matters to the next seconds, such as a vehicle parked at the "
    "roadside or far away, a person walking along the pavement, or a distant sign."
)

SHOWN_SIDE = 768  # pixels; numbers are to be legible in small pictures
_COLOUR = (255, 0, 255)  # rare on the road
_TOKENS_PER_OBJECT = 32  # what one entry of the reply takes, with room to spare


class MllmAnnotator:
    r"""Asks the model once for all objects of a picture.

    The answer has to be JSON that says the importance of every object;
    :func:`~semcom_phy.knowledge_base.importance.mllm_reply.parse_reply` reads it
    strictly.
    Decoding is greedy, so that a picture always gets the same answer.

    Parameters
    ----------
    model, processor : of transformers
        Image-text-to-text model and its processor; :meth:`load` makes both

    detector : callable or `None`, (default `None`)
        (image, labels) -> objects with ``top``, ``left``, ``bottom``, ``right`` and
        ``label``; `None` for the connected objects of the label map

    task : `str`, (default :data:`DRIVING_TASK`)
        What the picture is used for, and what makes an object important in it

    retries : `int`, (default 0)
        How often the model is told what is wrong with its reply and asked again

    Raises
    ------
    ValueError
        If ``retries`` is negative.

    ReplyError
        On ``annotate``, if the last reply is malformed too.
    """

    def __init__(self, model, processor, detector=None, task=DRIVING_TASK, retries=0):
        if int(retries) != retries or retries < 0:
            raise ValueError(f"retries is {retries!r}; give 0 or more")
        self.model, self.processor = model, processor
        self.detector = _label_map_objects if detector is None else detector
        self.task, self.retries = task, retries

    @classmethod
    def load(cls, id_or_folder, device=None, **options):
        r"""From transformers' files; safetensors only, no code beside them is run.

        Parameters
        ----------
        id_or_folder : `str` or path
            Local copy of a model, or its name on Hugging Face

        device : `str` or `None`, (default `None`)
            Where PyTorch runs it, ``"cuda"``; `None` for the processor

        options :
            Of :class:`MllmAnnotator`

        Raises
        ------
        ImportError
            If transformers or PyTorch is not installed.

        ValueError
            If there is no such model, or it is no image-text-to-text model.
        """
        try:
            import torch  # noqa: F401  (transformers' models are placeholders without)
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ImportError as error:
            raise ImportError(
                "transformers or torch is not installed: install semcom-phy[generative]"
            ) from error
        try:
            processor = AutoProcessor.from_pretrained(id_or_folder)
            model = AutoModelForImageTextToText.from_pretrained(
                id_or_folder, dtype="auto", use_safetensors=True
            )
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{str(id_or_folder)!r} cannot be loaded ({error}): give an "
                "image-text-to-text model, with its processor and safetensors"
            ) from error
        return cls(model.to(device or "cpu").eval(), processor, **options)

    def annotate(self, image, labels=None):
        objects = list(self.detector(image, labels))
        if not objects:
            return []
        picture = numbered_picture(image, objects)
        turns = [("user", question(self.task, objects))]
        for attempt in range(self.retries + 1):
            reply = self._ask(picture, turns, _TOKENS_PER_OBJECT * (len(objects) + 1))
            try:
                levels = parse_reply(reply, len(objects))
                break
            except ReplyError as error:
                if attempt == self.retries:
                    raise
                again = f"Your reply is not usable: {error}. Reply again, JSON only."
                turns += [("assistant", reply), ("user", again)]
        return [
            ObjectBox(x.top, x.left, x.bottom, x.right, level, x.label)
            for x, level in zip(objects, levels, strict=True)
        ]

    def _ask(self, picture, turns, max_new_tokens):
        inputs = self._inputs(picture, turns)
        inputs = inputs.to(self.model.device, dtype=self.model.dtype)
        tokens = self.model.generate(
            **inputs, do_sample=False, num_beams=1, max_new_tokens=max_new_tokens
        )
        reply = tokens[:, inputs["input_ids"].shape[1] :]
        return self.processor.batch_decode(reply, skip_special_tokens=True)[0]

    def _inputs(self, picture, turns):
        """Tokens of all turns and the picture, which stands at the start."""
        if getattr(self.processor, "chat_template", None) is None:
            token = getattr(self.processor, "image_token", "<image>")
            text = "\n".join([str(token), *(text for _, text in turns), ""])
            return self.processor(text=[text], images=[picture], return_tensors="pt")
        messages = [
            {"role": role, "content": [{"type": "text", "text": text}]}
            for role, text in turns
        ]
        messages[0]["content"].insert(0, {"type": "image", "image": picture})
        return self.processor.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,  # here, so that no second token for the start is put in
            return_dict=True,
            return_tensors="pt",
        )


def question(task, objects):
    """What the model is asked: the task, the objects, the form of the answer."""
    listed = "\n".join(f"{i}: {x.label}" for i, x in enumerate(objects, start=1))
    return (
        f"{task}\n\nBoxes with numbers mark these objects:\n{listed}\n\n"
        f"Give the importance of each of the {len(objects)} objects. Reply with this "
        'JSON object only: {"objects": [{"id": 1, "importance": "high"}, ...]}, where '
        'importance is "high", "medium" or "low".'
    )


def numbered_picture(image, objects):
    """The picture with the objects' boxes, numbered from 1, enlarged where small.

    Parameters
    ----------
    image : [height, width, 3], `uint8`

    objects : sequence with ``top``, ``left``, ``bottom``, ``right`` [pixels]

    Output
    ------
    picture : `PIL.Image.Image`
    """
    picture = Image.fromarray(np.asarray(image))
    scale = max(1, round(SHOWN_SIDE / min(picture.size)))
    picture = picture.resize(
        (scale * picture.width, scale * picture.height), Image.Resampling.BICUBIC
    )
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(20)
    for number, box in enumerate(objects, start=1):
        left, top = scale * box.left, scale * box.top
        right, bottom = scale * box.right - 1, scale * box.bottom - 1
        draw.rectangle((left, top, right, bottom), outline=_COLOUR, width=2)
        place = left + 3, max(0, top - 22)
        draw.rectangle(draw.textbbox(place, str(number), font), fill=_COLOUR)
        draw.text(place, str(number), fill=(255, 255, 255), font=font)
    return picture


def _label_map_objects(image, labels):
    return find_objects(labels)
