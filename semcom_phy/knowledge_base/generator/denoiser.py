"""Pictures out of noise, by a network that takes it off in some steps.

Without guidance the network is asked once a step, told the text or class. With it, what
it guesses so is taken further away from what it guesses untold.
"""

import numpy as np
import torch

from semcom_phy.knowledge_base.generator.network import load_network
from semcom_phy.knowledge_base.generator.noise import Noise, make_scheduler, time_of
from semcom_phy.knowledge_base.generator.spectrum import Spectrum


class Denoiser:
    """A frozen network and the solver (UniPC).

    Parameters
    ----------
    config : `dict`
        Of the network, as of
        :func:`~semcom_phy.knowledge_base.generator.network.make_network`

    tensors : `dict` of `str` -> array
        Weights of the network, and of the
        :class:`~semcom_phy.knowledge_base.generator.spectrum.Spectrum`
    """

    def __init__(self, config, tensors):
        self._network = load_network(config, tensors)
        self._noise = Noise()
        self._limit = Spectrum.of_tensors(tensors).limit

    def denoised(
        self, texts, noise, steps, guidance=1.0, last=None, values=0.0, first=None
    ):
        """What pictures the noise becomes.

        Input
        -----
        texts : [batch, text_width], `float32`
            What the network is told

        noise : [batch, num_coefficients], `float32`

        steps : `int`
            Of the solver, from noise alone

        guidance : `float`, (default 1)
            How far guesses are taken away from those untold; 1: not at all

        last : `int`, (default: all)
            How many of these steps are done, the last ones

        values : [batch, num_coefficients], `float32`, (default 0)
            What the noise is laid over

        first : `int`, (default: all)
            After how many of the steps that are done the network's guess of the picture
            is the result. Of pictures that it knows by heart, the guess is best as soon
            as it has decided for one

        Output
        ------
        : [batch, num_coefficients], `float32`
        """
        texts, noise = torch.from_numpy(texts), torch.from_numpy(noise)
        scheduler = make_scheduler()
        scheduler.set_timesteps(steps)
        levels = scheduler.timesteps[steps - (steps if last is None else last) :]
        levels = levels[:first]
        with torch.inference_mode():
            values = torch.as_tensor(np.asarray(values, "float32"))
            x = self._noise.noisy(values, noise, levels[:1])
            for level in levels:
                velocity = self._velocity(x, time_of(level), texts, guidance)
                guess = self._noise.values(x, velocity, level[None])
                guess = guess.clamp(-self._limit, self._limit)
                x = scheduler.step(guess, level, x).prev_sample
        return (x if first is None else guess).numpy()

    def _velocity(self, x, time, texts, guidance):
        if guidance == 1:
            return self._network(x, time.expand(len(x)), texts)
        both = torch.cat([texts, self._network.null.expand(len(x), -1)])
        told, untold = self._network(
            torch.cat([x, x]), time.expand(2 * len(x)), both
        ).chunk(2)
        return untold + guidance * (told - untold)
