"""Learned cut-offs: how many of an ordered list to keep, with a gradient."""

from keras import ops


def choose_cutoff(logits, uniform=None, temperature=5.0):
    r"""Draws one cut-off per sample, one-hot, by the Gumbel-softmax trick.

    .. math::
        \mathbf{o} = \mathrm{onehot}\arg\max_i (a_i + g_i), \qquad
        \tilde{\mathbf{o}} = \mathrm{softmax}\bigl((\mathbf{a} + \mathbf{g}) / \tau
        \bigr), \qquad g_i = -\ln(-\ln u_i)

    The value is that of the hard draw, the gradient that of the soft one.

    Input
    -----
    logits : [batch_size, n], `float32`
        Entry i stands for "keep i + 1"

    uniform : [batch_size, n], `float32`, in (0, 1), or `None` (default)
        Random numbers of a draw; `None` takes the largest logit

    temperature : `float`, positive, (default 5)
        Of the softmax

    Output
    ------
    one_hot : [batch_size, n], `float32`
        1 at the cut-off chosen, 0 elsewhere

    References
    ----------
    E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax",
    ICLR 2017, arXiv:1611.01144.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, received {temperature}.")
    scores = logits
    if uniform is not None:
        uniform = ops.clip(uniform, 1e-6, 1.0 - 1e-6)
        scores = logits - ops.log(-ops.log(uniform))
    # Compared, not `one_hot`, which on torch reads the largest index back from the
    # device and so keeps a training step from being traced.
    chosen = ops.argmax(scores, axis=-1)[:, None]
    positions = ops.arange(logits.shape[-1], dtype=chosen.dtype)
    hard = ops.cast(chosen == positions, "float32")
    soft = ops.softmax(scores / temperature, axis=-1)
    return soft + ops.stop_gradient(hard - soft)


def thermometer(one_hot):
    """Mask 1, ..., 1, 0, ..., 0 of a cut-off.

    Input
    -----
    one_hot : [batch_size, n], `float32`
        1 at entry i: keep the first i + 1

    Output
    ------
    mask : [batch_size, n], `float32`
        Entry j is 1 where j is kept, the sum of the entries from j on
    """
    return ops.flip(ops.cumsum(ops.flip(one_hot, axis=-1), axis=-1), axis=-1)


def kept(one_hot):
    """Number kept, i + 1, [batch_size] `int32`."""
    return ops.cast(ops.argmax(one_hot, axis=-1), "int32") + 1
