"""Which results may stand in one figure: those of one link, rate and data set."""

import json

from semcom_phy.differences import differences

# Which weights a system has, its description says; a scenario's name says nothing, and
# the user's codec is one system of several.
_NOT_SHARED = ("name", "weights", "codec", "link_budget")
_DATA = ("sha256", "texts_sha256", "labels_sha256", "masks_sha256", "groups")


def check_comparable(headers):
    """Refuses results whose curves say nothing beside each other.

    Compared are the scenario (channel, CSI, rate, images, ... and whether the sweep is
    over SNRs, over the distances of one link budget, or over the cbr at one SNR), the
    metrics, the seed, the hashes and groups of the images, and the part of them that
    figures show.

    Parameters
    ----------
    headers : `dict` of `str` -> `dict`
        Headers of result files by a name for the message

    Raises
    ------
    ValueError
        If two differ, with the first difference.
    """
    (first, reference), *others = headers.items()
    for name, header in others:
        difference = first_difference(reference, header)
        if difference is not None:
            key, one, other = difference
            raise ValueError(
                f"{first} and {name} cannot share a figure: {key} is {one} in the "
                f"first and {other} in the second; choose some with --systems, or keep "
                "them in folders of their own (--out)"
            )


def first_difference(header, other):
    """What two results that share no figure differ in: what a user sets before the
    hashes that follow from it.

    Output
    ------
    : (`str`, `str`, `str`) or `None`
        Name, and both values as JSON; `None` where they may share a figure
    """
    one, two = _shared(header), _shared(other)
    for part in one:
        for path, was, now in differences(one[part], two[part], (part,)):
            return ".".join(path), json.dumps(was), json.dumps(now)
    return None


def _shared(header):
    """What the results of one figure have in common."""
    scenario, data = header["scenario"], header["data"]
    return {
        # First, because the carrier follows from it.
        "link_budget": scenario.get("link_budget"),
        "scenario": {k: v for k, v in scenario.items() if k not in _NOT_SHARED},
        "metrics": [metric["name"] for metric in header["metrics"]],
        "seed": header["seed"],
        "data": {key: data[key] for key in _DATA if key in data},
        # Where large images are shown.
        "crops": header.get("crops"),
    }
