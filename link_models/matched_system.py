"""Systems at the rate that an adaptive codec spends, SNR by SNR."""

from functools import lru_cache

import numpy as np

from link_models import weights_store


def rate_profile(label, charged, correlation=1.0):
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
        If the JSON holds no such measurement.
    """
    record = weights_store.read_record(label)
    name = "cr_real_charged" if charged else "cr_real"
    try:
        profile = record["rate_profile"]
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


def describe_compensation(record):
    """What completes the feature maps at the receiver, in words.

    Parameters
    ----------
    record : `dict`
        JSON of the weights

    Output
    ------
    : `str`
    """
    sizes = record["config"]["decoder"].get("compensation")
    if sizes is None:
        return "none"
    what = "InternViT, LoRA" if sizes.get("frozen") else "small ViT from scratch"
    return f"{what} ({sizes['num_layers']} layers of {sizes['hidden_size']})"


class MatchedSystem:
    """A system per rate, and at every SNR the one whose rate is asked for.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

    build : callable, cr_real -> system
        Makes a system for a rate

    rates : callable, snr_db -> cr_real
        Rate at an SNR

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]
    """

    def __init__(self, name, title, build, rates, image_shape):
        self.name = name
        self.title = title
        self.rates = rates
        self.image_shape = tuple(image_shape)
        self._system = lru_cache(maxsize=None)(build)
        # Held as a part: what it is made of, all of them are.
        self.at_lowest_snr = self._system(self.rates(-100.0))

    def describe(self):
        most = self.at_lowest_snr.describe()
        return {**most, "bandwidth_note": "at the lowest SNR; else in extras, cr_real"}

    def transmit(self, images, snr_db, h, seeds):
        system = self._system(self.rates(snr_db))
        sent = system.transmit(images, snr_db, h, seeds)
        rate = 2 * system.num_symbols / np.prod(self.image_shape)
        sent.extras["cr_real"] = np.full(len(images), rate)
        sent.extras["cr_real_charged"] = np.full(len(images), rate)
        return sent
