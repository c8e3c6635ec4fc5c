"""The results of a folder, in sections: those that may share a figure."""

from dataclasses import dataclass, field
from pathlib import Path

from scenarios.paired_results import Curve
from semcom_phy.simulation.bits.results import (
    BitResultFile,
    bit_results,
    image_results,
    shared_link,
)
from semcom_phy.simulation.comparable import first_difference
from semcom_phy.simulation.curve import MeasuredCurve
from semcom_phy.simulation.rate_curve import read_curve
from semcom_phy.simulation.results import ResultError

_LINK = ("name", "num_tx_ant", "num_rx_ant", "channel", "csi")  # of every scenario


@dataclass(frozen=True)
class ImageSection:
    """Results of one link, rate and data set.

    Parameters
    ----------
    folder : `Path`
        Where they are
    files : `list` of :class:`~semcom_phy.simulation.curve.MeasuredCurve`
        One per system
    rows : `dict` of `Path` -> :class:`~scenarios.paired_results.Curve`
        By the paths of the files; without those whose rows are lost
    """

    folder: Path
    files: list[MeasuredCurve] = field(default_factory=list)
    rows: dict[Path, Curve] = field(default_factory=dict)


@dataclass(frozen=True)
class BitSection:
    """Results of bit links over one radio link.

    Parameters
    ----------
    folder : `Path`
        Where they are
    files : `list` of :class:`~semcom_phy.simulation.bits.results.BitResultFile`
        One per code and modulation
    """

    folder: Path
    files: list[BitResultFile] = field(default_factory=list)


def read_sections(folder):
    """Reads the results of a folder; where it holds none, those of its folders.

    Parameters
    ----------
    folder : `Path`
        Results folder

    Output
    ------
    sections : `list` of :class:`ImageSection` and :class:`BitSection`
        Results of different scenarios, rates, data, ... in sections of their own

    left_out : `list` of `str`
        Files that are damaged, unfinished or no results, and why

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no result in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no folder {folder}: give the results folder of a scenario, such "
            "as results/mimo_2x2"
        )
    sections, left_out = _sections_of(folder)
    if not sections:
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            found, failed = _sections_of(inner)
            sections += found
            left_out += failed
    if not sections:
        reasons = f" ({'; '.join(left_out)})" if left_out else ""
        raise FileNotFoundError(
            f"{folder} holds no result{reasons}: run 'evaluate' of a scenario first, "
            "or give the folder that it wrote to"
        )
    return sections, left_out


def _sections_of(folder):
    images, bits, left_out = [], [], []
    for path in image_results(folder):
        try:
            file = read_curve(path)
            _check_header(file, {"scenario": _LINK, "data": (), "bandwidth": ("cbr",)})
        except ResultError as error:
            left_out.append(str(error))
            continue
        if not file.points:
            left_out.append(f"{path} has no finished point")
            continue
        section = _joined(images, file, _share_a_figure, ImageSection(folder))
        try:
            section.rows[path] = Curve(path, file.title)
        except ResultError as error:
            left_out.append(f"paired differences of {path}: {error}")
    for path in bit_results(folder):
        try:
            file = BitResultFile.read(path)
            _check_header(
                file, {"scenario": (*_LINK, "detector"), "frame": ("num_symbols",)}
            )
        except ResultError as error:
            left_out.append(str(error))
            continue
        if not file.points:
            left_out.append(f"{path} has no finished point")
            continue
        _joined(bits, file, _share_a_link, BitSection(folder))
    return images + bits, left_out


def _joined(sections, file, fits, new):
    """The section that a file joined, a new one where it fits none."""
    for section in sections:
        if fits(section.files[0], file):
            break
    else:
        section = new
        sections.append(section)
    section.files.append(file)
    return section


def _share_a_figure(one, other):
    return first_difference(one.header, other.header) is None


def _share_a_link(one, other):
    return shared_link(one) == shared_link(other)


def _check_header(file, entries):
    """Refuses files that no scenario wrote, which tell too little for a report."""
    for entry, names in (entries | {"description": ()}).items():
        values = file.header.get(entry)
        if not isinstance(values, dict):
            raise ResultError(f"{file.path} is no result of a scenario: no {entry!r}")
        for name in names:
            if name not in values:
                raise ResultError(
                    f"{file.path} is no result of a scenario: no {name!r} in {entry!r}"
                )
