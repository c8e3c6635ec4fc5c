"""What the train command makes of a codec of captions."""

from dataclasses import replace
from fractions import Fraction
from math import prod
from pathlib import Path

from link_models.codecs import find_codec
from link_models.links.radio import build_channel
from link_models.training.commands.options import (
    given_configs,
    given_recipe,
    make_trainer,
    refuse,
)
from link_models.training.tasks.caption import ROOM, CaptionTask, caption_data
from link_models.training.tasks.mutual_information import MutualInformationCritic
from link_models.training.words import training_captions
from semcom_phy.codecs.vlm_csc import VlmCscEncoder


def caption_trainer(scenario, args):
    """Codecs of captions, over the link of one scenario at its SNRs.

    ``data`` is a file of captions; `None`: Flickr8k's for training.
    """
    refuse(args, ("together_with",), "trained over one link")
    refuse(args, ("rates",), f"trained in frames of {ROOM} tokens")
    low, high = scenario.snr_db[0], scenario.snr_db[-1]
    recipe = given_recipe(
        args, scenario, batch_size=256, min_snr_db=low, max_snr_db=high
    )
    configs = given_configs(args, scenario)
    encoder = find_codec(args.system).encoder(**configs[0])
    task = caption_task(scenario, encoder, args.joint, recipe.seed)
    data = caption_data(*_texts(args.data))
    return make_trainer(args, configs, [task], data, recipe)


def caption_task(scenario, encoder: VlmCscEncoder, joint=False, seed=0):
    """The link of a scenario with a frame of ``ROOM`` tokens."""
    cbr = Fraction(ROOM * encoder.symbols_per_token, prod(scenario.image_shape))
    return CaptionTask(
        scenario.name,
        build_channel(replace(scenario, cbr=cbr)),
        MutualInformationCritic(encoder.width, seed=seed),
        scenario.snr_db,
        joint,
    )


def _texts(data):
    """Captions to train on, and where they are from."""
    if data is None:
        return training_captions(), "flickr8k.txt"
    path = Path(data)
    if not path.is_file():
        raise FileNotFoundError(
            f"--data {data} is no file: give a text file with a caption in every line"
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip()], path.name
