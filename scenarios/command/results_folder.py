"""The folder of results: which one it is, what lies in it, and who may join."""

from pathlib import Path


def results_folder(args, scenario):
    """``--out``, or a folder by the name of the scenario and of what is swept.

    Parameters
    ----------
    args : `argparse.Namespace`
        ``out``, ``quick``
    scenario : :class:`~scenarios.scenario.Scenario`

    Output
    ------
    : `Path`
    """
    if args.out is not None:
        return args.out
    over = "" if scenario.distances is None else "_distance"
    over = over if scenario.rates is None else "_cbr"
    return Path("results") / (scenario.name + over + ("_quick" if args.quick else ""))


def results_in(folder, quiet=False):
    """The result files of a folder; other JSON files are none of its business.

    Parameters
    ----------
    folder : `Path`
    quiet : `bool`, (default `False`)
        Print nothing of files that cannot be read, which are left out

    Output
    ------
    : `list` of :class:`~semcom_phy.simulation.results.ResultFile`
    """
    from semcom_phy.simulation.bits.results import image_results
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


def check_neighbours(folder, header, names):
    """Refuses a folder with results of other systems whose figures those of this run
    would replace, although the two cannot share one.

    Parameters
    ----------
    folder : `Path`
    header : `dict`
        Of the results that are to come
    names : sequence of `str`
        Systems of this run

    Raises
    ------
    ValueError
        If there is such a system, with what the two differ in.
    """
    from semcom_phy.simulation.comparable import first_difference

    for file in results_in(folder, quiet=True):
        if file.path.stem in names:
            continue
        difference = first_difference(file.header, header)
        if difference is not None:
            key, was, asked = difference
            raise ValueError(
                f"{folder} holds {file.path.name}, computed with {key} = {was}, asked "
                f"is {asked}: its figures would be overwritten; choose another --out"
            )
