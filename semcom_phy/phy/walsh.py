"""Several users on the same resource elements: Walsh-Hadamard code words."""

import numpy as np
from keras import ops
from scipy.linalg import hadamard

from semcom_phy.checks import check_integer
from semcom_phy.phy.transform_precoding import scrambling


class WalshSpreading:
    r"""Spreads the symbols of every user over a code word and superposes the users.

    Chip l of symbol i, on the stream t = i mod Nt, and what user k makes of it:

    .. math::
        x_{il} = \frac{s_{il}}{\sqrt{K}} \sum_{k=1}^{K} c_{kl} z_{ki}, \qquad
        \hat{z}_{ki} = \frac{\sqrt{K}}{L} \sum_{l=1}^{L} c_{kl} s_{il}^* \hat{x}_{il},
        \qquad N_{0,ki}^{\text{eff}} = \frac{K}{L} \cdot
            \frac{1}{L} \sum_{l=1}^{L} N_{0,il}^{\text{eff}}

    with K users, rows c of the Hadamard matrix of order L, and fixed quarter turns s of
    every chip that differ from stream to stream.

    **Energy.** The users share the transmit power: ``x`` has unit average power, in
    every frame, and each user has a share of 1/K of it. A symbol (a feature) of a user
    is sent with the energy L/K, on L resource elements of a stream. With K = L this is
    1, as if every user had the channel to himself for a K-th of the time at full power:
    at equal energy per feature a user among others is as good as one alone, no better
    and no worse. With K < L the code words that are not in use leave L/K > 1 to the
    others: the error is that of a user alone at an SNR that is higher by
    10 log10(L/K) dB.

    **Where the chips lie.** Symbol i of a frame goes to stream i mod Nt
    (:class:`~semcom_phy.phy.framing.Framing`). The L chips of a word follow each other
    on one stream: neighbouring subcarriers of an OFDM symbol, and where that ends the
    first ones of the next.

    **What is orthogonal.** Every chip is equalised by itself, and the words of chips
    that are estimated without bias are orthogonal: users do not see each other on
    AWGN, in block fading, nor, with perfect CSI, in any fading. An error of the channel
    estimate that is the same on a whole word scales a user's own symbol; what changes
    within the word lets the others through, with the variance over the word of
    :math:`h_l / \hat{h}_l` (one stream, K = L). Despreading weighs all chips alike,
    since other weights would end the orthogonality.

    The quarter turns make the interference that L-MMSE detection leaves of the other
    streams look like noise. Without them the same code words would stand on all
    streams, and despreading would average the noise by K/L but not the interference.

    Parameters
    ----------
    num_users : `int`, at least 1
        Number of users, K

    num_streams : `int`, (default 1)
        Number of streams, Nt

    length : `int` or `None` (default)
        Length of the code words, L: a power of two, at least ``num_users``; `None`
        takes the smallest

    Input of `spread`
    -----------------
    z : [batch, num_users, num_symbols], `complex64`
        Symbols of unit average power per user; a multiple of ``num_streams``

    Output of `spread`
    ------------------
    x : [batch, num_symbols * length], `complex64`
        Chips of unit average power, for the channel

    Input of `despread`
    -------------------
    x_hat : [batch, num_users, num_symbols * length], `complex64`
        Unbiased estimates of ``x``, every user's own; with ``user`` those of this one
        alone, [batch, num_symbols * length]

    no_eff : as ``x_hat``, `float32`
        Their error variance [linear]

    user : `int` or `None` (default)
        Whose symbols, 0 to ``num_users - 1``; `None`: every user takes his own

    Output of `despread`
    --------------------
    z_hat : [batch, num_users, num_symbols] or [batch, num_symbols], `complex64`
        Unbiased estimates of ``z``

    no_eff : as ``z_hat``, `float32`
        Their error variance [linear]

    Raises
    ------
    ValueError
        If there are more users than code words, the length is no power of two, or a
        shape does not fit.

    Assumes
    -------
    Errors of the chips that are independent. With estimated CSI and K < L the part of
    the estimate's error that is common to a word does not average out, and is told too
    small by K/L.

    Example
    -------
    >>> walsh = WalshSpreading(3)
    >>> x = walsh.spread(ops.ones((1, 3, 8), "complex64"))
    >>> walsh.length, tuple(x.shape)
    (4, (1, 32))

    References
    ----------
    A. J. Viterbi, "CDMA: principles of spread spectrum communication", 1995, chapter 2.
    """

    def __init__(self, num_users, num_streams=1, length=None):
        check_integer("num_users", num_users, 1)
        check_integer("num_streams", num_streams, 1)
        if length is None:
            length = 1 << (num_users - 1).bit_length()
        check_integer("length", length, 1)
        if length & (length - 1):
            raise ValueError(
                f"length must be a power of two, got {length}; use "
                f"{1 << length.bit_length()}."
            )
        if num_users > length:
            raise ValueError(
                f"length = {length} has as many code words, too few for num_users = "
                f"{num_users}; use {1 << (num_users - 1).bit_length()}, or leave it "
                "out."
            )
        self.num_users, self.num_streams, self.length = num_users, num_streams, length
        self._codes = hadamard(length)[:num_users].astype(np.complex64)

    def spread(self, z):
        z = ops.cast(ops.convert_to_tensor(z), "complex64")
        shape = tuple(z.shape)
        if len(shape) != 3 or shape[1] != self.num_users or not shape[2]:
            raise ValueError(
                f"Expected symbols of shape [batch, {self.num_users}, num_symbols], "
                f"got {shape}."
            )
        nt, num_symbols = self.num_streams, shape[2]
        if num_symbols % nt:
            raise ValueError(
                f"{num_symbols} symbols do not fill {nt} streams evenly; send a "
                "multiple of as many per user."
            )
        z = ops.reshape(z, (-1, self.num_users, num_symbols // nt, nt))
        codes = ops.convert_to_tensor(self._codes)
        words = ops.matmul(ops.transpose(z, (0, 3, 2, 1)), codes)
        chips = ops.reshape(words, (-1, nt, num_symbols // nt * self.length))
        chips = chips * self._phases(chips.shape[2]) * self.num_users**-0.5
        return ops.reshape(ops.transpose(chips, (0, 2, 1)), (-1, chips.shape[2] * nt))

    def despread(self, x_hat, no_eff, user=None):
        x_hat = ops.cast(ops.convert_to_tensor(x_hat), "complex64")
        no_eff = ops.cast(ops.convert_to_tensor(no_eff), "float32")
        num_chips = self._check_chips(x_hat, no_eff, user)
        codes = self._codes[:, None, None] if user is None else self._codes[user]
        per_stream = num_chips // self.num_streams
        phases = ops.conj(self._phases(per_stream))
        phases = ops.reshape(phases, (self.num_streams, -1, self.length))
        words = self._words(x_hat) * phases * ops.convert_to_tensor(codes)
        scale = self.num_users / self.length
        z_hat = ops.mean(words, axis=-1) * self.num_users**0.5
        no_eff = ops.mean(self._words(no_eff), axis=-1) * scale
        return self._merge(z_hat), self._merge(no_eff)

    def _check_chips(self, x_hat, no_eff, user):
        if user is not None:
            check_integer("user", user, 0, self.num_users - 1)
        users = () if user is not None else (self.num_users,)
        shape, unit = tuple(x_hat.shape), self.num_streams * self.length
        fits = len(shape) == 2 + len(users) and shape[1:-1] == users
        if not fits or not shape[-1] or shape[-1] % unit:
            sizes = "".join(f"{size}, " for size in users)
            raise ValueError(
                f"Expected estimates of shape [batch, {sizes}a multiple of {unit}], "
                f"got {shape}."
            )
        if tuple(no_eff.shape) != shape:
            raise ValueError(
                f"x_hat and no_eff must have the same shape, got {shape} and "
                f"{tuple(no_eff.shape)}."
            )
        return shape[-1]

    def _phases(self, num_chips):
        """[num_streams, num_chips of a stream]"""
        return scrambling(self.num_streams, num_chips)

    def _words(self, values):
        """[batch, ..., num_chips] -> [batch, ..., num_streams, words, length]."""
        middle = tuple(values.shape[1:-1])
        nt, size = self.num_streams, self.length
        words = values.shape[-1] // (nt * size)
        values = ops.reshape(values, (-1, *middle, words, size, nt))
        axes = tuple(range(1 + len(middle)))
        return ops.transpose(values, axes + tuple(len(axes) + i for i in (2, 0, 1)))

    def _merge(self, values):
        """[batch, ..., num_streams, words] -> [batch, ..., num_symbols]."""
        middle = tuple(values.shape[1:-2])
        num_symbols = values.shape[-2] * values.shape[-1]
        return ops.reshape(ops.swapaxes(values, -2, -1), (-1, *middle, num_symbols))
