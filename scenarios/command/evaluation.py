"""The command ``evaluate``: systems of a scenario, simulated, filed, told and drawn.

samples, and links of all parts --> a result file for each --> sweep --> table, figures
"""

import hashlib
import json

from scenarios.command.link_builder import LinkBuilder
from scenarios.command.rate_sweep import all_built, parts_of, rates_card, update_curves
from scenarios.command.result_headers import shared_headers, system_header
from scenarios.command.result_text import (
    bandwidth_text,
    card_text,
    data_text,
    result_table,
    untrained_notes,
)
from scenarios.command.results_folder import check_neighbours
from scenarios.command.room_notes import room_notes
from scenarios.command.sweep_settings import engine_of, sweep_settings
from scenarios.definitions import definition_card
from semcom_phy import backend
from semcom_phy.simulation import results, sweep
from semcom_phy.simulation.figures import curves as plotting
from semcom_phy.simulation.figures.full_pictures import FullPictures, write_originals
from semcom_phy.simulation.figures.symbols import plot_symbol_maps
from semcom_phy.simulation.metric import check_samples
from semcom_phy.simulation.metric_table import metrics_of
from semcom_phy.simulation.rate_curve import over_rates, read_curve
from semcom_phy.simulation.rows import RowsFile
from semcom_phy.simulation.storage import check_writable


def evaluate(args, scenario, folder, table, options):
    """Runs the command, for whatever of it is not in the folder yet.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.command.options.scenario_parser`
    scenario : :class:`~scenarios.scenario.Scenario`
        Of :func:`~scenarios.command.evaluation_checks.checked_evaluation`
    folder : `Path`
        Results folder
    table : `str`
        Module with the systems, see
        :class:`~scenarios.command.link_builder.LinkBuilder`
    options : `dict` of `str` -> `str`
        Name of a value -> the option that sets it, for messages

    Raises
    ------
    ValueError, OSError
        If data are missing or do not fit, a system does not fit the scenario, or the
        folder holds results of other options.
    """
    metrics = metrics_of(scenario.metrics)
    parts = parts_of(scenario, folder, args.restart)
    for part in parts:
        part.scenario.framing()  # refuses pilots that do not fit, before data are read
    check_writable(folder)
    samples = scenario.load_samples(args.group_by, args.strict_images)
    check_samples(metrics, samples)
    _print_card(scenario, samples)

    settings = {part.scenario: sweep_settings(part.scenario, args) for part in parts}
    shared = shared_headers(settings, samples, metrics, args.crop)
    _check_folders(scenario, folder, parts, shared)

    builders = {LinkBuilder(p.scenario, p.system, table): p for p in parts}
    links = all_built(builders, scenario.rates)
    curves, trained, pictures = {}, {}, {}
    for build, part in builders.items():
        header = system_header(shared[part.scenario], part, links[build], metrics)
        curve = curves[build] = _opened(part, header, scenario, args, options)
        trained[curve.title] = header["description"].get("trained_snr_db")
        if args.full_pictures:
            pictures[build] = _pictures(part, header)
        _print_system(part, header, curve)
    if args.full_pictures:
        write_originals(folder, samples.images)
    print(data_text(samples, backend.device()), flush=True)

    update = update_curves(scenario, folder, parts, args.restart)
    asked = {build: curves[build] for build, part in builders.items() if part.asked}
    sweep.run_sweep(
        asked,
        samples,
        scenario.snr_db,
        {build: settings[build.scenario] for build in asked},
        metrics,
        engine_of(args),
        pictures=pictures,
        on_point=update,
    )

    files = [read_curve(folder / f"{name}.json") for name in scenario.systems]
    _print_table(files, scenario, trained)
    written = [file.path for file in files]
    written += [RowsFile(part.path).path for part in parts if part.asked]
    written += plotting.plot_all(files, folder)
    for build, curve in asked.items():
        part, system = builders[build], links[build].system
        written += _symbol_maps(part, system, samples, scenario, curve.axis)
    for path in written:
        print(f"wrote {path}")
    if args.full_pictures:
        print(f"wrote every received picture below {folder}")


def _print_card(scenario, samples):
    card = definition_card(scenario, samples.provenance.get("groups"))
    print(card_text(scenario, card | rates_card(scenario, card)))


def _check_folders(scenario, folder, parts, shared):
    """Refuses folders whose other results cannot share figures with those asked for."""
    for own, place in {part.scenario: part.folder for part in parts}.items():
        check_neighbours(place, shared[own], scenario.systems)
    if scenario.rates is not None:
        joined = over_rates(shared[parts[0].scenario], scenario.snr_db[0])
        check_neighbours(folder, joined, scenario.systems)


def _opened(part, header, scenario, args, options):
    """The result file of a part, with the points that it has."""
    return results.ResultFile.open(
        part.path,
        header,
        scenario.snr_db if part.asked else (),
        args.restart,
        args.keep,
        options,
        scenario.distance_of_snr,
    )


def _print_system(part, header, curve):
    """What a system spends and knows, and which of its points are of other code."""
    description = header["description"]
    if part.asked:
        note = description.get("bandwidth_note")
        print(bandwidth_text(curve.title + part.at, header["bandwidth"], note))
        print(f"    knows: {header['definitions']['Knowledge']}")
        for link in description.get("trained_over", ()):
            print(f"    trained over: {link}")
    for line in curve.notes:
        print(line + part.at)


def _pictures(part, header):
    """Where the pictures of a system go, and what makes them."""
    names = ("scenario", "description", "bandwidth", "seed", "sweep", "code", "data")
    made_by = json.dumps({name: header[name] for name in names}, sort_keys=True)
    made_by = hashlib.sha256(made_by.encode()).hexdigest()
    return FullPictures(part.folder.resolve(), part.system, made_by)


def _print_table(files, scenario, trained):
    keys = scenario.snr_db if scenario.rates is None else map(float, scenario.rates)
    keys = tuple(keys)
    print("\n" + result_table(files, keys))
    notes = untrained_notes(trained, scenario.snr_db, files[0].axis)
    for line in notes + room_notes(files, keys):
        print(line)


def _symbol_maps(part, system, samples, scenario, axis):
    """Figures of what an adaptive system chose to send; none of the others."""
    maps = system.symbol_maps(samples, scenario.snr_db, scenario.seed)
    if maps is None:
        return []
    return plot_symbol_maps(maps, part.folder / system.name, axis)
