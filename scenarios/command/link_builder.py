"""What builds a system and its channel, wherever a sweep runs."""

import importlib
from dataclasses import dataclass

from scenarios.scenario import Scenario

TABLE = "link_models.systems.table"  # module with the systems


@dataclass(frozen=True)
class LinkBuilder:
    """Builds a system and its channel, in whatever process it is called.

    Parameters
    ----------
    scenario : :class:`Scenario`
        What to build it for
    system : `str`
        A name in the table ``SYSTEMS``
    table : `str`
        Module with ``SYSTEMS``, ``build_system(name, scenario)``,
        ``build_channel(scenario)`` and, for several users, ``shared_forms(scenario)``,
        for --weights ``check_weights(scenario)``
    """

    scenario: Scenario
    system: str
    table: str

    def __call__(self):
        from semcom_phy.simulation.sweep import Link

        table = importlib.import_module(self.table)
        return Link(
            table.build_system(self.system, self.scenario),
            table.build_channel(self.scenario),
        )
