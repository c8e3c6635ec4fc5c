"""What the train command makes of codecs that choose a length for every patch."""

from dataclasses import replace

from link_models.codecs import find_codec
from link_models.links.radio import build_channel
from link_models.training.commands.options import (
    OF_LINK,
    given_configs,
    given_recipe,
    given_snrs,
    make_trainer,
    refuse,
)
from link_models.training.photo_data import PHOTOGRAPHS, load_photo_data
from link_models.training.tasks.photo import (
    CROP,
    PHOTO_CODEC,
    PhotoTask,
    frame_sizes,
)
from link_models.training.tasks.scene import (
    RateDistortionLoss,
    SceneTask,
    load_scene_data,
)

MOST_TRAINED = "1/24"  # cbr of the frame that variable-length codecs are trained in
_LINK = "over AWGN and fades of 2x2 antennas"


def scene_or_photo_trainer(scenario, args):
    """On driving scenes where they are what is sent, else on photographs."""
    if "camvid" in (scenario.dataset, args.data):
        return scene_trainer(scenario, args)
    return photo_trainer(scenario, args)


def scene_trainer(scenario, args):
    """Codecs that fill the frame, over AWGN and the fades of 2x2 antennas at 10 dB."""
    refuse(args, ("together_with",), "trained on driving scenes")
    refuse(args, OF_LINK, f"trained {_LINK}")
    refuse(args, ("snr_db",), "trained at 10 dB")
    channel = build_channel(replace(_fading(scenario), cbr=MOST_TRAINED))
    configs = given_configs(args, scenario)
    encoder = find_codec(args.system).encoder(**configs[0])
    task = SceneTask(
        "driving_scene",
        channel,
        RateDistortionLoss(),
        hyper_channels=encoder.side_channels,
    )
    size, annotator = scenario.image_shape[:2], args.annotator or "rule"
    data = load_scene_data(args.data or "camvid", size, annotator)
    recipe = given_recipe(
        args,
        scenario,
        batch_size=12,
        warmup_steps=200,
        min_snr_db=10.0,
        max_snr_db=10.0,
        share_exact=1.0,
    )
    return make_trainer(args, configs, [task], data, recipe)


def photo_trainer(scenario, args):
    """Codecs of photographs of any size, over AWGN and the fades of 2x2 antennas."""
    replaced = ("together_with", "annotator", *OF_LINK, "image_size")
    refuse(args, replaced, f"trained on crops of {CROP}x{CROP} pixels {_LINK}")
    scenario = replace(scenario, image_size=CROP)
    configs = [PHOTO_CODEC | given for given in given_configs(args, scenario)]
    encoder = find_codec(args.system).encoder(**configs[0])
    fading = _fading(scenario)
    channel, whole = (build_channel(fading, n) for n in frame_sizes(encoder.fixed))
    task = PhotoTask(
        PHOTOGRAPHS,
        channel,
        whole,
        RateDistortionLoss(),
        encoder.lengths,
        encoder.side_channels,
        encoder.fixed,
    )
    recipe = given_recipe(
        args,
        scenario,
        batch_size=12,
        warmup_steps=200,
        share_exact=1.0,
        **{"min_snr_db": 0.0, "max_snr_db": 20.0} | given_snrs(args),
    )
    data = load_photo_data(args.data or PHOTOGRAPHS, CROP)
    return make_trainer(args, configs, [task], data, recipe)


def _fading(scenario):
    """The scenario over fades of 2x2 antennas that the receiver knows."""
    fading = replace(scenario, channel="rayleigh", num_tx_ant=2, num_rx_ant=2)
    return replace(fading, csi="perfect")
