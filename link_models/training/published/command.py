"""Imports a checkpoint that the authors of a codec publish.

    python -m link_models.training import FILE.pth --as swinjscc_sa_ra
    python -m link_models.training import FILE.pth --as witt --image-size 512 768
    python -m link_models.training import FILE.pth --as ntscc_official

Sizes of the network are read off the file, and every name and shape is checked. Written
are <label>.weights.h5 and <label>.json in runs/, where the system of that name finds
them:

    python -m scenarios.siso_awgn --systems swinjscc_sa_ra hevc_ldpc --as-published ...

Nothing in the file is run. Which variant it is must be said: some have the same
entries. NTSCC+ and CompatibleNTSCC are refused: they need neighbourhood attention.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from link_models.codecs import CODECS
from link_models.links.frame_link import FrameLink
from link_models.training.published import ntscc_entries, swinjscc_entries
from link_models.training.published.fill import check_entries, fill
from link_models.training.published.torch_file import read_checkpoint
from link_models.weights import store
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing

VARIANTS = {  # what to import as -> module that says what its checkpoints hold
    variant: entries
    for entries in (swinjscc_entries, ntscc_entries)
    for variant in entries.VARIANTS
}
MOST_LINES = 20


def import_arrays(
    arrays,
    variant,
    file,
    image_shape=None,
    snr_range_db=None,
    folder=store.WRITTEN,
    label=None,
    eta=None,
):
    """Writes weights and their JSON from the entries of a checkpoint.

    Parameters
    ----------
    arrays : `dict` of name -> array
        Entries of SwinJSCC, WITT or NTSCC, as of
        :func:`~link_models.training.published.torch_file.read_checkpoint`

    variant : `str`
        A key of ``VARIANTS``

    file : `dict`
        What is to be said of the file that they come from

    image_shape : (`int`, `int`, 3), optional
        Of the images that it is to serve; those that it was trained for if not given
        [pixels]

    snr_range_db : (`float`, `float`), optional
        SNRs that it was trained for: it is told none beyond; every one if not given
        [dB]

    folder : path, (default ``runs``)

    label : `str`, optional
        The variant's name if not given

    eta : `float`, optional
        Of NTSCC, which its checkpoints do not hold: values for a bit of information;
        that of the published configuration, 0.2, if not given

    Output
    ------
    : (`Path`, `int`)
        The JSON, and how many entries the variant has no use for

    Raises
    ------
    ValueError
        If an entry is missing, extra or of another shape, with a line for each, or the
        images do not fit.
    """
    if variant not in VARIANTS:
        raise ValueError(
            f"unknown variant {variant!r}; there are {', '.join(VARIANTS)}"
        )
    known = VARIANTS[variant]
    ntscc_entries.refuse_ntscc_plus(arrays)
    sizes = known.sizes_of(arrays, variant)
    if eta is not None:
        if known is not ntscc_entries:
            raise ValueError(f"--eta is of NTSCC, not of {variant}: leave it out")
        sizes["eta"] = eta
    if image_shape is None:
        side = known.trained_side(sizes)
        if side is None:
            raise ValueError(
                f"a network of {len(sizes['dims'])} stages: give --image-size"
            )
        image_shape = (side, side, 3)
    config = {"image_shape": image_shape, **sizes}
    link = _link(known.CODEC, config)
    entries = [
        *known.encoder_entries(link.encoder),
        *known.decoder_entries(link.decoder),
    ]
    lines = check_entries(arrays, entries, known.is_buffer)
    if lines:
        raise ValueError("\n".join(lines))
    used = fill(arrays, entries)
    low, high = _checked_range(snr_range_db)
    record = {
        "config": {"codec": known.CODEC, "encoder": config, "decoder": config},
        "published": {"as": variant, **file},
        "recipe": {} if low is None else {"min_snr_db": low, "max_snr_db": high},
    }
    written = store.save(link, folder, label or variant, record)
    return written, len({e.name for e in entries} & arrays.keys()) - used


def _checked_range(snr_range_db):
    """(low, high), or (None, None) where no range is given."""
    if snr_range_db is None:
        return None, None
    low, high = snr_range_db
    if not (np.isfinite([low, high]).all() and low <= high):
        raise ValueError(
            f"--trained-snr must be two finite SNRs, the lower one first, got {low} "
            f"{high}"
        )
    return low, high


def _link(codec, config):
    """The codec over a radio link of its own, built and not run."""
    encoder, decoder = (half(**config) for half in CODECS[codec])
    channel = EqualizedOFDMChannel(AWGN(), Framing(encoder.most_symbols, 1))
    return FrameLink(encoder, decoder, channel)


def main(argv=None):
    """Imports a checkpoint; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training import",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", help="the authors' checkpoint, a state_dict of torch")
    add("--as", dest="variant", required=True, choices=VARIANTS, help="which one it is")
    add(
        "--image-size",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="of the images to send (of 2 stages 32 32, of 4 stages 256 256; NTSCC: "
        "multiples of 64)",
    )
    add(
        "--trained-snr",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="SNRs that it was trained for [dB]: it is told none beyond (every one)",
    )
    add("--eta", type=float, help="of NTSCC: values sent for a bit of a patch (0.2)")
    add("--out", type=Path, default=store.WRITTEN, help="folder (runs)")
    add("--label", type=store.file_label, help="of the weights (that of --as)")
    args = parser.parse_args(argv)
    shape = None if args.image_size is None else (*args.image_size, 3)
    try:
        arrays = read_checkpoint(args.file)
        file = {"file": Path(args.file).name, "sha256": store.file_hash(args.file)}
        path, unused = import_arrays(
            arrays,
            args.variant,
            file,
            shape,
            args.trained_snr,
            args.out,
            args.label,
            args.eta,
        )
    except (ValueError, OSError, ImportError) as error:
        lines = str(error).splitlines()
        for line in lines[:MOST_LINES]:
            print(f"{parser.prog}: error: {line}", file=sys.stderr)
        if len(lines) > MOST_LINES:
            more = len(lines) - MOST_LINES
            print(f"{parser.prog}: error: ... and {more} more", file=sys.stderr)
        return 2
    if unused:
        print(f"left out: {unused} entries that {args.variant} does not use")
    print(f"wrote {path}")
    return 0
