"""The command ``bits``: error rates of bit links over a scenario's radio link.

python -m scenarios.mimo_2x2 bits --mcs 4 11 20 --uncoded 4 --snr 0 4 8 12
"""

from scenarios.command.result_text import card_text
from scenarios.definitions import definition_card

_MAX_BLOCKS, _QUICK_BLOCKS = 20_000, 256
_COUNTED = tuple(  # what makes error rates of what a link transmits
    ("semcom_phy.simulation.bits.sweep", name) for name in ("count_batch", "BlockTally")
)
_LINK = (  # what of a scenario says something about bits
    *("name", "num_tx_ant", "num_rx_ant", "channel", "csi", "interpolation"),
    *("fft_size", "num_ofdm_symbols", "pilot_ofdm_symbols", "subcarrier_spacing"),
    *("rician_k_db", "profile", "delay_spread", "carrier_frequency", "speed"),
    "detector",
)


def measure_bits(scenario, args, folder, options):
    """Measures bit and block error rates and writes ``bits_<link>.json``, their table
    and ``ber_vs_snr.png``.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Channel, CSI, antennas, grid, symbols per block, SNRs and seed
    args : `argparse.Namespace`
        Of :func:`~scenarios.command.options.scenario_parser`
    folder : `Path`
        Results folder, which can be written to
    options : `dict` of `str` -> `str`
        Name of a value -> the option that sets it, for messages

    Raises
    ------
    ValueError
        If no link was asked for, an option is out of range, or the folder holds
        results of another link.
    """
    from link_models.links.bit_link import BitLinkBuilder
    from semcom_phy.simulation.bits.results import PREFIX, BitResultFile
    from semcom_phy.simulation.bits.sweep import BitSettings, run_bit_sweep
    from semcom_phy.simulation.engines import ProcessEngine, SerialEngine
    from semcom_phy.simulation.identity.code_identity import code_identity
    from semcom_phy.simulation.sweep import built
    from semcom_phy.simulation.versions import software_versions

    if scenario.distances is not None:
        points = " ".join(f"{snr:g}" for snr in scenario.snr_db)
        raise ValueError(
            "distances cannot be swept by bits, whose error rates are over the SNR: "
            f"give --snr {points} in the place of --distance"
        )
    if args.keep and args.restart:
        raise ValueError("--keep and --restart exclude each other: give one of them")
    if args.dask is not None:
        raise ValueError("--dask sends images alone: give bits --workers instead")
    engine = SerialEngine() if args.workers == 1 else ProcessEngine(args.workers)
    max_blocks = args.max_blocks
    if max_blocks is None:
        max_blocks = _QUICK_BLOCKS if args.quick else _MAX_BLOCKS
    batch_size = args.batch_size
    if batch_size is None:
        batch_size = scenario.images_at_once
    settings = BitSettings(scenario.seed, args.target_errors, max_blocks, batch_size)
    framing = scenario.framing()
    card = _card(scenario, framing, settings)
    print(card_text(scenario, card))
    values = scenario.to_dict()
    common = {
        "scenario": {name: values[name] for name in _LINK},
        "frame": {
            "num_symbols": framing.num_symbols,
            "num_slots": framing.num_slots,
            "data_res": framing.num_data_res,
            "pilot_res": framing.num_pilot_res,
        },
        "seed": scenario.seed,
        "sweep": settings.to_dict(),
        "definitions": card,
        "versions": software_versions(),
    }
    headers = {}
    for scheme in _schemes(args):
        build = BitLinkBuilder(scheme, scenario)
        link = built(build)
        headers[build] = {
            "system": link.system.name,
            "description": link.system.describe(),
            "ebno_minus_snr_db": round(link.system.ebno_db(0.0), 6),
            "code": code_identity(link.system, link.channel, sweep=_COUNTED),
            **common,
        }
    paths = {b: folder / f"{PREFIX}{h['system']}.json" for b, h in headers.items()}
    _check_neighbours(folder, list(paths.values()), common)
    curves = {}
    for build, header in headers.items():
        curves[build] = BitResultFile.open(
            paths[build], header, scenario.snr_db, args.restart, args.keep, options
        )
        print(_sent_text(curves[build]))
        for line in curves[build].notes:
            print(line)
    print(flush=True)
    run_bit_sweep(curves, scenario.snr_db, settings, engine)
    files = [BitResultFile.read(path) for path in paths.values()]
    print(bit_table(files, scenario.snr_db))
    for path in paths.values():
        print(f"wrote {path}")
    plot_bits_of(folder)


def plot_bits_of(folder, form="png"):
    """Draws ``ber_vs_snr.png`` of all bit links of a folder, or ``.pdf``, ``.svg``.

    Raises
    ------
    ValueError
        If a file cannot be read, no point was simulated yet, or the files are of
        different scenarios or seeds.
    """
    from semcom_phy.simulation.bits.results import BitResultFile, bit_results
    from semcom_phy.simulation.figures.bits import plot_bits

    figure = folder / f"ber_vs_snr.{form}"
    plot_bits([BitResultFile.read(path) for path in bit_results(folder)], figure)
    print(f"wrote {figure}")


def bit_table(files, snr_db):
    """A row per link and SNR: Eb/N0, error rates with intervals and counts, theory.

    Parameters
    ----------
    files : sequence of :class:`~semcom_phy.simulation.bits.results.BitResultFile`
    snr_db : sequence of `float`
        SNRs of the table [dB]

    Output
    ------
    : `str`
    """
    from semcom_phy.simulation.bits.theory import closed_form_ber

    head = f"{'SNR':>9}{'Eb/N0':>10}{'BER (95 % interval)':>32}{'closed form':>13}"
    head += f"{'BLER (95 % interval)':>32}{'blocks wrong':>18}"
    lines, old = [], []
    for file in files:
        lines += ["", file.title, head]
        for snr in map(float, snr_db):
            line = f"{snr:6g} dB{file.ebno_db(snr):7.2f} dB"
            point = file.points.get(snr)
            if point is None:
                lines.append(f"{line}  not run")
                continue
            theory = closed_form_ber(file.header, snr)
            line += f"{rate_text(point.ber):>32}"
            line += f"{'' if theory is None else f'{theory:.3e}':>13}"
            line += f"{rate_text(point.bler):>32}"
            count = point.bler.count
            line += f"{f'{count.num_errors} of {count.num_trials}':>18}"
            lines.append(line + ("*" if file.is_old(snr) else ""))
            if file.is_old(snr):
                old.append(f"* {file.title}, {snr:g} dB: kept, code is {point.code}")
    return "\n".join([*lines[1:], *old]) + "\n"


def rate_text(rate):
    """An error rate with its interval: "1.250e-02 (1.0e-02-1.6e-02)"."""
    low, high = rate.ci95
    mean = f"{rate.mean:.3e}" if rate.count.num_errors else "none seen"
    return f"{mean} ({low:.2e}-{high:.2e})"


def _schemes(args):
    """The codes and modulations that the options ask for, each once."""
    from link_models.links.bit_link import Coded, Regular, Uncoded
    from semcom_phy.channel_coding.mcs import mcs_table

    schemes: list[Coded | Regular | Uncoded] = [
        Uncoded(order) for order in args.uncoded or ()
    ]
    table = mcs_table(args.mcs_table)
    for index in args.mcs or ():
        if not 0 <= index < len(table):
            raise ValueError(
                f"--mcs is {index}, but --mcs-table {args.mcs_table} has the indices 0 "
                f"to {len(table) - 1}: give some of these"
            )
        schemes.append(Coded(table[index]))
    for numbers in args.regular or ():
        if len(numbers) not in (3, 4):
            raise ValueError(
                f"--regular takes n, d_v, d_c and perhaps bits per symbol, got "
                f"{numbers}"
            )
        schemes.append(Regular(*numbers))
    if not schemes:
        raise ValueError(
            "there is no link to measure: give --mcs, --uncoded, --regular"
        )
    return dict.fromkeys(schemes)


def _check_neighbours(folder, paths, header):
    """Refuses a folder whose other bit links cannot share a figure with those asked
    for."""
    from semcom_phy.simulation.bits.results import (
        BitResultFile,
        bit_results,
        check_one_link,
    )

    asked = BitResultFile(folder / "the links asked for", header, ())
    others = [BitResultFile.read(p) for p in bit_results(folder) if p not in paths]
    check_one_link([*others, asked])


def _card(scenario, framing, settings):
    shared = definition_card(scenario)
    antennas = f"{scenario.num_tx_ant}x{scenario.num_rx_ant}"
    return {
        "Link": (
            f"{antennas} {scenario.channel}, OFDM slots of {scenario.num_ofdm_symbols} "
            f"symbols x {scenario.fft_size} subcarriers, {framing.num_slots} per block"
        ),
        "SNR": shared["SNR"],
        "Eb/N0": (
            "of information bits (no CRC, no padding) per receive antenna, pilots not "
            "counted: SNR / (Nt x information bits per symbol)"
        ),
        "CSI": shared["CSI"],
        "Block": (
            f"the information bits of one frame of {framing.num_symbols} complex data "
            f"symbols; {framing.num_data_res} data and {framing.num_pilot_res} pilot "
            "resource elements"
        ),
        "BER": (
            "wrong information bits / all; 95 % interval of Korn and Graubard, "
            "clustered by block, whose bits share a fade"
        ),
        "BLER": (
            "blocks with a wrong bit / all; 95 % interval of Clopper and Pearson; "
            "where no error was seen its upper end is what the run tells"
        ),
        "Stop": (
            f"with block error {settings.target_errors} or block "
            f"{settings.max_blocks}, whatever the batches and workers"
        ),
        "Pairing": (
            "bits, fade and noise follow from (seed, block): all links see the same, "
            "at every SNR"
        ),
    }


def _sent_text(file):
    bits, symbols = (
        file.header["description"]["info_bits"],
        file.header["frame"]["num_symbols"],
    )
    return (
        f"{file.title}: {bits} information bits per block, {bits / symbols:.4g} per "
        f"symbol; Eb/N0 = SNR {file.header['ebno_minus_snr_db']:+.2f} dB"
    )
