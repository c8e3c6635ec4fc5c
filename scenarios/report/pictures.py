"""Reconstructions and received texts of a section, as ``data:`` URIs without loss."""

import base64
import io

from PIL import Image

from semcom_phy.simulation.figures.captions import has_captions, has_pictures
from semcom_phy.simulation.figures.images import value_text
from semcom_phy.simulation.shown import decode_strip


def shown_pictures(files, keys, most):
    """What was sent and what systems made of it.

    Input
    -----
    files : sequence of :class:`~semcom_phy.simulation.curve.MeasuredCurve`
        Of one section
    keys : `list` of `float`
        Points of the page
    most : `int`
        Pictures, or captions, per system and point

    Output
    ------
    : `dict` or `None`
        ``uris`` (each once), ``count``, ``original`` and ``overview`` (numbers of uris;
        the latter with ``crops`` as shares of the picture), ``sent`` (texts), ``value``
        (what figures below pictures are) and ``received`` [system][point]: numbers of
        uris, texts, figures and outages; `None` where there is nothing to show
    """
    if not most or not any(_shows(file) for file in files):
        return None
    header, uris = files[0].header, _Uris()
    most = min(most, len(files[0].original))
    received = [[_received(f, key, most, uris) for key in keys] for f in files]
    pictured, told = has_pictures(header), any(has_captions(file) for file in files)
    about = {
        "count": most,
        "original": uris.of(files[0].original[:most]) if pictured else None,
        "overview": None,
        "sent": header["original_texts"][:most] if told else None,
        "value": _value_label(files),
        "received": received,
    }
    if pictured and "crops" in header:
        about["overview"] = uris.of(decode_strip(header["overview"])[:most])
        size = header["scenario"]["image_size"]
        height, width = (size, size) if isinstance(size, int) else size
        about["crops"] = [
            {
                "top": top / height,
                "left": left / width,
                "height": side / height,
                "width": side / width,
                "place": f"{side} px at {top}, {left}",
            }
            for top, left, side in header["crops"][:most]
        ]
    return about | {"uris": uris.all}


class _Uris:
    """PNGs as ``data:`` URIs, each once: systems in outage show the same picture."""

    def __init__(self):
        self.all, self._numbers = [], {}

    def of(self, images):
        """Numbers of images [k, height, width, 3] in the list."""
        return [self._number(_png_uri(image)) for image in images]

    def _number(self, uri):
        if uri not in self._numbers:
            self._numbers[uri] = len(self.all)
            self.all.append(uri)
        return self._numbers[uri]


def _png_uri(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _shows(file):
    shown = [point.shown for point in file.points.values()]
    return any(s and (s.images is not None or s.texts is not None) for s in shown)


def _received(file, key, most, uris):
    point = file.points.get(key)
    seen = None if point is None else point.shown
    if seen is None or (seen.images is None and seen.texts is None):
        return None
    count = min(most, len(seen.outage))
    return {
        "count": count,
        "images": None if seen.images is None else uris.of(seen.images[:count]),
        "texts": None if seen.texts is None else list(seen.texts[:count]),
        "values": [value_text(seen, k) for k in range(count)],
        "outage": [bool(lost) for lost in seen.outage[:count]],
    }


def _value_label(files):
    """What the figures below pictures are."""
    for file in files:
        for point in file.points.values():
            if point.shown is not None and point.shown.values[0] is not None:
                label = file.label(point.shown.values[0])
                return label.replace(", mean over images", "")
    return ""
