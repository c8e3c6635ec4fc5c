"""The figure of bit links: bit and block error rate over the SNR, with theory."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from semcom_phy.simulation.bits.results import check_one_link
from semcom_phy.simulation.bits.theory import closed_form_ber
from semcom_phy.simulation.figures.style import COLOURS, MARKERS, OLDER, STYLE, save

_PANELS = {"ber": "Bit error rate", "bler": "Block error rate"}


def plot_bits(files, path):
    """Draws BER and BLER on logarithmic axes, with 95 % intervals.

    Where no error was seen, an arrow hangs from the upper end of the interval. Points
    that were not run are left out. Dashed: closed forms.

    Parameters
    ----------
    files : sequence of :class:`~semcom_phy.simulation.bits.results.BitResultFile`
        Of one scenario and seed
    path : `Path`
        The figure to write; its ending tells the format

    Raises
    ------
    ValueError
        If no point was simulated yet, or the files are of different scenarios or seeds.
    """
    files = [file for file in files if file.points]
    if not files:
        raise ValueError("no point of a bit link was simulated yet")
    check_one_link(files)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 4.6), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True)
        for axes, (name, label) in zip(panels, _PANELS.items(), strict=True):
            axes.set_yscale("log")
            for i, file in enumerate(files):
                _draw(axes, file, name, COLOURS[i % len(COLOURS)], MARKERS[i % 8])
            axes.set_xlabel("SNR per receive antenna, Es/N0 [dB]")
            axes.set_ylabel(label)
            axes.set_ylim(top=1.3)
        lowest = panels[0].get_ylim()[0]
        for i, file in enumerate(files):
            _draw_theory(panels[0], file, COLOURS[i % len(COLOURS)])
        panels[0].set_ylim(bottom=lowest)  # the theory goes as deep as it likes
        figure.suptitle(caption(files), fontsize=8, color="#404040")
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=2,
        )
        save(figure, path)


def _draw(axes, file, name, colour, marker):
    points = sorted(file.points.items())
    snr = np.array([snr for snr, _ in points])
    rates = [getattr(point, name) for _, point in points]
    mean = np.array([rate.mean for rate in rates])
    low, high = np.array([rate.ci95 for rate in rates]).T
    seen = mean > 0
    style = {"color": colour, "capsize": 2.5, "elinewidth": 0.9}
    axes.errorbar(
        snr[seen],
        mean[seen],
        yerr=np.maximum([(mean - low)[seen], (high - mean)[seen]], 0),
        label=file.title,
        marker=marker,
        markersize=5,
        linewidth=1.4,
        **style,
    )
    older = seen & np.array([file.is_old(s) for s in snr])
    axes.plot(snr[older], mean[older], marker, color=colour, markerfacecolor="white")
    axes.errorbar(  # none seen: an arrow down from the upper end of the interval
        snr[~seen],
        high[~seen],
        yerr=0.3 * high[~seen],
        uplims=True,
        linestyle="none",
        **style,
    )


def _draw_theory(axes, file, colour):
    snr = np.linspace(min(file.points), max(file.points), 101)
    ber = closed_form_ber(file.header, snr)
    if ber is not None:
        title = f"{file.title}, closed form"
        axes.plot(snr, ber, "--", color=colour, linewidth=1, label=title)


def caption(files):
    scenario, frame = files[0].header["scenario"], files[0].header["frame"]
    channel = scenario["channel"]
    channel = channel.upper() if len(channel) < 5 else channel.capitalize()
    older = any(file.is_old(snr) for file in files for snr in file.points)
    return (
        f"{scenario['num_tx_ant']}x{scenario['num_rx_ant']} {channel}, "
        f"{scenario['csi']} CSI, blocks of {frame['num_symbols']} symbols; bars: 95 % "
        "intervals; arrow: no error seen"
        + (f"; {OLDER}: kept from older code" if older else "")
    )
