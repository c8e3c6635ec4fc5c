"""The mask that the transmitter finds without labels, beside what is possible."""

import numpy as np

from benchmarks.figures import interval
from benchmarks.gened_sc.sent import SNR_DB, curves_of, scenario_of, title_of
from benchmarks.gened_sc.tables import markdown, with_interval
from link_models.systems.edited.saliency import transmitter_masks
from link_models.systems.edited.saliency_coder import foreground_iou, mask_iou
from semcom_phy.codecs.gened_sc import PATCH
from semcom_phy.entropy_coding.mask_coder import MaskCoder
from semcom_phy.simulation.statistics.intervals import clustered_mean
from semcom_phy.sources.images import load_samples

ESTIMATED = "gened_sc_estimated_mask"
LEVELS = np.linspace(0.05, 0.95, 19)  # of the share of pictures, of a constant mask
_BATCH = 32


def mask_table(args):
    """IoU, share and bits of masks; lines of text."""
    scenario = scenario_of(args)
    size = scenario.image_shape[:2]
    samples = load_samples(args.dataset, args.images, size, args.seed)
    fitted_on = load_samples(args.dataset, None, size, args.seed, "train")
    if samples.masks is None or fitted_on.masks is None:
        raise ValueError(
            f"dataset {args.dataset!r} has no masks to hold others against: choose one "
            "that has, such as --dataset ecssd"
        )
    masks_of = transmitter_masks(scenario)
    parts = range(0, len(samples), _BATCH)
    masks = np.concatenate([masks_of(samples.images[i : i + _BATCH]) for i in parts])
    constant = np.broadcast_to(constant_mask(fitted_on.masks), samples.masks.shape)
    best = best_of_patches(samples.masks)
    coder = MaskCoder()
    bits, best_bits = ([8 * len(coder.encode(m)) for m in ms] for ms in (masks, best))
    rows = [["mask", "IoU, pixels", "foreground", "bits", "most bits"]]
    found = mask_iou(masks, samples.masks)
    rows += [
        _row("transmitter, without labels", found, masks, bits),
        _row("the same for all pictures", foreground_iou(constant, samples.masks))
        + [f"{constant.mean():.3f}", "0", "0"],
        _row("best of patches", mask_iou(best, samples.masks), best, best_bits),
        _row("labels", np.ones(len(samples)), samples.masks) + ["-", "-"],
    ]
    return [
        *title_of(args, "Masks at the transmitter"),
        f"Intersection over union with the labels, at {size[0]}x{size[1]} pixels. The "
        f"constant mask is fitted on {len(fitted_on)} pictures "
        f"({fitted_on.provenance['source']}); the best of patches of {PATCH}x{PATCH} "
        "knows the labels.",
        "",
        *markdown(rows),
        "",
        *_estimated(args),
    ]


def constant_mask(masks):
    """The mask of pixels that fits all best in the mean: those that are foreground in
    more than a share of them.

    Input
    -----
    masks : [n, H, W], `uint8`

    Output
    ------
    : [H, W], `bool`
    """
    share = masks.mean(axis=0)
    tried = [np.broadcast_to(share > level, masks.shape) for level in LEVELS]
    return max(tried, key=lambda m: np.nanmean(foreground_iou(m, masks)))[0]


def best_of_patches(masks):
    """For every mask of pixels the one of patches with the highest IoU.

    With patches in the order of their share of foreground, it is a number of the first.

    Input
    -----
    masks : [n, H, W], `uint8`

    Output
    ------
    : [n, H / 8, W / 8], `uint8`
    """
    n, height, width = masks.shape
    cells = masks.reshape(n, height // PATCH, PATCH, width // PATCH, PATCH)
    inside = cells.sum(axis=(2, 4), dtype=int)
    found = np.zeros(inside.shape, np.uint8)
    for pixels, mask in zip(inside, found, strict=True):
        order = np.argsort(-pixels, axis=None, kind="stable")
        joint = np.cumsum(pixels.ravel()[order])
        area = PATCH**2 * np.arange(1, len(order) + 1)
        iou = joint / (area + joint[-1] - joint)
        mask.ravel()[order[: np.argmax(iou) + 1]] = joint[-1] > 0
    return found


def _row(name, iou, masks=None, bits=None):
    index = np.arange(len(iou))
    cells = [name, _mean(iou, index)]
    if masks is not None:
        cells.append(_mean(masks.mean(axis=(1, 2)), index))
    if bits is not None:
        cells += [f"{np.mean(bits):.1f}", f"{np.max(bits):.0f}"]
    return cells


def _mean(values, index):
    found = clustered_mean(values, index)
    return f"{found.mean:.3f}{interval(found, 3)}"


def _estimated(args):
    """What the receiver finds by itself of the mask, over the SNR."""
    curve = curves_of(args, [ESTIMATED], snr_db=SNR_DB)[ESTIMATED]
    rows = [["SNR", *(f"{snr:g} dB" for snr in SNR_DB)]]
    cells = [with_interval(curve, "estimate_iou", snr, 3) for snr in SNR_DB]
    return [
        "The receiver's own estimate of the mask, from received values over AWGN, "
        "against the mask that the transmitter found, patch by patch (IoU):",
        "",
        *markdown([*rows, [ESTIMATED, *cells]]),
    ]
