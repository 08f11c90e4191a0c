"""``python -m lib ledger``: write ``results/ledger.md``, the open choices of the paper with measured effects."""

from __future__ import annotations

import argparse

from lib import databases
from lib.base.settings import PROFILES
from lib.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", metavar="NAME",
                        help=f"study whose effects are shown: {', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--database", default="cuhk-student", metavar="NAME",
                        help=f"{', '.join(databases.NAMES)} (default: cuhk-student)")


def run(options: argparse.Namespace) -> int:
    from lib.findings import ledger

    arguments.require_known(options.profile, options.database)
    file = ledger.write(options.profile, options.database)
    tested = ledger.tested_systems(options.profile)
    found = set("msg-sarl+" + ledger.effects(options.profile, options.database).alternative)
    missing = [system for system in tested if system not in found]
    print(f"{file}: {len(ledger.entries())} entries; alternatives with an effect: {len(tested) - len(missing)} of "
          f"{len(tested)}")
    if missing:
        print("without scores, the most telling first:\n  " + "\n  ".join(missing))
    return 0
