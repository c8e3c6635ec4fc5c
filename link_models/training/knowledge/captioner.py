"""Trains the embedded captioner: ``python -m link_models.training captioner``.

Flickr8k with five captions a picture, and small pictures with what their classes are
called --> features of EfficientNet-Lite0 --> CaptionNetwork --> cross entropy
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from link_models.training.knowledge.command import command_of, recipe_command
from link_models.training.knowledge.features import feature_maps, mirrored
from link_models.training.knowledge.labelled_sets import labelled_set
from link_models.training.knowledge.trainer import TorchRecipe, tensors_of, train
from semcom_phy.knowledge_base.captioner.network import CaptionNetwork
from semcom_phy.knowledge_base.captioner.vocabulary import PAD, Vocabulary
from semcom_phy.knowledge_base.class_prompts import TEMPLATES, class_prompt
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.metrics.text import bleu_counts, corpus_bleu
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples

RECIPE = TorchRecipe(
    steps=4000, batch_size=64, learning_rate=1e-3, warmup_steps=200, weight_decay=0.05
)
CAPTIONS_PER_IMAGE = 2  # of a picture in a step; what is seen of it serves both
SHARE_LABELLED = 0.2
LEAST = 4  # times that a word has to occur
VALIDATION = 300
LABELLED = ("tinyimagenet24", "catsdogs", "birds525", "cifar10")


def called(name, names):
    """What pictures of a set are called: species of birds are too many to tell."""
    return ["bird"] * len(names) if name == "birds525" else names


class Pictures:
    """Features of pictures and what may be said of them.

    Parameters
    ----------
    maps : list of [n, 7, 7, 1280], `float16`
        One of them at random shows a picture (as it is, mirrored)

    texts : list of `tuple` of `str`
    """

    def __init__(self, maps, texts, vocabulary, max_length):
        self.maps = maps
        self.words = [[vocabulary.encode(t)[:max_length] for t in own] for own in texts]

    def draw(self, rng, count):
        index = np.sort(rng.integers(len(self.words), size=count))
        side = rng.integers(len(self.maps), size=count)
        maps = np.stack([self.maps[s][i] for s, i in zip(side, index, strict=True)])
        words = [
            self.words[i][j]
            for i in index
            for j in rng.permutation(len(self.words[i]))[:CAPTIONS_PER_IMAGE]
        ]
        return maps, words


def padded(words, count):
    """[count, captions a picture, longest], `int64`."""
    longest = max(map(len, words))
    table = np.full((len(words), longest), PAD)
    for row, own in zip(table, words, strict=True):
        row[: len(own)] = own
    return torch.from_numpy(table.reshape(count, -1, longest))


def bleu(network, vocabulary, maps, references, beams=3, length_power=0.8):
    """BLEU-1 to 4 of what the network writes, `dict`."""
    found = []
    for start in range(0, len(maps), 32):
        block = torch.from_numpy(maps[start : start + 32].astype("float32"))
        written = network.write(block, beams, length_power)
        found += [vocabulary.decode(own) for own in written.tolist()]
    counts = bleu_counts(references, found)
    return {f"bleu_{n}": corpus_bleu(counts, n) for n in range(1, 5)}


def main(argv=None):
    """Command line; returns the exit code."""
    return recipe_command("captioner", __doc__, RECIPE, "captioner", _train, argv)


def _train(recipe, args):
    folder = Path(args.out) / "features"
    flickr = load_samples(find_data_folder("flickr8k_images"), None, 128, split="train")
    held = flickr.take(range(len(flickr) - VALIDATION, len(flickr)))
    shown = flickr.take(range(len(flickr) - VALIDATION))
    sets = {name: labelled_set(name) for name in LABELLED}
    prompts = [
        class_prompt(word, template)
        for name, (_, names) in sets.items()
        for word in sorted(set(called(name, names)))
        for template in TEMPLATES
    ]
    captions = [text for own in shown.texts for text in own]
    vocabulary = Vocabulary.of_texts(captions + LEAST * prompts, LEAST)

    maps = feature_maps(flickr.images, folder, "Flickr8k")
    maps_mirrored = feature_maps(mirrored(flickr.images), folder, "Flickr8k, mirrored")
    torch.manual_seed(recipe.seed)
    network = CaptionNetwork(len(vocabulary))
    limit = network.max_length

    def pictures(own_maps, texts):
        return Pictures(own_maps, texts, vocabulary, limit)

    both = [own[: len(shown)] for own in (maps, maps_mirrored)]
    natural = pictures(both, shown.texts)
    small = [
        pictures(
            [feature_maps(samples.images, folder, name)],
            [
                tuple(class_prompt(word, t) for t in TEMPLATES)
                for word in called(name, names)
            ],
        )
        for name, (samples, names) in sets.items()
    ]
    num_small = round(SHARE_LABELLED * recipe.batch_size)

    def loss_fn(rng):
        looks, words = natural.draw(rng, recipe.batch_size - num_small)
        from_set = rng.multinomial(num_small, np.full(len(small), 1 / len(small)))
        for own, count in zip(small, from_set, strict=True):
            if count:
                more, said = own.draw(rng, count)
                looks, words = np.concatenate([looks, more]), words + said
        looks = torch.from_numpy(looks.astype("float32"))
        return network.loss(looks, padded(words, recipe.batch_size))

    data = {
        "training": [shown.provenance, *(s.provenance for s, _ in sets.values())],
        "validation": f"the last {VALIDATION} pictures of Flickr8k's training split",
    }
    train(
        network, loss_fn, recipe, args.out, "captioner", data, args.resume, args.restart
    )
    record = {
        "config": network.config,
        "command": command_of("captioner", recipe, RECIPE),
        "recipe": asdict(recipe)
        | {
            "captions_per_image": CAPTIONS_PER_IMAGE,
            "share_labelled": SHARE_LABELLED,
            "least_count_of_words": LEAST,
        },
        "data": data,
        "validation": bleu(network, vocabulary, maps[len(shown) :], held.texts),
        "versions": software_versions(),
        "words": vocabulary.words,
    }
    return save_weights("captioner", tensors_of(network), record, args.out)
