"""Contextual loss: whether textures are alike, wherever they lie."""

from keras import ops

_MARGIN = 1e-5  # of the smallest distance, as Mechrez et al. have it
_FLOOR = 1e-6  # of the similarity, whose logarithm is taken


def contextual_loss(maps, maps_hat, weights, temperature):
    r"""Contextual loss between the features of two images, over some positions.

    With the features :math:`y_j` of the image at position :math:`j`, those of its
    reconstruction :math:`\hat y_i` at :math:`i`, both less the mean of :math:`y`,

    .. math::
        d_{ij} = 1 - \cos(\hat y_i, y_j), \qquad
        \tilde d_{ij} = \frac{d_{ij}}{\min_k d_{ik} + 10^{-5}}, \qquad
        c_{ij} = \frac{e^{(1 - \tilde d_{ij}) / h}}{\sum_k e^{(1 - \tilde d_{ik}) / h}}

    .. math::
        L = - \log \frac{\sum_j w_j \max_i c_{ij}}{\sum_j w_j}

    What a position of the image looks like has to be found somewhere in the
    reconstruction, not at the same place: grass stays grass without its blades.

    Parameters
    ----------
    temperature : `float`, positive
        h: the smaller, the more the nearest feature counts alone

    Input
    -----
    maps, maps_hat : [batch_size, height, width, channels], `float32`
        Features of the image, and of its reconstruction

    weights : [batch_size, height, width], `float32`, >= 0
        Of the positions of the image: 1 for background, 0 for foreground, or the
        share of background. All positions of the reconstruction may be found.

    Output
    ------
    loss : [batch_size], `float32`
        From 0 to 13.8; 0 where all weights are 0

    Raises
    ------
    ValueError
        If shapes do not fit, or the temperature is not positive.

    Note
    ----
    Every position is compared with every other: (height width)^2 numbers an image.

    References
    ----------
    R. Mechrez, I. Talmi, L. Zelnik-Manor, "The contextual loss for image
    transformation with non-aligned data", ECCV 2018, arXiv:1803.02077; weighted as in
    equations 23 to 25 of GenED-SC.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, received {temperature}.")
    shapes = [tuple(x.shape) for x in (maps, maps_hat, weights)]
    of_image, of_hat, of_weights = (shape[1:] for shape in shapes)
    if of_image != of_hat or of_weights != of_image[:-1]:
        raise ValueError(
            "maps and maps_hat must have the same shape, and weights that of their "
            f"positions; received {shapes[0]}, {shapes[1]} and {shapes[2]}."
        )
    target, source = _positions(maps), _positions(maps_hat)
    mean = ops.mean(target, axis=1, keepdims=True)
    target, source = _directions(target - mean), _directions(source - mean)
    cosine = ops.matmul(source, ops.transpose(target, (0, 2, 1)))
    distance = ops.relu(1.0 - cosine)  # rounding may leave a cosine above 1
    nearest = ops.min(distance, axis=2, keepdims=True)
    similarity = (1.0 - distance / (nearest + _MARGIN)) / temperature
    found = ops.max(ops.softmax(similarity, axis=2), axis=1)
    weights = ops.reshape(ops.cast(weights, "float32"), ops.shape(found))
    total = ops.sum(weights, axis=1)
    mean = ops.sum(weights * found, axis=1) / ops.where(total > 0, total, 1.0)
    loss = -ops.log(_FLOOR + (1.0 - _FLOOR) * mean)
    return ops.where(total > 0, loss, 0.0)


def _positions(maps):
    """Features [batch_size, positions, channels], `float32`."""
    batch, height, width, channels = ops.shape(maps)
    return ops.reshape(ops.cast(maps, "float32"), (batch, height * width, channels))


def _directions(features):
    """Features of length 1; one of 0 stays 0, with a gradient that is finite."""
    energy = ops.sum(ops.square(features), axis=-1, keepdims=True)
    return features * ops.rsqrt(ops.maximum(energy, 1e-12))
