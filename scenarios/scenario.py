"""A scenario: everything that fixes a comparison, as one frozen dataclass."""

import math
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from numbers import Real
from typing import ClassVar

from scenarios.link_budget import LinkBudget

IMAGE_METRICS = ("psnr_db", "psnr_of_mean_mse_db", "ssim", "ms_ssim")
IMPORTANCE_METRICS = (  # of images with label maps of the road
    *("psnr_high", "psnr_medium", "psnr_low", "psnr_non_background"),
    *("psnr_background", "mse_non_background", "share_background"),
)

FLAT = ("awgn", "rayleigh", "rician")  # one fade per image
SELECTIVE = ("tdl", "cdl")  # of a terminal that moves

_SYMBOLS_AT_ONCE = 1_000_000  # of all images of a batch: bounds the memory
_PIXELS_AT_ONCE = 2**22  # of all images of a batch: bounds that of networks
_SIDE = (16, 4096)  # smallest and largest side of an image [pixel]
_NUMBERS = {  # smallest, largest, unit; beyond, 32 bits or the models give out
    "rician_k_db": (-100.0, 40.0, "dB"),
    "subcarrier_spacing": (1e3, 1e7, "Hz"),
    "delay_spread": (0.0, 1e-3, "s"),
    "carrier_frequency": (1e6, 1e12, "Hz"),
    "speed": (0.0, 1e4, "m/s"),
    "feedback_delay": (0.0, 10.0, "s"),
}
_SNR_DB = (-100.0, 60.0)
_CHANNELS = (*FLAT, *SELECTIVE)
_CHOICES = {
    "csi": ("perfect", "estimated"),
    "interpolation": ("nearest", "linear", "time_average", "lmmse"),
    "link_adaptation": ("average", "csi"),
}


@dataclass(frozen=True)
class Scenario:
    """Radio link, images, rate and systems of a comparison.

    Objects are built from it in :mod:`link_models`; here are plain values only. The
    methods below :meth:`framing` are what differs where something else than images is
    sent (:class:`~scenarios.kinds.caption.CaptionScenario`).

    Parameters
    ----------
    name : `str`
        Name of the scenario and of its results folder
    num_tx_ant, num_rx_ant : `int`, 1 to 8
        Transmit antennas (one stream each) and receive antennas; no more streams
        than receive antennas
    channel : `str`
        ``awgn`` (each stream to its own antenna), ``rayleigh`` or ``rician`` (flat,
        one fade per image), or of TR 38.901: ``tdl``, ``cdl``. (UMi has path
        loss: its SNR is an output, so it is for use as an object, not for a sweep.)
        Or a user's own, ``my_module:MyChannel``: called with ``num_rx_ant``,
        ``num_tx_ant`` and ``grid``, it returns a model as described for
        :func:`~semcom_phy.phy.channel_models.user_channel.user_channel`
    detector : `str` or `None`
        A user's own in the place of L-MMSE, ``my_module:detect``, as described for
        :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
    users : `int`, a power of two up to 64
        Users of one transmitter who share frames, in every system by time sharing
        and, under its name with ``_walsh`` behind, by Walsh codes; flat channels only
    csi : `str`
        ``perfect``, or ``estimated`` by least squares from the pilots
    interpolation : `str`
        How the estimate spreads from the pilots over a frequency-selective grid:
        ``nearest``, ``linear``, ``time_average``, ``lmmse``. Flat channels use
        the whole pilot block jointly instead
    link_adaptation : `str`
        What the separate systems choose their rate by: the ``average`` SNR, or the
        fed-back ``csi`` of every image
    cbr : `Fraction`, or anything that one can be made of, e.g. "1/4"
        Complex data symbols per source dimension, in (0, 1]; side information and
        pilots come on top
    fft_size, num_ofdm_symbols, pilot_ofdm_symbols, subcarrier_spacing
        The OFDM slot: subcarriers, symbols, indices of pilot symbols, spacing [Hz]
    rician_k_db : `float`
        Power of the line of sight over the scattered power, ``rician`` only, -100 to
        40 [dB]; above, streams can no longer be told apart in 32 bits
    profile : `str`
        Delay profile of ``tdl`` and ``cdl``: A to E
    delay_spread : `float`
        RMS delay spread of ``tdl`` and ``cdl`` [s]
    carrier_frequency : `float`
        [Hz]; ``tdl`` and ``cdl``, and for the age of what is fed back
    speed : `float`
        Speed of the terminal [m/s]; ``tdl`` and ``cdl``, and for the age of what is
        fed back
    feedback_delay : `float`
        Age of the channel that transmitters are fed back [s]; 0: the estimate is that
        of the frame's own channel. Flat channels only
    dataset : `str`
        ``camvid``, or as of :func:`~semcom_phy.sources.images.load_samples`:
        ``sample``, ``photographs``, ``cifar10``, ``flickr8k``, ``catsdogs``, ``birds``,
        ``cars``, ``ecssd``, a folder of images, an .npz or .npy file
    image_size : `int` or (`int`, `int`)
        Side of square images, or height and width [pixel]; a pair of equal sides is
        kept as one number
    num_images, draws : `int`
        Images, and channel draws per image, at every SNR
    snr_db : `tuple` of `float`
        SNR per receive antenna, -100 to 60 [dB]; kept sorted, each once. With
        ``distances`` an outcome, whatever is given
    distances : `tuple` of `float`, or `None`
        A sweep over distances in the place of SNRs, increasing [m]
    link_budget : :class:`~scenarios.link_budget.LinkBudget` or `None`
        What makes an SNR of a distance; `None`: its defaults where there are
        distances. A link has one carrier: it is also the ``carrier_frequency``
    rates : `tuple` of `Fraction`, or `None`
        A sweep over the cbr at one SNR, in the place of a sweep over SNRs; kept sorted,
        each once. ``cbr`` is then the largest of them, whatever is given, and
        :meth:`at_rates` gives the scenario of each
    systems : `tuple` of `str`
        Names from ``link_models.systems.table.SYSTEMS``
    metrics : `tuple` of `str`
        Names from ``semcom_phy.simulation.metric_table.METRICS``, or metrics of the
        user's module, ``my_module:NAME``; the first is drawn, and decides when a target
        interval is reached
    weights : `str` or `None`
        Label or file of trained weights; `None`: those shipped for the scenario
    codec : `str` or `None`
        A codec of the user's, ``my_module:MyEncoder,MyDecoder``, which is then a system
        by the name of the module
    seed : `int`
        Fixes images, fades and noise

    Raises
    ------
    ValueError
        If a value is out of range, with the value and what is allowed.
    """

    unit: ClassVar[str] = "image"  # what has a frame and a fade of its own
    caption_as: ClassVar[str | None] = None  # how one is sent beside an image
    dual_encoder: ClassVar[str | None] = None  # sees pictures for their masks
    editor: ClassVar[str | None] = None  # repaints what arrived

    name: str
    num_tx_ant: int = 1
    num_rx_ant: int = 1
    channel: str = "rayleigh"
    detector: str | None = None
    users: int = 1
    csi: str = "estimated"
    interpolation: str = "linear"
    link_adaptation: str = "average"
    cbr: Fraction = Fraction(1, 4)
    fft_size: int = 72
    num_ofdm_symbols: int = 14
    pilot_ofdm_symbols: tuple[int, ...] = (2, 11)
    subcarrier_spacing: float = 30e3
    rician_k_db: float = 6.0
    profile: str = "A"
    delay_spread: float = 100e-9
    carrier_frequency: float = 3.5e9
    speed: float = 0.0
    feedback_delay: float = 0.0
    dataset: str = "sample"
    image_size: int | tuple[int, int] = 32
    num_images: int = 64
    draws: int = 1
    snr_db: tuple[float, ...] = (0.0, 5.0, 10.0, 15.0, 20.0)
    systems: tuple[str, ...] = ("adjscc", "hevc_ldpc", "webp_ldpc", "hevc_capacity")
    metrics: tuple[str, ...] = IMAGE_METRICS
    weights: str | None = None
    codec: str | None = None
    seed: int = 1
    distances: tuple[float, ...] | None = None
    link_budget: LinkBudget | None = None
    rates: tuple[Fraction, ...] | None = None

    def __post_init__(self):
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(allowed)}, "
                    f"got {getattr(self, name)!r}"
                )
        if self.has_own_channel:
            _check_own("channel", self.channel)
        elif self.channel not in _CHANNELS:
            raise ValueError(
                f"channel must be one of {', '.join(_CHANNELS)}, or one of your own, "
                f"my_module:MyChannel, got {self.channel!r}"
            )
        if self.detector is not None:
            _check_own("detector", self.detector)
        if self.codec is not None:
            _check_own("codec", self.codec, 2)
        for name, low, high in (
            ("num_tx_ant", 1, 8),
            ("num_rx_ant", 1, 8),
            ("users", 1, 64),
            ("fft_size", 1, 4096),
            ("num_ofdm_symbols", 2, 14),
            ("num_images", 1, None),
            ("draws", 1, None),
            ("seed", 0, 2**32 - 1),
        ):
            _check_integer(name, getattr(self, name), low, high)
        if self.users & (self.users - 1):
            raise ValueError(
                f"users must be a power of two, as many as there are Walsh codes, got "
                f"{self.users}"
            )
        for name, limits in _NUMBERS.items():
            _check_number(name, getattr(self, name), *limits)
        object.__setattr__(self, "image_size", _image_size(self.image_size))
        if self.num_tx_ant > self.num_rx_ant:
            raise ValueError(
                f"num_tx_ant = {self.num_tx_ant} streams cannot be separated by "
                f"num_rx_ant = {self.num_rx_ant} receive antennas"
            )
        if self.channel == "awgn" and self.num_tx_ant != self.num_rx_ant:
            raise ValueError(
                "channel 'awgn' has as many transmit as receive antennas, got "
                f"{self.num_tx_ant} and {self.num_rx_ant}"
            )
        if self.feedback_delay and self.channel not in FLAT:
            raise ValueError(
                f"feedback_delay = {self.feedback_delay:g} s needs a channel with one "
                f"fade per image ({', '.join(FLAT)}), not "
                f"{self.channel!r}: leave out --feedback-delay, or choose another "
                "--channel"
            )
        if self.profile not in tuple("ABCDE"):
            raise ValueError(f"profile must be one of A to E, got {self.profile!r}")
        object.__setattr__(self, "cbr", self._checked_rate(self.cbr))
        self._set_rates()
        self._set_distances()
        object.__setattr__(self, "snr_db", _snr_points(self.snr_db))
        self._check_sweep_of_rates()
        for name in ("pilot_ofdm_symbols", "systems", "metrics"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))
        for name in ("systems", "metrics"):
            if not getattr(self, name):
                raise ValueError(f"{name} must name at least one of them, got none")

    @property
    def feedback_correlation(self):
        """Correlation of the channel that was fed back with that sent over, `float`;
        1 without delay or fading."""
        from semcom_phy.phy.feedback import jakes_correlation  # loads the backend

        if self.channel == "awgn":
            return 1.0
        delay, carrier = self.feedback_delay, self.carrier_frequency
        return jakes_correlation(delay, self.speed, carrier)

    @property
    def distance_of_snr(self):
        """Distances [m] by their SNRs [dB], `dict`; empty for a sweep over SNRs."""
        return dict(zip(self.snr_db, reversed(self.distances or ()), strict=False))

    def at_rates(self):
        """The scenario at each of its rates, increasing; itself where it has none.

        Output
        ------
        : `tuple` of :class:`Scenario`
        """
        if self.rates is None:
            return (self,)
        return tuple(replace(self, cbr=rate, rates=None) for rate in self.rates)

    @property
    def has_own_channel(self):
        """Whether the channel is the user's, `bool`."""
        return isinstance(self.channel, str) and ":" in self.channel

    @property
    def own_system(self):
        """Name of the system with the user's ``codec``, `str`: that of its module;
        empty without one."""
        return (self.codec or "").split(":")[0].split(".")[-1]

    @property
    def image_shape(self):
        """Height, width and channels of the images, (`int`, `int`, 3)."""
        size = self.image_size
        height, width = (size, size) if isinstance(size, int) else size
        return (height, width, 3)

    @property
    def num_symbols(self):
        """Complex data symbols per image [channel uses times streams], `int`."""
        return math.floor(self.cbr * math.prod(self.image_shape))

    @property
    def images_at_once(self):
        """Images that are sent together, `int`: fewer of long frames, and of large
        images, at most 64."""
        of_frame = self.num_symbols * self.users
        height, width, _ = self.image_shape
        most = _SYMBOLS_AT_ONCE // of_frame, _PIXELS_AT_ONCE // (height * width)
        return max(1, min(64, *most))

    @classmethod
    def from_dict(cls, values):
        """The scenario of :meth:`to_dict`.

        Raises
        ------
        ValueError
            If a key is not a field, or a value is out of range.
        """
        allowed = [field.name for field in fields(cls)]
        for key in values:
            if key not in allowed:
                raise ValueError(
                    f"unknown scenario key {key!r}; allowed: {', '.join(allowed)}"
                )
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        if values.get("link_budget") is not None:
            values["link_budget"] = LinkBudget(**values["link_budget"])
        return cls(**values)

    def to_dict(self):
        """Plain JSON values; ``cbr`` as text, e.g. "1/4", ``image_size`` as a number
        or, where the images are not square, a list; ``users`` where there are several,
        distances and rates where there are any."""
        values = asdict(self) | {"cbr": str(self.cbr)}
        if self.rates is None:
            del values["rates"]
        else:
            values["rates"] = [str(rate) for rate in self.rates]
        if self.users == 1:
            del values["users"]
        if self.distances is None:
            del values["distances"], values["link_budget"]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def framing(self):
        """The frame of one image: slots, streams, data and pilot elements.

        Output
        ------
        : :class:`~semcom_phy.phy.framing.Framing`

        Raises
        ------
        ValueError
            If the pilots do not fit the grid.
        """
        from semcom_phy.phy.framing import Framing, OFDMGrid  # loads the backend

        grid = OFDMGrid(
            self.fft_size,
            self.num_ofdm_symbols,
            self.pilot_ofdm_symbols,
            self.subcarrier_spacing,
        )
        return Framing(self.num_symbols, self.num_tx_ant, grid)

    def add_options(self, parser):
        """Adds the options of values that other scenarios do not have."""

    def chosen(self, values):
        """The scenario with values of a command line, `dict` of name -> value."""
        return replace(self, **values)

    def load_samples(self, group_by="picture", strict=False):
        """What is sent: test images with their captions and labels, and which of them
        are alike.

        Parameters
        ----------
        group_by, strict
            As of :func:`~semcom_phy.sources.images.load_samples`

        Output
        ------
        : :class:`~semcom_phy.sources.samples.Samples`

        Raises
        ------
        ValueError, FileNotFoundError
            If there is no such data set, or an option does not fit it.
        """
        from semcom_phy.sources.driving import is_driving, load_driving_samples
        from semcom_phy.sources.images import load_samples

        options = {"num_images": self.num_images, "seed": self.seed}
        if not is_driving(self.dataset):
            return load_samples(
                self.dataset,
                size=self.image_size,
                split="test",
                group_by=group_by,
                strict=strict,
                **options,
            )
        if group_by != "picture":
            raise ValueError(
                f"--group-by is {group_by!r}: leave it out, driving scenes are in "
                "groups by segments of a drive"
            )
        if strict:
            raise ValueError(
                f"strict_images is set, but {self.dataset!r} are driving scenes, no "
                "folder of pictures: leave it out"
            )
        return load_driving_samples(
            self.dataset, "test", self.image_shape[:2], **options
        )

    def held_candidates(self):
        """Candidates that both ends hold, of scenarios that have a generator.

        Output
        ------
        : :class:`~link_models.systems.selection.held_candidates.HeldCandidates`
        """
        raise ValueError(
            f"scenario {self.name!r} has no image generator to select from: run "
            "python -m scenarios.generated_awgn or generated_2x2"
        )

    def picture_features(self, num_prompts=None):
        """Features of pictures, of scenarios that have frozen models for them.

        Parameters
        ----------
        num_prompts : `int`, optional
            Prompts of a picture

        Output
        ------
        : :class:`~semcom_phy.knowledge_base.picture_features.PictureFeatures`
        """
        raise ValueError(
            f"scenario {self.name!r} has no frozen models that see features in "
            "pictures: run python -m scenarios.generated_awgn or generated_2x2"
        )

    def definitions(self, used):
        """Entries of the definition card that replace those of images, by their names,
        or come after them.

        Parameters
        ----------
        used : `dict`
            Of :func:`~scenarios.definitions.data_bandwidth`
        """
        return {}

    def at_receiver(self, system):
        """A system that delivers texts, with what a receiver makes of them."""
        return system

    def _checked_rate(self, value):
        """A rate as `Fraction`, that leaves images at least one symbol."""
        rate = _fraction("cbr", value)
        if not 0 < rate <= 1:
            raise ValueError(f"cbr must be in (0, 1], got {rate}")
        if math.floor(rate * math.prod(self.image_shape)) < 1:
            raise ValueError(
                f"cbr {rate} of {self._size_text} images is less than one symbol "
                "per image; raise cbr or image_size"
            )
        return rate

    def _set_rates(self):
        """Lets the cbr be the largest of several."""
        if self.rates is None:
            return
        if not len(self.rates):
            raise ValueError("cbr must hold at least one rate, got none")
        rates = tuple(sorted({self._checked_rate(rate) for rate in self.rates}))
        object.__setattr__(self, "rates", rates)
        object.__setattr__(self, "cbr", rates[-1])

    def _check_sweep_of_rates(self):
        """A sweep has one axis."""
        if self.rates is None:
            return
        rates = ", ".join(map(str, self.rates))
        if self.distances is not None:
            raise ValueError(
                f"cbr is a sweep over {rates}, and --distance one over distances: give "
                "one cbr, or one --snr in the place of the distances"
            )
        if len(self.snr_db) > 1:
            points = ", ".join(f"{snr:g}" for snr in self.snr_db)
            raise ValueError(
                f"cbr is a sweep over {rates}, which has one SNR, and here are "
                f"{points} dB: give one, such as --snr {self.snr_db[0]:g}, or one cbr"
            )
        if self.users > 1:
            raise ValueError(
                f"cbr is a sweep over {rates}, which is of the link of one user, users "
                f"= {self.users}: give one cbr, or leave out --users"
            )

    def _set_distances(self):
        """Lets SNRs and carrier follow from distances and their link budget."""
        if self.distances is None:
            if self.link_budget is not None:
                raise ValueError("link_budget needs distances: give them, or neither")
            return
        budget = self.link_budget or LinkBudget()
        for name, value in {
            "snr_db": budget.snr_db(self.distances),
            "distances": tuple(map(float, self.distances)),
            "link_budget": budget,
            "carrier_frequency": budget.carrier_frequency,
        }.items():
            object.__setattr__(self, name, value)

    @property
    def _size_text(self):
        return f"{self.image_shape[0]}x{self.image_shape[1]}"


def _check_own(name, text, count=1):
    """Refuses what cannot name objects of a user's module."""
    from semcom_phy.user_objects import check_object_text  # loads the backend

    check_object_text(text, name, count)


def _check_integer(name, value, low, high):
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    if value < low or (high is not None and value > high):
        bound = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be {bound}, got {value}")


def _check_number(name, value, low, high, unit):
    if not isinstance(value, Real) or not low <= value <= high:
        raise ValueError(
            f"{name} must be a number from {low:g} to {high:g} {unit}, got {value!r}"
        )


def _image_size(value):
    """A number for squares, a pair for everything else."""
    if not isinstance(value, (tuple, list)):
        _check_integer("image_size", value, *_SIDE)
        return value
    if len(value) != 2:
        raise ValueError(
            "image_size must be one number, or height and width, got "
            f"{len(value)} numbers: {tuple(value)}"
        )
    for side in value:
        _check_integer("image_size", side, *_SIDE)
    return value[0] if value[0] == value[1] else tuple(value)


def _fraction(name, value):
    """A float counts as the decimal number that it is printed as."""
    try:
        return Fraction(str(value) if isinstance(value, float) else value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(
            f'{name} must be a number or a fraction such as "1/4", several separated '
            f"by blanks, got {value!r}"
        ) from error


def _snr_points(values):
    if not len(values):
        raise ValueError("snr_db must hold at least one SNR in dB, got none")
    for value in values:
        _check_number("snr_db", value, *_SNR_DB, "dB")
    return tuple(sorted({float(value) for value in values}))
