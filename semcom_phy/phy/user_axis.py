"""One frame to several users: a link each, computed as one batch."""

from keras import ops


def fold_users(x, h, no, noise=None, precoder=None):
    """The links of all users behind one another in the batch.

    Input
    -----
    x : [batch, num_symbols], `complex64`
        The same for all users

    h : [batch, num_users, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
        Channel of every user

    no : scalar, [batch] or [batch, num_users], `float32`
        Noise variance [linear]

    noise : [batch, num_users, ...], `complex64`, or `None`
        Noise of every user

    precoder : [batch, num_tx_ant, num_tx_ant], `complex64`, or `None`
        The transmitter's, the same for all users

    Output
    ------
    : `tuple`
        The same five with batch * num_users in the place of both; ``no`` and ``noise``
        as they are where they are a scalar or `None`

    Raises
    ------
    ValueError
        If an axis of the users does not fit that of ``h``.
    """
    num_users = h.shape[1]
    h = ops.reshape(h, (-1, *h.shape[2:]))
    no = ops.convert_to_tensor(no)
    if len(no.shape) == 2:
        if no.shape[1] != num_users:
            raise ValueError(
                f"no must be a scalar, [batch] or [batch, {num_users}], got "
                f"{tuple(no.shape)}."
            )
        no = ops.reshape(no, (-1,))
    elif len(no.shape) == 1 and no.shape[0] != 1:
        no = ops.repeat(no, num_users)
    if noise is not None:
        shape = tuple(noise.shape)
        if shape[1:2] != (num_users,):
            raise ValueError(
                f"Expected noise of shape [batch, {num_users}, ...], got {shape}; use "
                f"draw_noise(seeds, num_users={num_users})."
            )
        noise = ops.reshape(noise, (-1, *shape[2:]))
    x = ops.repeat(ops.convert_to_tensor(x), num_users, axis=0)
    if precoder is not None:
        precoder = ops.repeat(ops.convert_to_tensor(precoder), num_users, axis=0)
    return x, h, no, noise, precoder


def unfold_users(values, num_users):
    """[batch * num_users, ...] -> [batch, num_users, ...], of every one of them."""
    return [ops.reshape(value, (-1, num_users, *value.shape[1:])) for value in values]
