"""Frechet distance of two sets of features, which with Inception's is the FID."""

import numpy as np


def frechet_distance(features, features_hat):
    r"""Squared Frechet distance of two Gaussians with the moments of two sets.

    .. math::
        \lVert \mu_1 - \mu_2 \rVert^2 + \mathrm{tr}\bigl(\Sigma_1 + \Sigma_2
        - 2 (\Sigma_1 \Sigma_2)^{1/2}\bigr)

    With :math:`\Sigma_i = R_i^T R_i` the last trace is the sum of the singular values
    of :math:`R_1 R_2^T`, so that no root of a matrix that is nearly singular is taken.

    It is biased upwards by little data, the more the wider the features are, and the
    same number of samples on both sides does not undo that: fewer samples than would
    make both covariances regular are refused, and figures of sets of different sizes
    are not comparable.

    Input
    -----
    features, features_hat : [num_samples, width], `float`
        Samples of both, not necessarily as many; more than ``width`` each

    Output
    ------
    : `float`
        At least 0 but for rounding; 0 where mean and covariance are equal

    Raises
    ------
    ValueError
        If the widths differ, or there are not more samples than features.

    References
    ----------
    D. C. Dowson, B. V. Landau, "The Frechet distance between multivariate normal
    distributions", J. Multivariate Anal. 12(3), 1982; M. Heusel et al., "GANs trained
    by a two time-scale update rule converge to a local Nash equilibrium", NeurIPS 2017.
    """
    sets = [np.asarray(each, "float64") for each in (features, features_hat)]
    if any(each.ndim != 2 for each in sets) or sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(
            "features are [num_samples, width] of one width, not "
            f"{sets[0].shape} and {sets[1].shape}"
        )
    least = min(len(each) for each in sets)
    if least <= sets[0].shape[1]:
        raise ValueError(
            f"{least} samples of {sets[0].shape[1]} features: the covariance is "
            "singular; give more samples than features, or narrower features"
        )
    means = [each.mean(axis=0) for each in sets]
    # Of the centred samples R is enough: the rest of the decomposition is a rotation.
    roots = [
        np.linalg.qr(each - mean, mode="r") / np.sqrt(len(each) - 1)
        for each, mean in zip(sets, means, strict=True)
    ]
    spread = sum(np.sum(root**2) for root in roots)
    common = np.linalg.norm(roots[0] @ roots[1].T, "nuc")
    return float(np.sum((means[0] - means[1]) ** 2) + spread - 2 * common)


def fid(images, images_hat, features):
    """Frechet distance of two sets of images in the features of a network.

    It is called by the features' name: only with those of Inception-v3, which do not
    come with this project, is it the FID that others report.

    Input
    -----
    images, images_hat : [num_images, height, width, 3], `uint8`
        Need not belong together, nor be as many

    features : callable, images -> [num_images, width], `float`
        Such as ``efficientnet().pooled``, which needs more than 1280 images

    Output
    ------
    : `float`
        At least 0, lower is better

    Raises
    ------
    ValueError
        If there are not more images than features.
    """
    return frechet_distance(features(images), features(images_hat))
