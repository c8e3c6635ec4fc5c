"""What an evaluation prints: definition card, what is spent, tables and their notes."""

import textwrap

from scenarios.command.knowledge_marks import knowledge_marks
from scenarios.definitions import count_text


def card_text(scenario, card):
    if scenario.distances is not None:
        from semcom_phy.simulation.axis import axis_of  # loads the backend

        names = axis_of(scenario.distance_of_snr).names(*scenario.snr_db)
        card = card | {"Distance": f"{card['Distance']}; SNRs here: {names}"}
    indent = max(map(len, card)) + 4
    lines = [
        textwrap.fill(
            text,
            width=100,
            initial_indent=f"  {name}".ljust(indent),
            subsequent_indent=" " * indent,
        )
        for name, text in card.items()
    ]
    return "\n".join([f"Scenario {scenario.name}: definitions", *lines, ""])


def bandwidth_text(title, used, note):
    return (
        f"{title}: cbr {used['cbr']:.4f} + side information "
        f"{used['side_info_cbr']:.4f}; resource elements {used['data_res']:g} data + "
        f"{used['side_info_res']:g} side information + {used['pilot_res']:g} pilots"
    ) + (f" ({note})" if note else "")


def data_text(samples, device):
    size, about = "x".join(map(str, samples.images.shape[1:3])), samples.provenance
    return f"{count_text(about, size)}: {about['source']}\ncomputed on the {device}\n"


def table_heads(files):
    """What a table of results lists: metrics, outage, and what was spent where that
    differs.

    Parameters
    ----------
    files : sequence of :class:`~semcom_phy.simulation.curve.MeasuredCurve`
        Of one scenario

    Output
    ------
    : `dict` of `str` -> `str`
        Name of a figure -> the head of its block, with what its cells hold
    """
    from semcom_phy.simulation.figures.curves import rates_differ  # loads matplotlib

    samples = count_text(files[0].header["data"])
    heads = {name: files[0].label(name) for name in files[0].metrics}
    first, label = next(iter(heads.items()))
    label = label.replace("mean over images", f"mean over {samples}")
    heads[first] = f"{label} (+- half of the 95 % interval)"
    heads["outage"] = "Outage [%] (95 % interval)"
    if rates_differ(files):
        heads["cbr_total"] = "Spent: cbr with side information"
    return heads


def null_reasons(files):
    """Why metrics are null for some samples or all, `dict` of name -> `str`."""
    metrics = files[0].header["metrics"]
    return {about["name"]: about["reason"] for about in metrics if "reason" in about}


def result_table(files, snr_db):
    """All metrics with intervals, and why one is null, outage, and what was spent where
    that differs, of every system at every SNR, or distance."""
    heads, reasons = table_heads(files), null_reasons(files)
    marks, notes = knowledge_marks(files)
    titles = [f.title + mark for f, mark in zip(files, marks, strict=True)]
    width = max(map(len, titles))
    axis, blocks = files[0].axis, []
    snr_db = axis.sort(snr_db)
    points = [axis.head(snr) for snr in snr_db]
    for metric, head in heads.items():
        cells = [[cell_text(file, metric, snr) for snr in snr_db] for file in files]
        column = max(17, *(len(cell) + 2 for row in [points, *cells] for cell in row))
        rows = [head, " " * width + "".join(point.rjust(column) for point in points)]
        for row, title in zip(cells, titles, strict=True):
            rows.append(title.ljust(width) + "".join(c.rjust(column) for c in row))
        if metric in reasons:
            rows.append(f"  {metric}: {reasons[metric]}")
        if not blocks and "cbr_total" in heads:
            rows.append("  The systems spend different rates: see Spent below.")
        blocks.append("\n".join(rows))
    if notes:
        blocks.append("\n".join(notes))
    blocks += older_notes(files, snr_db)
    return "\n\n".join(blocks) + "\n"


def older_notes(files, snr_db):
    """A line for every point that was kept from older code."""
    return [
        f"* {file.title}, {file.axis.names(snr)}: kept, code is {file.points[snr].code}"
        for file in files
        for snr in filter(file.is_old, snr_db)
    ]


def untrained_notes(trained, snr_db, axis):
    """What a table says of SNRs that networks were not trained for.

    Parameters
    ----------
    trained : `dict`, title -> [low, high] or `None`
        ``trained_snr_db`` of the systems' descriptions; `None` where there is no
        network, ends of `None` where the weights name no range

    snr_db : sequence of `float`
        SNRs of the table [dB]

    axis : :class:`~semcom_phy.simulation.axis.SnrAxis`
        Of distances: those whose SNR is outside are named

    Output
    ------
    : list of `str`
        A line for every system with SNRs outside its range
    """
    lines = []
    for title, ends in trained.items():
        if ends is None or None in ends:
            continue
        low, high = ends
        beyond = [snr for snr in snr_db if not low <= snr <= high]
        if beyond:
            at = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            line = f"* {title}: networks trained at {at} dB, told no SNR beyond"
            lines.append(line + axis.note(*beyond))
    return lines


def cell_text(file, metric, snr):
    """What a table says of a figure at a point: mean and interval; * marks points that
    older code computed."""
    if snr not in file.points:
        return "not run"
    estimate, mark = file.estimate(metric, snr), "*" * file.is_old(snr)
    if estimate is None:  # no sample has such a figure
        return "none" + mark
    if metric == "outage":
        low, high = (100 * end for end in estimate.ci95)
        return f"{100 * estimate.mean:.1f} ({low:.0f}-{high:.0f}){mark}"
    in_db = "psnr" in metric or metric.endswith("_db")
    digits = 2 if in_db or estimate.mean >= 100 else 4
    text = f"{estimate.mean:.{digits}f}"
    if estimate.half_width is not None:
        text += f" +- {estimate.half_width:.{digits}f}"
    return text + mark
