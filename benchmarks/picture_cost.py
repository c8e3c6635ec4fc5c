"""What a large picture costs: seconds and memory of every system, link by link.

    python -m benchmarks.picture_cost [--systems hevc_ldpc ...] [--links awgn 2x2]
        [--pictures 24] [--size 512x768] [--cbr 1/16] [--snr 10] [--folder DIR]

Pictures of BSDS500 (val), portrait ones turned, cut and enlarged (Lanczos) to the size
of Kodak's, sent at one rate and one SNR, in a process for every row. Start is the
processor's time until the link is built. A picture's time is that of the whole point,
metrics included, over the pictures: on the clock, and of the processor on all cores,
which other jobs of the machine hardly change. Memory is the peak of the process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.argument_types import count, rate, size, system
from scenarios.command.arguments import Parser
from semcom_phy.sources.folder import list_pictures

LINKS = ("awgn", "2x2")


def measure(system, link, paths, size, cbr, snr_db):
    """Figures of one system in this process, a `dict`."""
    from benchmarks.separation_large_pictures import load_picture
    from link_models.systems.table import build_channel, build_system
    from scenarios import mimo_2x2, siso_awgn
    from semcom_phy.simulation.sweep import Link, SweepSettings, simulate_point
    from semcom_phy.sources.samples import Samples

    import numpy as np  # isort: skip

    scenario = {"awgn": siso_awgn, "2x2": mimo_2x2}[link].SCENARIO
    scenario = replace(scenario, image_size=size, cbr=cbr, num_images=len(paths))
    built = Link(build_system(system, scenario), build_channel(scenario))
    images = np.stack([load_picture(path, size) for path in paths])
    settings = SweepSettings(batch_size=scenario.images_at_once)
    begun, cpu = time.perf_counter(), time.process_time()
    point = simulate_point(built, Samples(images, None, {}), snr_db, settings)
    return {
        "start": cpu,
        "clock": (time.perf_counter() - begun) / len(paths),
        "cpu": (time.process_time() - cpu) / len(paths),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "psnr_db": point.metrics["psnr_db"].mean,
    }


def main(argv=None):
    """Prints the table; returns 0."""
    data = Path(os.environ.get("SEMCOM_DATA", "../shared/data"))
    parser = Parser(description=__doc__.splitlines()[0])
    usual = ["hevc_ldpc", "hevc_capacity"]
    parser.add_argument("--systems", nargs="+", type=system, default=usual)
    parser.add_argument("--links", nargs="+", choices=LINKS, default=list(LINKS))
    parser.add_argument("--pictures", type=count, default=24)
    parser.add_argument("--size", type=size, default="512x768")
    parser.add_argument("--cbr", type=rate, default="1/16")
    parser.add_argument("--snr", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=data / "bsds500" / "val")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if not args.folder.is_dir():
        parser.error(f"there is no folder {args.folder}; name one with --folder")
    paths = [args.folder / name for name in list_pictures(args.folder)]
    paths = paths[: args.pictures]
    if not paths:
        parser.error(f"{args.folder} holds no pictures; name one with --folder")
    if args.here:
        (name,), (link,) = args.systems, args.links
        try:
            found = measure(name, link, paths, args.size, args.cbr, args.snr)
        except (ValueError, OSError, ImportError) as error:
            parser.error(f"{error} (system {name!r})")
        print(json.dumps(found))
        return 0
    print(
        f"{len(paths)} pictures of {_text(args.size)}, cbr {args.cbr}, "
        f"{args.snr:g} dB, {os.cpu_count()} cores\n"
        "link                 system  start [CPU s]  CPU s/picture  s/picture    MiB"
        "  PSNR [dB]"
    )
    for link in args.links:
        for name in args.systems:
            row = _in_own_process(name, link, args)
            print(
                f"{link:>4} {name:>22} {row['start']:14.1f} {row['cpu']:14.2f} "
                f"{row['clock']:10.2f} {row['peak_mib']:6} {row['psnr_db']:10.2f}",
                flush=True,
            )
    return 0


def _text(size):
    return "x".join(map(str, size))


def _in_own_process(system, link, args):
    command = [sys.executable, "-m", "benchmarks.picture_cost", "--here"]
    command += ["--systems", system, "--links", link, "--size", _text(args.size)]
    command += ["--pictures", str(args.pictures), "--cbr", str(args.cbr)]
    command += ["--snr", str(args.snr), "--folder", str(args.folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:  # it has said why
        raise SystemExit(done.returncode)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    raise SystemExit(main())
