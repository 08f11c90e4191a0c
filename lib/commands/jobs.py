"""``python -m lib jobs``: how far the runs are that ``train --launcher`` handed over, what failed, and their scores."""

from __future__ import annotations

import argparse
from collections import Counter

from lib import databases
from lib.base import paths
from lib.base.errors import counted
from lib.base.settings import PROFILES
from lib.commands import arguments

_ORDER = ("complete", "made", "running", "waiting", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", metavar="NAME", help=f"of this profile only: {', '.join(PROFILES)}")
    parser.add_argument("--database", metavar="NAME", help=f"of this database only: {', '.join(databases.NAMES)}")
    parser.add_argument("--gather", action="store_true",
                        help="put the scores of runs that are made into the study's tables; one process at a time")
    parser.add_argument("--cancel", action="store_true", help="stop all jobs; what they made stays")


def run(options: argparse.Namespace) -> int:
    """Exit status 1 while a run has failed."""
    from lib.commands import train
    from lib.evaluation import scoring
    from lib.evaluation.cluster import standing
    from lib.findings import ledger

    studies = _studies(options.profile, options.database)
    if not studies:
        print("no jobs: python -m lib train --grid … --launcher slurm hands runs over")
    failed = False
    for profile, database in studies:
        print(f"{database}, profile {profile}")
        if options.cancel:
            print(f"  stopped: {', '.join(standing.cancel(profile, database)) or 'nothing was running'}")
        if options.gather:
            gathered = scoring.gather(profile, database)
            print(f"  gathered: {counted(len(gathered), 'run')}")
            tested = set(ledger.tested_systems(profile))
            train.publish(profile, database, with_ledger=any(name.partition(", ")[0] in tested for name in gathered))
        standings = standing.standing(profile, database)
        for one in sorted(standings, key=lambda one: _ORDER.index(one.state)):
            first, *more = one.note.splitlines() or [""]
            print(f"  {one.cell!s:<40} {one.state:<9} job {one.job:<12} {first}".rstrip())
            if one.state == "failed":
                print("".join(f"      {line}\n" for line in more) + f"      all of it: {one.log}")
        counts = Counter(one.state for one in standings)
        print(f"  {counted(len(standings), 'run')}: "
              + ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state]))
        if counts["made"]:
            print("  made, not in the tables yet: python -m lib jobs --gather")
        if counts["failed"]:
            print("  failed: start the same train command again, it hands them over anew")
        failed |= counts["failed"] > 0
    return int(failed)


def _studies(profile: str | None, database: str | None) -> list[tuple[str, str]]:
    """Profile and database of every study with jobs; raises StudyError for unknown names."""
    arguments.require_known(profile, database)
    found = sorted({file.parents[2] for file in paths.results_root().glob("*/*/private/jobs/*.json")})
    return [(study.parent.name, study.name) for study in found
            if profile in (None, study.parent.name) and database in (None, study.name)]
