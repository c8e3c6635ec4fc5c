"""A system whose received texts become images, by a generator that both ends know.

samples --> system --> texts --> image generator --> images of the size that was sent
                 '--> outage, or no word --> mean colour
"""

from dataclasses import replace
from functools import cache

import numpy as np

from link_models.systems.at_receiver import AtReceiver
from link_models.systems.knowledge import IMAGE_GENERATOR, knows
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.generator import find_generator


class PaintedTexts(AtReceiver):
    """Delivers images beside the texts of a system.

    The image of a text follows from the text and the seed of the transmission: a text
    that arrives as it was sent has the same image at every SNR and with every system.

    Parameters
    ----------
    system : :class:`~semcom_phy.simulation.system.System`
        Delivers texts

    painter : :class:`Painter`

    outage_color : [3], `uint8`
        Shown where no text arrived
    """

    def __init__(self, system, painter, outage_color):
        super().__init__(system)
        self.painter = painter
        self.outage_color = np.asarray(outage_color, np.uint8)

    def describe(self):
        about = super().describe()
        return about | {
            "knows": knows(*about["knows"], IMAGE_GENERATOR),
            "generator": self.painter.generator.identity,
            "outage_color": self.outage_color.tolist(),
        }

    def transmit(self, samples, snr_db, h, seeds):
        sent = self.system.transmit(samples, snr_db, h, seeds)
        texts = sent.delivered.texts
        images = np.empty(samples.images.shape, np.uint8)
        images[:] = self.outage_color
        said = np.array([bool(text.strip()) for text in texts])  # none in an outage
        told = [(texts[i], int(seeds[i])) for i in np.flatnonzero(said)]
        if told:
            images[said] = self.pictures(told, sent, said, samples.images.shape[1:3])
        delivered = sent.delivered._replace(images=images)
        return replace(sent, delivered=delivered)

    def pictures(self, told, sent, said, size):
        """What is painted of texts.

        Input
        -----
        told : list of (`str`, `int`)
            Texts and seeds

        sent : :class:`~semcom_phy.simulation.system.Transmission`

        said : [batch], `bool`
            The samples that they are of

        size : (`int`, `int`)
            Height and width [pixels]

        Output
        ------
        : [len(told), *size, 3], `uint8`
        """
        return self.painter.paint(told, size)


class Painter:
    """A generator that paints a text of a seed once.

    Parameters
    ----------
    generator : :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`
    """

    def __init__(self, generator):
        self.generator = generator
        self._cache = ContentCache()

    def paint(self, told, size):
        """[len(told), *size, 3], `uint8`: an image of every (text, seed)."""
        return self.paint_several(told, size, 1)[:, 0]

    def paint_several(self, told, size, num):
        """[len(told), num, *size, 3], `uint8`: several images of each."""

        def ask(new):
            return [
                self.generator.generate([text], seed, num, size=size)[0]
                for text, seed in new
            ]

        return np.stack(self._cache.answers(told, ask, (size, num)))


@cache
def find_painter(name):
    """The painter of a generator's name, one for all systems of a process."""
    return Painter(find_generator(name))
