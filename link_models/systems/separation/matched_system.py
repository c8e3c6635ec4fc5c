"""Systems at the rate that an adaptive codec spends, SNR by SNR."""

from functools import lru_cache


class MatchedSystem:
    """A system per rate, and at every SNR the one whose rate is asked for.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

    build : callable, cr_real -> system
        Makes a system for a rate

    rates : callable, snr_db -> cr_real
        Rate at an SNR

    """

    def __init__(self, name, title, build, rates):
        self.name = name
        self.title = title
        self.rates = rates
        self._system = lru_cache(maxsize=None)(build)
        # Held as a part: what it is made of, all of them are.
        self.at_lowest_snr = self._system(self.rates(-100.0))

    def describe(self):
        most = self.at_lowest_snr.describe()
        return {**most, "bandwidth_note": "at the lowest SNR; else in cbr"}

    def shared(self, spreading, how):
        """As of :meth:`~semcom_phy.simulation.system.System.shared`."""

        def at_rate(cr_real):
            return self._system(cr_real).shared(spreading, how)

        title = f"{self.title}, {how}"
        return MatchedSystem(self.name, title, at_rate, self.rates)

    def transmit(self, samples, snr_db, h, seeds):
        system = self._system(self.rates(snr_db))
        return system.transmit(samples, snr_db, h, seeds)

    def symbol_maps(self, samples, snr_db, seed):
        return None
