"""Scores without two writers: every run keeps its own rows, and one step gathers them into the study's tables.

Runs of a cluster write to a file system that all machines share, and locks there are often known to one machine only
or to none.  So a run writes ``scores.csv`` and ``set_scores.csv`` into its own ``private/`` folder, and ``apart.json``
beside them: what the rows were made from.  ``gather``, called by one process, puts them into the tables.  It takes
nothing away: rows that are lost where two processes gather at once after all are there again after the next call.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lib.base import files, paths, tables_on_disk
from lib.base.errors import StudyError
from lib.evaluation.scoring.score_runs import (
    FILES,
    KEY,
    SET_PROFILES,
    Targets,
    Work,
    kinds,
    read_table,
    stamps_in_table,
)
from lib.evaluation.scoring.sets import Embedder
from lib.training import plans, run_folders
from lib.training.make_run import load_faces
from lib.training.run_folders import Run

_STAMPS = "apart.json"


def score_apart(profile: str, database: str, system: str, seed: int) -> None:
    """Score one run into its own folder; what is there already, from the same faces, stays.

    Raises StudyError for a run that does not exist or has part of its images, and for a missing database.
    """
    name, study = plans.plan(profile, system).name, paths.study_folder(profile, database)
    run = next((run for run in run_folders.list_runs(study) if (run.system, run.seed) == (name, seed)), None)
    if run is None or not run.directions:
        raise StudyError(f"{paths.run_folder(profile, database, name, seed)}: no faces to score.")
    targets, embed = _targets(profile, database, run), Embedder()
    work = [Work(database, direction, run, targets) for direction in run.directions]
    expected = {f"{one.direction} {kind}": one.fingerprint(kind) for one in work for kind in kinds(_sets(profile))}
    known = stamps_of(run.folder)
    if known and known.items() <= expected.items():  # without those of sets where their network is not to be had
        return
    (run.folder / "private" / _STAMPS).unlink(missing_ok=True)
    stamps = {}
    for kind in kinds(_sets(profile)):
        rows = [one.rows(kind, embed) for one in work]
        stamps |= {f"{one.direction} {kind}": expected[f"{one.direction} {kind}"]
                   for one, table in zip(work, rows, strict=True) if len(table)}
        if any(map(len, rows)):
            file, columns = FILES[kind]
            tables_on_disk.write(run.folder / "private" / file, pd.concat(rows)[columns], digits=7)
    files.write_json(run.folder / "private" / _STAMPS, stamps)


def stamps_of(folder: Path) -> dict[str, str]:
    """What a run's own rows were made from, ``<direction> <kind>`` → fingerprint; empty where it has none."""
    file = folder / "private" / _STAMPS
    return files.read_json(file) if file.exists() else {}


def gather(profile: str, database: str) -> tuple[str, ...]:
    """Put the own rows of all runs into the study's tables; returns the names of the runs whose rows were new there.

    Rows of faces that have been replaced since are passed over.  One process at a time is to call it; calling it again
    changes nothing.  Raises StudyError for damaged tables and a missing database.
    """
    study = paths.study_folder(profile, database)
    runs = [(run, stamps) for run in run_folders.list_runs(study) if (stamps := stamps_of(run.folder))]
    if not runs:
        return ()
    changed, gathered, fresh = set(), [], []
    with tables_on_disk.locked(study, "scores"):
        tables = {kind: read_table(study, kind) for kind in FILES}
        for run, stamps in runs:
            own = {kind: read_table(run.folder / "private", kind) for kind in FILES}
            for stamp in stamps:
                direction, kind = stamp.rsplit(" ", 1)
                key = dict(zip(KEY, (database, direction, run.system, run.seed), strict=True))
                rows = own[kind][tables_on_disk.rows_of(own[kind], key)]
                same = _same(rows, tables[kind][tables_on_disk.rows_of(tables[kind], key)])
                if same and stamps_in_table(run).get(stamp, "").split()[:1] == [stamps[stamp]]:
                    continue
                work = Work(database, direction, run, _targets(profile, database, run))
                if work.fingerprint(kind) != stamps[stamp]:
                    continue
                tables[kind] = tables_on_disk.replace(tables[kind], rows, key, ["direction", "system", "seed"])
                changed.add(kind)
                gathered.append(f"{run.system}, seed {run.seed}")
                fresh.append((work, kind))
        for kind in changed:
            tables_on_disk.write(study / FILES[kind][0], tables[kind], digits=7)
        for work, kind in fresh:  # after the tables: a stamp must not speak for rows that were never written
            work.stamp(kind, tables[kind])
    return tuple(dict.fromkeys(gathered))


def _sets(profile: str) -> bool:
    return profile in SET_PROFILES


def _targets(profile: str, database: str, run: Run) -> Targets:
    return Targets.of(load_faces(database, plans.plan(profile, run.system).settings, "test"))


def _same(rows: pd.DataFrame, others: pd.DataFrame) -> bool:
    return rows.to_numpy().tolist() == others.to_numpy().tolist()
