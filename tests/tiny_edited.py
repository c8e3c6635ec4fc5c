"""A scenario with captions beside images, small enough for tests."""

from dataclasses import dataclass
from fractions import Fraction

from scenarios.scenario import Scenario
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Samples

CAPTIONS = (
    "a dog runs through the tall green grass",
    "Two men sit on a bench",
    "a 犬 😀 runs",
    "zqxj blorf",
)


@dataclass(frozen=True)
class TinyEdited(Scenario):
    """AWGN with perfect CSI, 32x32, unless another one is given."""

    name: str = "tiny_edited"
    channel: str = "awgn"
    csi: str = "perfect"
    cbr: Fraction = Fraction(1, 4)
    caption_as: str = "coded"
    editor: str = "embedded"
    generator: str = "embedded"


def captioned_samples(captions=CAPTIONS):
    """Crops of photographs with these captions, each beside another one that is not
    sent."""
    images = load_images("sample", len(captions), size=32)[0]
    return Samples(images, None, {}, tuple((c, "another one") for c in captions))
