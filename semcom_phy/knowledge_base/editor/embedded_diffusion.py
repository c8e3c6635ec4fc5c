"""The embedded generator as an editor: repairs a picture, then repaints it a little.

    picture --> restoration --> image-to-image of the prompt, at some strength

Restoration comes first, because image-to-image takes what it is given for what is to be
shown. The embedded generator changes coarse content alone (it sees 32x32 pixels), and
keeps noise and traces of coding with the detail; nothing behind it would take them away
without touching what was repainted. What is repainted is a guess by the prompt: for
fidelity take restoration alone.
"""

from semcom_phy.knowledge_base.checks import check_pictures


class EmbeddedDiffusionEditor:
    r"""Restoration and image-to-image, one after the other.

    Parameters
    ----------
    generator : with ``image_to_image(images, captions, seed, strength)``
        The embedded generator

    restoration : :class:`~semcom_phy.knowledge_base.interfaces.ImageEditor` or `None`
        What repairs a picture first; `None` for nothing

    strength : `float`, (default 0.3)
        Share of the way to noise and back, above 0, 1 at most

    Input
    -----
    images, prompts, seed
        As of :class:`~semcom_phy.knowledge_base.interfaces.ImageEditor`

    Raises
    ------
    ValueError
        If the strength is out of range.
    """

    def __init__(self, generator, restoration, strength=0.3):
        if not 0 < strength <= 1:
            raise ValueError(
                f"strength is {strength!r}; give more than 0, and 1 at most"
            )
        self.generator, self.restoration = generator, restoration
        self.strength = strength
        self.identity = {
            "model": "embedded-diffusion",
            "generator": generator.identity,
            "restoration": None if restoration is None else restoration.identity,
            "strength": strength,
        }

    def edit(self, images, prompts, seed):
        images, prompts = check_pictures(images, prompts)
        if self.restoration is not None:
            images = self.restoration.edit(images, prompts, seed)
        return self.generator.image_to_image(images, prompts, seed, self.strength)
