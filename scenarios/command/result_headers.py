"""What a result file says beside its figures."""

from scenarios.definitions import data_bandwidth, definition_card
from semcom_phy.simulation.identity.code_identity import code_identity
from semcom_phy.simulation.results import describe_metrics
from semcom_phy.simulation.shown import (
    crop_for_figure,
    encode_strip,
    shrink_for_figure,
)
from semcom_phy.simulation.sweep import SweepSettings
from semcom_phy.simulation.versions import software_versions


def shared_headers(settings, samples, metrics, crop):
    """What the result files of all systems of an evaluation say alike.

    Parameters
    ----------
    settings : `dict` of :class:`~scenarios.scenario.Scenario` -> `SweepSettings`
        Of every rate

    samples : :class:`~semcom_phy.sources.samples.Samples`
        What is sent

    metrics : sequence of :class:`~semcom_phy.simulation.metric.Metric`

    crop : (`int`, `int`, `int`) or `None`
        As of --crop

    Output
    ------
    : `dict` of :class:`~scenarios.scenario.Scenario` -> `dict`
    """
    shown, provenance = _originals(samples, crop), samples.provenance
    return {
        scenario: shown
        | {
            "scenario": _without(
                scenario.to_dict(), "systems", "metrics", "snr_db", "distances", "seed"
            ),
            "seed": scenario.seed,
            "sweep": _without(own.to_dict(), "seed", "together"),
            "data": provenance,
            "definitions": definition_card(scenario, provenance.get("groups")),
            "versions": software_versions(),
            "metrics": describe_metrics(metrics, samples),
        }
        for scenario, own in settings.items()
    }


def system_header(shared, part, link, metrics):
    """The header of a system's result file.

    Parameters
    ----------
    shared : `dict`
        Of :func:`shared_headers`, for the part's scenario

    part : :class:`~scenarios.command.rate_sweep.Part`

    link : :class:`~semcom_phy.simulation.sweep.Link`
        The system and its channel

    metrics : sequence of :class:`~semcom_phy.simulation.metric.Metric`

    Output
    ------
    : `dict`
        As of :class:`~semcom_phy.simulation.results.ResultFile`
    """
    description = link.system.describe()
    bandwidth = data_bandwidth(part.scenario) | description.get("bandwidth", {})
    knows = ", ".join(description["knows"])
    return shared | {
        "system": part.system,
        "scenario": shared["scenario"] | _not_its(part.scenario, part.system),
        "description": _without(description, "bandwidth"),
        "bandwidth": bandwidth,
        "definitions": shared["definitions"] | {"Knowledge": knows},
        "code": code_identity(link.system, link.channel, metrics),
    }


def _originals(samples, crop):
    """What a result file shows of the samples that were sent."""
    settings = SweepSettings(crop=crop)
    images, most = samples.images[: settings.num_shown], settings.max_shown_size
    crops = settings.shown_crops(images)
    shown = {"original": encode_strip(crop_for_figure(images, crops, most))}
    if crops is not None:
        shown["overview"] = encode_strip(shrink_for_figure(images, most))
        shown["crops"] = [list(crop) for crop in crops]
    if samples.texts is not None:
        shown["original_texts"] = [list(own) for own in samples.texts[: len(images)]]
    return shown


def _not_its(scenario, system):
    """What the result of a system says of --codec and --weights where they are another
    system's: nothing, so that it is the same beside any codec of the user's."""
    if scenario.codec is None or system.removesuffix("_walsh") == scenario.own_system:
        return {}
    return {"codec": None, "weights": None}


def _without(values, *names):
    return {name: value for name, value in values.items() if name not in names}
