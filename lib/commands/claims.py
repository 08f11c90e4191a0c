"""``python -m lib claims``: what the results say of every claim, and whether the committed texts say so."""

from __future__ import annotations

import argparse
import sys

from lib.base.errors import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit with 1 where claims.md, ledger.md, reproducibility.md, README's "
                             "opening or a study's tables say something else than the scores")


def run(options: argparse.Namespace) -> int:
    from lib.findings import claims, drift, reproducibility, summary

    if options.check:
        print("Making every committed text and table anew from the scores, to compare them: a minute or two",
              file=sys.stderr)
        stale = drift.stale_files(lambda line: print(f"  {line}", file=sys.stderr, flush=True))
        print("\n".join([*stale, f"{counted(len(stale), 'file', 'says/say')} something else than the scores"]))
        return int(bool(stale))
    print("Examining the claims by the scores: a minute or so", file=sys.stderr, flush=True)
    file = claims.write()
    found = summary.claims_table()
    for row in found.itertuples():
        print(f"{row.verdict:<28} {row.claim}")
    print(f"{file}: {len(found)} claims\n{reproducibility.write()}")
    if readme := summary.write_readme():
        print(f"{readme}: what was found")
    return 0
