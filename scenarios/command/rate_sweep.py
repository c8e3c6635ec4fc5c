"""A sweep over the cbr at one SNR: ``--cbr 1/48 1/24 1/16 --snr 10``.

Systems are built for every rate, and have a result file at each, in a folder of the
rate: to all else it is an evaluation with as many parts as systems times rates. One
curve per system joins them (:mod:`~semcom_phy.simulation.rate_curve`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from scenarios.scenario import Scenario


@dataclass(frozen=True)
class Part:
    """A system at a rate, or, in a sweep over SNRs, at the scenario's own.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        At this rate
    folder : `Path`
        Of its result file
    system : `str`
        Name of the system
    asked : `bool`
        Whether it is to be simulated, or only belongs to a curve that is there
    at : `str`
        Behind the system's title: ", cbr 1/24", or nothing
    """

    scenario: Scenario
    folder: Path
    system: str
    asked: bool = True
    at: str = ""

    @property
    def path(self):
        """The result file."""
        return self.folder / f"{self.system}.json"


def parts_of(scenario, folder, restart):
    """What an evaluation consists of.

    Rates that a curve has from earlier runs belong to it, so that points of older code
    are found among them, too. Those come first: a file of other options is refused
    before a new one is begun.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`

    folder : `Path`
        Results folder

    restart : `bool`
        Forget what the folder holds

    Output
    ------
    : `list` of :class:`Part`

    Raises
    ------
    ResultError
        If a system has a sweep at another SNR there.
    """
    if scenario.rates is None:
        return [Part(scenario, folder, name) for name in scenario.systems]
    from semcom_phy.simulation.rate_curve import RateCurve, rate_folder

    parts = []
    for name in scenario.systems:
        listed = ()
        if not restart:
            path = folder / f"{name}.json"
            listed = RateCurve.rates_in(path, scenario.snr_db[0])
        all_rates = replace(scenario, rates=(*scenario.rates, *listed))
        own = [
            Part(
                at_rate,
                rate_folder(folder, at_rate.cbr),
                name,
                at_rate.cbr in scenario.rates,
                f", cbr {at_rate.cbr}",
            )
            for at_rate in all_rates.at_rates()
        ]
        parts += sorted(own, key=lambda part: not part.path.exists())
    return parts


def _built_or_named(build):
    from semcom_phy.simulation.sweep import built

    try:
        return built(build)
    except ValueError as error:
        # Behind the message: its first word may be a value's name, that of an option.
        raise ValueError(f"{error} (system {build.system!r})") from error


def all_built(builders, rates):
    """The links of an evaluation.

    Parameters
    ----------
    builders : iterable of callables
        See :class:`~scenarios.command.link_builder.LinkBuilder`

    rates : sequence of `Fraction` or `None`
        Of a sweep over the cbr

    Output
    ------
    : `dict` of builder -> :class:`~semcom_phy.simulation.sweep.Link`

    Raises
    ------
    ValueError
        If a system does not fit the scenario, with its name; if systems cannot run at
        some of the rates, with all of these.
    """
    from semcom_phy.simulation.sweep import built

    if rates is None:
        return {build: _built_or_named(build) for build in builders}
    links, failed = {}, {}
    for build in builders:
        try:
            links[build] = built(build)
        except (ValueError, FileNotFoundError) as error:
            failed.setdefault(build.system, []).append((build.scenario.cbr, error))
    if failed:
        told = (
            f"{system} cannot run at cbr {', '.join(str(rate) for rate, _ in found)} "
            f"({found[0][1]})"
            for system, found in failed.items()
        )
        raise ValueError(
            "; ".join(told) + "; leave these systems out of --systems, or these rates "
            "out of --cbr"
        )
    return links


def rates_card(scenario, card):
    """The entry of a definition card on rates, where there are several."""
    if scenario.rates is None:
        return {}
    rates = ", ".join(
        f"{own.cbr} ({own.num_symbols} symbols)" for own in scenario.at_rates()
    )
    return {
        "Rate": f"a sweep over the cbr at {scenario.snr_db[0]:g} dB: {rates}; of the "
        f"last: {card['Rate']}"
    }


def update_curves(scenario, folder, parts, restart):
    """Files the curves of a sweep over the cbr; returns what files one anew when a
    point of a builder was filed, `None` in a sweep over SNRs."""
    if scenario.rates is None:
        return None
    from semcom_phy.simulation.rate_curve import RateCurve

    snr_db = scenario.snr_db[0]
    for name in scenario.systems:
        rates = [part.scenario.cbr for part in parts if part.system == name]
        RateCurve.update(folder / f"{name}.json", snr_db, rates, restart)

    def update(build):
        path = folder / f"{build.system}.json"
        RateCurve.update(path, snr_db, [build.scenario.cbr])

    return update
