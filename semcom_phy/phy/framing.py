"""Where symbols go: slots, streams and resource elements of an OFDM grid."""

from dataclasses import dataclass

import numpy as np
from keras import ops
from sionna.phy.ofdm import PilotPattern, ResourceGrid, ResourceGridMapper

from semcom_phy.checks import check_number

_PILOT_SEED = 0


@dataclass(frozen=True)
class OFDMGrid:
    """One slot of OFDM symbols with pilots on whole symbols.

    Parameters
    ----------
    fft_size : `int`, (default 72)
        Number of subcarriers

    num_ofdm_symbols : `int`, (default 14)
        OFDM symbols per slot

    pilot_ofdm_symbols : `tuple` of `int`, (default (2, 11))
        OFDM symbols that carry pilots on every effective subcarrier

    subcarrier_spacing : `float`, (default 30e3)
        Subcarrier spacing [Hz]

    cyclic_prefix_length : `int`, (default 6)
        Length of the cyclic prefix [samples of fft_size]; it sets the time between
        OFDM symbols. The link is simulated per subcarrier, so delays beyond it cause
        no intersymbol interference: TDL and CDL refuse those that would

    num_guard_carriers : (`int`, `int`), (default (0, 0))
        Unused subcarriers at the lower and the upper edge

    dc_null : `bool`, (default `False`)
        Leave the DC subcarrier empty

    Raises
    ------
    ValueError
        If no data or no pilot resource element remains, or a value is out of range.

    Example
    -------
    >>> grid = OFDMGrid(fft_size=64, num_guard_carriers=(6, 5), dc_null=True)
    >>> grid.num_effective_subcarriers, grid.num_data_res, grid.num_pilot_res
    (52, 624, 104)
    """

    fft_size: int = 72
    num_ofdm_symbols: int = 14
    pilot_ofdm_symbols: tuple = (2, 11)
    subcarrier_spacing: float = 30e3
    cyclic_prefix_length: int = 6
    num_guard_carriers: tuple = (0, 0)
    dc_null: bool = False

    def __post_init__(self):
        object.__setattr__(self, "pilot_ofdm_symbols", tuple(self.pilot_ofdm_symbols))
        object.__setattr__(self, "num_guard_carriers", tuple(self.num_guard_carriers))
        pilots = self.pilot_ofdm_symbols
        inside = all(0 <= i < self.num_ofdm_symbols for i in pilots)
        if not pilots or not inside or len(set(pilots)) != len(pilots):
            raise ValueError(
                "pilot_ofdm_symbols must be distinct indices below num_ofdm_symbols "
                f"= {self.num_ofdm_symbols}, at least one, got {pilots}."
            )
        if len(pilots) == self.num_ofdm_symbols:
            raise ValueError(f"All OFDM symbols carry pilots ({pilots}): no room left.")
        if not 0 <= self.cyclic_prefix_length <= self.fft_size:
            raise ValueError(
                "cyclic_prefix_length must be from 0 to fft_size, "
                f"got {self.cyclic_prefix_length}."
            )
        check_number("subcarrier_spacing", self.subcarrier_spacing, 1e3, 1e7, "Hz")
        guards = self.num_guard_carriers
        if len(guards) != 2 or min(guards) < 0 or self.num_effective_subcarriers < 1:
            raise ValueError(
                f"num_guard_carriers {guards} leave no subcarrier of {self.fft_size}."
            )

    @property
    def effective_subcarriers(self):
        """[num_effective_subcarriers], `int64` : Indices that carry data or pilots."""
        lower, upper = self.num_guard_carriers
        index = np.arange(lower, self.fft_size - upper)
        return index[index != self.fft_size // 2] if self.dc_null else index

    @property
    def num_effective_subcarriers(self):
        """`int` : Number of subcarriers that carry data or pilots."""
        return len(self.effective_subcarriers)

    @property
    def data_ofdm_symbols(self):
        """`tuple` of `int` : OFDM symbols that carry data."""
        return tuple(
            i for i in range(self.num_ofdm_symbols) if i not in self.pilot_ofdm_symbols
        )

    @property
    def num_data_res(self):
        """`int` : Data resource elements per slot."""
        return len(self.data_ofdm_symbols) * self.num_effective_subcarriers

    @property
    def num_pilot_res(self):
        """`int` : Pilot resource elements per slot, of all streams together."""
        return len(self.pilot_ofdm_symbols) * self.num_effective_subcarriers

    @property
    def ofdm_symbol_duration(self):
        """`float` : Duration of an OFDM symbol with its cyclic prefix [s]."""
        return (1 + self.cyclic_prefix_length / self.fft_size) / self.subcarrier_spacing

    @property
    def cyclic_prefix_duration(self):
        """`float` : Duration of the cyclic prefix [s]."""
        return self.cyclic_prefix_length / self.fft_size / self.subcarrier_spacing

    def resource_grid(self, num_streams, effective_only=False):
        """Sionna's description of one slot.

        Parameters
        ----------
        num_streams : `int`
            Number of streams of the single transmitter

        effective_only : `bool`, (default `False`)
            Leave out guard and DC subcarriers, as the link computes them

        Output
        ------
        : :class:`~sionna.phy.ofdm.ResourceGrid`
        """
        size = self.num_effective_subcarriers if effective_only else self.fft_size
        mask = np.zeros(
            [1, num_streams, self.num_ofdm_symbols, self.num_effective_subcarriers],
            bool,
        )
        mask[:, :, list(self.pilot_ofdm_symbols)] = True
        return ResourceGrid(
            num_ofdm_symbols=self.num_ofdm_symbols,
            fft_size=size,
            subcarrier_spacing=self.subcarrier_spacing,
            num_streams_per_tx=num_streams,
            cyclic_prefix_length=min(self.cyclic_prefix_length, size),
            num_guard_carriers=(0, 0) if effective_only else self.num_guard_carriers,
            dc_null=False if effective_only else self.dc_null,
            pilot_pattern=PilotPattern(mask, self.pilots(num_streams)[None]),
        )

    def pilots(self, num_streams):
        r"""Pilot symbols of every stream on the pilot resource elements of a slot.

        The layout is that of Sionna's :class:`~sionna.phy.ofdm.KroneckerPilotPattern`
        with normalisation: stream t sends QPSK on subcarriers t, t + Nt, ... of each
        pilot OFDM symbol and nothing on the others, with average energy 1 over all
        pilot resource elements. On its own comb a stream is thus boosted to
        :math:`N_t`, which is also the total power of a data resource element: the
        total transmit power is the same everywhere, pilots are not boosted. The QPSK
        values are fixed, so that every process and backend sends the same.

        Parameters
        ----------
        num_streams : `int`
            Number of streams, a divisor of ``num_effective_subcarriers``

        Output
        ------
        : [num_streams, num_pilot_res], `complex64`
            Pilots in the order of OFDM symbols, then subcarriers

        Raises
        ------
        ValueError
            If ``num_streams`` does not divide the number of effective subcarriers.
        """
        subcarriers = self.num_effective_subcarriers
        if num_streams < 1 or subcarriers % num_streams:
            raise ValueError(
                f"{num_streams} streams, one from every transmit antenna, do not "
                f"divide the {subcarriers} effective subcarriers, as orthogonal pilots "
                f"need: {_few_divisors(subcarriers)} antennas do; or change fft_size "
                "or num_guard_carriers."
            )
        rng = np.random.default_rng(_PILOT_SEED)
        bits = rng.integers(0, 2, [2, len(self.pilot_ofdm_symbols), subcarriers])
        qpsk = ((1 - 2 * bits[0]) + 1j * (1 - 2 * bits[1])) * np.sqrt(num_streams / 2)
        comb = np.arange(num_streams)[:, None] == np.arange(subcarriers) % num_streams
        pilots = comb[:, None, :] * qpsk
        return pilots.reshape(num_streams, -1).astype(np.complex64)


class Framing:
    r"""Places any number of complex symbols per image on slots, streams and elements.

    Symbol i goes to stream i mod Nt of data resource element i // Nt: streams are
    packed densely and an image occupies :math:`\lceil N / N_t \rceil` data resource
    elements, filled OFDM symbol by OFDM symbol, slot by slot. What remains of the last
    slot stays empty.

    Parameters
    ----------
    num_symbols : `int`
        Complex symbols per image that the frame must hold

    num_streams : `int`, (default 1)
        Number of streams (transmit antennas), Nt

    grid : :class:`OFDMGrid`
        One slot

    Raises
    ------
    ValueError
        If ``num_symbols`` is not positive or the pilots of ``num_streams`` do not fit.

    Example
    -------
    >>> framing = Framing(768, num_streams=2)
    >>> framing.num_data_res, framing.num_slots, framing.num_pilot_res
    (384, 1, 144)
    """

    def __init__(self, num_symbols, num_streams=1, grid=None):
        if int(num_symbols) != num_symbols or num_symbols < 1:
            raise ValueError(f"num_symbols must be at least 1, got {num_symbols!r}.")
        self.num_symbols = int(num_symbols)
        self.num_streams = int(num_streams)
        self.grid = OFDMGrid() if grid is None else grid
        self.pilots = self.grid.pilots(self.num_streams)

    @property
    def num_data_res(self):
        """`int` : Data resource elements of a full frame (all slots together)."""
        return self.data_res(self.num_symbols)

    @property
    def num_slots(self):
        """`int` : Slots per image."""
        return -(-self.num_data_res // self.grid.num_data_res)

    @property
    def num_pilot_res(self):
        """`int` : Pilot resource elements per image (all slots together)."""
        return self.num_slots * self.grid.num_pilot_res

    def data_res(self, num_symbols):
        """Data resource elements that ``num_symbols`` symbols occupy, `int`."""
        return -(-num_symbols // self.num_streams)

    def among(self, num_users):
        """The frame that users share: room for the symbols of each, which begin on a
        resource element of their own.

        Parameters
        ----------
        num_users : `int`, at least 1
            Number of users, each with as many symbols as this frame

        Output
        ------
        : :class:`Framing`
        """
        num_symbols = num_users * self.num_data_res * self.num_streams
        return Framing(num_symbols, self.num_streams, self.grid)

    def to_streams(self, x):
        """Symbols to streams on the resource elements in use.

        Input
        -----
        x : [batch, num_symbols], `complex64`
            Symbols, at most as many as the frame holds

        Output
        ------
        : [batch, num_data_res, num_streams], `complex64`

        Raises
        ------
        ValueError
            If ``x`` is not a matrix, or holds no symbol or more than the frame does.
        """
        num_symbols = self.check(x)
        num_res = self.data_res(num_symbols)
        missing = num_res * self.num_streams - num_symbols
        if missing:
            x = ops.pad(x, ((0, 0), (0, missing)))
        return ops.reshape(x, (-1, num_res, self.num_streams))

    def from_streams(self, streams, num_symbols):
        """Streams back to symbols, the inverse of :meth:`to_streams`.

        Input
        -----
        streams : [batch, num_data_res, num_streams]
            Values on the resource elements in use

        num_symbols : `int`
            Number of symbols that were sent

        Output
        ------
        : [batch, num_symbols]
        """
        num_res = self.data_res(num_symbols)
        flat = ops.reshape(streams, (-1, num_res * self.num_streams))
        return flat if flat.shape[1] == num_symbols else flat[:, :num_symbols]

    def to_slots(self, values):
        """Values on the resource elements in use to whole slots, zeros elsewhere.

        Input
        -----
        values : [batch, num_data_res, ...]
            Values on at most as many data resource elements as the frame has

        Output
        ------
        : [batch * num_slots, grid.num_data_res, ...]
        """
        room = self.num_slots * self.grid.num_data_res
        tail = tuple(values.shape[2:])
        missing = room - values.shape[1]
        if missing:
            values = ops.pad(values, ((0, 0), (0, missing)) + ((0, 0),) * len(tail))
        return ops.reshape(values, (-1, self.grid.num_data_res) + tail)

    def from_slots(self, values, num_res):
        """The first ``num_res`` data resource elements, the inverse of `to_slots`.

        Input
        -----
        values : [batch * num_slots, grid.num_data_res, ...]

        Output
        ------
        : [batch, num_res, ...]
        """
        room = self.num_slots * self.grid.num_data_res
        values = ops.reshape(values, (-1, room) + tuple(values.shape[2:]))
        return values[:, :num_res]

    def resource_grid(self, x):
        """The transmitted resource grids with pilots, for display and tests.

        Input
        -----
        x : [batch, num_symbols], `complex64`

        Output
        ------
        : [batch, num_slots, num_streams, num_ofdm_symbols, fft_size], `complex64`
        """
        slots = ops.transpose(self.to_slots(self.to_streams(x)), (0, 2, 1))
        mapper = ResourceGridMapper(self.grid.resource_grid(self.num_streams))
        mapped = mapper(slots[:, None])
        shape = (-1, self.num_slots) + tuple(mapped.shape[2:])
        return ops.reshape(mapped, shape)

    def count_used(self, mask):
        """Data resource elements that carry at least one active symbol.

        Input
        -----
        mask : [batch, num_symbols]
            1 for symbols that are sent, 0 for symbols that are left empty

        Output
        ------
        : [batch], `int32`
            Channel uses per image; an element with one active stream counts whole
        """
        active = ops.max(self.to_streams(ops.cast(mask, "float32")), axis=-1)
        return ops.cast(ops.sum(active > 0, axis=-1), "int32")

    def check(self, x):
        """Number of symbols in ``x`` after checking that the frame holds them."""
        shape = tuple(x.shape)
        if len(shape) != 2 or not shape[1] or shape[1] > self.num_symbols:
            raise ValueError(
                "Expected symbols of shape [batch, num_symbols] with 1 to "
                f"{self.num_symbols} symbols, got {shape}."
            )
        return shape[1]


def _few_divisors(number):
    """Those up to 8, as text."""
    return ", ".join(str(n) for n in range(1, 9) if number % n == 0)
