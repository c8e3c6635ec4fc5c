"""What a system is made of, as found in its objects."""

import functools
from pathlib import Path

import keras
import numpy as np
import pytest

from semcom_phy.simulation.identity.system_parts import system_parts


class Part:
    def __init__(self, gain, table=(), memory=None):
        self.gain, self.table, self._memory = gain, table, memory or {}
        self._step = 2 * gain

    @functools.cached_property
    def derived(self):
        return self.gain + 1


class System:
    def __init__(self, part, network=None, rate=None, file=None):
        self.part, self._network, self.rate, self.file = part, network, rate, file


def network(units=3, activation="relu"):
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(units, activation, kernel_initializer="ones")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(hidden))


def identity(*objects):
    parts = system_parts(*objects)
    return set(parts.definitions), parts.settings_hashes(), parts.weights_hash()


def test_classes_are_found_wherever_an_object_holds_them():
    """In attributes, private ones too, collections, partial functions, closures and
    functions with a memory (exact)."""
    part = Part(1.0)
    for held in (
        [part],
        {"a": (part,)},
        functools.partial(print, part),
        lambda: part,
        functools.lru_cache(lambda: part),
    ):
        system = System(None)
        system._held = held
        assert (__name__, "Part") in identity(system)[0]
    assert identity(System(None))[0] == {(__name__, "System")}


@pytest.mark.parametrize(
    "other",
    [
        lambda: System(Part(2.0)),
        lambda: System(Part(1.0, (1, 2))),
        lambda: System(Part(1.0, np.arange(3))),
        lambda: System(Part(1.0), rate=lambda snr, slope=2: slope),
        lambda: System(Part(1.0), network()),
    ],
)
def test_other_settings_are_seen(other):
    """A number, a table, an array, a default of a function, a network (exact)."""
    assert identity(System(Part(1.0))) != identity(other())
    assert identity(other()) == identity(other())


def test_layers_inside_do_not_rename_settings():
    """Attention holds a layer called as its setting "dropout" if it is the first one of
    a process (exact)."""
    found = []
    for name in ("dropout", "dropout_1"):
        layer = keras.layers.MultiHeadAttention(2, 4, name="attention")
        layer.build((None, 3, 8), (None, 3, 8))
        layer._dropout_layer.name = name
        found.append(system_parts(layer).settings_hashes()["MultiHeadAttention"])
    assert found[0] == found[1]


def test_closures_count_by_their_values():
    """A rate profile that is read from a file is what it holds (exact)."""

    def rate(points):
        return lambda snr: np.interp(snr, *points)

    assert identity(rate([[0, 1], [2, 3]])) == identity(rate([[0, 1], [2, 3]]))
    assert identity(rate([[0, 1], [2, 3]])) != identity(rate([[0, 1], [2, 4]]))


def test_networks_count_by_configuration_and_weights():
    """Layers of Keras, whatever number Keras has given to their names (exact)."""
    before = identity(System(None, network()))
    assert identity(System(None, network())) == before
    assert identity(System(None, network(activation="tanh")))[1] != before[1]
    changed = network()
    changed.layers[-1].bias.assign([1.0])
    after = identity(System(None, changed))
    assert after[1] == before[1] and after[2] != before[2]


def test_use_changes_nothing():
    """Memories with a private name, and what is worked out on demand, do not count
    (exact)."""
    part = Part(1.0)
    before = identity(System(part))
    part._memory["image"] = Part(3.0)
    assert part.derived == 2.0
    assert identity(System(part)) == before


def test_folders_of_the_machine_do_not_count():
    """A file counts by its name, its content elsewhere (exact)."""
    here, there = (
        identity(System(None, file=Path(f) / "a.json")) for f in "/home /opt".split()
    )
    assert here == there
