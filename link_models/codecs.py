"""Semantic codecs by name: how to build an untrained one, and a trained one."""

from typing import NamedTuple

from keras import ops

from link_models.links.check_codec import check_codec
from link_models.links.frame_link import FrameLink
from link_models.weights import store
from semcom_phy.codecs.adjscc import AdjsccDecoder, AdjsccEncoder
from semcom_phy.codecs.contract import SemanticDecoder, SemanticEncoder
from semcom_phy.codecs.deepjscc import DeepJSCCDecoder, DeepJSCCEncoder
from semcom_phy.codecs.eca import EcaDecoder, EcaEncoder
from semcom_phy.codecs.gened_sc import GenedScDecoder, GenedScEncoder
from semcom_phy.codecs.mmsemcom import MmsemcomDecoder, MmsemcomEncoder
from semcom_phy.codecs.ntscc import NtsccDecoder, NtsccEncoder
from semcom_phy.codecs.ntscc_official import (
    NtsccOfficialDecoder,
    NtsccOfficialEncoder,
)
from semcom_phy.codecs.sa_oosc import SaOoscDecoder, SaOoscEncoder
from semcom_phy.codecs.sgdjscc import SgdJsccDecoder, SgdJsccEncoder
from semcom_phy.codecs.swinjscc import SwinJSCCDecoder, SwinJSCCEncoder
from semcom_phy.codecs.swinjscc_official import (
    SwinJSCCOfficialDecoder,
    SwinJSCCOfficialEncoder,
)
from semcom_phy.codecs.vlm_csc import VlmCscDecoder, VlmCscEncoder
from semcom_phy.phy.knowledge import EVERY_SNR, SnrRange
from semcom_phy.seeding import private_streams
from semcom_phy.user_objects import load_objects, names_object


class Codec(NamedTuple):
    """The two halves of a codec.

    Attributes
    ----------
    encoder : subclass of :class:`~semcom_phy.codecs.contract.SemanticEncoder`

    decoder : subclass of :class:`~semcom_phy.codecs.contract.SemanticDecoder`
    """

    encoder: type[SemanticEncoder]
    decoder: type[SemanticDecoder]


CODECS = {
    "adjscc": Codec(AdjsccEncoder, AdjsccDecoder),
    "deepjscc": Codec(DeepJSCCEncoder, DeepJSCCDecoder),
    "eca": Codec(EcaEncoder, EcaDecoder),
    "swinjscc": Codec(SwinJSCCEncoder, SwinJSCCDecoder),
    "swinjscc_official": Codec(SwinJSCCOfficialEncoder, SwinJSCCOfficialDecoder),
    "ntscc": Codec(NtsccEncoder, NtsccDecoder),
    "ntscc_official": Codec(NtsccOfficialEncoder, NtsccOfficialDecoder),
    "sa_oosc": Codec(SaOoscEncoder, SaOoscDecoder),
    "vlm_csc": Codec(VlmCscEncoder, VlmCscDecoder),
    "mmsemcom": Codec(MmsemcomEncoder, MmsemcomDecoder),
    "gened_sc": Codec(GenedScEncoder, GenedScDecoder),
    "sgdjscc": Codec(SgdJsccEncoder, SgdJsccDecoder),
}


def find_codec(name):
    """The codec of a name.

    Parameters
    ----------
    name : `str`
        A key of ``CODECS``, or ``my_module:MyEncoder,MyDecoder``

    Output
    ------
    : :class:`Codec`

    Raises
    ------
    ValueError
        If there is none.
    """
    if name in CODECS:
        return CODECS[name]
    if not names_object(name):
        raise ValueError(
            f"unknown codec {name!r}; there are {', '.join(CODECS)}, and your own as "
            "my_module:MyEncoder,MyDecoder"
        )
    codec = Codec(*load_objects(name, "codec", 2))
    for half, base in zip(codec, (SemanticEncoder, SemanticDecoder), strict=True):
        if not (isinstance(half, type) and issubclass(half, base)):
            raise ValueError(
                f"codec {name!r}: {half!r} must be a subclass of {base.__name__} of "
                "semcom_phy.codecs.contract"
            )
    return codec


def trained_range(record):
    """SNRs that weights were trained for, by the recipe in their JSON.

    Output
    ------
    : :class:`~semcom_phy.phy.knowledge.SnrRange`
        Every SNR where the JSON names none
    """
    recipe = record.get("recipe", {})
    low = recipe.get("min_snr_db", EVERY_SNR.low_db)
    return SnrRange(float(low), float(recipe.get("max_snr_db", EVERY_SNR.high_db)))


def build_link(codec, configs, channel, num_symbols=None, snr_range=EVERY_SNR):
    """An untrained link model, built.

    Parameters
    ----------
    codec : :class:`Codec`

    configs : (`dict`, `dict`)
        Constructor arguments of encoder and decoder

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link

    num_symbols : `int`, optional
        Symbols of the frame that are for data; all if not given

    snr_range : :class:`~semcom_phy.phy.knowledge.SnrRange`, (default: every SNR)
        SNRs that the networks are told

    Raises
    ------
    ValueError
        If the codec does not fit the channel's number of symbols.
    """
    encoder, decoder = make_halves(codec, configs)
    link = FrameLink(encoder, decoder, channel, num_symbols, snr_range)
    first_run(link)
    return link


def make_halves(codec, configs):
    """Encoder and decoder from their constructor arguments.

    Raises
    ------
    ValueError
        If the arguments do not fit, or what every codec needs is missing.
    """
    halves = []
    for half, config in zip(codec, configs, strict=True):
        try:
            halves.append(half(**config))
        except TypeError as error:
            raise ValueError(
                f"{half.__name__} is made with {', '.join(config)}, which its "
                f"constructor does not take: {error}"
            ) from error
        if "built" not in vars(halves[-1]):  # which Keras sets there
            raise ValueError(f"{half.__name__} must call super().__init__()")
    if not codec.encoder.sends_images:
        return halves
    try:
        shape = tuple(halves[0].image_shape)
    except AttributeError as error:
        raise ValueError(
            f"{codec.encoder.__name__} must keep image_shape, (height, width, "
            "colours), as an attribute of that name"
        ) from error
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, colours), got {shape}")
    return halves


def first_run(link):
    """Builds what the first call builds; a codec of a user's is checked before."""
    if not type(link.encoder).__module__.startswith("semcom_phy.codecs."):
        check_codec(link)
    shape = (1, *link.encoder.first_shape)
    source = ops.zeros(shape, "int32" if link.encoder.sends_text else "float32")
    link.run(source, ops.zeros((1,)), link.channel.sample(1))


def described_codec(label, image_shape, num_tx_ant, num_rx_ant, name=None):
    """What the JSON of some weights says of their codec, checked.

    Parameters
    ----------
    label : `str` or path
        Of the weights

    image_shape : (`int`, `int`, 3)
        Of the images that they are to serve [pixels]; codecs of texts and features
        serve any

    num_tx_ant, num_rx_ant : `int`

    name : `str`, optional
        What the codec has to be, as of :func:`find_codec`. A codec of a user must be
        named: code is never loaded because a JSON says so

    Output
    ------
    codec : :class:`Codec`

    configs : (`dict`, `dict`)
        For images of that size, where the codec serves any

    record : `dict`
        The JSON

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing, of another codec, or not made for these sizes.
    """
    record = store.read_record(label)
    try:
        own, encoder, decoder = (
            record["config"][key] for key in ("codec", "encoder", "decoder")
        )
        of_images = own not in CODECS or CODECS[own].encoder.sends_images
        made_for = tuple(encoder["image_shape"] if of_images else image_shape)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the JSON of weights {label!r} describes no codec: {error!r}"
        ) from error
    if name is not None:
        codec = find_codec(name)
        if plain_name(name) != plain_name(own):
            raise ValueError(f"weights {label!r} are of codec {own!r}, not {name!r}")
    if name is None and own not in CODECS:
        raise ValueError(
            f"weights {label!r} are of codec {own!r}: name it with --codec"
        )
    if name is None:
        codec = CODECS[own]
    configs = encoder, decoder
    if made_for != tuple(image_shape):
        configs = [
            half.resized_config(config, tuple(image_shape))
            for half, config in zip(codec, configs, strict=True)
        ]
    if None in configs:
        raise ValueError(
            f"weights {label!r} are made for images of {made_for[0]}x{made_for[1]}, "
            f"not {image_shape[0]}x{image_shape[1]}: use that image_size or train "
            "others"
        )
    antennas = encoder.get("num_tx_ant"), encoder.get("num_rx_ant")
    if None not in antennas and antennas != (num_tx_ant, num_rx_ant):
        raise ValueError(
            f"weights {label!r} are made for {antennas[0]}x{antennas[1]} antennas, not "
            f"{num_tx_ant}x{num_rx_ant}: train others for this scenario"
        )
    return codec, tuple(configs), record


def plain_name(name):
    """A codec's name; of a user's, those of its classes: modules move."""
    return name.split(":")[-1]


def load_link(label, channel, image_shape, num_symbols=None, name=None, changed=None):
    """A trained link model over a channel, and the record of its weights.

    Its networks are told no SNR beyond those that they were trained for.

    Parameters
    ----------
    label, image_shape, name
        As of :func:`described_codec`

    channel, num_symbols
        As of :func:`build_link`

    changed : `dict`, optional
        Constructor arguments of both halves that the weights do not depend on, in the
        place of those in the JSON

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing or broken, or not made for this image size or
        number of symbols.
    """
    codec, configs, record = described_codec(
        label, image_shape, channel.num_tx_ant, channel.num_rx_ant, name
    )
    configs = [config | (changed or {}) for config in configs]
    with private_streams(0):  # the first weights, which those loaded replace
        link = build_link(codec, configs, channel, num_symbols, trained_range(record))
    store.load(link, label)
    for half in (link.encoder, link.decoder):
        half.use_record(record)
    return link, record
