"""How much the options simulate at a point, and where."""


def sweep_settings(scenario, args):
    """How much is simulated at a point.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
    args : `argparse.Namespace`
        ``batch_size`` (`None`: the scenario's), ``target_ci``, ``crop``

    Output
    ------
    : :class:`~semcom_phy.simulation.sweep.SweepSettings`
    """
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


def engine_of(args):
    """Where the points are computed.

    Parameters
    ----------
    args : `argparse.Namespace`
        ``workers``, ``dask``

    Output
    ------
    : an engine of :mod:`semcom_phy.simulation.engines`

    Raises
    ------
    ValueError
        If two options name a place.
    """
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
