"""Pictures of 32x32 of a class, by diffusion models that have seen a few of each.

class --> one of num_classes --.
seed --> noise --> [ ResidualMLP or UNet, 25 times ] --> coefficients --> picture

The networks are small and have seen few pictures very often: what they paint are those,
nearly. That is what "Image generation with supervised selection" (MMSemCom) rests on.
"""

import re

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.checks import check_integer
from semcom_phy.knowledge_base.class_prompts import TEMPLATES, class_prompt
from semcom_phy.knowledge_base.embedded_weights import SHIPPED, load_weights
from semcom_phy.knowledge_base.generator.request import (
    check_request,
    picture_seed,
    resized,
)
from semcom_phy.knowledge_base.generator.spectrum import Spectrum, noise_strength
from semcom_phy.knowledge_base.loading import INSTALL
from semcom_phy.sources.class_pictures import class_pictures

_AT_ONCE = 50


def weights_name(dataset):
    """Of the files of a generator, "generator_classes_cifar10"."""
    return f"generator_classes_{re.sub('[^a-z0-9]+', '_', dataset.lower())}"


class ClassGenerator:
    """Paints pictures of classes, each said as its name or as "a photo of a name".

    Parameters
    ----------
    dataset : `str`
        That its pictures are of: "cifar10" or "sample" are shipped

    folder : path, (default: that of the shipped weights)

    steps : `int`, (default 25)
        Of denoising

    done : `int`, (default 7)
        How many of them are done: the guess after them is the picture. Measured on what
        the generator has seen, see docs/knowledge_bases.md

    Raises
    ------
    ImportError
        If the extra is not installed.

    FileNotFoundError, ValueError
        If the weights are missing or damaged, or a number is out of its range.

    Note
    ----
    Pictures are painted in blocks of 50 rows, whatever is asked for, so that none
    depends on how many there are. Another processor may round sums in another order.
    """

    def __init__(self, dataset, folder=SHIPPED, steps=25, done=7):
        check_integer("steps", steps, 1, 1000)
        check_integer("done", done, 1, steps)
        try:
            from semcom_phy.knowledge_base.generator.denoiser import Denoiser
        except ImportError as error:
            raise ImportError(f"torch or diffusers is not there: {INSTALL}") from error
        tensors, record = load_weights(weights_name(dataset), folder)
        self._spectrum = Spectrum.of_tensors(tensors)
        self._denoiser = Denoiser(record["config"]["network"], tensors)
        self.class_names = tuple(record["config"]["class_names"])
        self._numbers = {}
        for number, name in enumerate(self.class_names):
            self._numbers[name] = number
            for template in TEMPLATES:
                self._numbers[class_prompt(name, template)] = number
        self._seen = record["config"]["seen"]
        self.steps, self.done = steps, done
        self._strength = noise_strength(self._spectrum.deviation)
        self.identity = {
            "model": "diffusion of classes",
            "dataset": dataset,
            "sha256": record["sha256"],
            "steps": steps,
            "done": done,
        }

    def seen(self):
        """The pictures that it was trained on, and no others.

        Output
        ------
        : :class:`~semcom_phy.sources.samples.Samples`

        Raises
        ------
        FileNotFoundError
            If the data set is not there.

        ValueError
            If it holds other pictures than those that the generator has seen.
        """
        seen = self._seen
        samples = class_pictures(seen["dataset"], seen["most"], seen["seed"])
        if array_sha256(samples.images, samples.labels) != seen["sha256"]:
            raise ValueError(
                f"the pictures of {seen['dataset']!r} are not those that the generator "
                "was trained on: restore the data set, or train the generator again"
            )
        return samples

    def generate(self, captions, seed, num=1, size=None, first=0):
        """Pictures of each class, as of
        :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`.

        Raises
        ------
        ValueError
            If the request is none, or there is no such class.
        """
        check_request(captions, num, size, first)
        return np.stack(
            [self._of_class(text, seed, num, size, first) for text in captions]
        )

    def _of_class(self, text, seed, num, size, first):
        if text not in self._numbers:
            raise ValueError(
                f"{text!r} is no class of this generator; there are "
                f"{', '.join(self.class_names)}"
            )
        number = self._numbers[text]
        name, width = self.class_names[number], len(self._spectrum.kept)
        told = np.zeros((_AT_ONCE, len(self.class_names)), "float32")
        told[:, number] = 1
        painted = []
        begin = first - first % _AT_ONCE  # the same blocks, wherever one begins
        for start in range(begin, first + num, _AT_ONCE):
            seeds = (picture_seed(seed, name, start + k) for k in range(_AT_ONCE))
            draws = [np.random.default_rng(s).standard_normal(width) for s in seeds]
            noise = np.array(draws, "float32") * self._strength
            values = self._denoiser.denoised(told, noise, self.steps, first=self.done)
            values = np.round(np.clip(self._spectrum.decode(values), 0, 255))
            painted += [resized(one, size) for one in values.astype("uint8")]
        return np.stack(painted[first - begin :][:num])
