"""Pictures of 32x32 by the diffusion model that is shipped.

caption --> SentenceEncoder --> vector ---.
seed --> noise --> [ ResidualMLP, 25 times ] --> coefficients --> Spectrum --> picture

The network is told a caption, or nothing; what it guesses with the caption is taken
further away from what it guesses without (classifier-free guidance). Each guess of the
coefficients is clipped to the range that those of training pictures were clipped to.
The many small coefficients can hardly be guessed: their noise would stay in the picture
as it is, and therefore begins weaker.

References
----------
J. Ho, T. Salimans, "Classifier-free diffusion guidance", arXiv:2207.12598;
C. Meng et al., "SDEdit: guided image synthesis and editing with stochastic differential
equations", ICLR 2022.
"""

import numpy as np
from PIL import Image

from semcom_phy.checks import check_integer, check_number
from semcom_phy.knowledge_base.embedded_weights import SHIPPED, load_weights
from semcom_phy.knowledge_base.generator.request import (
    check_request,
    picture_seed,
    resized,
)
from semcom_phy.knowledge_base.generator.spectrum import (
    SIDE,
    Spectrum,
    noise_strength,
)
from semcom_phy.knowledge_base.loading import INSTALL
from semcom_phy.seeding import derived_seed

WEIGHTS = "generator"
GUIDANCE = 4.0


class DiffusionGenerator:
    """Paints one picture after the other: none depends on those beside it.

    Parameters
    ----------
    folder : path, (default: that of the shipped weights)
        Where ``generator.h5`` and ``generator.json`` lie

    steps : `int`, (default 25)
        Of denoising

    guidance : `float`, (default 4)
        How far guesses are taken towards the caption; 1 is the model itself

    encoder : with ``encode``, (default: that of the process)
        Of sentences, the one that the network was trained with

    Raises
    ------
    ImportError
        If the extra is not installed.

    FileNotFoundError, ValueError
        If the weights are missing or damaged, or a number is out of its range.

    Note
    ----
    The same machine paints the same bytes in every process. Another processor may
    round sums in another order.
    """

    def __init__(self, folder=SHIPPED, steps=25, guidance=GUIDANCE, encoder=None):
        check_integer("steps", steps, 1, 1000)
        check_number("guidance", guidance, 0, 100)
        try:
            from semcom_phy.knowledge_base.generator.denoiser import Denoiser
        except ImportError as error:
            raise ImportError(f"torch or diffusers is not there: {INSTALL}") from error
        from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder

        tensors, record = load_weights(WEIGHTS, folder)
        self._spectrum = Spectrum.of_tensors(tensors)
        self._denoiser = Denoiser(record["config"]["network"], tensors)
        self._strength = noise_strength(self._spectrum.deviation)
        self._encoder = encoder or sentence_encoder()
        self.steps = steps
        self.guidance = guidance
        self.identity = {
            "model": "embedded diffusion",
            "sha256": record["sha256"],
            "steps": steps,
            "guidance": guidance,
            "encoder": self._encoder.identity,
        }

    def generate(self, captions, seed, num=1, size=None, first=0):
        """Pictures of each caption, as of
        :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`.

        Raises
        ------
        ValueError
            If the request is none.
        """
        check_request(captions, num, size, first)
        vectors = self._encoder.encode(captions)
        return np.stack(
            [
                [
                    resized(self._painted(vector, picture_seed(seed, text, k)), size)
                    for k in range(first, first + num)
                ]
                for text, vector in zip(captions, vectors, strict=True)
            ]
        )

    def image_to_image(self, images, captions, seed, strength):
        """Images changed towards captions.

        Noise is laid over the image, reduced to 32x32, and taken off under the caption.
        The change is enlarged and added to the image itself, whose detail stays.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        captions : list of [num_images] `str`

        seed : `int`
            A changed image is a function of image, caption and seed alone

        strength : `float`, 0 to 1
            Share of the denoising that is done: 0 leaves the image as it is, 1 begins
            with noise alone

        Output
        ------
        : [num_images, height, width, 3], `uint8`

        Raises
        ------
        ValueError
            If there is not one caption for each image, or the strength is out of range.
        """
        check_request(captions, 1, None)
        check_number("strength", strength, 0, 1)
        images = np.asarray(images)
        if len(captions) != len(images):
            raise ValueError(f"{len(captions)} captions for {len(images)} images")
        vectors = self._encoder.encode(captions)
        return np.stack(
            [
                self._changed(image, vector, derived_seed(seed, "edit", text), strength)
                for image, text, vector in zip(images, captions, vectors, strict=True)
            ]
        )

    def _painted(self, vector, seed):
        values = self._denoised(vector, seed, self.steps)
        return _pixels(self._spectrum.decode(values)[0])

    def _changed(self, image, vector, seed, strength):
        steps = round(strength * self.steps)
        if not steps:
            return image.copy()
        height, width = image.shape[:2]
        small = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        before = self._spectrum.encode(np.array(small)[None])
        after = self._denoised(vector, seed, steps, before)
        change = self._spectrum.decode(after)[0] - self._spectrum.decode(before)[0]
        return _pixels(image + _enlarged(change, height, width))

    def _denoised(self, vector, seed, steps, values=0.0):
        """The last steps of the solver, from noise over some values; [1, num]."""
        num = len(self._spectrum.kept)
        noise = np.random.default_rng(seed).standard_normal((1, num), "float32")
        return self._denoiser.denoised(
            vector[None],
            noise * self._strength,
            self.steps,
            self.guidance,
            steps,
            values,
        )


def _enlarged(change, height, width):
    """[32, 32, 3] -> [height, width, 3], `float32`, bicubic."""
    planes = [
        Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC)
        for plane in np.ascontiguousarray(np.moveaxis(change, -1, 0), "float32")
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def _pixels(values):
    return np.round(np.clip(values, 0, 255)).astype("uint8")
