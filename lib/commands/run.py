"""``python -m lib run``: the whole study (``run_all.sh`` calls this): runs, scores and tables, then the notebooks.

What is made is decided in ``lib.findings.study``; the notebooks load it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from lib import databases
from lib.base import files, paths
from lib.base.errors import StudyError, counted, unknown_name
from lib.base.hardware import available_cores
from lib.base.labels import duration
from lib.base.settings import PROFILES
from lib.commands import arguments, notebooks
from lib.findings import study

_AT_ONCE = 2  # notebooks; each holds its own copy of the libraries and faces in memory
_SECONDS = {"tiny": 12.0}  # of one notebook on a thread of the reference processor (``lib.training.speed``)
_SECONDS_ELSEWHERE = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", metavar="NAME", help=f"{', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--database", action="append", metavar="NAME",
                        help=f"{', '.join(databases.NAMES)}; may be given several times (default: portraits)")
    parser.add_argument("--data", type=paths.given, metavar="DIR",
                        help="folder that holds the databases (default: data/)")
    parser.add_argument("--only", metavar="NN,NN",
                        help="numbers of the notebooks to run, e.g. 03,06; what they need is made first")
    parser.add_argument("--refresh", action="store_true",
                        help="also write the outputs into notebooks/ (embedded databases, which show no real person)")
    parser.add_argument("--check", action="store_true",
                        help="run the notebooks and compare every checked cell with its stored output; writes nothing")


def run(options: argparse.Namespace) -> int:
    chosen = options.database or ["portraits"]
    arguments.require_known(options.profile, *chosen)
    if options.check:
        arguments.refuse_unused(options, ["refresh"], "--check writes nothing; leave one of the two out.")
    if options.refresh and not set(chosen) <= set(databases.EMBEDDED):
        raise StudyError("--refresh writes figures into files that are published: embedded databases only.")
    paths.use_data(options.data)
    selected = _select(options.only)
    if options.check:
        for database in dict.fromkeys(chosen):
            study.ready(options.profile, database)
            notebooks.check(selected, options.profile, database)
        return 0
    started = time.monotonic()
    for database in dict.fromkeys(chosen):
        _run_study(options.profile, database, selected, refresh=options.refresh)
    print(f"Done in {duration(time.monotonic() - started)}.")
    for database in dict.fromkeys(chosen):
        folder = paths.study_folder(options.profile, database)
        print(f"  scores    {folder}/*.csv\n  tables    {folder}/tables\n  notebooks {folder}/notebooks")
    return 0


def _select(only: str | None) -> list[Path]:
    found = sorted((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not only:
        return found
    known = {notebook.name[:2]: notebook for notebook in found}
    numbers = [number.strip().zfill(2) for number in only.split(",") if number.strip()]
    if not numbers:
        raise StudyError(f"--only {only}: give numbers of notebooks, such as 03,06.")
    for number in numbers:
        if number not in known:
            raise unknown_name("notebook", number, known)
    return [known[number] for number in sorted(set(numbers))]


def _run_study(profile: str, database: str, selected: list[Path], *, refresh: bool) -> None:
    """One study: first everything that the notebooks load, then they."""
    jobs = min(_AT_ONCE, available_cores(), len(selected))
    record = paths.study_folder(profile, database) / "private" / "notebooks.json"
    known = files.read_json(record) if record.exists() else {}
    print(f"Study: profile {profile}, database {database}, {counted(len(selected), 'notebook')}")
    if any(notebooks.needs_runs(notebook) for notebook in selected):
        _complete(profile, database)
    else:
        print("These notebooks need no runs.")
    print(f"Notebooks, {jobs} at a time: about {duration(_forecast(profile, selected, known) / jobs)}", flush=True)

    def finished(notebook: Path, output: Path, seconds: float) -> None:
        print(f"  {notebook.stem:<22}{duration(seconds)}", flush=True)
        known[notebook.stem] = round(seconds, 1)
        files.write_json(record, known)
        if refresh:
            notebooks.publish(output, notebook)

    notebooks.execute_all(selected, profile, database, jobs, finished)


def _complete(profile: str, database: str) -> None:
    started = time.monotonic()
    if seconds := study.forecast(profile, database):
        print(f"Runs, scores and tables: about {duration(seconds)} on this machine; they may be interrupted and go on "
              "when this is started again", flush=True)
    study.complete(profile, database, report=lambda line: print(line, flush=True))
    print(f"Runs, scores and tables are complete ({duration(time.monotonic() - started)})", flush=True)


def _forecast(profile: str, selected: list[Path], known: dict[str, float]) -> float:
    """Seconds of these notebooks one after the other: as long as last time here, or by a short measurement."""
    unknown = [notebook for notebook in selected if notebook.stem not in known]
    seconds = sum(known[notebook.stem] for notebook in selected if notebook not in unknown)
    if unknown:
        from lib.training import speed  # loads torch
        seconds += len(unknown) * _SECONDS.get(profile, _SECONDS_ELSEWHERE) * speed.slowness()
    return seconds

