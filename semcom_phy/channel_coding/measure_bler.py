"""Measures the BLER curves of our own chain on AWGN: bytes to QAM, LLR, LDPC.

    python -m semcom_phy.channel_coding.measure_bler [--schedule layered] [--out FILE]
        [--seed 1]

All schemes of MCS tables 1 and 2, some block lengths. Every curve starts where about
all blocks fail and goes up in SNR until hardly one does. The file is written after
every curve; a second run adds only the curves that are missing.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from semcom_phy.channel_coding.bler import CURVES_FILES, fit_waterfall
from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import all_schemes
from semcom_phy.channel_coding.mutual_information import bicm_capacity_snr_db
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.simulation.storage import replaced
from semcom_phy.simulation.versions import software_versions

INFO_BITS = (120, 400, 1200, 3600, 8200)  # the last: blocks of long frames
STEP_DB = 0.25
BATCH = 128
TARGET_ERRORS = 100
MAX_BLOCKS = 1536


def measure_point(transport, snr_db, rng):
    """Counts wrong transport blocks on AWGN until target errors or block limit.

    Input
    -----
    transport : `Transport`

    snr_db : `float`
        Es/N0 [dB]

    rng : `numpy.random.Generator`

    Output
    ------
    num_blocks, num_errors : `int`
    """
    no = 10 ** (-snr_db / 10)
    num_blocks = num_errors = 0
    while num_errors < TARGET_ERRORS and num_blocks < MAX_BLOCKS:
        shape = (BATCH, transport.transport_block_bits)
        bits = rng.integers(0, 2, shape, dtype=np.uint8)
        x = transport.encode_blocks(bits)
        noise = rng.standard_normal((2, *x.shape)) * np.sqrt(no / 2)
        bits_hat, _ = transport.decode_blocks(x + noise[0] + 1j * noise[1], no)
        num_blocks += BATCH
        num_errors += int((bits_hat != bits).any(axis=1).sum())
    return num_blocks, num_errors


def measure_curve(mcs, info_bits, seed, schedule="flooding"):
    """One BLER curve as a dictionary of plain values (see the JSON file)."""
    transport = Transport(mcs, _num_symbols(mcs, info_bits), schedule=schedule)
    plan = transport.plan
    rng = np.random.default_rng((seed, mcs.table, mcs.index, info_bits))
    rate = plan.code_block_bits / plan.coded_bits
    limit = bicm_capacity_snr_db(mcs.modulation_order, mcs.modulation_order * rate)
    grid = STEP_DB * np.arange(-40, 41) + STEP_DB * round(limit / STEP_DB)

    points = {}
    index = 40
    while True:  # downwards until about all blocks fail
        points[grid[index]] = measure_point(transport, grid[index], rng)
        num_blocks, num_errors = points[grid[index]]
        if num_errors > 0.9 * num_blocks or index == 0:
            break
        index -= 1
    index = 40
    while index < 80:  # upwards until hardly one fails
        if grid[index] not in points:
            points[grid[index]] = measure_point(transport, grid[index], rng)
        num_blocks, num_errors = points[grid[index]]
        if num_errors < 0.01 * num_blocks:
            break
        index += 1
    snr_db = sorted(points)
    num_blocks, num_errors = zip(*(points[s] for s in snr_db), strict=True)
    threshold_db, width_db = fit_waterfall(snr_db, num_blocks, num_errors)
    return {
        "table": mcs.table,
        "index": mcs.index,
        "modulation_order": mcs.modulation_order,
        "info_bits": plan.code_block_bits,
        "coded_bits": plan.coded_bits,
        "nominal_info_bits": info_bits,
        "threshold_db": threshold_db,
        "width_db": width_db,
        "snr_db": [float(s) for s in snr_db],
        "num_blocks": num_blocks,
        "num_errors": num_errors,
    }


def _one_block(mcs, info_bits):
    """Whether a code block can be that long at the rate of the scheme."""
    plan = plan_blocks(mcs, _num_symbols(mcs, info_bits))
    return plan is not None and plan.num_code_blocks == 1


def _num_symbols(mcs, info_bits):
    return round(info_bits / mcs.spectral_efficiency)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--schedule", choices=CURVES_FILES, default="flooding")
    parser.add_argument(
        "--out", type=Path, help="(the file that predictions for this schedule read)"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    out = args.out or CURVES_FILES[args.schedule]

    setup = {
        "what": "BLER on AWGN against Es/N0 [dB]; blocks wrong after 20 iterations",
        "schedule": args.schedule,
        "seed": args.seed,
        "target_errors": TARGET_ERRORS,
        "max_blocks": MAX_BLOCKS,
    }
    result = {**setup, "versions": {}, "curves": []}
    if out.is_file():
        result = json.loads(out.read_text())
        if any(result.get(key) != value for key, value in setup.items()):
            parser.error(f"{out} was measured with other settings; give another --out.")
    result["versions"] = software_versions()
    done = {(c["table"], c["index"], c["nominal_info_bits"]) for c in result["curves"]}
    jobs = [
        (mcs, k)
        for k in INFO_BITS
        for mcs in all_schemes()
        if _one_block(mcs, k) and (mcs.table, mcs.index, k) not in done
    ]
    for mcs, info_bits in tqdm(jobs, unit="curve"):
        result["curves"].append(measure_curve(mcs, info_bits, args.seed, args.schedule))
        result["curves"].sort(key=lambda c: (c["table"], c["index"], c["info_bits"]))
        with replaced(out) as partial:
            partial.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
