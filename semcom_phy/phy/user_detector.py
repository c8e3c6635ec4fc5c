"""A detector of a user's own, tried before it is used."""

import numpy as np
from keras import ops

from semcom_phy.phy.fixed_draws import CHANNEL_SEED, fixed_normals

_TRIED = 8  # random elements


class CheckedDetector:
    """Calls a user's detector and checks what it returns.

    It is tried once when it is made: there, values are at hand at no cost. Later calls
    may stand in a compiled function, where the shapes alone are known.

    Parameters
    ----------
    detect : `callable` (y, h_hat, error_variance, no) -> (x_hat, no_eff)
        As :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel` describes

    num_rx_ant, num_streams : `int`
        Receive antennas and streams

    Raises
    ------
    ValueError
        If it returns something else than two tensors [n, num_streams], or values that
        are not finite or error variances that are not positive on random elements.
    """

    def __init__(self, detect, num_rx_ant, num_streams):
        if not callable(detect):
            raise ValueError(
                "detector must be a function (y, h_hat, error_variance, no) -> "
                f"(x_hat, no_eff), got {detect!r}."
            )
        self.detect = detect
        self.num_streams = num_streams
        h = fixed_normals(CHANNEL_SEED, (_TRIED, num_rx_ant, num_streams + 1))
        y, h_hat = (ops.convert_to_tensor(part) for part in (h[..., 0], h[..., 1:]))
        no = ops.full((_TRIED,), 0.1, dtype="float32")
        x_hat, no_eff = self(y, h_hat, ops.full(h_hat.shape, 0.01, "float32"), no)
        x_hat, no_eff = (np.asarray(ops.convert_to_numpy(v)) for v in (x_hat, no_eff))
        if not (np.isfinite(x_hat).all() and np.isfinite(no_eff).all()):
            raise ValueError(
                "detector returned values that are not finite on random channels with "
                f"a noise variance of 0.1: x_hat {x_hat[0]}, no_eff {no_eff[0]}, ..."
            )
        if not (np.isrealobj(no_eff) and (no_eff > 0).all()):
            raise ValueError(
                "detector returned error variances that are not real and positive: "
                f"no_eff {no_eff[0]}, ...; it is E|x_hat - x|^2, linear."
            )

    def __call__(self, y, h_hat, error_variance, no):
        returned = self.detect(y, h_hat, error_variance, no)
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            raise ValueError(
                f"detector must return (x_hat, no_eff), got {type(returned).__name__}."
            )
        expected = (y.shape[0], self.num_streams)
        for name, value in zip(("x_hat", "no_eff"), returned, strict=True):
            shape = tuple(ops.convert_to_tensor(value).shape)
            if len(shape) != 2 or any(
                size != known
                for size, known in zip(shape, expected, strict=True)
                if size is not None and known is not None
            ):
                raise ValueError(
                    f"detector returned {name} of shape {shape}, expected [n, "
                    f"num_streams] = {expected}."
                )
        return returned
