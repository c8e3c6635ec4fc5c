"""What the train command makes of GenED-SC: pictures, masks, and a dual encoder's view.

pictures with masks --> dual encoder --> embeddings, kept on disk --> SaliencyTask
"""

import json
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from link_models.codecs import find_codec
from link_models.links.radio import build_channel
from link_models.systems.edited.saliency import patch_embeddings
from link_models.training.commands.options import (
    OF_LINK,
    given_configs,
    given_recipe,
    make_trainer,
    refuse,
)
from link_models.training.tasks.saliency import (
    SNR_DB,
    SaliencyData,
    SaliencyLoss,
    SaliencyTask,
)
from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.array_store import ArrayStore
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
from semcom_phy.knowledge_base.dual_encoder.prompt_list import (
    PROMPTS_FILE,
    read_prompts,
)
from semcom_phy.knowledge_base.dual_encoder.prompts import rank_prompts
from semcom_phy.sources.images import load_samples

NUM_VALIDATION = 70
_SPLIT_SEED = 17


def saliency_trainer(scenario, args):
    """Codecs that send what stands out with care, over AWGN and fades of 2x2.

    The scenario, a :class:`~scenarios.kinds.edited.EditedScenario`, names the dual
    encoder. ``data`` is a data set with masks; `None`: ecssd.
    """
    configs, recipe = gened_sc_setting(scenario, args, "AWGN and fading together")
    embeddings = patch_embeddings(scenario.dual_encoder)
    model = find_dual_encoder(scenario.dual_encoder)
    configs[0] |= {
        "patch_width": embeddings.patch_width,
        "common_width": embeddings.common_width,
    }
    encoder = find_codec(args.system).encoder(**configs[0])
    shape = encoder.image_shape
    samples = load_samples(args.data or "ecssd", size=shape[:2], split="train")
    data = saliency_data(samples, model, embeddings, encoder.grid, Path(args.out))
    task = saliency_task(scenario, encoder, saliency_loss(args))
    return make_trainer(args, configs, [task], data, recipe)


def gened_sc_setting(scenario, args, over):
    """Constructor arguments of encoder and decoder, and a recipe with the SNRs of the
    GenED-SC paper.

    Raises
    ------
    ValueError
        If SNRs or a link are given, although it is trained ``over`` something else.
    """
    refuse(args, ("together_with", *OF_LINK), f"trained over {over}")
    refuse(args, ("snr_db",), "trained at 1, 4, 7 and 10 dB")
    recipe = given_recipe(
        args, scenario, batch_size=8, min_snr_db=SNR_DB[0], max_snr_db=SNR_DB[-1]
    )
    return given_configs(args, scenario), recipe


def saliency_loss(args):
    """The loss that ``objective`` and ``loss_config`` ask for.

    Raises
    ------
    ValueError
        If ``loss_config`` is no JSON object of weights of the loss.
    """
    try:
        chosen = json.loads(args.loss_config or "{}")
        return SaliencyLoss(foreground=args.objective != "plain", **chosen)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"--loss-config must be a JSON object such as '{{\"contextual\": 0.1}}', "
            f"got {args.loss_config!r}: {error}"
        ) from error


def saliency_task(scenario, encoder, loss):
    """Over the codec's frame, AWGN among its fades."""
    return SaliencyTask(scenario.name, link_of_frame(scenario, encoder), loss)


def link_of_frame(scenario, encoder):
    """The link of the codec's frame: 2x2, perfect CSI."""
    cbr = Fraction(encoder.num_symbols, prod(encoder.image_shape))
    fading = replace(scenario, channel="rayleigh", num_tx_ant=2, num_rx_ant=2)
    return build_channel(replace(fading, csi="perfect", cbr=cbr))


def saliency_data(samples, model, embeddings, grid, folder):
    """:class:`SaliencyData` of pictures with masks.

    Parameters
    ----------
    samples : :class:`~semcom_phy.sources.samples.Samples`

    model : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    embeddings : :class:`~semcom_phy.knowledge_base.patch_embeddings.PatchEmbeddings`

    grid : (`int`, `int`)
        Rows and columns of patches

    folder : `Path`
        Where embeddings are kept, which take minutes to make

    Raises
    ------
    ValueError
        If there are no masks, or fewer than 5 pictures.
    """
    if samples.masks is None:
        raise ValueError(
            f"{samples.provenance['source']}: there are no saliency masks beside the "
            "pictures; give --data ecssd, or a folder laid out as DUTS"
        )
    samples, held = shuffled(samples)
    images, masks = samples.images, samples.masks
    rows = kept_rows(embeddings, images, grid, folder)
    prompts = read_prompts(PROMPTS_FILE)
    made_by = {"texts": embeddings.identity, "prompts": prompts}
    texts = _kept(folder, images, made_by, partial(_texts, model, prompts))
    return SaliencyData(
        images[held:],
        masks[held:],
        rows[:, held:],
        texts[held:],
        images[:held],
        masks[:held],
        rows[0, :held],
        samples.provenance | {"dual_encoder": embeddings.identity},
    )


def _texts(model, prompts, images):
    """Vectors of the prompt that says best what each picture shows, `float16`."""
    best, _ = rank_prompts(model, images, prompts, 1)
    texts = model.text_features([own[0] for own in best])
    # As long as the other vectors.
    return (texts * np.sqrt(texts.shape[1])).astype("float16")


def shuffled(samples):
    """Samples in the order of all trainings, and how many of the first are held out.

    Raises
    ------
    ValueError
        If there are fewer than 5 pictures.
    """
    held = min(NUM_VALIDATION, len(samples) // 5)
    if held < 1:
        raise ValueError(f"training needs at least 5 pictures, got {len(samples)}")
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(samples))
    return samples.take(order), held


def kept_rows(embeddings, images, grid, folder):
    """What a dual encoder sees in pictures and in their mirror images, from files, made
    where there are none: [2, n, patches + 1, width], `float16`."""
    make = partial(embeddings.of, grid=grid)
    made_by = {"patches": embeddings.identity, "grid": grid}
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    parts = (images, mirrored)
    return np.stack([_kept(folder, part, made_by, make) for part in parts])


def _kept(folder, images, made_by, make):
    """What is made of pictures, from a file, made where there is none.

    Parameters
    ----------
    folder : `Path`

    images : [n, H, W, 3], `uint8`

    made_by : `dict`
        Plain values that tell it from what others make

    make : callable, images -> array
    """
    about = made_by | {"images_sha256": array_sha256(images)}
    return ArrayStore(folder / "features").array(about, partial(make, images))
