"""What all figures have in common: colours, style, captions, how they are written.

Colours: M. Okabe, K. Ito, "Color Universal Design", 2008 (black, and without the
yellow that white paper swallows); every curve has a marker of its own besides.
"""

from semcom_phy.simulation.comparable import check_comparable
from semcom_phy.simulation.curve import joined_axis
from semcom_phy.simulation.storage import replaced
from semcom_phy.user_objects import names_object

COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000",
)  # fmt: skip
MARKERS = "osD^vP*X"
OLDER = "open markers, *"  # what marks points of older code
_LABELS = {  # of figures that are no metrics, which have titles of their own
    "outage": "Outage probability",
    "block_error": "Block error rate",
    "bit_error": "Bit error rate",
    "predicted_outage": "Predicted outage probability",
    "undetected": "Undetected error probability",
    "payload_bytes": "Payload [byte]",
    "payload_bits": "Payload [bit]",
    "side_bits": "Side information [bit]",
    "spectral_efficiency": "Spectral efficiency [bit/symbol]",
    "modulation_order": "Modulation order [bit/symbol]",
    "words_sent": "Words sent",
    "effective_snr_db": "Effective SNR [dB]",
    "smallest_stream_bytes": "Smallest stream, where it does not fit [byte]",
    "room_bytes": "Room, where the smallest stream does not fit [byte]",
    "mask_iou": "Intersection over union of the mask",
}
_LOST = "lost_"  # before the name of a segment
LOGARITHMIC = ("outage", "block_error", "bit_error")
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # TrueType: publishers refuse fonts of type 3
    "svg.hashsalt": "semcom-phy",  # the same bytes for the same figure
}
_NO_DATE = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def save(figure, path):
    """In one step, because other runs may draw into the folder at the same time."""
    with replaced(path) as temporary:
        figure.savefig(temporary, metadata=_NO_DATE.get(temporary.suffix))


def figure_label(curve, name):
    """Title and unit of a metric or another figure of a curve's points; one that only
    some system of a user's has is called by its name."""
    if name.startswith(_LOST):
        return f"Loss probability of the segment {name.removeprefix(_LOST)!r}"
    return _LABELS.get(name) or curve.label(name)


def caption(curves):
    """Link, and the rate or the SNR that all points share, in a few words.

    Raises
    ------
    ValueError
        If no words hold for all curves, see
        :func:`~semcom_phy.simulation.comparable.check_comparable`.
    """
    check_comparable({curve.path.name: curve.header for curve in curves})
    older = any(curve.is_old(snr) for curve in curves for snr in curve.points)
    scenario = curves[0].header["scenario"]
    channel = scenario["channel"]
    if not names_object(channel):
        channel = channel.upper() if len(channel) < 5 else channel.capitalize()
    return (
        f"{scenario['num_tx_ant']}x{scenario['num_rx_ant']} {channel}, "
        f"{scenario['csi']} CSI, {curves[0].axis.fixed(curves[0].header)}"
        + (f"; {OLDER}: kept from older code" if older else "")
    )


def budget_line(curves):
    """A line on the link budget that distances have their SNRs by; nothing where a
    sweep is over SNRs."""
    budget = curves[0].header["scenario"].get("link_budget")
    if budget is None:
        return ""
    return (
        f"\n{budget['tx_power_dbm']:g} dBm, path-loss exponent "
        f"{budget['path_loss_exponent']:g}, {budget['carrier_frequency'] / 1e9:g} GHz, "
        f"{budget['bandwidth_hz'] / 1e6:g} MHz, noise figure "
        f"{budget['noise_figure_db']:g} dB"
    )


def shared_axis(curves):
    """The axis with the points of all curves.

    Raises
    ------
    ValueError
        If they are not of one link budget, or cannot share a figure for another reason.
    """
    check_comparable({curve.path.name: curve.header for curve in curves})
    return joined_axis(curves)


def count(curves):
    """How many images, or what else is sent, and transmissions where these are more,
    stand behind a point."""
    estimates = [
        curve.estimate("outage", snr) for curve in curves for snr in curve.points
    ]
    images = {e.num_images for e in estimates}
    sent = {e.num_transmissions for e in estimates}
    data = curves[0].header["data"]
    text = f"{_span(images)} {data.get('unit', 'image')}s"
    groups = data.get("groups")
    if groups is not None:
        text += f" in {groups['count']} groups"
    return text if sent == images else f"{text}, {_span(sent)} transmissions"


def _span(values):
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
