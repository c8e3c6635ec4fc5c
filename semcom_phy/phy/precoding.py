"""Precoding from the channel that is fed back: symbols to eigenmodes."""

import numpy as np

LEAST_POWER = 1e-4


def svd_precoder(h, snr_db, power="equal", error_variance=0.0, num_modes=None):
    r"""Eigenmode transmission: stream 1 on the strongest eigenmode, and so on.

    .. math::
        \mathbf{H} = \mathbf{U}\boldsymbol\Sigma\mathbf{V}^\mathsf{H}, \qquad
        \mathbf{W} = \mathbf{V}\,\mathrm{diag}(\sqrt{p_1}, \dots, \sqrt{p_{N_t}}),
        \qquad \sum_k p_k = N_t

    Parameters
    ----------
    h : [batch, 1, num_rx_ant, num_tx_ant, 1, 1], `complex64`
        Channel fed back, flat

    snr_db : [batch] or scalar, `float32`
        Average SNR per receive antenna [dB]

    power : "equal" (default) | "waterfilling"
        Equal powers of ``num_modes``, or those that maximise the sum of log(1 + SNR).
        Water-filling may leave a mode without power, up to 1e-4 that keep the
        receiver's filter finite: what is mapped to it is lost

    error_variance : [batch or 1] or scalar, `float32`, (default 0)
        Variance of every entry around ``h``, where that is the mean of a channel known
        in part [linear]: water-filling then goes by the mean power gains of the modes,
        :math:`\sigma_k^2 + N_r \sigma_e^2`

    num_modes : `int`, optional
        The strongest ones, which share the power, others get 1e-4; all if not given

    Output
    ------
    w : [batch, num_tx_ant, num_tx_ant], `complex64`
        Precoder

    Raises
    ------
    ValueError
        If ``power`` is unknown, there are not so many modes, or the channel is not
        flat.

    References
    ----------
    H. Liang et al., "Semantic-importance-aware communication over MIMO fading
    channels", IEEE Internet Things J., 2025, maps importance levels to eigenmodes.
    """
    if power not in ("equal", "waterfilling"):
        raise ValueError(f'power must be "equal" or "waterfilling", got {power!r}.')
    h = np.asarray(h)
    if h.ndim != 6 or h.shape[1] != 1 or h.shape[4:] != (1, 1):
        raise ValueError(
            f"h must be [batch, 1, num_rx_ant, num_tx_ant, 1, 1], got {h.shape}: "
            "precoding needs a flat channel with one fade per image."
        )
    _, singular, vh = np.linalg.svd(h[:, 0, :, :, 0, 0], full_matrices=True)
    num_tx_ant = vh.shape[-1]
    used = num_tx_ant if num_modes is None else num_modes
    if not 1 <= used <= num_tx_ant:
        raise ValueError(f"num_modes must be from 1 to {num_tx_ant}, got {num_modes}.")
    powers = np.zeros((len(h), num_tx_ant))
    powers[:, :used] = num_tx_ant / used
    if power == "waterfilling":
        no = num_tx_ant * 10 ** (-np.broadcast_to(snr_db, len(h)) / 10)
        gains = np.zeros((len(h), num_tx_ant))
        gains[:, : singular.shape[1]] = singular**2
        gains += h.shape[2] * np.reshape(error_variance, (-1, 1))
        gains = gains[:, :used] / no[:, None]
        powers[:, :used] = _waterfilling(gains, num_tx_ant)
    least = LEAST_POWER if power == "waterfilling" or used < num_tx_ant else 0.0
    powers = (1 - least) * powers + least
    w = np.conj(np.swapaxes(vh, 1, 2)) * np.sqrt(powers)[:, None]
    return w.astype(np.complex64)


def _waterfilling(gains, total):
    """Powers [batch, modes] for gains in falling order."""
    inverse = 1.0 / np.maximum(gains, 1e-12)
    powers = np.zeros_like(inverse)
    for used in range(inverse.shape[1], 0, -1):
        level = (total + inverse[:, :used].sum(1)) / used
        fits = (level > inverse[:, used - 1]) & (powers.sum(1) == 0)
        filled = np.maximum(level[:, None] - inverse, 0.0) * (
            np.arange(inverse.shape[1]) < used
        )
        powers[fits] = filled[fits]
    return powers
