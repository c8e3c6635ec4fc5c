"""From metres to decibels: the link budget of a sweep over distances."""

from dataclasses import dataclass, fields, replace

_NUMBERS = {  # smallest, largest, unit
    "tx_power_dbm": (-100.0, 100.0, "dBm"),
    "path_loss_exponent": (1.0, 10.0, ""),
    "carrier_frequency": (1e6, 1e12, "Hz"),
    "bandwidth_hz": (1e3, 1e12, "Hz"),
    "noise_figure_db": (0.0, 50.0, "dB"),
}
_DISTANCE = (1e-3, 1e9, "m")
_DIGITS = 3  # of an SNR in dB: what 32 bits hold of a path loss, whatever the backend


@dataclass(frozen=True)
class LinkBudget:
    r"""Power, path loss and noise of a link, of which the SNR is the outcome:

    .. math::
        \text{SNR} = \frac{P}{L(d)\, k T B F}, \qquad
        L(d) = L_0 \left(\frac{d}{1\,\text{m}}\right)^n

    with free space over the first metre, :math:`L_0`, and :math:`T` = 290 K. It is the
    SNR per receive antenna for the total transmit power, whatever the antennas; the
    fading has unit mean power and comes on top.

    Parameters
    ----------
    tx_power_dbm : `float`, (default 20.0), -100 to 100
        Total transmit power, P [dBm]
    path_loss_exponent : `float`, (default 2.0), 1 to 10
        n of :class:`~semcom_phy.phy.channel_models.path_loss.LogDistance`; 2 is free
        space
    carrier_frequency : `float`, (default 28e9), 1e6 to 1e12
        [Hz]
    bandwidth_hz : `float`, (default 20e6), 1e3 to 1e12
        Bandwidth that power and noise are spread over, B [Hz]
    noise_figure_db : `float`, (default 9.0), 0 to 50
        Noise figure of the receiver, F [dB]

    Raises
    ------
    ValueError
        If a value is out of range, with the value and what is allowed.
    """

    tx_power_dbm: float = 20.0
    path_loss_exponent: float = 2.0
    carrier_frequency: float = 28e9
    bandwidth_hz: float = 20e6
    noise_figure_db: float = 9.0

    def __post_init__(self):
        from semcom_phy.checks import check_number

        for name, limits in _NUMBERS.items():
            check_number(name, getattr(self, name), *limits)
            object.__setattr__(self, name, float(getattr(self, name)))

    def snr_db(self, distances):
        """SNR per receive antenna at distances.

        Input
        -----
        distances : [num_points], `float`, increasing, 0.001 to 1e9
            Between the antennas [m]

        Output
        ------
        : [num_points] `tuple` of `float`, decreasing
            SNR, to 0.001 dB so that it is the same on every backend [dB]

        Raises
        ------
        ValueError
            If a distance is none, does not exceed the one before it by so much that the
            SNRs differ, or has an SNR beyond those that are simulated.
        """
        import semcom_phy.backend  # noqa: F401 (first: it loads Keras quietly)
        from semcom_phy.phy.channel_models.path_loss import LogDistance
        from semcom_phy.snr import SNR_RANGE_DB, link_budget_to_no, no_to_snr_db

        _check_distances(distances)
        law = LogDistance(self.path_loss_exponent, self.carrier_frequency)
        received_dbm = [self.tx_power_dbm - float(law.loss_db(d)) for d in distances]
        # The power is the total one, so that a single antenna gives the SNR of all.
        no = link_budget_to_no(received_dbm, self.bandwidth_hz, 1, self.noise_figure_db)
        snr_db = tuple(round(float(snr), _DIGITS) for snr in no_to_snr_db(no, 1))
        low, high = SNR_RANGE_DB
        for distance, snr in zip(distances, snr_db, strict=True):
            if not low <= snr <= high:
                raise ValueError(
                    f"distances must give SNRs from {low:g} to {high:g} dB, got "
                    f"{distance:g} m with {snr:g} dB: choose another --distance or "
                    "--power"
                )
        for k in range(1, len(distances)):
            if snr_db[k] == snr_db[k - 1]:
                raise ValueError(
                    f"distances must give SNRs that differ, got {distances[k - 1]!r} "
                    f"and {distances[k]!r} m, both with {snr_db[k]:g} dB: leave one out"
                )
        return snr_db


def chosen_distances(given, scenario):
    """Distances and budget of a scenario with the options of a command line.

    Parameters
    ----------
    given : `dict` of name -> value
        What was given: ``distances``, ``snr_db``, fields of :class:`LinkBudget`
    scenario : :class:`~scenarios.scenario.Scenario`
        Its values are the defaults

    Output
    ------
    : `dict`
        ``distances`` and ``link_budget`` of the scenario; empty for a sweep over SNRs

    Raises
    ------
    ValueError
        If SNRs are given besides, or a budget without distances.
    """
    names = [field.name for field in fields(LinkBudget)]
    budget = {name: given[name] for name in names if name in given}
    if given.get("distances", scenario.distances) is None:
        for name, value in budget.items():
            raise ValueError(
                f"{name} is {value:g}, which says nothing of a sweep over SNRs: give "
                "--distance with it, or leave it out"
            )
        return {}
    if "snr_db" in given:
        raise ValueError(
            "snr_db and --distance exclude each other, for the SNR follows from the "
            "distance: give one of them"
        )
    return {
        "distances": given.get("distances", scenario.distances),
        "link_budget": replace(scenario.link_budget or LinkBudget(), **budget),
    }


def _check_distances(distances):
    from semcom_phy.checks import check_number

    if not len(distances):
        raise ValueError("distances must hold at least one distance in m, got none")
    for distance in distances:
        check_number("distances", distance, *_DISTANCE)
    for before, after in zip(distances, distances[1:], strict=False):
        if not after > before:
            raise ValueError(
                f"distances must increase, got {after:g} after {before:g} m: give each "
                "once, in increasing order"
            )
