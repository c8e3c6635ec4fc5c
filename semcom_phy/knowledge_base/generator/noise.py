r"""Levels of noise: what a network sees of a picture, and what it tells from that.

With the share :math:`\bar\alpha_t` of the energy that is left of the picture after t
of 1,000 steps (cosine schedule),

    noisy    = sqrt(alpha_bar) * values + sqrt(1 - alpha_bar) * noise
    velocity = sqrt(alpha_bar) * noise - sqrt(1 - alpha_bar) * values

Both have unit variance at every level, and both, values and noise, follow from them
without a division: guesses stay tame in few steps.

References
----------
T. Salimans, J. Ho, "Progressive distillation for fast sampling of diffusion models",
ICLR 2022; A. Nichol, P. Dhariwal, "Improved denoising diffusion probabilistic models",
ICML 2021 (schedule); W. Zhao et al., "UniPC", NeurIPS 2023 (solver).
"""

from diffusers import UniPCMultistepScheduler

LEVELS = 1000


def make_scheduler():
    """The solver, told guesses of the picture."""
    return UniPCMultistepScheduler(
        LEVELS, beta_schedule="squaredcos_cap_v2", prediction_type="sample"
    )


class Noise:
    """All levels of noise, the least one first, on a device of torch."""

    def __init__(self, device="cpu"):
        left = make_scheduler().alphas_cumprod.float().to(device)
        self._picture, self._noise = left.sqrt()[:, None], (1 - left).sqrt()[:, None]

    def noisy(self, values, noise, level):
        """[batch, num], the same, [batch] `int` -> [batch, num]."""
        return self._picture[level] * values + self._noise[level] * noise

    def velocity(self, values, noise, level):
        """As of :meth:`noisy`: what the network is to guess."""
        return self._picture[level] * noise - self._noise[level] * values

    def values(self, noisy, velocity, level):
        """What the picture is, if that is its velocity."""
        return self._picture[level] * noisy - self._noise[level] * velocity


def time_of(level):
    """[batch] `int` -> [batch] `float`, 0 to 1: what a network is told."""
    return (level + 0.5) / LEVELS
