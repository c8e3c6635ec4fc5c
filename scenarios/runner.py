"""The command line of every scenario: ``python -m scenarios.mimo_2x2 --help``."""

import hashlib
import importlib
import json
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

from scenarios.arguments import nearest
from scenarios.command_options import check_channel_options, check_options
from scenarios.definitions import data_bandwidth, definition_card
from scenarios.link_budget import chosen_distances
from scenarios.options import scenario_parser
from scenarios.rate_sweep import all_built, parts_of, rates_card, update_curves
from scenarios.result_text import (
    bandwidth_text,
    card_text,
    data_text,
    result_table,
    untrained_notes,
)
from scenarios.room_notes import room_notes
from scenarios.scenario import Scenario
from scenarios.sweep_file import scenario_names

TABLE = "link_models.systems.table"  # module with the systems
_QUICK_IMAGES = 8
_TOLD_IN_TRAINING = {  # name of a value -> train's option for it
    "dataset": "--data",
    "weights": "--start-from",
    "min_snr_db": "--snr",
    "max_snr_db": "--snr",
}


@dataclass(frozen=True)
class LinkBuilder:
    """Builds a system and its channel, in whatever process it is called.

    Parameters
    ----------
    scenario : :class:`Scenario`
        What to build it for
    system : `str`
        A name in the table ``SYSTEMS``
    table : `str`
        Module with ``SYSTEMS``, ``build_system(name, scenario)``,
        ``build_channel(scenario)`` and, for several users, ``shared_forms(scenario)``,
        for --weights ``check_weights(scenario)``
    """

    scenario: Scenario
    system: str
    table: str

    def __call__(self):
        from semcom_phy.simulation.sweep import Link

        table = importlib.import_module(self.table)
        return Link(
            table.build_system(self.system, self.scenario),
            table.build_channel(self.scenario),
        )


def main(argv, scenario, table=TABLE):
    """Runs one command for a scenario.

    Parameters
    ----------
    argv : `list` of `str` or `None`
        Arguments; `None`: those of the process
    scenario : :class:`Scenario`
        Its values are the defaults of the options
    table : `str`
        Module with the systems, see :class:`LinkBuilder`

    Output
    ------
    : `int`
        Exit code: 0, 2 for bad input (one line on stderr), 130 when interrupted
    """
    parser = scenario_parser(scenario)
    try:
        args = parser.parse_args(argv)
    except SystemExit as leave:  # --help, or an option that argparse refuses
        return leave.code
    try:
        check_options(args, parser)
        chosen = chosen_scenario(args, scenario, table)
        folder = _folder(args, chosen)
        if args.command in ("train", "bits") and chosen.users > 1:
            raise ValueError(
                f"users = {chosen.users}: '{args.command}' is of the link of one user; "
                "leave out --users"
            )
        if args.command in ("train", "bits") and chosen.rates is not None:
            raise ValueError(
                f"cbr is given {len(chosen.rates)} times, '{args.command}' takes one: "
                "give one, or leave it out"
            )
        if args.command == "plot":
            _plot_images_and_bits(args, chosen, folder)
        elif args.command == "train":
            parser.options |= _TOLD_IN_TRAINING
            if chosen.feedback_delay:
                raise ValueError(
                    f"feedback_delay = {chosen.feedback_delay:g} s: training takes "
                    "feedback without delay; leave out --feedback-delay"
                )
            if chosen.distances is not None:
                raise ValueError(
                    "distances cannot be trained for: images are sent at SNRs between "
                    "two ends; give these as --snr in the place of --distance"
                )
            _load_backend()
            from link_models.training.command import fit_from_arguments

            given = sys.argv[1:] if argv is None else argv
            args.together_with = [*map(_scenario_of, args.together_with or ())] or None
            fit_from_arguments(chosen, args, parser.options, given)
        elif args.command == "bits":
            _load_backend()
            from scenarios.bits import measure_bits
            from semcom_phy.simulation.storage import check_writable

            check_writable(folder)

            measure_bits(chosen, args, folder, parser.options)
        else:
            _evaluate(args, chosen, folder, table, parser.options)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        if args.traceback:
            raise
        text = one_line(error, parser.options)
        print(f"{parser.prog}: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        left = str(stop) or (
            "finished points are kept: give the same command again to go on from there"
        )
        print(f"\n{parser.prog}: interrupted; {left}", file=sys.stderr)
        return 130
    return 0


def _scenario_of(name):
    known = scenario_names()
    if name not in known:
        near = nearest(name, known)
        raise ValueError(
            f"there is no scenario {name!r}{near or '; python -m scenarios lists all'}"
        )
    return importlib.import_module(f"scenarios.{name}").SCENARIO


def _load_backend():
    """Before all other imports of the tensor library: this one loads it quietly."""
    from semcom_phy import backend

    return backend


def checked_evaluation(args, scenario, table=TABLE):
    """Refuses what ``evaluate`` cannot do, as far as that is known without the data.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.options.scenario_parser`
    scenario : :class:`Scenario`
        Of :func:`chosen_scenario`
    table : `str`
        As of :func:`main`

    Output
    ------
    : :class:`Scenario`
        With all forms of its systems that are compared

    Raises
    ------
    ValueError
        With the value, its option and the remedy.
    """
    if args.keep and args.restart:
        raise ValueError("--keep and --restart exclude each other: give one of them")
    _load_backend()
    from semcom_phy.simulation.metric_table import metrics_of
    from semcom_phy.simulation.shown import check_crop

    _check_systems(scenario, table)
    if args.weights is not None:
        importlib.import_module(table).check_weights(scenario)
    if args.crop is not None:
        check_crop(args.crop, *scenario.image_shape[:2])
    if scenario.users > 1:
        forms = importlib.import_module(table).shared_forms(scenario)
        scenario = replace(scenario, systems=forms)
    metrics_of(scenario.metrics)
    _settings(scenario, args)
    _engine(args)
    return scenario


def _evaluate(args, scenario, folder, table, options):
    scenario = checked_evaluation(args, scenario, table)
    backend = _load_backend()
    from semcom_phy.simulation import plotting, results, sweep
    from semcom_phy.simulation.full_pictures import write_originals
    from semcom_phy.simulation.identity.code_identity import code_identity
    from semcom_phy.simulation.metric import check_samples
    from semcom_phy.simulation.metric_table import metrics_of
    from semcom_phy.simulation.plotting_symbols import plot_symbol_maps
    from semcom_phy.simulation.rate_curve import over_rates, read_curve
    from semcom_phy.simulation.rows import RowsFile
    from semcom_phy.simulation.storage import check_writable
    from semcom_phy.simulation.versions import software_versions

    metrics = metrics_of(scenario.metrics)
    parts = parts_of(scenario, folder, args.restart)
    for part in parts:
        part.scenario.framing()
    check_writable(folder)
    samples = scenario.load_samples(args.group_by, args.strict_images)
    check_samples(metrics, samples)
    provenance = samples.provenance
    card = definition_card(scenario, provenance.get("groups"))
    print(card_text(scenario, card | rates_card(scenario, card)))
    settings, headers, shown = {}, {}, _originals(samples, args.crop)
    for own, place in {part.scenario: part.folder for part in parts}.items():
        settings[own] = _settings(own, args)
        headers[own] = shown | {
            "scenario": _without(
                own.to_dict(), "systems", "metrics", "snr_db", "distances", "seed"
            ),
            "seed": own.seed,
            "sweep": _without(settings[own].to_dict(), "seed", "together"),
            "data": provenance,
            "definitions": definition_card(own, provenance.get("groups")),
            "versions": software_versions(),
            "metrics": results.describe_metrics(metrics, samples),
        }
        _check_neighbours(place, headers[own], scenario.systems)
    if scenario.rates is not None:
        shared = over_rates(headers[parts[0].scenario], scenario.snr_db[0])
        _check_neighbours(folder, shared, scenario.systems)
    builders = {LinkBuilder(p.scenario, p.system, table): p for p in parts}
    links = all_built(builders, scenario.rates)
    curves, trained, pictures = {}, {}, {}
    for build, part in builders.items():
        link, common = links[build], headers[part.scenario]
        description = link.system.describe()
        bandwidth = data_bandwidth(part.scenario) | description.get("bandwidth", {})
        knows = ", ".join(description["knows"])
        header = common | {
            "system": build.system,
            "scenario": common["scenario"] | _not_its(part.scenario, build.system),
            "description": _without(description, "bandwidth"),
            "bandwidth": bandwidth,
            "definitions": common["definitions"] | {"Knowledge": knows},
            "code": code_identity(link.system, link.channel, metrics),
        }
        curves[build] = results.ResultFile.open(
            part.path,
            header,
            scenario.snr_db if part.asked else (),
            args.restart,
            args.keep,
            options,
            scenario.distance_of_snr,
        )
        if args.full_pictures:
            pictures[build] = _pictures(part, header)
        title = curves[build].title
        trained[title] = description.get("trained_snr_db")
        if part.asked:
            note = description.get("bandwidth_note")
            print(bandwidth_text(title + part.at, bandwidth, note))
            print(f"    knows: {knows}")
            for link in description.get("trained_over", ()):
                print(f"    trained over: {link}")
        for line in curves[build].notes:
            print(line + part.at)
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
        _engine(args),
        pictures=pictures,
        on_point=update,
    )
    files = [read_curve(folder / f"{name}.json") for name in scenario.systems]
    keys = scenario.snr_db if scenario.rates is None else map(float, scenario.rates)
    keys = tuple(keys)
    print("\n" + result_table(files, keys))
    notes = untrained_notes(trained, scenario.snr_db, files[0].axis)
    for line in notes + room_notes(files, keys):
        print(line)
    written = [f.path for f in files]
    written += [RowsFile(part.path).path for part in parts if part.asked]
    written += plotting.plot_all(files, folder)
    for build, file in asked.items():  # what an adaptive system chose to send
        system = links[build].system
        maps = system.symbol_maps(samples, scenario.snr_db, scenario.seed)
        if maps is not None:
            place = builders[build].folder / system.name
            written += plot_symbol_maps(maps, place, file.axis)
    for path in written:
        print(f"wrote {path}")
    if args.full_pictures:
        print(f"wrote every received picture below {folder}")


def _not_its(scenario, system):
    """What the result of a system says of --codec and --weights where they are another
    system's: nothing, so that it is the same beside any codec of the user's."""
    if scenario.codec is None or system.removesuffix("_walsh") == scenario.own_system:
        return {}
    return {"codec": None, "weights": None}


def _pictures(part, header):
    """Where the pictures of a system go, and what makes them."""
    from semcom_phy.simulation.full_pictures import FullPictures

    names = ("scenario", "description", "bandwidth", "seed", "sweep", "code", "data")
    made_by = json.dumps({name: header[name] for name in names}, sort_keys=True)
    made_by = hashlib.sha256(made_by.encode()).hexdigest()
    return FullPictures(part.folder.resolve(), part.system, made_by)


def _settings(scenario, args):
    """How much is simulated at a point."""
    from semcom_phy.simulation.sweep import SweepSettings

    batch_size = args.batch_size
    if batch_size is None:
        batch_size = scenario.images_at_once
    return SweepSettings(
        seed=scenario.seed,
        draws=scenario.draws,
        batch_size=batch_size,
        target_ci=args.target_ci,
        together=scenario.users,
        crop=args.crop,
    )


def _originals(samples, crop):
    """What a result file shows of the samples that were sent."""
    from semcom_phy.simulation.shown import (
        crop_for_figure,
        encode_strip,
        shrink_for_figure,
    )
    from semcom_phy.simulation.sweep import SweepSettings

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


def _check_neighbours(folder, header, names):
    """Refuses a folder with results of other systems whose figures those of this run
    would replace, although the two cannot share one."""
    from semcom_phy.simulation.comparable import first_difference

    for file in _results(folder, quiet=True):
        if file.path.stem in names:
            continue
        difference = first_difference(file.header, header)
        if difference is not None:
            key, was, asked = difference
            raise ValueError(
                f"{folder} holds {file.path.name}, computed with {key} = {was}, asked "
                f"is {asked}: its figures would be overwritten; choose another --out"
            )


def _plot_images_and_bits(args, scenario, folder):
    from scenarios.bits import plot_bits_of
    from semcom_phy.simulation.bit_results import bit_results

    bits = [] if args.systems else bit_results(folder)
    if not bits or _results(folder, quiet=True):
        _plot(args, scenario, folder)
    if bits:
        plot_bits_of(folder, args.format)


def _plot(args, scenario, folder):
    from semcom_phy.simulation import plotting
    from semcom_phy.simulation.bit_results import check_result
    from semcom_phy.simulation.rate_curve import read_curve

    if args.systems:
        paths = [folder / f"{name}.json" for name in scenario.systems]
        for path in paths:
            check_result(path)
        files = [read_curve(path) for path in paths]
    else:
        found = {file.path.stem: file for file in _results(folder)}
        known = [name for name in scenario.systems if name in found]
        files = [found[n] for n in [*known, *sorted(set(found) - set(known))]]
    if not files:
        raise FileNotFoundError(f"{folder} holds no result; run 'evaluate' first")
    for file in files:
        if not file.points:
            print(f"{file.path.name} is left out: no point was simulated yet")
    under = _published(files) if args.published else ()
    metrics = args.metrics or ()
    for path in plotting.plot_all(files, folder, under, args.format, metrics):
        print(f"wrote {path}")


def _published(files):
    """Curves of others below those of the files; what they are is printed."""
    from semcom_phy.simulation.published.curves import read_published
    from semcom_phy.simulation.published.matching import laid_under, told

    published, run = read_published(), [file for file in files if file.points]
    if not run:  # which the figures refuse
        return ()
    under = laid_under(published, run)
    for curve in under:
        print(f"published: {curve.label}")
    if not under:
        print(told(published, run))
    return under


def _results(folder, quiet=False):
    """The result files of a folder; other JSON files are none of its business."""
    from semcom_phy.simulation.bit_results import image_results
    from semcom_phy.simulation.rate_curve import read_curve
    from semcom_phy.simulation.results import ResultError

    files = []
    for path in image_results(folder):
        try:
            files.append(read_curve(path))
        except (ResultError, OSError) as error:
            if not quiet:
                print(f"{path.name} is left out: {' '.join(str(error).split())}")
    return files


def chosen_scenario(args, scenario, table=TABLE):
    """The scenario with the values of a command line.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.options.scenario_parser`
    scenario : :class:`Scenario`
        Has the values that were not given
    table : `str`
        As of :func:`main`

    Output
    ------
    : :class:`Scenario`

    Raises
    ------
    ValueError
        If a value is out of range, or an option says nothing of the channel.
    """
    chosen = _with_values(args, scenario)
    check_channel_options(args, chosen)
    if not args.as_published:
        return chosen
    _load_backend()
    forms = importlib.import_module(table).published_forms(chosen)
    return replace(chosen, systems=forms)


def _with_values(args, scenario):
    names = {field.name for field in fields(scenario)}
    given = {name: value for name, value in vars(args).items() if value is not None}
    values = {name: value for name, value in given.items() if name in names}
    if len(values.get("image_size", ())) == 1:  # square
        (values["image_size"],) = values["image_size"]
    if len(values.get("rates", ())) == 1:  # of a sweep over SNRs
        values["cbr"], values["rates"] = values["rates"][0], None
    values |= chosen_distances(given, scenario)
    chosen = scenario.chosen(values)
    if args.codec is not None and args.systems is None:  # beside the others
        values["systems"] = (chosen.own_system, *scenario.systems)
    if args.quick:
        points = scenario.snr_db
        values.setdefault("num_images", min(_QUICK_IMAGES, scenario.num_images))
        if chosen.rates is None:
            three = (points[0], points[len(points) // 2], points[-1])
            values.setdefault("snr_db", three)
    return scenario.chosen(values)


def _folder(args, scenario):
    if args.out is not None:
        return args.out
    over = "" if scenario.distances is None else "_distance"
    over = over if scenario.rates is None else "_cbr"
    return Path("results") / (scenario.name + over + ("_quick" if args.quick else ""))


def _engine(args):
    from semcom_phy.simulation import engines

    if args.dask is not None:
        if args.workers != 1:
            raise ValueError(
                f"--workers {args.workers} and --dask exclude each other, for the "
                "scheduler has workers of its own: give one of them"
            )
        return engines.DaskEngine(args.dask)
    if args.workers != 1:
        return engines.ProcessEngine(args.workers)
    return engines.SerialEngine()


def _check_systems(scenario, table):
    known = set(importlib.import_module(table).SYSTEMS)
    if scenario.codec is not None:
        if scenario.own_system in known:
            raise ValueError(
                f"codec {scenario.codec!r} would hide the system "
                f"{scenario.own_system!r}: give its module another name"
            )
        known.add(scenario.own_system)
    if scenario.users > 1:
        known |= {f"{name}_walsh" for name in known}
    for name in scenario.systems:
        if name not in known:
            from semcom_phy.unknown_names import unknown_name

            listed = "docs/systems.md"
            if scenario.codec is not None:
                listed += f", and {scenario.own_system!r} by --codec"
            raise ValueError(unknown_name("system", name, sorted(known), listed))
    if scenario.codec is not None and scenario.own_system not in scenario.systems:
        raise ValueError(
            f"codec {scenario.codec!r} is not among --systems: add "
            f"{scenario.own_system!r} to them, or leave out --codec"
        )


def _without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


def one_line(error, options):
    """The message; the name of a value that it starts with gives way to its option."""
    words = str(error).split() or [type(error).__name__]
    return " ".join([options.get(words[0], words[0]), *words[1:]])
