"""The radio link beside closed forms.

    python -m benchmarks.theory [--fades 20000] [--seed 1] [--out DIR]

Uncoded QPSK, the error variance that L-MMSE detection reports, an independent NumPy
receiver, the least-squares estimate, and the gradients of ADJSCC through it all.
Deviations in standard errors, over fades.
"""

import json
from pathlib import Path

import numpy as np
from keras import ops

from link_models.codecs import load_link
from scenarios.command.arguments import Parser
from semcom_phy.backend import gradients_fn
from semcom_phy.channel_coding.qam import qam_modulate
from semcom_phy.metrics.link import qam_ber_awgn, qpsk_ber_rayleigh
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import image_seeds, set_seed
from semcom_phy.snr import snr_db_to_no
from semcom_phy.sources.images import load_images

NUM_SYMBOLS = 64
FEW_PILOTS = OFDMGrid(4, pilot_ofdm_symbols=(2,), cyclic_prefix_length=0)


def receive(model, csi, snr_db, fades, seed, grid=None):
    """Bits sent, and what the receiver has, over many fades of one link."""
    set_seed(seed)
    rng = np.random.default_rng(seed)
    framing = Framing(NUM_SYMBOLS, model.num_tx_ant, grid)
    channel = EqualizedOFDMChannel(model, framing, csi)
    bits = rng.integers(0, 2, (fades, 2 * NUM_SYMBOLS), dtype=np.uint8)
    x = qam_modulate(bits, 2)
    h = channel.sample(fades)
    no = float(snr_db_to_no(snr_db, model.num_tx_ant))
    noise = channel.draw_noise(image_seeds(seed, 0, range(fades)))
    return bits, x, np.asarray(h), no, noise, channel, channel.receive(x, h, no, noise)


def bit_error_rate(*args, **kwargs):
    """Bit error rate of uncoded QPSK and its standard error over fades."""
    bits, *_, reception = receive(*args, **kwargs)
    x_hat = np.asarray(reception.x_hat)
    decided = np.stack([x_hat.real < 0, x_hat.imag < 0], -1).reshape(len(bits), -1)
    per_fade = (decided != bits).mean(1)
    return per_fade.mean(), per_fade.std() / np.sqrt(len(bits))


def numpy_l_mmse(x, h, no, noise, num_pilots):
    """x_hat and no_eff of perfect-CSI L-MMSE detection, written plainly."""
    num_tx = h.shape[3]
    matrix = h[:, 0, :, :, 0, 0].astype(np.complex128)
    sent = x.reshape(len(x), -1, num_tx)
    w_noise = np.sqrt(no) * noise[:, num_pilots:]
    y = sent @ matrix.swapaxes(1, 2) + w_noise
    hermitian = matrix.conj().swapaxes(1, 2)
    gram = np.linalg.inv(hermitian @ matrix + no * np.eye(num_tx)) @ hermitian
    diagonal = np.einsum("bii->bi", gram @ matrix).real
    x_hat = (y @ gram.swapaxes(1, 2)) / diagonal[:, None]
    no_eff = np.broadcast_to((1 / diagonal - 1)[:, None], x_hat.shape)
    return x_hat.reshape(x.shape), no_eff.reshape(x.shape)


def qpsk_rows(fades, seed):
    """Rows (what, measured, theory, deviation in standard errors)."""
    pilots = OFDMGrid().num_pilot_res
    few = FEW_PILOTS.num_pilot_res
    cases = [
        ("QPSK, AWGN, 6 dB", AWGN(1), PerfectCSI(), 6.0, None, qam_ber_awgn(6.0, 2)),
        (
            "QPSK, 1x1 Rayleigh, 10 dB, perfect CSI",
            BlockRayleigh(1, 1),
            PerfectCSI(),
            10.0,
            None,
            qpsk_ber_rayleigh(10.0),
        ),
        (
            f"QPSK, 1x1 Rayleigh, 10 dB, LS from {pilots} pilots",
            BlockRayleigh(1, 1),
            LSEstimator(),
            10.0,
            None,
            qpsk_ber_rayleigh(10.0, 0.1 / pilots),
        ),
        (
            f"QPSK, 1x1 Rayleigh, 10 dB, LS from {few * 2} pilots",
            BlockRayleigh(1, 1),
            LSEstimator(),
            10.0,
            FEW_PILOTS,
            None,
        ),
    ]
    rows = []
    for what, model, csi, snr_db, grid, theory in cases:
        measured, error = bit_error_rate(model, csi, snr_db, fades, seed, grid)
        if theory is None:
            slots = Framing(NUM_SYMBOLS, 1, grid).num_slots
            what = what.replace(f"{few * 2} pilots", f"{few * slots} pilots")
            theory = qpsk_ber_rayleigh(snr_db, 0.1 / (few * slots))
        theory = float(theory)
        rows.append((what, measured, theory, (measured - theory) / error))
    return rows


def detection_rows(fades, seed):
    """Rows on L-MMSE detection and the least-squares estimate, 2x2 at 10 dB."""
    _, x, h, no, noise, channel, got = receive(
        BlockRayleigh(2, 2), PerfectCSI(), 10.0, fades, seed
    )
    x_hat, no_eff = np.asarray(got.x_hat), np.asarray(got.no_eff)
    ratio = (np.square(np.abs(x_hat - x)) / no_eff).mean(1)
    error = ratio.std() / np.sqrt(fades)
    ours, theirs = (
        (x_hat, no_eff),
        numpy_l_mmse(x, h, no, noise, channel.framing.num_pilot_res),
    )
    largest = max(
        np.max(np.abs(a - b) / (1 + np.abs(b)))
        for a, b in zip(ours, theirs, strict=True)
    )
    _, _, h, no, _, channel, got = receive(
        BlockRayleigh(2, 2), LSEstimator(), 10.0, fades, seed
    )
    square = np.square(np.abs(np.asarray(got.h_hat) - h)).mean((1, 2, 3, 4, 5)) / no
    pilots = channel.framing.num_pilot_res
    return [
        ("2x2 L-MMSE, mean |x_hat - x|^2 / no_eff", ratio.mean(), 1.0,
         (ratio.mean() - 1) / error),
        ("2x2 L-MMSE against NumPy, largest relative difference", largest, 0.0, None),
        (f"2x2 LS, error variance / N0, {pilots} pilot elements", square.mean(),
         1 / pilots, (square.mean() - 1 / pilots) / square.std() * np.sqrt(fades)),
    ]  # fmt: skip


def gradient_rows(seed):
    """Share of ADJSCC's trainable weights that get a finite, non-zero gradient."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(768, 2), LSEstimator())
    link, _ = load_link("adjscc_32x32", channel, (32, 32, 3))
    set_seed(seed)
    images = load_images("sample", 8)[0].astype("float32") / 255
    snr_db = np.linspace(-5, 25, 8, dtype="float32")
    h = channel.sample(8)
    noise = channel.draw_noise(image_seeds(seed, 0, range(8)))

    def loss(source):
        return ops.mean(ops.square(link(source, snr_db, h, noise) - source))

    rows = []
    for mode, compiled in (("eager", False), ("graph", True)):
        gradients = gradients_fn(loss, link.trainable_variables, compiled)(
            ops.convert_to_tensor(images)
        )
        good = [
            g is not None
            and bool(np.isfinite(np.asarray(g)).all())
            and bool(np.any(np.asarray(g)))
            for g in gradients
        ]
        what = f"ADJSCC through LS and L-MMSE, {mode}: weights with gradient"
        rows.append((what, float(sum(good)), float(len(good)), None))
    return rows


def main(argv=None):
    """Prints the table; returns 0 if every deviation is within 4 standard errors."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--fades", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    if args.fades < 100:
        parser.error(f"--fades must be at least 100, got {args.fades}")
    rows = qpsk_rows(args.fades, args.seed) + detection_rows(args.fades, args.seed)
    rows += gradient_rows(args.seed)
    print(f"{args.fades} fades of {NUM_SYMBOLS} symbols, seed {args.seed}")
    print(f"{'':62}{'measured':>12}{'theory':>12}{'deviation':>12}")
    for what, measured, theory, deviation in rows:
        shown = "" if deviation is None else f"{deviation:+.2f} s.e."
        print(f"{what:62}{measured:12.6g}{theory:12.6g}{shown:>12}")
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "theory.json"
    names = ("what", "measured", "theory", "deviation_in_standard_errors")
    points = [
        {n: v if v is None or isinstance(v, str) else float(v)
         for n, v in zip(names, row, strict=True)}
        for row in rows
    ]  # fmt: skip
    setup = {"fades": args.fades, "seed": args.seed}
    file.write_text(json.dumps({**setup, "points": points}, indent=1) + "\n")
    print(f"written to {file}")
    within = all(abs(row[3]) <= 4 for row in rows if row[3] is not None)
    whole = all(row[1] == row[2] for row in rows[-2:])
    return 0 if within and whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
