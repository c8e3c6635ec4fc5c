"""Entries of the table for weights that authors publish, once they are imported.

``weights`` is the label that the importer gives them.
"""

from dataclasses import dataclass

from link_models.codecs import load_link
from link_models.links.radio import build_channel
from link_models.systems.batch_channel_system import BatchChannelSystem
from link_models.systems.entries import Semantic, about_weights
from link_models.weights import store

AS_PUBLISHED = "_as_published"  # ends the name of a system over its authors' channel


@dataclass(frozen=True)
class Published(Semantic):
    """A codec of published weights over the project's link; parameters as of
    :class:`~link_models.systems.entries.Semantic`."""

    def label(self, scenario):
        """Those of --weights, or of the importer's folder.

        Raises
        ------
        FileNotFoundError, ValueError
            If there are none, with the command that imports them, or if they were
            imported as another variant.
        """
        label = scenario.weights
        if not label:  # all entries of the table name theirs
            label = str(store.WRITTEN / self.weights)  # type: ignore[operator]
        try:
            store.find(label)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"no weights {label!r}: import the authors' checkpoint by python -m "
                f"link_models.training import FILE.pth --as {self.weights}, or name "
                "imported ones with --weights"
            ) from error
        variant = store.read_record(label).get("published", {}).get("as")
        if variant not in (None, self.weights):
            raise ValueError(
                f"weights {label!r} were imported as {variant!r}, not as "
                f"{self.weights!r}: name others with --weights, or leave it out"
            )
        return label


@dataclass(frozen=True)
class AsPublished(Published):
    """The same over the channel of its authors.

    Parameters
    ----------
    system : `type`, (default
    :class:`~link_models.systems.batch_channel_system.BatchChannelSystem`)
        That channel
    """

    system: type[BatchChannelSystem] = BatchChannelSystem

    def build(self, name, scenario):
        """The system."""
        antennas, known = (scenario.num_tx_ant, scenario.num_rx_ant), self.system
        if scenario.channel not in known.channels or antennas != (1, 1):
            several = "s" if len(known.channels) > 1 else ""
            where = " or ".join(f"siso_{channel}" for channel in known.channels)
            raise ValueError(
                f"{name!r} is for 1x1 antennas and the channel{several} "
                f"{' and '.join(known.channels)}, as its authors simulate, not "
                f"{antennas[0]}x{antennas[1]} {scenario.channel}: run it in {where}"
            )
        label, channel = self.label(scenario), build_channel(scenario)
        link, record = load_link(label, channel, scenario.image_shape, name=self.codec)
        fading = scenario.channel == "rayleigh"
        return known(name, self.title, link, fading, about_weights(record))


def with_forms_as_published(systems, table):
    """Names of systems, each followed by its form over its authors' channel.

    Parameters
    ----------
    systems : `tuple` of `str`

    table : `dict`
        The table of systems

    Raises
    ------
    ValueError
        If none of them has such a form.
    """
    forms = {}
    for name in systems:
        forms[name] = None
        if name + AS_PUBLISHED in table:
            forms[name + AS_PUBLISHED] = None
    if not any(name.endswith(AS_PUBLISHED) for name in forms):
        having = [n.removesuffix(AS_PUBLISHED) for n in table if AS_PUBLISHED in n]
        raise ValueError(
            "systems hold none of published weights: give --as-published with some of "
            f"{', '.join(having)}"
        )
    return tuple(forms)
