"""``python -m lib benchmark``: how fast this machine trains, beside what it can multiply."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib.base.settings import PROFILES

_SHOWN = ("tiny", "quick", "cpu", "paper")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", action="append", metavar="NAME",
                        help=f"{', '.join(PROFILES)}; may be given several times (default: {', '.join(_SHOWN)})")
    parser.add_argument("--system", action="append", metavar="SYSTEM",
                        help="may be given several times (default: all that train)")
    parser.add_argument("--precision", action="append", choices=("fp32", "bf16"),
                        help="default: fp32, and bf16 where this machine multiplies it faster")
    parser.add_argument("--threads", type=int, action="append", help="default: one, and one per core")
    parser.add_argument("--compiled", action="store_true", help="pass the networks through torch's compiler first")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table")


def run(options: argparse.Namespace) -> int:
    import pandas as pd
    import torch

    from lib.base import files, systems
    from lib.base.hardware import available_cores, processor
    from lib.training import devices, plans, speed

    device = devices.default_device()
    fast = devices.fast_precision(device)
    print(f"{processor()}, {available_cores()} cores; {devices.device_name(device)}; torch {torch.__version__}; "
          f"precision auto is {fast.name}: {fast.reason}")
    names = options.system or [name for name in systems.SYSTEMS if systems.is_trained(name)]
    chosen = [plans.plan(profile, name) for profile in options.profile or _SHOWN for name in names]
    precisions = options.precision or (["fp32", "bf16"] if fast.name == "bf16" else ["fp32"])
    threads = options.threads or sorted({1, available_cores()})
    rows = []
    print(f"{'profile':<8}{'system':<24}{'':<6}{'threads':>8}{'s a step':>10}{'GFLOP':>9}{'GFLOP/s':>9}{'of peak':>9}")
    for row in speed.benchmark(chosen, precisions=precisions, threads=threads, compiled=options.compiled):
        rows.append(row)
        print(f"{row['profile']:<8}{row['system']:<24}{row['precision']:<6}{row['threads']:>8}"
              f"{row['seconds per step']:>10.3f}{row['GFLOP per step']:>9.1f}{row['GFLOP/s']:>9.1f}"
              f"{row['share of peak']:>8.0%}")
    if options.csv:
        table = pd.DataFrame(rows).assign(processor=processor(), device=devices.device_name(device),
                                          torch=torch.__version__).dropna(axis=1, how="all")
        files.write_csv(options.csv, table, "%.4g")
        print(f"written to {options.csv}")
    return 0
