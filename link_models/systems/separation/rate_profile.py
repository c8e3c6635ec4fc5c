"""The rate that adaptive weights spend, from the JSON beside them."""

import numpy as np

from link_models.weights import store as weights_store


def rate_profile(label, charged, correlation=1.0, precoded=False):
    """Mean rate of adaptive weights at an SNR, from the JSON beside them.

    It was measured on held-out training images
    (``python -m benchmarks.measure_rate``), so that no test image has a say in it.

    Parameters
    ----------
    label : `str`
        Label or file of the weights

    charged : `bool`
        Count the side information as well

    correlation : `float`, -1 to 1, (default 1)
        Of the channel that was fed back with that sent over: its age makes the side
        information longer

    Output
    ------
    : callable, snr_db -> cr_real
        Linear between the SNRs and correlations measured, constant beyond

    Raises
    ------
    ValueError
        If the JSON holds no such measurement; none is made of eigenmodes with aged
        feedback.
    """
    if precoded and abs(correlation) < 1:
        raise ValueError(
            "the rate over eigenmodes is measured with fresh feedback alone: leave out "
            "--feedback-delay and --speed, or the system"
        )
    record = weights_store.read_record(label)
    name = "cr_real_charged" if charged else "cr_real"
    try:
        profile = record["rate_profile"]
        profile = profile["precoded"] if precoded else profile
        aged = profile["aged"] if abs(correlation) < 1 else []
        curves = [(c["correlation"], c["snr_db"], c[name]) for c in aged]
        curves.append((1.0, profile["snr_db"], profile[name]))
    except KeyError as error:
        raise ValueError(
            f"the JSON of weights {label!r} tells no rate"
            + (" with aged feedback" if abs(correlation) < 1 else "")
            + f": run python -m benchmarks.measure_rate {label}"
        ) from error
    knots = [knot for knot, _, _ in curves]

    def rate(snr):
        at_snr = [np.interp(snr, snr_db, rates) for _, snr_db, rates in curves]
        return float(np.interp(abs(correlation), knots, at_snr))

    return rate
