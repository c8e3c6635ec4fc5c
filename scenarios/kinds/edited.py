"""A scenario whose receivers edit the image that arrived by the caption beside it."""

from dataclasses import dataclass, replace
from fractions import Fraction

from scenarios.command.held_models import check_not_held
from scenarios.scenario import Scenario

_CAPTIONS = {  # how a caption is sent -> what the definition card says of it
    "coded": (
        "words by this project's text code, under short polar blocks within 112 "
        "symbols, as many as the average SNR lets through"
    ),
    "utf8": (
        "UTF-8 under 5G LDPC of rate 1/2 and 16-QAM, as in the paper, on as many "
        "symbols as it takes, whatever the SNR: over AWGN none arrives below some 6 dB"
    ),
}


@dataclass(frozen=True, kw_only=True)
class EditedScenario(Scenario):
    """Radio link, images with captions and systems of a comparison.

    A sample is an image with one caption, which is said at the transmitter and sent in
    the same frame by systems that send one. ``cbr`` is that of image, mask and caption
    together where a system sends them on the same symbols; what is spent stands beside
    every system.

    Parameters
    ----------
    captioner : `str`
        Who says the captions, as of
        :func:`~semcom_phy.sources.sent_captions.load_captioned_images`: ``embedded``,
        another one by name, hub id, folder or URL, or ``data``, the data set's own.
        Models that take a question are asked the paper's
    caption_as : ``coded`` | ``utf8``
        How a caption is sent
    editor : `str`
        Edits at the receiver, as of
        :func:`~semcom_phy.knowledge_base.editor.find_editor`
    generator : `str`
        Paints where no image is sent, as of
        :func:`~semcom_phy.knowledge_base.generator.find_generator`
    dual_encoder : `str`
        Patch embeddings of the codec: ``embedded``, a hub id or a folder

    Raises
    ------
    ValueError
        As of :class:`~scenarios.scenario.Scenario`; if there is no such way to send a
        caption, or a model holds the images that are sent.
    """

    cbr: Fraction = Fraction(1, 24)  # 2048 symbols of a 128x128 image
    image_size: int | tuple[int, int] = 128
    num_images: int = 32
    snr_db: tuple[float, ...] = (1.0, 4.0, 7.0, 10.0)
    systems: tuple[str, ...] = (
        "gened_sc",
        "gened_sc_unedited",
        "gened_sc_plain",
        "hevc_ldpc",
        "hevc_ldpc_mask",
    )
    metrics: tuple[str, ...] = (
        *("psnr_db", "psnr_of_mean_mse_db"),
        *("psnr_foreground_db", "psnr_background_db"),
        *("ms_ssim", "ms_ssim_foreground", "ms_ssim_background"),
        *("perceptual_efficientnet", "brisque", "clip_score_embedded"),
    )
    captioner: str = "embedded"
    caption_as: str = "coded"  # type: ignore[misc]  # a field here, none in others
    editor: str = "embedded"  # type: ignore[misc]  # a field here, none in others
    generator: str = "embedded"
    dual_encoder: str = "embedded"  # type: ignore[misc]  # a field here, none in others

    def __post_init__(self):
        super().__post_init__()
        if self.caption_as not in _CAPTIONS:
            raise ValueError(
                f"caption_as must be one of {', '.join(_CAPTIONS)}, got "
                f"{self.caption_as!r}"
            )
        check_not_held(self.dataset, captioner=self.captioner, generator=self.generator)

    def add_options(self, parser):
        add = parser.add_options("captions and editing")
        add(
            "--captioner",
            help="embedded, tags, nearest:DATASET, data (of the data set), a hub id, a "
            "folder, a URL (embedded)",
        )
        add("--caption-as", help="coded, or utf8 as in the paper (coded)")
        add(
            "--editor",
            help="embedded, embedded-diffusion, a hub id, a folder, a URL (embedded)",
        )
        add(
            "--generator",
            help="embedded, gallery:DATASET, a hub id, a folder (embedded)",
        )
        add("--dual-encoder", help="embedded, or a CLIP: hub id, folder (embedded)")

    def chosen(self, values):
        return replace(self, **values)

    def load_samples(self, group_by="picture", strict=False):
        from semcom_phy.knowledge_base.captioner.questions import DETAILED
        from semcom_phy.sources.sent_captions import load_captioned_images

        return load_captioned_images(
            self.dataset,
            self.captioner,
            self.image_size,
            DETAILED,
            num_images=self.num_images,
            seed=self.seed,
            group_by=group_by,
            strict=strict,
        )

    def definitions(self, used):
        return {
            "Captions": (
                f"said of every image by the captioner {self.captioner!r}, which sees "
                "it with as many pixels as it has, and is asked the paper's question "
                "where it takes one. Systems that send it in the frame of the image: "
                f"{_CAPTIONS[self.caption_as]}; side information. Lost, it is a loss "
                "of its own (lost_caption): the image goes on without"
            ),
            "Editing": (
                f"the editor {self.editor!r} repaints what arrived, at the receiver, "
                "after the paper's prompt with the caption that arrived, from a seed "
                "that follows from (seed, draw, image) alone; where it fails, the "
                "image stays as it arrived, and is marked"
            ),
            "Parts": (
                "foreground and background by the masks of salient objects that the "
                "data set has; no transmitter sees them, they serve scoring alone. "
                "Without masks, or in an image without a salient object, there is no "
                "such figure"
            ),
        }
