"""Learned codecs by name: how to build an untrained one, and a trained one."""

from keras import ops

from link_models import weights_store
from link_models.adaptive_link import AdaptiveLink
from link_models.semantic_link import SemanticLink
from link_models.variable_length_link import VariableLengthLink
from semcom_phy.codecs.adjscc import AdjsccDecoder, AdjsccEncoder
from semcom_phy.codecs.deepjscc import DeepJSCCDecoder, DeepJSCCEncoder
from semcom_phy.codecs.eca import SMALL_VIT, EcaDecoder, EcaEncoder
from semcom_phy.codecs.ntscc import NtsccDecoder, NtsccEncoder
from semcom_phy.codecs.sa_oosc import SaOoscDecoder, SaOoscEncoder
from semcom_phy.codecs.swinjscc import SwinJSCCDecoder, SwinJSCCEncoder
from semcom_phy.phy.knowledge import EVERY_SNR, SnrRange
from semcom_phy.seeding import private_streams

CODECS = {
    "adjscc": (AdjsccEncoder, AdjsccDecoder),
    "deepjscc": (DeepJSCCEncoder, DeepJSCCDecoder),
    "eca": (EcaEncoder, EcaDecoder),
    "swinjscc": (SwinJSCCEncoder, SwinJSCCDecoder),
    "ntscc": (NtsccEncoder, NtsccDecoder),
    "sa_oosc": (SaOoscEncoder, SaOoscDecoder),
}
ADAPTIVE = ("eca", "swinjscc")  # choose their rate: sent over an AdaptiveLink
VARIABLE_LENGTH = ("ntscc", "sa_oosc")  # patch by patch, over a VariableLengthLink


def make_link(codec, encoder, decoder, channel, snr_range=EVERY_SNR):
    """The link model that a codec of ``CODECS`` belongs to, not built."""
    link_class = SemanticLink
    if codec in VARIABLE_LENGTH:
        link_class = VariableLengthLink
    elif codec in ADAPTIVE:
        link_class = AdaptiveLink
    return link_class(encoder, decoder, channel, snr_range=snr_range)


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


def default_configs(codec, scenario, counts):
    """Constructor arguments of encoder and decoder for a scenario, two `dict`.

    Parameters
    ----------
    codec : `str`
        A key of ``CODECS``

    scenario : :class:`~scenarios.scenario.Scenario`
        Image size and antennas

    counts : list of `int`
        Symbols per image of the links that the codec is to serve, upwards
    """
    config = {"image_shape": scenario.image_shape}
    if codec == "adjscc":
        config["symbol_counts"] = counts
    elif codec in VARIABLE_LENGTH:
        pass  # of any number of symbols and antennas
    elif codec == "deepjscc":
        config |= {"num_symbols": counts[-1], "snr_attention": True}
    else:
        config |= {"num_tx_ant": scenario.num_tx_ant, "num_rx_ant": scenario.num_rx_ant}
    encoder, decoder = dict(config), dict(config)
    if codec == "eca":
        decoder["compensation"] = SMALL_VIT
    return encoder, decoder


def build_link(
    codec, encoder_config, decoder_config, channel, num_side=0, snr_range=EVERY_SNR
):
    """An untrained link model, built.

    Parameters
    ----------
    codec : `str`
        A key of ``CODECS``

    encoder_config, decoder_config : `dict`
        Constructor arguments

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link

    num_side : `int`, (default 0)
        Symbols of the frame that are for side information

    snr_range : :class:`~semcom_phy.phy.knowledge.SnrRange`, (default: every SNR)
        SNRs that the networks are told

    Raises
    ------
    ValueError
        If the codec is unknown or does not fit the channel's number of symbols.
    """
    if codec not in CODECS:
        raise ValueError(f"unknown codec {codec!r}; there are {', '.join(CODECS)}")
    encoder_class, decoder_class = CODECS[codec]
    encoder = encoder_class(**encoder_config)
    encoder.check_rate(channel.framing.num_symbols - num_side)
    decoder = decoder_class(**decoder_config)
    link = make_link(codec, encoder, decoder, channel, snr_range)
    shape = (1, *encoder.image_shape)
    link(ops.zeros(shape), ops.zeros((1,)), channel.sample(1))
    return link


def load_link(label_or_file, channel, image_shape, num_side=0):
    """A trained link model over a channel, and the record of its weights.

    Its networks are told no SNR beyond those that they were trained for.

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing or broken, or not made for this image size or
        number of symbols.
    """
    record = weights_store.read_record(label_or_file)
    try:
        codec, encoder, decoder = (
            record["config"][key] for key in ("codec", "encoder", "decoder")
        )
        trained_for = tuple(encoder["image_shape"])
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the JSON of weights {label_or_file!r} describes no codec: {error!r}"
        ) from error
    if trained_for != tuple(image_shape):
        raise ValueError(
            f"weights {label_or_file!r} are made for images of "
            f"{trained_for[0]}x{trained_for[1]}, not {image_shape[0]}x"
            f"{image_shape[1]}: use that image_size or train others"
        )
    _check_antennas(label_or_file, encoder, channel)
    snr_range = trained_range(record)
    with private_streams(0):  # the first weights, which those loaded replace
        link = build_link(codec, encoder, decoder, channel, num_side, snr_range)
    weights_store.load(link, label_or_file)
    return link, record


def _check_antennas(label, encoder, channel):
    """Codecs that see the channel are made for a number of antennas."""
    made_for = encoder.get("num_tx_ant"), encoder.get("num_rx_ant")
    if None not in made_for and made_for != (channel.num_tx_ant, channel.num_rx_ant):
        raise ValueError(
            f"weights {label!r} are made for {made_for[0]}x{made_for[1]} antennas, not "
            f"{channel.num_tx_ant}x{channel.num_rx_ant}: train others for this scenario"
        )
