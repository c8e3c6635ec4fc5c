"""Likelihood of latents under Gaussian distributions, in the two forms of NTSCC.

D. Minnen, J. Balle, G. Toderici, "Joint autoregressive and hierarchical priors for
learned image compression", NeurIPS 2018, arXiv:1809.02736; bounds as in the authors'
code of NTSCC and in CompressAI 1.2, whose entropy coder it uses.
"""

import math

from keras import ops

_LOWEST = 1e-10  # of scale and likelihood where the rate is chosen
_LOWEST_SCALE, _LOWEST_LIKELIHOOD = 0.11, 1e-9  # of the entropy coder


def continuous_likelihood(y, mean, scale):
    r"""Of latents as they are: what NTSCC chooses its rate by.

    .. math::
        \Phi\Bigl(\frac{y + 1/2 - \mu}{\sigma}\Bigr) -
        \Phi\Bigl(\frac{y - 1/2 - \mu}{\sigma}\Bigr)

    A difference of two numbers near 1 has few digits left; the rate follows from it as
    published, so it is formed in the same way.

    Input
    -----
    y, mean, scale : [...], `float32`

    Output
    ------
    : [...], `float32`
        At least 1e-10
    """
    scale = ops.maximum(scale, _LOWEST)
    upper = _cumulative((y + 0.5 - mean) / scale)
    lower = _cumulative((y - 0.5 - mean) / scale)
    return ops.maximum(upper - lower, _LOWEST)


def rounded_likelihood(y, mean, scale):
    """Of latents rounded around their mean: what entropy coding them takes.

    Input
    -----
    y, mean, scale : [...], `float32`

    Output
    ------
    : [...], `float32`
        At least 1e-9
    """
    scale = ops.maximum(scale, _LOWEST_SCALE)
    distance = ops.abs(ops.round(y - mean))
    upper = _tail((distance - 0.5) / scale)
    lower = _tail((distance + 0.5) / scale)
    return ops.maximum(upper - lower, _LOWEST_LIKELIHOOD)


def bits(likelihood):
    """Information, at least 0 [bit]."""
    return ops.maximum(-ops.log2(likelihood), 0.0)


def _cumulative(x):
    """Distribution function of the standard normal distribution."""
    return 0.5 * (1.0 + ops.erf(x / math.sqrt(2.0)))


def _tail(x):
    """Its complement, which holds small numbers."""
    return 0.5 * (1.0 - ops.erf(x / math.sqrt(2.0)))
