"""The channels of the authors' code of SwinJSCC, WITT and NTSCC, to find published
figures by.

    features --> unit power over the batch --> [ gain ] --> + noise --> scale back, mask

No other part of the project goes this way: the receiver is handed the scale of the
batch and the mask, images lend each other power, and nothing is equalised.
"""

from typing import Any, NamedTuple

from keras import ops

from semcom_phy.phy.sent_symbols import close_up, open_up


class BatchReception(NamedTuple):
    """What comes out of the channel.

    Attributes
    ----------
    features : [batch, height, width, channels], `float32`
        As the decoder takes them

    power : scalar, `float32`
        Mean square of the features that are kept

    symbols : [batch * height * width * channels / 2], `complex64`
        As transmitted, of unit mean power where nothing is masked; closed up, with 0
        behind them, where values are dropped one by one
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


def send_kept_over_batch(features, kept, no, noise):
    r"""Values of a batch that are kept over the channel of the authors of NTSCC.

    The values kept are taken image after image, of each channel after channel, and
    closed up; neighbours are real and imaginary part of a symbol. With P their mean
    square over the batch

    .. math::
        \hat{\mathbf{f}} = \sqrt{2P}\,\Bigl(\frac{\mathbf{f}}{\sqrt{2P}} +
            \sqrt{N_0}\,\mathbf{w}\Bigr)

    Input
    -----
    features : [batch, height, width, channels], `float32`
        0 where they are not kept; an even number of them is

    kept : as ``features``
        1 for values that are sent

    no : scalar, `float32`, positive
        Noise variance per complex symbol [linear]

    noise : [batch * height * width * channels / 2], `complex64`
        CN(0, 1) entries, of which the first are used

    Output
    ------
    : :class:`BatchReception`

    References
    ----------
    Conventions of github.com/wsxtyrdd/NTSCC_JSAC22, dd3c745.
    """
    _, height, width, channels = features.shape
    mask, values = (
        ops.reshape(ops.transpose(v, (0, 3, 1, 2)), (1, -1)) for v in (kept, features)
    )
    power = ops.sum(ops.square(features)) / ops.maximum(ops.sum(kept), 1.0)
    scale = ops.sqrt(2.0 * power)
    closed, _ = close_up(values, mask)
    pairs = ops.reshape(closed / scale, (-1, 2))
    symbols = ops.view_as_complex(pairs)
    received = symbols + ops.cast(ops.sqrt(no), "complex64") * noise
    heard = ops.reshape(ops.view_as_real(received) * scale, (1, -1))
    heard = ops.reshape(open_up(heard, mask), (-1, channels, height, width))
    return BatchReception(ops.transpose(heard, (0, 2, 3, 1)), power, symbols)
