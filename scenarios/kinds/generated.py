"""A scenario whose receivers select among pictures that a generator has painted."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from scenarios.scenario import IMAGE_METRICS, Scenario

SEEN = "seen"  # the data set that a generator was trained on
_CLASSES = "classes:"
_CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_MOST_CANDIDATES = 5000


@dataclass(frozen=True, kw_only=True)
class GeneratedScenario(Scenario):
    """Radio link, pictures, candidates and systems of a comparison.

    Both ends hold the same generator and its seed, and so the same candidates of every
    class. ``cbr`` is that of systems that send the picture itself.

    Parameters
    ----------
    dataset : `str`
        ``seen``: the pictures that the generator was trained on; others as of
        :class:`~scenarios.scenario.Scenario`
    generator : `str`
        As of :func:`~semcom_phy.knowledge_base.generator.find_generator`
    candidates : `int`
        Of every class, at most 5000
    candidates_seed : `int`
        Of their noise
    class_names : `tuple` of `str`
        Classes of a generator that paints what it is told; those of ``classes:...`` are
        its own
    image_class : `str` or `None`
        Class of all pictures; `None`: that of the data set, or, where its classes are
        others, the one of them that the dual encoder finds closest
    prompts : `int`
        Prompts of a picture, 1 to 7
    prompt_list : `str` or `None`
        File of candidate prompts, one a line; `None`: the list that is shipped
    top_by_text : `int`
        Candidates that sequential selection keeps by their prompts
    cnn, dual_encoder : `str`
        ``embedded``, a hub id or a folder
    candidates_folder : `Path`
        Where candidates and what is computed from them are kept

    Raises
    ------
    ValueError
        As of :class:`~scenarios.scenario.Scenario`.
    """

    cbr: Fraction = Fraction(1, 6)
    dataset: str = SEEN
    systems: tuple[str, ...] = (
        "mmsemcom_sequential",
        "mmsemcom_simultaneous",
        "mmsemcom_simultaneous_repeated",
        "candidate_index",
        "candidate_oracle",
        "candidate_random",
    )
    metrics: tuple[str, ...] = IMAGE_METRICS
    generator: str = "classes:sample"
    candidates: int = 500
    candidates_seed: int = 1
    class_names: tuple[str, ...] = _CIFAR10
    image_class: str | None = None
    prompts: int = 3
    prompt_list: str | None = None
    top_by_text: int = 50
    cnn: str = "embedded"
    dual_encoder: str = "embedded"  # type: ignore[misc]  # a field here, none in others
    candidates_folder: Path = Path("runs/candidates")

    def __post_init__(self):
        super().__post_init__()
        for name, low, high in (
            ("candidates", 1, _MOST_CANDIDATES),
            ("candidates_seed", 0, 2**32 - 1),
            ("prompts", 1, 7),
            ("top_by_text", 1, _MOST_CANDIDATES),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ValueError(
                    f"{name} must be a whole number from {low} to {high}, got {value!r}"
                )
        if self.image_size != 32:
            raise ValueError(
                f"image_size is {self.image_size}; generators of candidates paint "
                "32x32: leave it out"
            )
        if self.dataset == SEEN and not self.generator.startswith(_CLASSES):
            raise ValueError(
                f"dataset is 'seen', but the generator {self.generator!r} keeps no "
                "list of what it was trained on: name another dataset"
            )
        object.__setattr__(self, "candidates_folder", Path(self.candidates_folder))
        object.__setattr__(self, "class_names", tuple(self.class_names))

    def to_dict(self):
        """As of the base class, without the folder, which changes no result."""
        values = super().to_dict()
        del values["candidates_folder"]
        return values

    def add_options(self, parser):
        add = parser.add_options("candidates")
        add(
            "--generator",
            help="classes:sample, classes:cifar10, embedded, gallery:DATASET, a hub "
            "id, a folder; --dataset seen: what it was trained on",
        )
        add("--candidates", type=int, help="of every class (500)")
        add("--candidates-seed", type=int, help="of their noise (1)")
        add("--class-names", nargs="+", metavar="X", help="of other generators")
        add("--class", dest="image_class", help="of all pictures")
        add("--prompts", type=int, help="of a picture, 1 to 7 (3)")
        add("--prompt-list", metavar="FILE", help="candidate prompts, one a line")
        add("--top-by-text", type=int, help="kept by sequential selection (50)")
        add("--cnn", help="embedded (EfficientNet-Lite0), or a ResNet: hub id, folder")
        add("--dual-encoder", help="embedded, or a CLIP: hub id, folder")
        add("--candidates-folder", type=Path, help="(runs/candidates)")

    def chosen(self, values):
        return replace(self, **values)

    @property
    def told_classes(self):
        """Classes that there are candidates of, `tuple` of `str`."""
        from semcom_phy.knowledge_base.generator import find_generator

        if self.generator.startswith(_CLASSES):
            return find_generator(self.generator).class_names
        return self.class_names

    def picture_features(self, num_prompts=None):
        """Features of pictures by the frozen models, see
        :func:`~link_models.systems.selection.held_candidates.find_picture_features`."""
        from link_models.systems.selection.held_candidates import find_picture_features

        return find_picture_features(
            self.cnn, self.dual_encoder, self.prompt_list, num_prompts or self.prompts
        )

    def held_candidates(self):
        from link_models.systems.selection.held_candidates import find_held

        return find_held(
            self.generator,
            self.candidates,
            self.candidates_seed,
            self.candidates_folder,
            self.told_classes,
            self.picture_features(),
        )

    def load_samples(self, group_by="picture", strict=False):
        from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
        from semcom_phy.knowledge_base.generator import find_generator
        from semcom_phy.sources.class_pictures import (
            drawn_evenly,
            labelled_pictures,
            with_classes,
        )

        if self.dataset == SEEN:
            if group_by != "picture" or strict:
                raise ValueError(
                    f"dataset {SEEN!r} is no folder of pictures: leave out --group-by "
                    "and --strict-images"
                )
            seen = find_generator(self.generator).seen()
            samples = drawn_evenly(seen, self.num_images, self.seed)
        else:
            samples = labelled_pictures(
                self.dataset,
                "test",
                self.image_size,
                self.num_images,
                self.seed,
                group_by=group_by,
                strict=strict,
            )
        encoder = find_dual_encoder(self.dual_encoder)
        return with_classes(samples, self.told_classes, self.image_class, encoder)

    def definitions(self, used):
        sent = f"pictures of {self.dataset!r}"
        if self.dataset == SEEN:
            sent = (
                "the very pictures that the generator was trained on: what is measured "
                "is how well it repeats them, not how well it paints others"
            )
        return {
            "Targets": sent,
            "Candidates": (
                f"{self.candidates} of every class by the generator "
                f"{self.generator!r}, seed {self.candidates_seed}, the same at both "
                "ends; the class is sent under a polar code and charged; lost, an "
                "outage"
            ),
            "Selection": (
                "mean of cosine and Euclidean distance; sequential: the "
                f"{self.top_by_text} closest by {self.prompts} prompts, of them the "
                "closest by image features; beside it noiseless_psnr_db: what is "
                "chosen if everything arrives as it was sent"
            ),
        }
