"""``python -m lib train``: make one or several runs complete, trained and translated; or a grid, scored too."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from lib import databases
from lib.base import paths, systems
from lib.base.errors import StudyError, unknown_name
from lib.base.settings import PROFILES
from lib.evaluation import grids
from lib.findings import ledger, tables
from lib.training import make_run, plans

GRIDS: dict[str, Callable[[str], tuple[str, ...]]] = {  # name → systems at a profile
    "ablations": lambda profile: systems.ABLATIONS,
    "ledger": lambda profile: ("msg-sarl", *ledger.tested_systems(profile)),
    "rivals": lambda profile: systems.of_kind("deep"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", required=True, help=", ".join(databases.NAMES))
    parser.add_argument("--grid", choices=tuple(GRIDS),
                        help="instead of --system: every run that is missing of the eight ablation cells, of the ledger's "
                             "alternatives or of the deep rivals, with a forecast; scored as well; seeds 0, 1, 2 "
                             "unless said")
    parser.add_argument("--system", action="append", metavar="SYSTEM",
                        help="a row of the tables, e.g. msg-sarl, fast-rslcr; with changed choices as "
                             "msg-sarl+position_softmax=double; may be given several times")
    parser.add_argument("--profile", default="quick", help=f"{', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--seed", type=int, action="append",
                        help="may be given several times (default: 0; of a grid 0, 1 and 2)")
    parser.add_argument("--jobs", type=int, metavar="N",
                        help="of a grid: how many runs at once (default: one per core, or one with a graphics card)")
    parser.add_argument("--data", type=Path, help="folder that holds the databases (default: data/)")
    parser.add_argument("--force", action="store_true",
                        help="make the run again from the start, e.g. where only its scores came with the repository; "
                             "without it an unfinished run goes on where it was")


def run(options: argparse.Namespace) -> int:
    if options.database not in databases.NAMES:
        raise unknown_name("database", options.database, databases.NAMES)
    if bool(options.grid) == bool(options.system):
        raise StudyError("Give --system (once or several times) or --grid.")
    paths.use_data(options.data)
    if options.grid:
        return _grid(options)
    for system in options.system:
        plans.plan(options.profile, system)  # a misspelt name is reported before hours of work
    for seed in options.seed or [0]:
        for system in options.system:
            folder = make_run.synthesise(options.database, system, options.profile, seed, force=options.force)
            print(f"{system}, seed {seed}: complete in {folder}")
    return 0


def _grid(options: argparse.Namespace) -> int:
    cells = grids.cells(GRIDS[options.grid](options.profile), options.database, options.profile,
                        options.seed or grids.SEEDS)
    try:
        for cell in grids.fill(cells, force=options.force, jobs=options.jobs):
            print(f"{cell}: left to the process that makes it or its networks; start the command again when that has "
                  "ended")
    finally:  # runs that failed leave the scores of the others
        if (paths.study_folder(options.profile, options.database) / "scores.csv").exists():
            print(f"tables: {tables.write_tables(options.profile, options.database)[0].parent}")
            if options.grid == "ledger" or (options.profile, options.database) == ledger.STUDY:
                print(f"ledger: {ledger.write(options.profile, options.database)}")
    return 0
