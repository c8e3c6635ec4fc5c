"""The channel of the authors' code of SwinJSCC and WITT, to find published figures by.

    features --> unit power over the batch --> [ gain ] --> + noise --> scale back, mask

No other part of the project goes this way: the receiver is handed the scale of the
batch and the mask, images lend each other power, and nothing is equalised.
"""

from typing import Any, NamedTuple

from keras import ops


class BatchReception(NamedTuple):
    """What comes out of the channel.

    Attributes
    ----------
    features : [batch, height, width, channels], `float32`
        As the decoder takes them

    power : scalar, `float32`
        Mean square of the features that are kept

    symbols : [batch * height * width * channels / 2], `complex64`
        As transmitted, of unit mean power where nothing is masked
    """

    features: Any
    power: Any
    symbols: Any


def send_over_batch(features, kept, no, noise, gain=None):
    r"""Features of a batch over the authors' channel.

    The flattened batch is cut in two: the first half are the real parts, the second
    the imaginary ones, so that those of a symbol come from different images. With P the
    mean square of all features that are kept

    .. math::
        \hat{\mathbf{f}} = \sqrt{2P}\,\Bigl(\mathbf{g} \odot
            \frac{\mathbf{f}}{\sqrt{2P}} + \sqrt{N_0}\,\mathbf{w}\Bigr)

    Input
    -----
    features : [batch, height, width, channels], `float32`
        An even number of them, 0 where they are not kept

    kept : [batch, channels], `float32`, or `None`
        1 for channels that are sent; `None`: all of them

    no : scalar, `float32`, positive
        Noise variance per complex symbol [linear]

    noise : [batch * height * width * channels / 2], `complex64`
        CN(0, 1) entries

    gain : as ``noise``, `float32`, optional
        Amplitude of the fade of every symbol, which the receiver does not know

    Output
    ------
    : :class:`BatchReception`

    References
    ----------
    Conventions of github.com/semcomm/SwinJSCC, a6d0e6d, and github.com/KeYang8/WITT,
    2460db5.
    """
    shape = ops.shape(features)
    _, height, width, channels = features.shape
    share = 1.0 if kept is None else ops.mean(kept)
    power = ops.mean(ops.square(features)) / share
    scale = ops.sqrt(2.0 * power)
    real, imaginary = ops.split(ops.reshape(features / scale, (2, -1)), 2)
    symbols = ops.cast(real[0], "complex64") + 1j * ops.cast(imaginary[0], "complex64")
    received = symbols if gain is None else symbols * ops.cast(gain, "complex64")
    received = received + ops.cast(ops.sqrt(no), "complex64") * noise
    halves = ops.stack([ops.real(received), ops.imag(received)])
    heard = ops.reshape(halves * scale, (shape[0], height, width, channels))
    if kept is not None:
        heard = heard * kept[:, None, None]
    return BatchReception(heard, power, symbols)
