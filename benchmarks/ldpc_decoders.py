"""Decoders of one 5G LDPC code side by side: words per second, words wrong.

    python -m benchmarks.ldpc_decoders [--k 1000] [--n 2000] [--ebno 0.8 1.2 1.6]
        [--blocks 1000] [--num-iter 20] [--repeats 3] [--seed 1] [--out DIR]

BPSK on AWGN, the same LLRs for all, at the same number of iterations: the flooding
decoder with tanh and ln that NumPy ran before (`log_domain_decoder`), flooding and
layered of `BeliefPropagationDecoder` in NumPy and compiled, and Sionna's
`LDPC5GDecoder` under XLA (TensorFlow alone), which runs all iterations of all words.
Layered stands there with half the iterations, too, compiled where Numba is installed.
Decoders take turns, and the fastest of the repeats counts; compilation does not. Time
is that of the processor, of all threads together: words per second of one core. At
last, by how many dB a layered decoder decodes earlier in the chain of the systems.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.log_domain_decoder import LogDomainDecoder
from scenarios.command.arguments import Parser
from semcom_phy.channel_coding.bler import CURVES_FILES
from semcom_phy.channel_coding.decoding.belief_propagation import (
    SCHEDULES,
    BeliefPropagationDecoder,
    numba_is_installed,
)
from semcom_phy.channel_coding.ldpc import LDPC5GCode
from semcom_phy.metrics.link import ErrorCount

BEFORE = "before: NumPy, tanh and ln"
SIONNA = "Sionna, XLA, flooding"


def decoders(code):
    """Name -> function from LLRs [batch, n] to information bits [batch, k]."""
    pcm, num_iter = code.sent_pcm, code.num_iter
    ours: dict[str, Callable] = {BEFORE: LogDomainDecoder(pcm, num_iter)}
    for compiled in [False] + [True] * numba_is_installed():
        for schedule in SCHEDULES:
            name = f"{'compiled' if compiled else 'NumPy'}, {schedule}"
            ours[name] = BeliefPropagationDecoder(pcm, num_iter, schedule, compiled)
    half = -(-num_iter // 2)
    name = f"layered, {half} iterations"
    ours[name] = BeliefPropagationDecoder(pcm, half, "layered")
    found = {
        name: lambda llr, decoder=decoder: decoder(code.to_mother(llr))[0][:, : code.k]
        for name, decoder in ours.items()
    }
    return found | sionna_xla(code)


def sionna_xla(code):
    """Sionna's decoder as one XLA program; nothing without TensorFlow."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return {}
    import tensorflow as tf
    from sionna.phy.fec.ldpc import LDPC5GDecoder

    decoder = LDPC5GDecoder(code.encoder, num_iter=code.num_iter)
    decode = tf.function(decoder, jit_compile=True)
    return {SIONNA: lambda llr: decode(tf.constant(llr)).numpy().astype(np.uint8)}


def noisy_words(code, num_blocks, ebno_db, seed):
    """Sent bits [num_blocks, k] and LLRs [num_blocks, n]."""
    rng = np.random.default_rng((seed, code.k, code.n, round(100 * ebno_db) + 10000))
    bits = rng.integers(0, 2, (num_blocks, code.k), dtype=np.uint8)
    variance = code.n / (2 * code.k * 10 ** (ebno_db / 10))
    noise = rng.normal(scale=variance**0.5, size=(num_blocks, code.n))
    y = 2.0 * code.encode(bits) - 1 + noise
    return bits, (2 * y / variance).astype(np.float32)


def measure(code, names, bits, llr, repeats):
    """Row of each decoder: words per second, and words wrong."""
    seconds, found = dict.fromkeys(names, np.inf), {}
    for decode in names.values():  # what is compiled at first use
        decode(llr)
    for _ in range(repeats):
        for name, decode in names.items():
            start = time.process_time()
            found[name] = decode(llr)
            seconds[name] = min(seconds[name], time.process_time() - start)
    before = found[BEFORE]
    rows = []
    for name in names:
        wrong = (found[name] != bits).any(axis=1)
        count = ErrorCount(int(wrong.sum()), len(wrong))
        rows.append(
            {
                "decoder": name,
                "words_per_s": len(bits) / seconds[name],
                "ratio": seconds[BEFORE] / seconds[name],
                "bler": count.rate,
                "ci95": count.interval(),
                "num_errors": count.num_errors,
                "num_blocks": count.num_trials,
                "other_words": int((found[name] != before).any(axis=1).sum()),
            }
        )
    return rows


def threshold_gains():
    """How much earlier a layered decoder decodes in the systems' chain, by the stored
    error rates.

    Output
    ------
    : `dict` of nominal information bits -> [num_schemes], `float`
        SNR of a block error rate of 1/2, flooding minus layered [dB]
    """
    thresholds = {}
    for schedule, file in CURVES_FILES.items():
        for curve in json.loads(file.read_text())["curves"]:
            key = curve["nominal_info_bits"], curve["table"], curve["index"]
            thresholds.setdefault(key, {})[schedule] = curve["threshold_db"]
    gains = {}
    for (bits, *_), found in thresholds.items():
        if len(found) == len(CURVES_FILES):
            gains.setdefault(bits, []).append(found["flooding"] - found["layered"])
    return {bits: np.array(gains[bits]) for bits in sorted(gains)}


def main(argv=None):
    """Prints and stores the table; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--k", type=int, default=1000, help="information bits")
    parser.add_argument("--n", type=int, default=2000, help="coded bits")
    parser.add_argument("--ebno", type=float, nargs="+", default=[0.8, 1.2, 1.6])
    parser.add_argument("--blocks", type=int, default=1000, help="per SNR")
    parser.add_argument("--num-iter", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    for name in ("blocks", "num_iter", "repeats"):
        if getattr(args, name) < 1:
            option = name.replace("_", "-")
            parser.error(f"--{option} must be at least 1, got {getattr(args, name)}")
    try:
        code = LDPC5GCode(args.k, args.n, num_iter=args.num_iter)
    except ValueError as error:
        parser.error(str(error))
    if args.n > 5 * args.k:
        parser.error(f"--n must be at most 5 k = {5 * args.k}, got {args.n}")

    names = decoders(code)
    print(
        f"5G LDPC, k = {code.k}, n = {code.n}, BPSK on AWGN, {args.num_iter} "
        f"iterations, {args.blocks} blocks per SNR, seed {args.seed}\n"
        "Eb/N0    decoder                       words/s  ratio     BLER  (95 %)"
        "            words unlike before"
    )
    points = []
    for ebno_db in args.ebno:
        bits, llr = noisy_words(code, args.blocks, ebno_db, args.seed)
        rows = measure(code, names, bits, llr, args.repeats)
        points.append({"ebno_db": ebno_db, "decoders": rows})
        for row in rows:
            low, high = row["ci95"]
            print(
                f"{ebno_db:5.2f} dB {row['decoder']:28} {row['words_per_s']:8.0f} "
                f"{row['ratio']:6.2f} {row['bler']:8.4f} [{low:.4f}, {high:.4f}] "
                f"{row['other_words']:6}",
                flush=True,
            )
    print("\nLayered decoder in the systems' chain: earlier by [dB], over all schemes")
    for num_bits, gains in threshold_gains().items():
        print(
            f"{num_bits:5} bits: mean {gains.mean():.2f}, from {gains.min():.2f} to "
            f"{gains.max():.2f}, {len(gains)} schemes"
        )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "ldpc_decoders.json"
    setup = {"k": code.k, "n": code.n, "num_iter": args.num_iter, "seed": args.seed}
    file.write_text(json.dumps({**setup, "points": points}, indent=1))
    print(f"Written to {file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
