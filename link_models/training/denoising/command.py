"""What the train command makes of SGDJSCC: pictures, captions, a network to stand on.

pictures --> captioner --> captions --> dual encoder --> DenoisingTask
       '---> dual encoder --> embeddings, kept on disk ---'
"""

from pathlib import Path

from link_models.codecs import find_codec
from link_models.systems.edited.saliency import patch_embeddings
from link_models.training.commands.options import make_trainer
from link_models.training.commands.saliency import (
    gened_sc_setting,
    kept_rows,
    link_of_frame,
    shuffled,
)
from link_models.training.denoising.task import DenoisingTask, GuidedData
from link_models.weights import store
from semcom_phy.knowledge_base.captioner.questions import DETAILED
from semcom_phy.sources.sent_captions import load_captioned_images

NETWORK = "gened_sc"
_SHARED = ("image_shape", "num_symbols", "channels", "foreground", "background")
_OF_ENCODER = ("patch_width", "common_width")


def denoising_trainer(scenario, args):
    """The denoiser of SGDJSCC, on the values of a network that stays as it is.

    The scenario, a :class:`~scenarios.kinds.edited.EditedScenario`, names captioner
    and dual encoder. ``data`` is a data set; `None`: ecssd. ``start_from`` are weights
    of GenED-SC without routing; what the codec shares with them is as it is there.

    Raises
    ------
    ValueError
        If there is no such network to start from, or too few pictures.
    """
    configs, recipe = gened_sc_setting(scenario, args, "noise of any level")
    embeddings = patch_embeddings(scenario.dual_encoder)
    network = unrouted_network(args.start_from, args.system)
    configs[0] |= {name: network[name] for name in (*_SHARED, *_OF_ENCODER)}
    configs[1] |= {name: network[name] for name in (*_SHARED, "common_width")}
    encoder = find_codec(args.system).encoder(**configs[0])
    samples = load_captioned_images(
        args.data or "ecssd",
        scenario.captioner,
        encoder.image_shape[:2],
        DETAILED,
        split="train",
    )
    data = guided_data(samples, embeddings, encoder.grid, Path(args.out))
    task = DenoisingTask(scenario.name, link_of_frame(scenario, encoder))
    return make_trainer(args, configs, [task], data, recipe)


def unrouted_network(label, system):
    """Constructor arguments of the encoder of GenED-SC without routing, `dict`.

    Raises
    ------
    ValueError
        If no weights are named, or they are of something else.
    """
    ask = f"give the network under {system} with --start-from gened_sc_plain_1792"
    if label is None:
        raise ValueError(f"a denoiser alone is trained: {ask}")
    config = store.read_record(label)["config"]
    if config["codec"] != NETWORK or config["encoder"].get("mask") != "none":
        raise ValueError(f"weights {label!r} are not {NETWORK} without routing: {ask}")
    return find_codec(NETWORK).encoder(**config["encoder"]).get_config()


def guided_data(samples, embeddings, grid, folder):
    """:class:`GuidedData` of pictures with captions.

    Parameters
    ----------
    samples : :class:`~semcom_phy.sources.samples.Samples`

    embeddings : :class:`~semcom_phy.knowledge_base.patch_embeddings.PatchEmbeddings`

    grid : (`int`, `int`)
        Rows and columns of patches

    folder : `Path`
        Where embeddings are kept, which take minutes to make

    Raises
    ------
    ValueError
        If there are fewer than 5 pictures.
    """
    samples, held = shuffled(samples)
    images = samples.images
    rows = kept_rows(embeddings, images, grid, folder)
    captions = embeddings.of_texts([own[0] for own in samples.texts])
    return GuidedData(
        images[held:],
        rows[:, held:],
        captions[held:],
        images[:held],
        rows[0, :held],
        captions[:held],
        samples.provenance | {"dual_encoder": embeddings.identity},
    )
