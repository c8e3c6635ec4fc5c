"""The transmit power constraint."""

import keras
from keras import ops


class PowerNormalization(keras.layers.Layer):
    r"""Scales each sample's active symbols to unit average power.

    .. math::
        x_i = z_i m_i \sqrt{\frac{\sum_j m_j}{\sum_j m_j |z_j|^2}}

    The average runs over one sample, never over the batch, so a sample cannot
    lend power to another one. The scale stays at the transmitter.

    Parameters
    ----------
    epsilon : `float`, (default 1e-12)
        Lower bound on the sample's energy; an all-zero sample stays all-zero.

    Input
    -----
    z : [batch_size, num_symbols], `complex64`
        Symbols from the semantic encoder

    mask : [batch_size, num_symbols], `float32`, or `None` (default)
        1 for symbols that are sent, 0 for resource elements left empty. `None` sends
        all of them

    Output
    ------
    x : [batch_size, num_symbols], `complex64`
        Symbols with unit average power per active symbol [linear, E|x|^2 = 1]

    Raises
    ------
    ValueError
        If ``z`` and ``mask`` differ in shape, or ``epsilon`` is not positive.

    Example
    -------
    >>> z = ops.convert_to_tensor([[3.+4.j, 0.+0.j]], "complex64")
    >>> x = PowerNormalization()(z, ops.ones((1, 2)))
    >>> round(float(ops.mean(ops.square(ops.abs(x)))), 5)
    1.0

    References
    ----------
    Power constraint of E. Bourtsoulatze, D. Burth Kurka, D. Gunduz, "Deep joint
    source-channel coding for wireless image transmission", arXiv:1809.01733.
    """

    def __init__(self, epsilon=1e-12, **kwargs):
        # Symbols are complex: Keras must not cast them to its float dtype.
        super().__init__(autocast=False, **kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be positive, got {epsilon}.")
        self.epsilon = epsilon

    def call(self, z, mask=None):
        scale = self.scale(z, mask)
        if mask is not None:
            scale = scale * ops.cast(mask, "float32")
        return ops.cast(z, "complex64") * ops.cast(scale, "complex64")

    def scale(self, z, mask=None):
        """The factor alone, [batch_size, 1] `float32`; 0 where nothing is sent."""
        z = ops.cast(z, "complex64")
        power = ops.square(ops.real(z)) + ops.square(ops.imag(z))
        if mask is None:
            active = float(z.shape[1])
        else:
            if tuple(mask.shape) != tuple(z.shape):
                raise ValueError(
                    "z and mask must have the same shape, got "
                    f"{tuple(z.shape)} and {tuple(mask.shape)}."
                )
            mask = ops.cast(mask, "float32")
            power = power * mask
            active = ops.sum(mask, axis=1, keepdims=True)
        energy = ops.maximum(ops.sum(power, axis=1, keepdims=True), self.epsilon)
        return ops.sqrt(active / energy)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
