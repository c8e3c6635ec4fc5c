"""Untrained networks of GenED-SC, small enough for tests; pictures with masks."""

import numpy as np
from PIL import Image

from link_models.codecs import build_link, find_codec
from link_models.links.radio import build_channel
from link_models.systems.edited.saliency import patch_embeddings
from link_models.weights import store
from semcom_phy.seeding import private_streams
from semcom_phy.sources.images import load_images

CODEC = "gened_sc"


def save_untrained(folder, label, scenario, num_symbols, **config):
    """Weights that were fitted in closed form alone, for images of a scenario."""
    embeddings = patch_embeddings(scenario.dual_encoder)
    config = {
        "image_shape": scenario.image_shape,
        "num_symbols": num_symbols,
        "channels": 8,
        **config,
    }
    wide = {
        "patch_width": embeddings.patch_width,
        "common_width": embeddings.common_width,
    }
    codec, configs = find_codec(CODEC), (config | wide, config)
    channel = build_channel(scenario, num_symbols)
    with private_streams(0):
        link = build_link(codec, configs, channel, num_symbols)
    images = load_images("sample", 32, scenario.image_shape[0])[0] / np.float32(255)
    grid = link.encoder.grid
    link.encoder.fit_statistics(images, np.indices(grid).sum(0) % 2.0)
    link.decoder.copy_statistics(link.encoder)
    record = {
        "config": {"codec": CODEC, "encoder": configs[0], "decoder": configs[1]},
        "data": {"dual_encoder": embeddings.identity},
    }
    store.save(link, folder, label, record)


def pictures_with_masks(folder, num=6, side=32):
    """A folder in the layout of ECSSD, with a rectangle as every foreground."""
    for name in ("images", "ground_truth_mask"):
        (folder / name).mkdir(parents=True)
    for i, image in enumerate(load_images("sample", num, side)[0]):
        Image.fromarray(image).save(folder / "images" / f"{i}.png")
        mask = np.zeros((side, side), np.uint8)
        mask[side // 4 : side // 2 + i, side // 4 : 3 * side // 4] = 255
        Image.fromarray(mask).save(folder / "ground_truth_mask" / f"{i}.png")
    return folder
