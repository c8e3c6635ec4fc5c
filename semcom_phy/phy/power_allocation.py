"""How an analogue linear coder shares out its power."""

import numpy as np


def power_allocation(variance, no, total):
    r"""Powers that minimise the L-MMSE error of an analogue linear coder.

    .. math::
        p_i = \Bigl(\nu \sqrt{\lambda_i N_0} - N_0\Bigr)^+,
        \qquad \sum_i p_i = P

    Parameters
    ----------
    variance : [num_coefficients], `float`
        Coefficient variances, in decreasing order [linear]

    no : `float`
        Noise variance per coefficient [linear]

    total : `float`
        Sum of the powers [linear]

    Output
    ------
    powers : [num_coefficients], `float64`
        Non-negative; 0 for coefficients not worth sending

    References
    ----------
    K.-H. Lee, D. Petersen, "Optimal linear coding for vector channels", IEEE Trans.
    Commun., 1976.
    """
    variance = np.asarray(variance, np.float64)
    roots = np.sqrt(variance * no)
    for count in range(len(variance), 0, -1):
        level = (total + count * no) / roots[:count].sum()
        powers = level * roots[:count] - no
        if powers[-1] > 0:
            break
    return np.concatenate([powers, np.zeros(len(variance) - count)])
