"""The systems that a scenario can compare, by name, and the channel they share."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import isfinite
from pathlib import Path

import numpy as np

from link_models import weights_store
from link_models.adaptive_system import MAX_SIDE_SYMBOLS, AdaptiveSystem
from link_models.capacity_link import CapacitySystem
from link_models.importance_scores import ScoredByImportance
from link_models.learned import VARIABLE_LENGTH, load_link, trained_range
from link_models.linear_link import LinearSystem
from link_models.matched_system import (
    MatchedSystem,
    describe_compensation,
    rate_profile,
)
from link_models.outage import outage_color
from link_models.scene_levels import SceneLevels, StudentLevels
from link_models.semantic_link import SemanticSystem
from link_models.separation_link import SeparationSystem
from link_models.train_student import load_student
from link_models.variable_length_system import VariableLengthSystem
from semcom_phy.channel_coding.mcs import Mcs, all_schemes
from semcom_phy.codecs.linear_analogue import LinearAnalogueCoder
from semcom_phy.phy.channels import AWGN, BlockRayleigh, Rician
from semcom_phy.phy.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.feedback import AgedFeedback, Feedback, Sounding, StaleFeedback
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.tr38901 import CDL, TDL
from semcom_phy.phy.user_channel import user_channel
from semcom_phy.source_coding import shared_codec
from semcom_phy.source_coding.length_code import LengthCode
from semcom_phy.sources.driving import is_driving
from semcom_phy.user_objects import load_object, names_object

KLT_FILE = Path(__file__).with_name("weights") / "linear_32x32.npz"
DEFAULT_WEIGHTS = {"adjscc": "adjscc_32x32"}


def build_channel(scenario, extra_symbols=0):
    """The radio link of a scenario.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Antennas, channel model, grid, CSI, detector, rate

    extra_symbols : `int`, (default 0)
        Side-information symbols per image on top of the scenario's data symbols

    Output
    ------
    : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    Raises
    ------
    ValueError
        If the model, the antennas, the detector or the number of symbols do not fit,
        or a module of the user's is not found.
    """
    grid = scenario.framing().grid
    framing = Framing(scenario.num_symbols + extra_symbols, scenario.num_tx_ant, grid)
    csi = PerfectCSI()
    if scenario.csi == "estimated":
        csi = LSEstimator(scenario.interpolation)
    if names_object(scenario.channel):
        factory = load_object(scenario.channel, "channel")
        model = user_channel(factory, scenario.num_rx_ant, scenario.num_tx_ant, grid)
    else:
        model = CHANNELS[scenario.channel](scenario, grid)
    detector = None
    if scenario.detector is not None:
        detector = load_object(scenario.detector, "detector")
    return EqualizedOFDMChannel(model, framing, csi, detector)


def build_system(name, scenario):
    """A system of ``SYSTEMS`` for a scenario.

    Raises
    ------
    ValueError
        If there is no such system, or it does not fit the scenario.
    """
    if name not in SYSTEMS:
        raise ValueError(
            f"unknown system {name!r}; there are: {', '.join(sorted(SYSTEMS))}"
        )
    system = SYSTEMS[name](scenario)
    if is_driving(scenario.dataset):
        levels = SceneLevels(scenario.dataset, "test", scenario.image_shape[:2])
        system = ScoredByImportance(system, levels)
    return system


def _about_weights(record):
    """What the result of a learned system says of its weights."""
    ends = [end if isfinite(end) else None for end in trained_range(record)]
    return {
        "weights": record["label"],
        "weights_sha256": record["sha256"],
        "trained_snr_db": ends,
    }


def _learned(name, title, scenario):
    channel, shape = build_channel(scenario), scenario.image_shape
    label = scenario.weights or DEFAULT_WEIGHTS.get(name)
    if label is None:
        raise ValueError(
            f"no weights are shipped for {name!r}: train some with the train command "
            "and name them with --weights"
        )
    link, record = load_link(label, channel, shape)
    codec = record["config"]["codec"]
    if codec != name:
        raise ValueError(f"weights {label!r} are of codec {codec!r}, not {name!r}")
    about = _about_weights(record)
    return SemanticSystem(name, title, link, shape, about)


def _adaptive(label, options, name, title, scenario):
    """A codec that chooses its rate, or is asked for that of ECA's weights."""
    shape = scenario.image_shape
    channel = build_channel(scenario, MAX_SIDE_SYMBOLS)
    label = scenario.weights or label
    codec = weights_store.read_record(label)["config"].get("codec")
    if codec != name.partition("_")[0]:
        raise ValueError(f"weights {label!r} are of codec {codec!r}, not {name!r}")
    link, record = load_link(label, channel, shape, MAX_SIDE_SYMBOLS)
    about = _about_weights(record)
    about |= {"compensation": describe_compensation(record)}
    options = dict(options)
    if "rate_weight" in options:  # a number that the encoder is told
        link.encoder.rate_weight = options.pop("rate_weight")
        about["rate_weight"] = link.encoder.rate_weight
    if codec == "swinjscc":
        rho = scenario.feedback_correlation
        options["rates"] = rate_profile(options.pop("rates"), False, rho)
    color = outage_color(scenario.dataset)
    options["feedback"] = _feedback(Feedback, channel, scenario)
    return AdaptiveSystem(name, title, link, shape, about, color, **options)


def _feedback(fresh, channel, scenario, aged=AgedFeedback):
    """What transmitters are fed back: by ``fresh``, or by ``aged`` after a delay."""
    if scenario.feedback_delay and scenario.channel != "awgn":
        return aged(channel, scenario.feedback_correlation)
    return fresh(channel)


def _variable_length(label, side_info, annotator, name, title, scenario):
    """A codec that chooses the symbols of every patch, and sends how many."""
    shape = scenario.image_shape
    channel = build_channel(scenario)
    label = scenario.weights or label
    if weights_store.read_record(label)["config"].get("codec") not in VARIABLE_LENGTH:
        raise ValueError(f"weights {label!r} are not of a codec such as {name!r}")
    link, record = load_link(label, channel, shape)
    about = _about_weights(record)
    code = None
    if side_info == "sent":
        code = length_code_of(record, label)
    return VariableLengthSystem(
        name,
        title,
        link,
        shape,
        about,
        outage_color(scenario.dataset),
        code,
        side_info,
        _levels_at_transmitter(annotator, scenario),
    )


def length_code_of(record, label):
    """The code of the lengths, from the JSON of the weights.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return LengthCode.from_dict(record["length_code"])
    except KeyError as error:
        raise ValueError(
            f"the JSON of weights {label!r} holds no code of the lengths: run python "
            f"-m benchmarks.fit_length_code {label}"
        ) from error


def _levels_at_transmitter(annotator, scenario):
    """Callable from images to importance levels, or `None`."""
    if annotator is None:
        return None
    if annotator == "student":
        return StudentLevels(load_student())
    if not is_driving(scenario.dataset):
        raise ValueError(
            f"this annotator needs semantic labels, which data set "
            f"{scenario.dataset!r} does not have: use camvid or a Cityscapes folder, "
            "or the systems with a student or without an annotator"
        )
    return SceneLevels(scenario.dataset, "test", scenario.image_shape[:2], annotator)


def _matched_separation(codec, label, mcs, knowledge, name, title, scenario):
    """Separate coding at the rate that ECA's weights spend at each SNR, side
    information included; fed back as ECA is ("csi"), the same with its age ignored
    ("stale"), or not fed back ("average")."""
    rates = rate_profile(label, True, scenario.feedback_correlation)
    aged = StaleFeedback if knowledge == "stale" else AgedFeedback
    shape = scenario.image_shape
    dimensions = int(np.prod(shape))

    def build(cr_real):
        num_symbols = int(np.ceil(cr_real * dimensions / 2))
        channel = build_channel(
            replace(scenario, cbr=Fraction(num_symbols, dimensions))
        )
        return SeparationSystem(
            name,
            title,
            shared_codec(codec, shape[:2]),
            channel,
            mcs,
            "average" if knowledge == "average" else "csi",
            outage_color(scenario.dataset),
            shape,
            _feedback(Feedback, channel, scenario, aged),
        )

    return MatchedSystem(name, title, build, rates, shape)


def _separation(codec, name, title, scenario):
    shape, channel = scenario.image_shape, build_channel(scenario)
    return SeparationSystem(
        name,
        title,
        shared_codec(codec, shape[:2]),
        channel,
        all_schemes(),
        scenario.link_adaptation,
        outage_color(scenario.dataset),
        shape,
        _feedback(Sounding, channel, scenario),
    )


def _capacity(codec, rule, name, title, scenario):
    shape = scenario.image_shape
    codec = shared_codec(codec, shape[:2])
    channel, color = build_channel(scenario), outage_color(scenario.dataset)
    return CapacitySystem(name, title, codec, channel, rule, color, shape)


def _linear(scale_sent, name, title, scenario):
    coder = load_klt()
    if coder.image_shape != scenario.image_shape:
        height, width, _ = scenario.image_shape
        raise ValueError(
            "the linear reference is stored for 32x32 images, not "
            f"{height}x{width}; leave it out, or give image_size 32"
        )
    num_side = 0
    if scale_sent:  # a fade asks for a lower rate than noise alone
        num_side = 64 if scenario.channel == "awgn" else 128
    channel = build_channel(scenario, num_side)
    return LinearSystem(name, title, coder, channel, num_side)


def load_klt(path=KLT_FILE):
    """The stored KLT of 32x32 images (see ``link_models/fit_klt.py``)."""
    with np.load(path, allow_pickle=False) as stored:
        return LinearAnalogueCoder(
            stored["mean"], stored["basis"], stored["variance"], (32, 32, 3)
        )


def _clustered(model_class, scenario, grid):
    return model_class(
        scenario.profile,
        grid,
        scenario.num_rx_ant,
        scenario.num_tx_ant,
        delay_spread=scenario.delay_spread,
        carrier_frequency=scenario.carrier_frequency,
        speed=scenario.speed,
    )


CHANNELS = {
    "awgn": lambda s, grid: AWGN(s.num_tx_ant),
    "rayleigh": lambda s, grid: BlockRayleigh(s.num_rx_ant, s.num_tx_ant),
    "rician": lambda s, grid: Rician(s.rician_k_db, s.num_rx_ant, s.num_tx_ant),
    "tdl": lambda s, grid: _clustered(TDL, s, grid),
    "cdl": lambda s, grid: _clustered(CDL, s, grid),
}


def _table(*entries):
    return {name: partial(build, name, title) for name, title, build in entries}


def _codec_systems():
    titles = {
        "hevc": "HEVC intra",
        "bpg": "BPG",
        "webp": "WebP",
        "jpeg": "JPEG",
        "jpeg2000": "JPEG 2000",
        "avif": "AVIF",
    }
    for codec, title in titles.items():
        yield f"{codec}_ldpc", f"{title} + 5G LDPC", partial(_separation, codec)
    for codec in ("hevc", "bpg", "webp"):
        title = titles[codec]
        yield (
            f"{codec}_capacity",
            f"{title} + capacity of each fade (genie)",
            partial(_capacity, codec, "realisation"),
        )
        yield (
            f"{codec}_outage_capacity",
            f"{title} + ideal code at a fixed rate",
            partial(_capacity, codec, "outage"),
        )
        yield (
            f"{codec}_lmmse_capacity",
            f"{title} + L-MMSE sum rate of each fade (genie)",
            partial(_capacity, codec, "lmmse"),
        )


TABLE_1, TABLE_2 = "eca_2x2_c16", "eca_2x2_c16_compressed"
# As the paper's benchmark: LDPC of rate 1/2, QAM by the SNR.
HALF_RATE = tuple(Mcs(order, 0.5) for order in (2, 4, 6, 8))


def _adaptive_systems():
    free = {"side_info": "free"}
    for suffix, label, about, over_modes in (
        ("", TABLE_1, "", 2.06),
        ("_low", TABLE_2, ", low rate", 3.0),
    ):
        yield f"eca{suffix}", f"ECA{about}", partial(_adaptive, label, {})
        yield (
            f"eca{suffix}_free",
            f"ECA{about} (cut-offs free)",
            partial(_adaptive, label, free),
        )
        for power in ("equal", "waterfilling"):
            yield (
                f"eca{suffix}_svd_{power}",
                f"ECA{about}, eigenmodes, {power} power (cut-offs free)",
                partial(
                    _adaptive,
                    label,
                    {"precoding": power, "rate_weight": over_modes, **free},
                ),
            )
        swinjscc = partial(_adaptive, "swinjscc_2x2_c16")
        yield (
            f"swinjscc{suffix}",
            f"SwinJSCC w/ SA&RA at ECA's rate{about}",
            partial(swinjscc, {"rates": label}),
        )
        yield (
            f"swinjscc{suffix}_free",
            f"SwinJSCC w/ SA&RA at ECA's rate{about} (side information free)",
            partial(swinjscc, {"rates": label, **free}),
        )
        for code, what, schemes in (
            ("ldpc", "5G LDPC", all_schemes()),
            ("half", "LDPC of rate 1/2", HALF_RATE),
        ):
            matched = partial(_matched_separation, "hevc", label, schemes)
            at_rate = f"HEVC intra + {what} at ECA's rate{about}"
            yield f"hevc_{code}{suffix}_matched", at_rate, partial(matched, "csi")
            yield (
                f"hevc_{code}{suffix}_matched_stale",
                f"{at_rate}, age of the feedback ignored",
                partial(matched, "stale"),
            )
            yield (
                f"hevc_{code}{suffix}_matched_average",
                f"{at_rate}, average SNR known",
                partial(matched, "average"),
            )
    for part in ("compensation", "csi", "entropy"):
        yield (
            f"eca_no_{part}",
            f"ECA without {part} (cut-offs free)",
            partial(_adaptive, f"{TABLE_1}_no_{part}", free),
        )
    yield (
        "eca_no_csi_sent",
        "ECA without csi",
        partial(_adaptive, f"{TABLE_1}_no_csi", {}),
    )


def _variable_length_systems():
    build = partial(partial, _variable_length)
    for suffix, about, side_info in (
        ("", "", "sent"),
        ("_free", " (lengths free)", "free"),
    ):
        yield (
            f"ntscc{suffix}",
            f"NTSCC{about}",
            build("ntscc_192x256", side_info, None),
        )
        yield (
            f"oosc{suffix}",
            f"OOSC{about}",
            build("oosc_192x256", side_info, "static"),
        )
        yield (
            f"sa_oosc{suffix}",
            f"SA-OOSC{about}",
            build("sa_oosc_192x256", side_info, "rule"),
        )
    yield (
        "sa_oosc_student",
        "SA-OOSC, student at the transmitter",
        build("sa_oosc_192x256", "sent", "student"),
    )
    yield (
        "sa_oosc_unaided",
        "SA-OOSC, no labels at the transmitter",
        build("sa_oosc_192x256", "sent", None),
    )
    yield (
        "deepjscc_patches",
        "DeepJSCC, networks of NTSCC",
        build("deepjscc_192x256", "none", None),
    )


SYSTEMS = _table(
    ("adjscc", "ADJSCC", _learned),
    ("deepjscc", "DeepJSCC", _learned),
    ("linear", "Linear analogue (scale sent)", partial(_linear, True)),
    ("linear_free_scale", "Linear analogue (scale free)", partial(_linear, False)),
    *_codec_systems(),
    *_adaptive_systems(),
    *_variable_length_systems(),
)
