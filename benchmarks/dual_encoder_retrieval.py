"""Which text belongs to which picture: ``python -m benchmarks.dual_encoder_retrieval``.

Recall at 10 of the right one among all test images of Flickr8k, with the first caption
of each, image to text and back, beside chance; and the class of test images by the
prompt "a photo of a CLASS" that is closest, beside the linear probe on the same
features of EfficientNet-Lite0. Nothing is sent. Intervals of 95 % (Wilson) are over
images; the candidates are the same for all of them.
"""

import sys

import numpy as np
from scipy.stats import binomtest

from link_models.training.knowledge.labelled_sets import labelled_set
from scenarios.command.arguments import Parser
from semcom_phy.knowledge_base.class_prompts import class_prompt
from semcom_phy.knowledge_base.classifier import find_classifier
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
from semcom_phy.metrics.retrieval import found_at
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples


def share(right):
    """Share with Wilson's interval, as text."""
    right = np.asarray(right)
    found = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return f"{right.mean():.3f} ({found.low:.3f} to {found.high:.3f}), n {len(right)}"


def main(argv=None):
    """Prints the figures; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--dual-encoder", default="embedded")
    args = parser.parse_args(argv)
    try:
        model = find_dual_encoder(args.dual_encoder)
        folder = find_data_folder("flickr8k_images")
        flickr = load_samples(folder, None, 128, split="test")
        classes, _ = labelled_set("tinyimagenet24", "test")
        probe = find_classifier("probe:tinyimagenet24")
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"model {model.identity}")
    images = model.image_features(flickr.images)
    texts = model.text_features([own[0] for own in flickr.texts])
    similar = images @ texts.T
    for name, table in (("image to text", similar), ("text to image", similar.T)):
        print(f"recall at 10, {name}: {share(found_at(table, 10))}")
    print(f"recall at 10 by chance: {10 / len(flickr):.4f}")
    prompts = model.text_features([class_prompt(n) for n in classes.class_names])
    guessed = (model.image_features(classes.images) @ prompts.T).argmax(1)
    print(f"class by prompt, 24 of Tiny ImageNet: {share(guessed == classes.labels)}")
    told = probe.probabilities(classes.images).argmax(1)
    print(f"class by linear probe:                {share(told == classes.labels)}")
    print(f"by chance: {1 / len(classes.class_names):.4f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
