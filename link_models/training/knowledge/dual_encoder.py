"""Trains the embedded dual encoder: ``python -m link_models.training dual_encoder``.

Flickr8k with five captions a picture, and small pictures with the names of their
classes --> locked towers, once --> DualNetwork --> which text belongs to which picture
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from link_models.training.knowledge.captioned_data import encoded
from link_models.training.knowledge.command import command_of, recipe_command
from link_models.training.knowledge.features import feature_maps, mirrored
from link_models.training.knowledge.labelled_sets import SIDES, labelled_set
from link_models.training.knowledge.trainer import TorchRecipe, tensors_of, train
from semcom_phy.knowledge_base.class_prompts import TEMPLATES, class_prompt
from semcom_phy.knowledge_base.dual_encoder.network import DualNetwork
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder
from semcom_phy.metrics.retrieval import recall_at
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples

RECIPE = TorchRecipe(
    steps=2000, batch_size=512, learning_rate=1e-3, warmup_steps=100, weight_decay=0.1
)
SHARE_LABELLED = 0.25
VALIDATION = 900  # pictures of Flickr8k, as many as its test split has


class Pairs:
    """Features of pictures and of what may be said of them.

    Parameters
    ----------
    features : list of [n, 1280], `float32`
        One of them at random shows a picture (as it is, mirrored)

    sentences : [m, 384], `float32`

    first, count : [n], `int`
        Sentences of a picture: ``first`` to ``first + count``; pictures of equal
        ``first`` have theirs in common
    """

    def __init__(self, features, sentences, first, count):
        self.features = np.stack(features)
        self.sentences, self.first, self.count = sentences, first, count

    def draw(self, rng, count):
        index = rng.integers(len(self.first), size=count)
        side = rng.integers(len(self.features), size=count)
        first = self.first[index]
        said = first + rng.integers(self.count[index])
        return self.features[side, index], self.sentences[said], first


def pooled(maps):
    """Mean over the places, [n, 7, 7, 1280], `float16` -> [n, 1280], `float32`."""
    blocks = range(0, len(maps), 256)
    return np.concatenate(
        [np.mean(maps[i : i + 256], (1, 2), dtype="float32") for i in blocks]
    )


def main(argv=None):
    """Command line; returns the exit code."""
    return recipe_command("dual_encoder", __doc__, RECIPE, "dual_encoder", _train, argv)


def _train(recipe, args):
    folder = Path(args.out) / "features"
    flickr = load_samples(find_data_folder("flickr8k_images"), None, 128, split="train")
    num_shown = len(flickr) - VALIDATION
    features = [
        pooled(feature_maps(flickr.images, folder, "Flickr8k")),
        pooled(feature_maps(mirrored(flickr.images), folder, "Flickr8k, mirrored")),
    ]
    said = [text for own in flickr.texts for text in own]
    sentences = encoded(said, sentence_encoder(), folder / "captions.npz")
    counts = np.array([len(own) for own in flickr.texts])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    natural = Pairs(
        [own[:num_shown] for own in features], sentences, first[:num_shown], counts
    )
    sets = {name: labelled_set(name) for name in SIDES}
    small = _labelled_pairs(sets, folder)
    torch.manual_seed(recipe.seed)
    network = DualNetwork()
    network.mean[:] = torch.from_numpy(natural.features[0].mean(0))
    network.deviation[:] = torch.from_numpy(natural.features[0].std(0) + 1e-3)
    num_small = round(SHARE_LABELLED * recipe.batch_size)

    def loss_fn(rng):
        drawn = natural.draw(rng, recipe.batch_size - num_small)
        more = small.draw(rng, num_small)
        # Sentences of the two are counted apart.
        more = (*more[:2], more[2] + len(sentences))
        both = (np.concatenate(pair) for pair in zip(drawn, more, strict=True))
        return network.loss(*map(torch.from_numpy, both))

    data = {
        "training": [flickr.provenance, *(s.provenance for s, _ in sets.values())],
        "validation": f"the last {VALIDATION} pictures of Flickr8k's training split",
    }
    train(
        network,
        loss_fn,
        recipe,
        args.out,
        "dual_encoder",
        data,
        args.resume,
        args.restart,
    )
    held = slice(num_shown, None)
    with torch.inference_mode():
        images = network.images(torch.from_numpy(features[0][held])).numpy()
        texts = network.texts(torch.from_numpy(sentences[first[held]])).numpy()
    record = {
        "config": network.config,
        "command": command_of("dual_encoder", recipe, RECIPE),
        "recipe": asdict(recipe) | {"share_labelled": SHARE_LABELLED},
        "data": data,
        "validation": {
            "recall_at_10_image_to_text": recall_at(images @ texts.T, 10),
            "recall_at_10_text_to_image": recall_at(texts @ images.T, 10),
        },
        "versions": software_versions(),
    }
    return save_weights("dual_encoder", tensors_of(network), record, args.out)


def _labelled_pairs(sets, folder):
    """All small pictures as one; sentences of a class stand together."""
    classes = sorted({name for _, names in sets.values() for name in names})
    place = {name: len(TEMPLATES) * i for i, name in enumerate(classes)}
    prompts = [class_prompt(name, t) for name in classes for t in TEMPLATES]
    features = np.concatenate(
        [pooled(feature_maps(s.images, folder, n)) for n, (s, _) in sets.items()]
    )
    first = np.array([place[name] for _, names in sets.values() for name in names])
    count = np.full(len(first), len(TEMPLATES))
    return Pairs([features], sentence_encoder().encode(prompts), first, count)
