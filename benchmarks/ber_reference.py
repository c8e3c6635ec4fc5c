"""Bit error rates of our link beside a simulation that shares no code with it.

    python -m benchmarks.ber_reference [--snr 0 5 10 15 20] [--blocks 4000] [--seed 1]

Uncoded 16-QAM over 2x2 block Rayleigh fading with L-MMSE, CSI perfect or estimated by
least squares. The reference is NumPy alone, from the textbook: labels, fades, pilots,
noise, filter and decisions are its own. The 95 % intervals must overlap at all points.

Most of their width comes from the fades. A second run of the reference is therefore
handed the fades of our link, and the difference block by block must be 0 within 4
standard errors.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenarios.command.arguments import Parser

NUM_ANT, DATA_RES, PILOT_RES = 2, 384, 144
LEVELS = np.array([-3.0, -1.0, 1.0, 3.0]) / np.sqrt(10)
LABELS = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])  # Gray, per real dimension
FADES_AT_ONCE = 500


def reference_block_errors(snr_db, num_blocks, estimated, rng, fades=None):
    """Share of wrong bits in every block, with NumPy alone.

    Parameters
    ----------
    snr_db : `float`
        Per receive antenna: a receive antenna collects power ``NUM_ANT`` [dB]
    num_blocks : `int`
        Blocks, a fade each
    estimated : `bool`
        Estimate the fade from pilots; the filter is told the variance of the error
    rng : `numpy.random.Generator`
    fades : [num_blocks, NUM_ANT, NUM_ANT], `complex`, optional
        Channel matrices; default: drawn here

    Output
    ------
    : [num_blocks], `float`
    """
    no = NUM_ANT / 10 ** (snr_db / 10)
    shares = []
    for start in range(0, num_blocks, FADES_AT_ONCE):
        num = min(FADES_AT_ONCE, num_blocks - start)
        h = normal(rng, num, NUM_ANT, NUM_ANT)
        if fades is not None:
            h = fades[start : start + num]
        h_hat, believed = h, no
        if estimated:
            # Each antenna in turn sends pilots of power NUM_ANT, the other is silent.
            pilots = np.sqrt(NUM_ANT) * np.ones(PILOT_RES // NUM_ANT)
            noise = np.sqrt(no) * normal(rng, num, NUM_ANT, NUM_ANT, pilots.size)
            received = h[..., None] * pilots + noise
            energy = pilots @ pilots
            h_hat = received @ pilots / energy
            believed = no + NUM_ANT * no / energy
        index = rng.integers(0, 4, (2, num, NUM_ANT, DATA_RES))
        x = LEVELS[index[0]] + 1j * LEVELS[index[1]]
        y = h @ x + np.sqrt(no) * normal(rng, num, NUM_ANT, DATA_RES)
        adjoint = h_hat.conj().swapaxes(1, 2)
        inverse = np.linalg.inv(h_hat @ adjoint + believed * np.eye(NUM_ANT))
        filters = adjoint @ inverse
        gain = np.einsum("bij,bji->bi", filters, h_hat).real  # below 1: biased
        x_hat = (filters @ y) / gain[..., None]
        nearest = [
            np.abs(part[..., None] - LEVELS).argmin(axis=-1)
            for part in (x_hat.real, x_hat.imag)
        ]
        wrong = LABELS[np.array(nearest)] != LABELS[index]
        shares.append(wrong.mean(axis=(0, 2, 3, 4)))
    return np.concatenate(shares)


def normal(rng, *shape):
    """CN(0, 1)."""
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def our_blocks(csi, snr_db, num_blocks, seed):
    """Of our link: share of wrong bits in every block [num_blocks], `float`, and the
    fades [num_blocks, NUM_ANT, NUM_ANT], `complex64`."""
    from keras import ops

    from link_models.links.bit_link import BitLinkBuilder, Uncoded
    from scenarios.mimo_2x2 import SCENARIO
    from semcom_phy.seeding import image_seeds, sample_fades
    from semcom_phy.simulation.bits.sweep import BitSettings, count_batch
    from semcom_phy.simulation.sweep import built

    link = built(BitLinkBuilder(Uncoded(4), replace(SCENARIO, csi=csi)))
    settings = BitSettings(seed, batch_size=num_blocks)
    wrong = count_batch(link, snr_db, 0, settings)
    h = sample_fades(link.channel, image_seeds(seed, 0, range(num_blocks)))
    h = ops.convert_to_numpy(h).reshape(num_blocks, NUM_ANT, NUM_ANT)
    return wrong / link.system.num_info_bits, h


def compare(csi, snr_db, num_blocks, seed):
    """One row of the table, a `dict` of plain values."""
    ours, fades = our_blocks(csi, snr_db, num_blocks, seed)
    estimated = csi == "estimated"
    rng = np.random.default_rng((seed, estimated, round(1e3 * (snr_db + 100))))
    own_fades = reference_block_errors(snr_db, num_blocks, estimated, rng)
    same_fades = reference_block_errors(snr_db, num_blocks, estimated, rng, fades)
    row = {"csi": csi, "snr_db": snr_db}
    for name, shares in (("ours", ours), ("reference", own_fades)):
        half = 1.96 * standard_error(shares)
        mean = float(shares.mean())
        row[name] = {"ber": mean, "ci95": [mean - half, mean + half]}
    (low, high), (low_too, high_too) = row["ours"]["ci95"], row["reference"]["ci95"]
    row["overlap"] = max(low, low_too) <= min(high, high_too)
    difference = ours - same_fades
    row["difference"] = float(difference.mean())
    row["standard_error"] = standard_error(difference)
    row["same"] = abs(row["difference"]) <= 4 * row["standard_error"]
    return row


def standard_error(values):
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _text(rate):
    low, high = rate["ci95"]
    return f"{rate['ber']:10.4e} [{low:.4e}, {high:.4e}]"


def main(argv=None):
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--snr", type=float, nargs="+", default=[0, 5, 10, 15, 20])
    parser.add_argument("--blocks", type=int, default=4000, help="per SNR point")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    if args.blocks < 2:
        parser.error(f"--blocks must be at least 2. Received: {args.blocks}")

    print(
        f"Uncoded 16-QAM, 2x2 block Rayleigh, L-MMSE, {args.blocks} blocks of "
        f"{NUM_ANT * DATA_RES} symbols, seed {args.seed}\n"
        f"{'CSI':9} {'SNR':>6} {'ours':>35} {'reference, own fades':>35} overlap"
        f"{'ours - reference, same fades':>33}"
    )
    rows = []
    for csi in ("perfect", "estimated"):
        for snr in args.snr:
            row = compare(csi, snr, args.blocks, args.seed)
            rows.append(row)
            print(
                f"{csi:9} {snr:3g} dB {_text(row['ours'])} {_text(row['reference'])} "
                f"{'yes' if row['overlap'] else 'NO':>7}   {row['difference']:+.1e} "
                f"(standard error {row['standard_error']:.1e})"
                f"{'' if row['same'] else ' DIFFERS'}",
                flush=True,
            )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "ber_reference.json"
    setup = {"num_blocks": args.blocks, "seed": args.seed}
    file.write_text(json.dumps({**setup, "points": rows}, indent=1))
    print(f"Written to {file}")
    return 0 if all(row["overlap"] and row["same"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
