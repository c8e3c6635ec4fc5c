"""A scenario whose systems send captions, not images."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from scenarios.command.held_models import check_not_held
from scenarios.scenario import Scenario

TEXT_METRICS = ("bleu_1", "bleu_4", "word_error_rate")
PICTURE_METRICS = ("psnr_db", "ssim")  # of images that are generated
SEPARATE = ("text_polar", "text_polar_completed", "text_ldpc")
FIXED = ("vlm_csc_fixed_0", "vlm_csc_fixed_2", "vlm_csc_fixed_4", "vlm_csc_fixed_8")
_GENERATOR = "embedded"


@dataclass(frozen=True)
class CaptionScenario(Scenario):
    """Radio link, captions and systems of a comparison.

    A sample is a caption: it has a frame and a fade of its own, and is the reference of
    what is received. ``cbr`` is the room of its frame: complex symbols over the source
    dimensions of the image of ``image_size`` that the caption stands for, which is the
    compression ratio of the VLM-CSC paper.

    Parameters
    ----------
    captioner : `str` or `None`
        Who says the captions, as of
        :func:`~semcom_phy.sources.sent_captions.load_sent_captions`: ``data``, or a
        captioner by name, hub id, folder or URL; `None`: ``data`` where the data set
        has captions, else ``embedded``
    captions_per_image : `int`
        Captions of every image that are sent
    generate : `bool`
        Received texts become images, which are delivered beside them
    generator : `str` or `None`
        As of :func:`~semcom_phy.knowledge_base.generator.find_generator`; `None`:
        ``embedded`` where images are generated

    Raises
    ------
    ValueError
        As of :class:`~scenarios.scenario.Scenario`; if a generator is named where no
        image is generated, or a model holds the images that are sent.
    """

    unit: ClassVar[str] = "caption"

    cbr: Fraction = Fraction(1, 6)  # 512 symbols of a 32x32 image
    dataset: str = "photographs"
    num_images: int = 12
    draws: int = 4
    systems: tuple[str, ...] = ("vlm_csc", *SEPARATE)
    metrics: tuple[str, ...] = TEXT_METRICS
    captioner: str | None = None
    captions_per_image: int = 1
    generate: bool = False
    generator: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.generator is not None and not self.generate:
            raise ValueError(
                f"generator is {self.generator!r}, but no image is generated: give "
                "--generate besides"
            )
        if self.generate and self.generator is None:
            object.__setattr__(self, "generator", _GENERATOR)
        check_not_held(self.dataset, captioner=self.captioner, generator=self.generator)

    def add_options(self, parser):
        add = parser.add_options("captions")
        add(
            "--captioner",
            help="data (of the data set), embedded, tags, nearest:DATASET, a hub id, "
            "a folder, a URL (data where there are captions, else embedded)",
        )
        add("--captions-per-image", type=int, help="of the data set's own (1)")
        add(
            "--generate",
            action="store_true",
            default=None,
            help="received texts become images, too",
        )
        add(
            "--generator",
            help="embedded, gallery:DATASET, a hub id, a folder (embedded)",
        )

    def chosen(self, values):
        if values.get("generate") and "metrics" not in values:
            values = values | {"metrics": (*self.metrics, *PICTURE_METRICS)}
        return replace(self, **values)

    def load_samples(self, group_by="picture", strict=False):
        from semcom_phy.sources.sent_captions import load_sent_captions

        return load_sent_captions(
            self.dataset,
            self.captioner,
            self.captions_per_image,
            self.image_size,
            num_images=self.num_images,
            seed=self.seed,
            group_by=group_by,
            strict=strict,
        )

    def at_receiver(self, system):
        if not self.generate:
            return system
        from link_models.systems.captions.painted_texts import (
            PaintedTexts,
            find_painter,
        )
        from link_models.systems.outage import outage_color

        painter, color = find_painter(self.generator), outage_color(self.dataset)
        return PaintedTexts(system, painter, color)

    def definitions(self, used):
        size, room = self._size_text, used["data_symbols"]
        entries = {
            "Rate": (
                f"a frame has room for {room} complex data symbols, of which a caption "
                "takes as many as it needs; cbr = symbols / (3HW) of the "
                f"{size} image that it stands for (compression ratio), at most "
                f"{used['cbr']:.4f}; what is spent, side information on top, is "
                "counted caption by caption; pilots come with every slot of the frame, "
                f"{used['pilot_res']:g} resource elements"
            ),
            "Outage": (
                "nothing that could be decoded arrived: an empty text, whose words all "
                "count as lost, in every mean; of systems that send images the mean "
                "colour of the training set"
            ),
            "Text": (
                "words are what stands between blanks, in lower case; BLEU-n of the "
                "corpus as sacrebleu counts it (tokenize none, lowercase), with "
                "brevity penalty, not smoothed, against the very caption that was "
                "sent; word error rate: errors of all captions by their words"
            ),
        }
        if self.generate:
            entries["Images"] = (
                f"received texts become images by the generator {self.generator!r}, "
                "which the receiver holds, from a seed that follows from (seed, draw, "
                "caption) alone; no text: the mean colour of the training set; systems "
                "that send images deliver their own"
            )
        return entries
