"""The page: sections of markup and data in a template, with its style and script."""

from importlib.resources import files as resources
from string import Template

from scenarios.command.knowledge_marks import knowledge_marks
from scenarios.command.result_text import older_notes, untrained_notes
from scenarios.command.room_notes import room_notes
from scenarios.report.figures import bit_figures, image_figures, keys_of
from scenarios.report.markup import (
    element,
    escape,
    json_block,
    lines,
    source_hash,
    table,
)
from scenarios.report.pairs import paired_figures
from scenarios.report.pictures import shown_pictures
from scenarios.report.reading import BitSection
from scenarios.report.told import (
    bit_card,
    definition_card,
    left_out_text,
    provenance,
)
from semcom_phy.simulation.figures.bits import caption as bit_caption
from semcom_phy.simulation.figures.style import budget_line, caption, count
from semcom_phy.simulation.versions import software_versions

# In the order in which they are run.
_SCRIPTS = ("dom", "axes", "chart", "curves", "pairs", "slider", "start")


def page_html(name, sections, left_out=(), pictures=3):
    """The report.

    Parameters
    ----------
    name : `str`
        Of the results folder
    sections : sequence of
        :class:`~scenarios.report.reading.ImageSection` and
        :class:`~scenarios.report.reading.BitSection`
    left_out : sequence of `str`
        Files that are not in it, and why
    pictures : `int`, (default 3)
        Pictures per system and point

    Output
    ------
    : `str`
        HTML that fetches nothing. It depends on the results and this software alone
    """
    several = len({section.folder for section in sections}) > 1
    parts = [_section(s, i, pictures, several) for i, s in enumerate(sections)]
    script = "\n".join(_template(f"{part}.js") for part in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    style = _template("style.css")
    versions = software_versions()
    return Template(_template("page.html")).substitute(
        title=escape(f"{name}: results"),
        name=escape(f"Results: {name}"),
        script=script,
        style=style,
        script_hash=source_hash(script),
        style_hash=source_hash(style),
        contents=_contents(sections) if len(sections) > 1 else "",
        sections="\n".join(parts),
        left_out=left_out_text(left_out),
        made_by=escape(", ".join(f"{k} {v}" for k, v in versions.items())),
    )


def _template(name):
    return (resources(__package__) / "template" / name).read_text(encoding="utf-8")


def _contents(sections):
    entries = [
        element("li", element("a", escape(_title(section)), href=f"#section-{i}"))
        for i, section in enumerate(sections)
    ]
    return element("nav", element("ul", *entries))


def _title(section):
    name = section.files[0].header["scenario"]["name"]
    name = f"{name}, bit links" if isinstance(section, BitSection) else name
    return f"{name}: {_caption(section)}"


def _caption(section):
    files = section.files
    return bit_caption(files) if isinstance(section, BitSection) else caption(files)


def _section(section, number, most, several):
    files = section.files
    of_bits = isinstance(section, BitSection)
    pairs = pictures = None
    if of_bits:
        data, card, marks, notes = bit_figures(files), bit_card(files), [], []
        trials = [p.bler.count.num_trials for f in files for p in f.points.values()]
        counted = f"{min(trials)} to {max(trials)} blocks per point"
        below = ""
    else:
        data, card = image_figures(files), definition_card(files)
        keys = keys_of(files)
        pairs = paired_figures(section, keys) or None
        pictures = shown_pictures(files, keys, most)
        marks, notes = _notes(files, keys)
        counted, below = count(files), budget_line(files)
    for system, mark in zip(data["systems"], marks, strict=False):
        system["mark"] = mark
    data |= {"pairs": pairs, "pictures": pictures}
    name = files[0].header["scenario"]["name"]
    return Template(_template("section.html")).substitute(
        number=number,
        name=escape(f"{name}, bit links" if of_bits else name),
        folder=escape(section.folder.name if several else ""),
        caption=escape(_caption(section)),
        counted=escape(counted + below),
        card=card,
        tables=_tables(data),
        notes=lines(notes),
        provenance=provenance(files, counted),
        data=json_block(data),
    )


def _tables(data):
    """All figures as tables, of which the script shows one."""
    corner = data["axis"]["rows"]
    head = [point["head"] for point in data["points"]]
    parts = []
    for figure in data["figures"]:
        rows = [
            [system["title"] + system.get("mark", ""), *(v["text"] for v in values)]
            for system, values in zip(data["systems"], figure["values"], strict=True)
        ]
        below = lines([figure["reason"]] if figure["reason"] else [])
        whole = element("h4", escape(figure["head"])), table(head, rows, corner), below
        parts.append(element("div", *whole, class_="figure", data_name=figure["name"]))
    return "".join(parts)


def _notes(files, keys):
    """Marks of what systems know, and what stands below tables."""
    marks, notes = knowledge_marks(files)
    for file in files:
        own = [key for key in keys if key in file.points]
        snr_db = [file.axis.snr_db] if file.axis.stem == "cbr" else own
        trained = {file.title: file.header["description"].get("trained_snr_db")}
        notes += untrained_notes(trained, snr_db, file.axis) + older_notes([file], own)
    return marks, notes + room_notes(files, keys)
