"""``python -m lib claims``: what the results say of every claim, and whether the committed texts say so."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit with 1 where claims.md, ledger.md, reproducibility.md or a study's "
                             "tables say something else than the scores")


def run(options: argparse.Namespace) -> int:
    from lib.findings import claims, drift, reproducibility

    if options.check:
        stale = drift.stale_files()
        print("\n".join([*stale, f"{len(stale)} files say something else than the scores"]))
        return int(bool(stale))
    file = claims.write()
    found = claims.table()
    for row in found.itertuples():
        print(f"{row.verdict:<28} {row.claim}")
    print(f"{file}: {len(found)} claims\n{reproducibility.write()}")
    return 0
