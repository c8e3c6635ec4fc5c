"""A scenario of whole photographs, 512x768 pixels each, as those of Kodak."""

import argparse
from dataclasses import dataclass
from fractions import Fraction

from scenarios.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class PhotoScenario(Scenario):
    """Radio link, photographs, rate and systems of a comparison.

    ``num_images`` is how many there are at most: a folder with fewer is taken whole.

    Parameters
    ----------
    turn : `bool`
        Portraits of a folder are turned by 90 degrees where the image size is a
        landscape, landscapes where it is a portrait; no pixel is lost
    """

    cbr: Fraction = Fraction(1, 16)
    dataset: str = "kodak"
    image_size: int | tuple[int, int] = (512, 768)
    num_images: int = 24
    snr_db: tuple[float, ...] = (1.0, 4.0, 7.0, 10.0, 13.0)
    systems: tuple[str, ...] = (
        "ntscc_photo",
        "deepjscc_photo",
        "hevc_ldpc",
        "hevc_capacity",
    )
    turn: bool = True

    def add_options(self, parser):
        add = parser.add_options("photographs")
        add(
            "--turn",
            action=argparse.BooleanOptionalAction,
            help="turn pictures of a folder that lie across the image size by 90 "
            "degrees, in the place of cutting most of them away (turn)",
        )

    def load_samples(self, group_by="picture", strict=False):
        from semcom_phy.sources.images import load_samples

        return load_samples(
            self.dataset,
            self.num_images,
            self.image_size,
            self.seed,
            group_by=group_by,
            strict=strict,
            turn=self.turn,
            fewer=True,
        )

    def definitions(self, used):
        across = "cut to the central part of that aspect ratio"
        if self.turn:
            across = "turned by 90 degrees, without loss, and counted with the data"
        return {
            "Pictures": (
                f"whole where they are of {self._size_text} pixels, the rest cut to "
                "the central part of that aspect ratio and reduced (Lanczos); those "
                f"of a folder that lie across are {across}"
            )
        }
