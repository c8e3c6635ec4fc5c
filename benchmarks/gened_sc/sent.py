"""What is sent, and the sweeps that the tables are of.

Results lie in ``OUT/CHANNEL/cbr_RATE``, a folder that all tables share, and are not
simulated again.
"""

from dataclasses import replace

from benchmarks.sweeps import swept_curves
from scenarios import edited_2x2, edited_awgn

CHANNELS = {"awgn": edited_awgn.SCENARIO, "2x2": edited_2x2.SCENARIO}
SNR_DB = (1.0, 4.0, 7.0, 10.0)
RATE = "1/24"
RATES = ["1/48", RATE, "1/12"]
EDITED = {  # system -> the same, not edited
    "gened_sc": "gened_sc_unedited",
    "gened_sc_plain_edited": "gened_sc_plain",
    "gened_sc_unrouted_edited": "gened_sc_unrouted",
    "hevc_ldpc_edited": "hevc_ldpc",
}


def scenario_of(args, channel="awgn", cbr=RATE):
    """The scenario of a table.

    Input
    -----
    args : `argparse.Namespace`
        ``dataset``, ``images``, ``seed``, ``captioner``, ``caption_as``, ``editor``

    channel : `str`, (default "awgn")
        Of :data:`CHANNELS`

    cbr : `str`, (default "1/24")
        Complex symbols per source dimension
    """
    return replace(
        CHANNELS[channel],
        dataset=args.dataset,
        num_images=args.images,
        seed=args.seed,
        captioner=args.captioner,
        caption_as=args.caption_as,
        editor=args.editor,
        cbr=cbr,
    )


def curves_of(args, names, channel="awgn", cbr=RATE, snr_db=SNR_DB):
    """Results of systems, simulated as far as they are not there yet.

    Input
    -----
    args, channel, cbr
        As of :func:`scenario_of`; besides ``out``, ``workers``

    names : sequence of `str`
        Systems

    snr_db : sequence of `float`

    Output
    ------
    : `dict` of name -> :class:`~scenarios.paired_results.Curve`

    Raises
    ------
    ~benchmarks.sweeps.Failed
        If the sweep did not end well.
    """
    scenario = replace(scenario_of(args, channel, cbr), snr_db=tuple(snr_db))
    folder = args.out / channel / f"cbr_{cbr.replace('/', '-')}"
    return swept_curves(scenario, names, folder, "--workers", args.workers)


def title_of(args, what):
    """First lines of a table: what it shows, and of what."""
    return [
        f"### {what}",
        "",
        f"{args.images} pictures of {args.dataset}, seed {args.seed}; captions "
        f"by {args.captioner!r}, sent as {args.caption_as}; editor {args.editor!r}. "
        "Means with intervals of 95 % over pictures.",
        "",
    ]
