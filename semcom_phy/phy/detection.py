"""L-MMSE detection where one channel matrix serves many resource elements."""

from keras import ops
from sionna.phy.mimo import lmmse_matrix

from semcom_phy.phy.link_arrays import energy


def lmmse_filter(h_hat, no):
    r"""Unbiased L-MMSE filter and its error variance for white noise.

    .. math::
        \mathbf{G} &= (\hat{\mathbf{H}}^\mathsf{H}\hat{\mathbf{H}} + N_0\mathbf{I})^{-1}
                      \hat{\mathbf{H}}^\mathsf{H}, \qquad
        \mathbf{W} = \mathop{\text{diag}}(\mathbf{G}\hat{\mathbf{H}})^{-1}\mathbf{G} \\
        \mathbf{F} &= \mathbf{G}\hat{\mathbf{H}}, \qquad
        N_{0,k}^{\text{eff}} = \frac{\sum_{j \neq k} |f_{kj}|^2
            + N_0 \lVert \mathbf{g}_k \rVert^2}{f_{kk}^2} = f_{kk}^{-1} - 1

    Sionna's :func:`~sionna.phy.mimo.lmmse_equalizer` solves this system at every
    resource element; under flat fading one solution per block is enough, and the
    filter is then a matrix product over all resource elements. The error variance is
    formed as interference plus noise, which loses no digits at high SNR.

    Input
    -----
    h_hat : [num_blocks, num_rx_ant, num_streams], `complex64`
        Channel matrices as the receiver knows them

    no : [num_blocks, 1, 1] or [1, 1, 1], `float32`, positive
        Variance of noise and estimation error together per receive antenna [linear]

    Output
    ------
    w : [num_blocks, num_streams, num_rx_ant], `complex64`
        Filter, ``x_hat = w @ y``

    no_eff : [num_blocks, num_streams], `float32`
        Error variance of ``x_hat`` [linear]

    Example
    -------
    Streams that do not interfere have the error variance of the noise:

    >>> h_hat = ops.eye(2, dtype="complex64")[None]
    >>> w, no_eff = lmmse_filter(h_hat, 0.1 * ops.ones((1, 1, 1)))
    >>> [round(float(variance), 6) for variance in no_eff[0]]
    [0.1, 0.1]

    References
    ----------
    E. Bjornson, J. Hoydis, L. Sanguinetti, "Massive MIMO networks", Lemma B.19, as
    in Sionna's ``lmmse_equalizer``.
    """
    scale = ops.cast(ops.rsqrt(no), "complex64")
    h_white = h_hat * scale
    g = lmmse_matrix(h_white)
    gh = ops.matmul(g, h_white)
    gain = ops.diagonal(ops.real(gh), axis1=-2, axis2=-1)
    interference = ops.sum(energy(gh), axis=-1) - ops.square(gain)
    noise = ops.sum(energy(g), axis=-1)
    no_eff = (ops.maximum(interference, 0.0) + noise) / ops.square(gain)
    return g * scale * ops.cast(1.0 / gain[..., None], "complex64"), no_eff


def lmmse_detect(y, h_hat, error_variance, no):
    """Unbiased L-MMSE detection element by element, in the form of a user's detector.

    What the link does by itself, at the cost of a solution per resource element: to
    start from, and to compare with.

    Input
    -----
    y : [n, num_rx_ant], `complex64`
        Received values

    h_hat : [n, num_rx_ant, num_streams], `complex64`
        Channel estimates

    error_variance : [n, num_rx_ant, num_streams], `float32`
        Of the entries of ``h_hat`` [linear]; of its sum over the streams, which acts as
        noise, the mean over the antennas is used

    no : [n], `float32`, positive
        Noise variance [linear]

    Output
    ------
    x_hat : [n, num_streams], `complex64`
        Unbiased estimates

    no_eff : [n, num_streams], `float32`
        Their error variance [linear]
    """
    told = no + ops.mean(ops.sum(error_variance, axis=-1), axis=-1)
    w, no_eff = lmmse_filter(h_hat, told[:, None, None])
    return ops.matmul(w, y[..., None])[..., 0], no_eff


def mismatched(seen, true, no, err_var):
    r"""What a filter for channels that are taken to be ``seen`` makes of the true ones.

    Of :math:`\mathbf{F} = \mathbf{W}\mathbf{H}` the demapper uses the part in phase,

    .. math::
        \gamma_k = \frac{\max(\mathrm{Re} f_{kk}, 0)^2}{(\mathrm{Im} f_{kk})^2
            + \sum_{j \neq k} |f_{kj}|^2 + N_0 \lVert \mathbf{w}_k \rVert^2}, \qquad
        \epsilon_k = \sum_j |f_{kj} - \delta_{kj}|^2
            + N_0 \lVert \mathbf{w}_k \rVert^2

    Input
    -----
    seen, true : [..., num_rx_ant, num_streams], `complex64`
        Channel matrices

    no : broadcasts to [..., 1, 1], `float32`, positive
        Noise variance [linear]

    err_var : as ``no``
        Variance of the estimation error as one receive antenna sees it [linear]

    Output
    ------
    sinr, error : [..., num_streams], `float32`
        :math:`\gamma` and the squared error :math:`\epsilon` [linear]
    """
    w, _ = lmmse_filter(seen, no + err_var)
    gains = ops.matmul(w, true)
    own = ops.diagonal(gains, axis1=-2, axis2=-1)
    noise = no[..., 0] * ops.sum(energy(w), -1)
    others = ops.maximum(ops.sum(energy(gains), -1) - energy(own), 0.0)
    useful = ops.square(ops.maximum(ops.real(own), 0.0))
    sinr = useful / (ops.square(ops.imag(own)) + others + noise)
    return sinr, energy(own - 1.0) + others + noise
