"""Groups of images that are alike, for intervals that count groups."""

from collections import Counter


def drive_segments(names, frames_per_segment=10):
    """Labels frames of drives by the segment of consecutive frames that they lie in.

    Neighbouring frames of a drive show nearly the same scene: an interval that took
    each for an independent image would be too narrow. Whole drives would be the safest
    unit, but CamVid's test split has only two, which says nothing about the spread
    between drives. Segments of consecutive frames are the compromise: frames within one
    are alike, and those of different segments mostly are not. What the interval then
    covers is other segments of these drives, not other cities or weather.

    Parameters
    ----------
    names : sequence of `str`
        Frame names in the order of the drive, e.g. ``0001TP_008550``; a drive is told
        by the name up to the last "_"

    frames_per_segment : `int`, (default 10)
        Consecutive frames of a drive in one segment, as they are given; the last
        segment of a drive may be shorter

    Output
    ------
    groups : `list` of `str`, one per frame
        ``<drive>/<number of the segment>``

    Raises
    ------
    ValueError
        If ``frames_per_segment`` is less than 1.

    Example
    -------
    >>> drive_segments(["a_1", "a_2", "a_3", "b_1"], 2)
    ['a/0', 'a/0', 'a/1', 'b/0']
    """
    if int(frames_per_segment) != frames_per_segment or frames_per_segment < 1:
        raise ValueError(
            f"frames_per_segment is {frames_per_segment}; give a whole number of at "
            "least 1"
        )
    seen, groups = Counter(), []
    for name in names:
        drive = str(name).rsplit("_", 1)[0]
        groups.append(f"{drive}/{seen[drive] // int(frames_per_segment)}")
        seen[drive] += 1
    return groups


def describe_groups(groups, rule):
    """What a result file says of the groups, under ``header["data"]["groups"]``.

    Parameters
    ----------
    groups : sequence of `int` or `str`
        As given to :func:`~semcom_phy.simulation.sweep.run_sweep`

    rule : `str`
        How they were formed, in words

    Output
    ------
    : `dict`
        ``count``, ``rule``
    """
    return {"count": len(set(groups)), "rule": rule}
