"""Image-to-text models of transformers: BLIP, GIT, and those with a chat template."""

from semcom_phy.knowledge_base.captioner.clean_caption import clean_caption
from semcom_phy.knowledge_base.checks import check_images
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.frozen_model import load_frozen
from semcom_phy.knowledge_base.loading import (
    INSTALL,
    folder_identity,
    load_pretrained,
)

QUESTION = "Describe the picture in one short sentence."
_WHAT = "an image-to-text model"


class TransformersCaptioner:
    """Captions by beam search; nothing is drawn by chance.

    What a prompt is depends on the family of the model:

    * BLIP, GIT: the words that a caption starts with ("a photo of"); the model goes on,
      and they are no part of the caption that is given;
    * all others: what the model is asked by way of its chat template,
      :data:`QUESTION` without a prompt.

    Parameters
    ----------
    model, processor : of transformers
        Frozen; :meth:`load` makes both

    identity : `dict`
        Plain values

    prompt : `str` or `None`, (default `None`)

    max_new_tokens : `int`, (default 30)
        A longer caption is cut

    num_beams : `int`, (default 3)
        1 for greedy search

    batch_size : `int`, (default 1)
        Pictures of one run. With one, a caption is a function of its picture alone;
        more are faster on some machines, and rounding may then turn a choice between
        words that are equally good

    Raises
    ------
    ValueError
        If a number is below 1, or the model is of no family that is known here.
    """

    def __init__(
        self,
        model,
        processor,
        identity,
        prompt=None,
        max_new_tokens=30,
        num_beams=3,
        batch_size=1,
    ):
        sizes = {
            "max_new_tokens": max_new_tokens,
            "num_beams": num_beams,
            "batch_size": batch_size,
        }
        for name, value in sizes.items():
            if int(value) != value or value < 1:
                raise ValueError(f"{name} is {value!r}; give at least 1")
        self.model, self.processor, self.prompt = model, processor, prompt
        self.max_new_tokens, self.num_beams = int(max_new_tokens), int(num_beams)
        self.batch_size = int(batch_size)
        family = model.config.model_type
        self._inputs = _FAMILIES.get(family, _chat_inputs)
        if self._inputs is _chat_inputs and not _has_chat_template(processor):
            raise ValueError(
                f"captions of model type {family!r} are not known: give a model of "
                f"{', '.join(_FAMILIES)}, or one whose processor has a chat template"
            )
        self.identity = {
            **identity,
            "prompt": prompt,
            "max_new_tokens": self.max_new_tokens,
            "num_beams": self.num_beams,
        }
        self._cache = ContentCache()

    @classmethod
    def load(cls, id_or_folder, **options):
        """From transformers' files; safetensors only, no code beside them is run.

        Parameters
        ----------
        id_or_folder : `str` or path
            Hub id or local copy, such as "Salesforce/blip-image-captioning-base"

        options :
            Of :class:`TransformersCaptioner`

        Raises
        ------
        FileNotFoundError
            If there is no such model.

        ValueError
            If what is there is no image-to-text model, or not whole.

        ImportError
            If the extra is not installed.
        """
        try:
            import torch  # noqa: F401  (transformers' models are placeholders without)
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ImportError as error:
            raise ImportError(f"captioners need transformers: {INSTALL}") from error
        model = load_frozen(
            AutoModelForImageTextToText, id_or_folder, _WHAT, dtype="auto"
        )
        processor = load_pretrained(
            AutoProcessor,
            id_or_folder,
            f"the processor of {_WHAT}",
            backend="pil",  # the same pixels whether torchvision is there or not
            trust_remote_code=False,
        )
        return cls(model, processor, folder_identity(id_or_folder), **options)

    def asked(self, question):
        """This captioner with another question; itself where the model takes none.

        Parameters
        ----------
        question : :class:`~.questions.Question`

        Output
        ------
        : :class:`TransformersCaptioner`
        """
        if self._inputs is not _chat_inputs:
            return self
        return TransformersCaptioner(
            self.model,
            self.processor,
            self.identity,
            question.text,
            question.max_tokens,
            self.num_beams,
            self.batch_size,
        )

    def caption(self, images):
        """One caption of each image, lower case, without a final stop.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`
            The model's processor resizes them, and may cut edges off

        Output
        ------
        : list of [num_images] `str`
        """
        return self._cache.answers(list(check_images(images)), self._ask)

    def _ask(self, images):
        captions = []
        for start in range(0, len(images), self.batch_size):
            captions += self._ask_batch(images[start : start + self.batch_size])
        return captions

    def _ask_batch(self, images):
        import torch

        inputs, num_given = self._inputs(self.processor, images, self.prompt)
        pixels = inputs["pixel_values"].to(self.model.dtype)
        with torch.inference_mode():
            tokens = self.model.generate(
                **{**inputs, "pixel_values": pixels},
                do_sample=False,
                num_beams=self.num_beams,
                num_return_sequences=1,
                max_new_tokens=self.max_new_tokens,
            )
        texts = self.processor.batch_decode(
            tokens[:, num_given:], skip_special_tokens=True
        )
        return [clean_caption(text) for text in texts]


# Inputs of a batch -> what `generate` is handed, and how many tokens of its answer are
# given ones. All prompts of a batch are the same, so that nothing is padded.


def _blip_inputs(processor, images, prompt):
    """[CLS] prompt [SEP], whose ends the model itself replaces and takes away."""
    inputs = processor(
        images=images, text=[prompt or ""] * len(images), return_tensors="pt"
    )
    return inputs, inputs["input_ids"].shape[1] - 1


def _git_inputs(processor, images, prompt):
    """[CLS] prompt, without the [SEP] that would end the caption."""
    inputs = processor(
        images=images, text=[prompt or ""] * len(images), return_tensors="pt"
    )
    given = {name: inputs[name][:, :-1] for name in ("input_ids", "attention_mask")} | {
        "pixel_values": inputs["pixel_values"]
    }
    return given, given["input_ids"].shape[1]


def _chat_inputs(processor, images, prompt):
    """A turn of the user with the picture and the prompt."""
    text = {"type": "text", "text": prompt or QUESTION}
    chats = [
        [{"role": "user", "content": [{"type": "image", "image": image}, text]}]
        for image in images
    ]
    inputs = processor.apply_chat_template(
        chats,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    return inputs, inputs["input_ids"].shape[1]


def _has_chat_template(processor):
    from transformers import ProcessorMixin

    return isinstance(processor, ProcessorMixin) and processor.chat_template is not None


_FAMILIES = {"blip": _blip_inputs, "git": _git_inputs}
