"""Systems whose receiver makes more of what another system delivers."""

import copy


class AtReceiver:
    """A system around another one, as of :class:`~semcom_phy.simulation.system.System`.

    Subclasses add ``transmit``, and to ``describe`` what the receiver holds.

    Parameters
    ----------
    system : :class:`~semcom_phy.simulation.system.System`
    """

    def __init__(self, system):
        self.system = system
        self.name, self.title = system.name, system.title

    def describe(self):
        return self.system.describe()

    def shared(self, spreading, how):
        """As of :meth:`~semcom_phy.simulation.system.System.shared`."""
        other = copy.copy(self)
        AtReceiver.__init__(other, self.system.shared(spreading, how))
        return other

    def symbol_maps(self, samples, snr_db, seed):
        return self.system.symbol_maps(samples, snr_db, seed)
