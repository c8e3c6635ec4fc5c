"""Latents to symbols of any number: signs of strong latents, and what they leave."""

import keras
import numpy as np
from keras import ops
from scipy.stats import norm

MAX_DIGITS = 4
DESIGN_NO = 0.1  # noise variance of the closed-form start, 10 dB


class HybridLayout(keras.layers.Layer):
    r"""What both ends share: which symbol of a patch carries what.

    Hybrid digital-analogue code of patches, one design for each length.

    A latent that is worth several symbols sends digits first, then their residual:

    .. math::
        b_n = \operatorname{sign}(r_n), \qquad r_{n+1} = r_n - a_n b_n, \qquad r_0 = x

    Each of the :math:`b_n` and the last :math:`r_n` takes a real symbol. A repeated
    analogue symbol gains 3 dB at most; at 10 dB a digit gains 4 to 6. The receiver
    decides softly, :math:`\hat b_n = \tanh(A y / N_0)`, and takes the Wiener estimate
    of the residual, so that digits that drown in noise do no more harm than noise.

    :meth:`HybridMapper.fit` finds for each length which latents send how many digits,
    and the amplitudes. Amplitudes are trained further; what is sent where stays.

    Parameters
    ----------
    lengths : sequence of `int`
        Complex symbols; a patch of the i-th length sends twice as many real ones

    num_latents : `int`
        Latents of a patch; also the most real symbols

    References
    ----------
    U. Mittal, N. Phamdo, "Hybrid digital-analog (HDA) joint source-channel codes for
    broadcasting and robust communications", IEEE Trans. Inf. Theory 2002 (there with a
    channel code for the digital part).
    """

    def __init__(self, lengths, num_latents, **kwargs):
        super().__init__(**kwargs)
        self.lengths = tuple(int(n) for n in lengths)
        self.num_latents = int(num_latents)
        if 2 * max(self.lengths) > self.num_latents:
            raise ValueError(
                f"a length of {max(self.lengths)} complex symbols needs at least "
                f"{2 * max(self.lengths)} latents, received {num_latents}."
            )
        number, size = len(self.lengths), self.num_latents
        sources = (MAX_DIGITS + 1) * size
        # Source of every symbol: digit n of latent j is n * size + j, residuals last.
        self.source = self._constant("source", (number, size), "int32")
        # Symbol of every source; ``size`` where it is not sent.
        self.symbol = self._constant("symbol", (number, sources), "int32")
        analogue = np.tile(np.arange(size) + MAX_DIGITS * size, (number, 1))
        self.set_layout(analogue)
        self.built = True

    def is_digit(self, rate_index):
        """Whether symbols of patches carry digits, [..., num_latents] `bool`."""
        return ops.take(self.source, rate_index, axis=0) < MAX_DIGITS * self.num_latents

    def set_layout(self, source):
        """Stores the sources of the symbols, and the inverse for those sent."""
        number, size = source.shape
        symbol = np.full((number, (MAX_DIGITS + 1) * size), size)
        for i, length in enumerate(self.lengths):
            symbol[i, source[i, : 2 * length]] = np.arange(2 * length)
        self.source.assign(source)
        self.symbol.assign(symbol)

    def read(self, table, rate_index):
        """Rows of a table, by products, whose gradients are fast."""
        return ops.matmul(
            ops.one_hot(rate_index, len(self.lengths), dtype="float32"), table
        )

    def table(self, name, size):
        """A trained table of so many numbers for each length."""
        # "embedding_bias" keeps Muon, which is for matrices, away from it.
        return self.add_weight(
            name=f"{name}_embedding_bias",
            shape=(len(self.lengths), size),
            initializer="zeros",
        )

    def _constant(self, name, shape, dtype):
        return self.add_weight(
            name=name, shape=shape, initializer="zeros", dtype=dtype, trainable=False
        )

    def get_config(self):
        config = {"lengths": self.lengths, "num_latents": self.num_latents}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="semcom_phy")
class HybridMapper(HybridLayout):
    """Latents to symbols; see :class:`HybridLayout`.

    Parameters
    ----------
    lengths, num_latents
        As in :class:`HybridLayout`

    Input
    -----
    latents : [..., num_latents], `float32`

    rate_index : [...], `int32`
        Which length

    Output
    ------
    : [..., num_latents], `float32`
        Real symbols of any power; of no meaning behind those that are sent
    """

    def __init__(self, lengths, num_latents, **kwargs):
        super().__init__(lengths, num_latents, **kwargs)
        self.digit = self.table("digit", MAX_DIGITS * self.num_latents)
        self.log_gain = self.table("log_gain", self.num_latents)

    def fit(self, samples, std, counts, weights, design_no=(DESIGN_NO,)):
        """Closed-form start.

        Parameters
        ----------
        samples : for each length [n, num_latents], `float`
            Latents of patches that would have it, in units of ``std``

        std : [num_latents] or [number of lengths, num_latents], `float`
            Their standard deviations in the image

        counts, weights : [number of lengths], `float`
            How many patches have each length, and their mean weight in the distortion

        design_no : sequence of `float`, (default (0.1,))
            Noise variances that the lengths are designed for: as many of these in turn
            have the first, and the next the next, as ``lengths`` are divided by them
        """
        number, size = len(self.lengths), self.num_latents
        std = np.broadcast_to(std, (number, size))
        source = np.tile(np.arange(size) + MAX_DIGITS * size, (number, 1))
        digits = np.ones((number, MAX_DIGITS, size))
        spread = np.ones((number, size))
        no = np.repeat(design_no, number // len(design_no))
        for i, (length, x) in enumerate(zip(self.lengths, samples, strict=True)):
            if len(x) < 8:  # a length that hardly occurs
                x = np.random.default_rng(0).standard_normal((8, size))
            digits[i], residual = _digits_of(x)
            options = [
                _design(2 * length, digits[i], residual, std[i], most, no[i])
                for most in range(MAX_DIGITS + 1)
            ]
            _, source[i], spread[i] = min(options, key=lambda option: option[0])
        self.set_layout(source)
        self.digit.assign(digits.reshape(number, -1))
        sent = np.arange(size) < 2 * np.array(self.lengths)[:, None]
        deviation = spread * np.take_along_axis(std, source % size, axis=1)
        deviation = deviation * np.sqrt(np.array(weights))[:, None]
        times = np.broadcast_to(np.array(counts, float)[:, None] + 1e-3, sent.shape)
        is_digit = source < MAX_DIGITS * size
        powers = np.ones(sent.shape)
        for value in design_no:  # an image is sent by the design for one of them
            of = sent & (no == value)[:, None]
            powers[of] = _powers(deviation[of], is_digit[of], times[of], value)
        # What is not worth sending keeps a little power to learn from.
        amplitude = np.sqrt(np.maximum(powers, 1e-2))
        gain = np.where(is_digit, amplitude, amplitude / spread)
        self.log_gain.assign(np.log(gain))
        self.start = {"source": source, "amplitude": amplitude, "spread": spread}

    def call(self, latents, rate_index):
        used = ops.take(self.symbol, rate_index, axis=0) < self.num_latents
        steps = ops.split(self.read(self.digit, rate_index), MAX_DIGITS, axis=-1)
        used = ops.split(used, MAX_DIGITS + 1, axis=-1)
        left, sources = latents, []
        for step, sent in zip(steps, used[:MAX_DIGITS], strict=True):
            sign = ops.stop_gradient(ops.where(left >= 0, 1.0, -1.0))
            sources.append(sign)
            left = left - ops.where(sent, step * sign, 0.0)
        sources = ops.concatenate([*sources, left], axis=-1)
        source = ops.take(self.source, rate_index, axis=0)
        symbols = ops.take_along_axis(sources, source, axis=-1)
        return symbols * ops.exp(self.read(self.log_gain, rate_index))


@keras.saving.register_keras_serializable(package="semcom_phy")
class HybridDemapper(HybridLayout):
    """What was received to estimates of the latents; see :class:`HybridLayout`.

    Parameters
    ----------
    lengths, num_latents
        As in :class:`HybridLayout`

    Input
    -----
    received, no : [batch, rows, columns, num_latents], `float32`
        Unbiased estimates of real symbols of unit average power in each image, and
        their error variances

    rate_index : [batch, rows, columns], `int32`
        Which length

    sent : [batch, rows, columns, num_latents], `float32`
        1 for symbols that are sent

    scale : [batch], `float32`
        Factor by which the transmitter scaled the whole image to unit power: as it
        tells, or :meth:`scale`

    Output
    ------
    latents : [batch, rows, columns, num_latents], `float32`
    """

    def __init__(self, lengths, num_latents, **kwargs):
        super().__init__(lengths, num_latents, **kwargs)
        self.log_amplitude = self.table("log_amplitude", self.num_latents)
        self.log_spread = self.table("log_spread", self.num_latents)

    def copy_start(self, mapper):
        """Takes over what :meth:`HybridMapper.fit` found."""
        self.set_layout(mapper.start["source"])
        self.log_amplitude.assign(np.log(mapper.start["amplitude"]))
        self.log_spread.assign(np.log(mapper.start["spread"]))

    def scale(self, rate_index, sent):
        """Factor by which the transmitter should have scaled the image to unit power,
        judged by the lengths alone, [batch] `float32`."""
        amplitude = ops.exp(self.read(self.log_amplitude, rate_index))
        return ops.rsqrt(power_of(amplitude, sent))

    def call(self, received, no, rate_index, sent, scale):
        amplitude = ops.exp(self.read(self.log_amplitude, rate_index))
        amplitude = amplitude * scale[:, None, None, None]
        sign = ops.tanh(amplitude * received / no)
        wiener = received * amplitude / (ops.square(amplitude) + no)
        values = ops.where(self.is_digit(rate_index), sign, wiener) * sent
        values = values * ops.exp(self.read(self.log_spread, rate_index))
        values = ops.concatenate([values, ops.zeros_like(values[..., :1])], axis=-1)
        symbol = ops.take(self.symbol, rate_index, axis=0)
        parts = ops.take_along_axis(values, symbol, axis=-1)
        parts = ops.split(parts, MAX_DIGITS + 1, axis=-1)
        return sum(parts[1:], parts[0])


def power_of(symbols, sent):
    """Mean square of the real symbols of an image that are sent, [batch] `float32`.

    Input
    -----
    symbols : [batch, rows, columns, num_latents], `float32`

    sent : [batch, rows, columns, num_latents], `float32`
        1 for symbols that are sent
    """
    total = ops.sum(ops.square(symbols) * sent, axis=(1, 2, 3))
    return total / ops.sum(sent, axis=(1, 2, 3))


def _digits_of(x):
    """Sizes of the digits [MAX_DIGITS, size], and the mean squares of what is left
    after each number of them [MAX_DIGITS + 1, size]."""
    digits, left = [], [np.mean(x**2, axis=0)]
    for _ in range(MAX_DIGITS):
        digits.append(np.abs(x).mean(axis=0))
        x = x - digits[-1] * np.where(x >= 0, 1.0, -1.0)
        left.append(np.mean(x**2, axis=0))
    return np.array(digits), np.array(left)


def _design(number, digits, residual, std, most, no):
    """Error that a layout with at most so many digits a latent leaves; the layout, and
    the size of each symbol's source."""
    size = len(std)
    count = _share_symbols(number, digits, residual, std, most, no)
    source = _layout(count)
    level, latent = np.divmod(source, size)
    left = np.sqrt(residual[count.clip(0), np.arange(size)] + 1e-6)
    is_digit = level < MAX_DIGITS
    spread = np.where(
        is_digit, digits[level.clip(0, MAX_DIGITS - 1), latent], left[latent]
    )
    deviation = (spread * std[latent])[:number]
    powers = _powers(deviation, is_digit[:number], np.ones(number), no)
    error = _errors(deviation, is_digit[:number], powers, no).sum()
    error += np.sum((residual[0] * std**2)[count < 0])
    return error, source, spread


def _share_symbols(number, digits, residual, std, most, no):
    """Digits of every latent, -1 where it is not sent.

    Greedy, at equal powers: the next symbol goes where it takes away most.
    """
    count = np.full(len(std), -1)
    noise = no / (1 + no)
    wrong = 4 * norm.sf(no**-0.5) * digits**2
    fewer = ((residual[:-1] - residual[1:]) * noise - wrong) * std**2
    gain = residual[0] * (1 - noise) * std**2
    for _ in range(number):
        best = int(np.argmax(gain))
        count[best] += 1
        at_end = count[best] == most
        gain[best] = -np.inf if at_end else fewer[count[best], best]
    return count


def _errors(deviation, is_digit, powers, no):
    """Squared errors of symbols at given powers, by the deviation of their sources."""
    wrong = 4 * norm.sf(np.sqrt(powers / no))
    return deviation**2 * np.where(is_digit, wrong, no / (powers + no))


def _powers(deviation, is_digit, times, no):
    """Powers that leave the least error, of mean 1 over symbols that occur so often.

    Lagrange: every symbol lowers the error by as much for a little more power.
    """
    grid = no * np.geomspace(0.5, 300.0, 400)
    ratio = np.sqrt(grid / no)
    # Of minus the derivative of a digit's error at deviation 1, falling with its power.
    log_slope = np.log(2 / np.sqrt(grid * no)) + norm.logpdf(ratio)
    low, high = -40.0, 40.0
    for _ in range(60):
        price = np.exp(0.5 * (low + high))
        analogue = deviation * np.sqrt(no / price) - no
        digital = np.interp(-np.log(price / deviation**2), -log_slope, grid)
        powers = np.where(is_digit, digital, np.maximum(analogue, 0.0))
        if np.sum(powers * times) > np.sum(times):
            low = np.log(price)
        else:
            high = np.log(price)
    return powers


def _layout(count):
    """Sources of the symbols of one length: those sent first, any others behind."""
    size = len(count)
    latents = np.flatnonzero(count >= 0)
    sent = [n * size + j for j in latents for n in (*range(count[j]), MAX_DIGITS)]
    others = np.flatnonzero(count < 0) + MAX_DIGITS * size
    spare = np.zeros(size, int)
    return np.array([*sent, *others, *spare])[:size]
