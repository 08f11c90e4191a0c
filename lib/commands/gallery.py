"""``python -m lib gallery``: keep small pictures of the embedded people, for notebooks on machines without networks."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", help="of this profile (default: quick)")
    parser.add_argument("--database", default="portraits", metavar="NAME", help="an embedded one (default: portraits)")
    parser.add_argument("--system", action="append", metavar="SYSTEM",
                        help="may be given several times (default: all trained systems with faces here)")
    parser.add_argument("--seed", type=int, default=0, help="which run of each (default 0)")
    parser.add_argument("--film", action="store_true", help="keep training faces after 1, 2, 4, … epochs, too")


def run(options: argparse.Namespace) -> int:
    from lib.evaluation import gallery

    written = gallery.keep(options.profile, options.database, options.system or (), options.seed, options.film)
    print(f"{written[0].parent}: {len(written)} strips, {sum(file.stat().st_size for file in written) / 1e3:.0f} kB")
    return 0
