"""``python -m lib benchmark``: how fast this machine trains, beside what it can multiply; how the cost grows; what a
step multiplies and moves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lib.base import files, images
from lib.base.errors import StudyError
from lib.base.settings import PROFILES
from lib.commands import arguments
from lib.training.plans import Plan, plan

if TYPE_CHECKING:  # help must not wait for pandas
    import pandas as pd

_LENGTHS = ((4, 1), (16, 1), (64, 1), (4, 4), (4, 16))  # pairs and epochs, 16 times each
_CARD = (795.0, 3.35)  # NVIDIA H100 SXM: TFLOP/s in bf16 as measured (results/benchmark.csv), TB/s of its data sheet
_SHOWN = ("tiny", "quick", "cpu", "paper")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", action="append", metavar="NAME",
                        help=f"{', '.join(PROFILES)}; may be given several times (default: {', '.join(_SHOWN)})")
    parser.add_argument("--system", action="append", metavar="SYSTEM",
                        help="may be given several times (default: all that train)")
    parser.add_argument("--precision", action="append", choices=("fp32", "bf16"),
                        help="may be given several times (default: fp32, and bf16 where this machine multiplies it "
                             "faster)")
    parser.add_argument("--threads", type=arguments.positive, action="append", metavar="N",
                        help="how many threads compute; may be given several times (default: one, and one per core)")
    parser.add_argument("--compiled", action="store_true", help="pass the networks through torch's compiler first")
    parser.add_argument("--scaling", action="store_true",
                        help="instead: how operations and time grow with 16 times the pixels, pairs and epochs "
                             "(default: msg-sarl, quick)")
    parser.add_argument("--roofline", action="store_true",
                        help="instead: what a step multiplies and moves, kind by kind, and the shortest time that a "
                             "card could take for it (default: msg-sarl, paper)")
    parser.add_argument("--card", type=arguments.above_zero, nargs=2, metavar=("TFLOP/s", "TB/s"), default=_CARD,
                        help=f"of --roofline: the card (default: {_CARD[0]:g} {_CARD[1]:g}, an NVIDIA H100)")
    parser.add_argument("--csv", type=images.table_file, metavar="FILE", help="also write the table here")


def run(options: argparse.Namespace) -> int:
    if options.scaling and options.roofline:
        raise StudyError("Give --scaling or --roofline, not both.")
    if not options.roofline:
        arguments.refuse_unused(options, ["card"], "For a card only: give --roofline, too.")
    if options.scaling or options.roofline:
        arguments.refuse_unused(options, ("precision", "threads", "compiled"),
                                "For the measured speed only: leave out --scaling or --roofline.")
    if options.scaling:
        return _scaling(options)
    if options.roofline:
        return _roofline(options)
    return _speed(options)


def _plans(options: argparse.Namespace, profile: str) -> list[Plan]:
    return [plan(chosen, name) for chosen in options.profile or [profile] for name in options.system or ["msg-sarl"]]


def _scaling(options: argparse.Namespace) -> int:
    import pandas as pd

    from lib.training import scaling

    tables = []
    for chosen in _plans(options, "quick"):
        pixels = scaling.by_pixels(chosen, scaling.comparable_sizes(chosen))
        lengths = scaling.by_length(scaling.resized(chosen, 32), _LENGTHS)
        print(f"{chosen.name}, profile {chosen.profile}, one thread, seconds of processor time")
        print(pixels.assign(operations=pixels.operations / 1e9).rename(columns={"operations": "GFLOP"}).drop(
            columns="of position attention").to_string(index=False, float_format="%.3f"))
        grown, share = pixels.iloc[-1] / pixels.iloc[0], pixels["of position attention"] / pixels.operations
        print(f"{grown['size'] ** 2:.0f} times the pixels: {grown.operations:.1f} times the operations, "
              f"{grown.seconds:.1f} times the time")
        if share.any():
            print(f"position attention alone: {grown['of position attention']:.0f} times the operations, "
                  f"{share.iloc[0]:.2%} of all at first and {share.iloc[-1]:.2%} at last")
        print(lengths.to_string(index=False, float_format="%.2f"))
        seconds = lengths.set_index(["pairs", "epochs"]).seconds
        for name, longest in (("pairs", (64, 1)), ("epochs", (4, 16))):
            per_step = (seconds[longest] - seconds[4, 1]) / 60
            print(f"16 times the {name}: {seconds[longest] / seconds[4, 1]:.1f} times the time, {per_step:.3f} s for "
                  f"each further step and {max(0.0, seconds[4, 1] - 4 * per_step):.2f} s to begin with")
        tables += [table.assign(profile=chosen.profile, system=chosen.name) for table in (pixels, lengths)]
    _write(options.csv, pd.concat(tables))
    return 0


def _roofline(options: argparse.Namespace) -> int:
    import pandas as pd

    from lib.training import scaling

    tables, (multiplied, moved) = [], options.card
    for chosen in _plans(options, "paper"):
        counts = scaling.at_size(chosen, chosen.settings.size)
        least = scaling.least_seconds(counts, multiplied=multiplied * 1e12, moved=moved * 1e12)
        shown = pd.DataFrame({"kernels": counts.kernels, "GFLOP": counts.operations / 1e9, "GB": counts.bytes / 1e9,
                              "least ms": least * 1e3})
        print(f"{chosen.name}, profile {chosen.profile}, one step at {chosen.settings.size} px, on {multiplied:g} "
              f"TFLOP/s and {moved:g} TB/s")
        print(pd.concat([shown, shown.sum().to_frame("all").T]).to_string(float_format="%.1f"))
        tables.append(shown.rename_axis("kind").reset_index().assign(profile=chosen.profile, system=chosen.name))
    _write(options.csv, pd.concat(tables))
    return 0


def _write(file: Path | None, table: pd.DataFrame) -> None:
    if file:
        files.write_csv(file, table, "%.4g")
        print(f"written to {file}")


def _speed(options: argparse.Namespace) -> int:
    import pandas as pd
    import torch

    from lib.base import systems
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
    _write(options.csv, pd.DataFrame(rows).assign(processor=processor(), device=devices.device_name(device),
                                                  torch=torch.__version__).dropna(axis=1, how="all"))
    return 0
