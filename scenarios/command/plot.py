"""The command ``plot``: draws figures of the result files of a folder."""

from scenarios.command.backend import load_backend
from scenarios.command.bits import plot_bits_of
from scenarios.command.results_folder import results_in
from semcom_phy.simulation.bits.results import bit_results, check_result
from semcom_phy.simulation.figures import curves as plotting
from semcom_phy.simulation.rate_curve import read_curve


def plot(args, scenario, folder):
    """Draws what a folder holds: curves of images and texts, bit links, or both.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.command.options.scenario_parser`
    scenario : :class:`~scenarios.scenario.Scenario`
        Its systems are drawn where --systems is given, and come first elsewhere
    folder : `Path`
        Results folder

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no result, or one of those asked for cannot be read or drawn.
    """
    bits = [] if args.systems else bit_results(folder)
    if not bits or results_in(folder, quiet=True):
        _plot_curves(args, scenario, folder)
    if bits:
        plot_bits_of(folder, args.format)


def _plot_curves(args, scenario, folder):
    if args.systems:
        paths = [folder / f"{name}.json" for name in scenario.systems]
        for path in paths:
            check_result(path)
        files = [read_curve(path) for path in paths]
    else:
        found = {file.path.stem: file for file in results_in(folder)}
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
    # Here, because they load the tensor library, which figures do without.
    load_backend()
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
