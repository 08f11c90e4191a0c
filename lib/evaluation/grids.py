"""Many runs by one command: which are missing, how long they will take, making and scoring them.

A *grid* is systems × seeds.  Runs that are complete are passed over; so are runs that another process is making, so
that the same command may be started once per GPU, or several times on one.  Killed, it goes on where it was.
On a cluster ``lib.evaluation.cluster`` hands out the missing runs, each to be made by one process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import pandas as pd

from lib import databases
from lib.base import files, paths
from lib.base.errors import StudyError, counted, listed, some_of, unknown_name
from lib.base.hardware import available_cores
from lib.base.labels import duration
from lib.evaluation import scoring
from lib.training import make_run, plans, run_folders, side_by_side
from lib.training.make_run import Cell
from lib.training.run_folders import BusyError

SEEDS = (0, 1, 2)


def cells(systems: Sequence[str], database: str, profile: str, seeds: Iterable[int] = SEEDS) -> list[Cell]:
    """All runs of these systems, one seed after the other; raises StudyError for unknown names."""
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    names = [plans.plan(profile, system).name for system in systems]
    return [Cell(database, profile, name, seed) for seed in seeds for name in names]


def missing(grid: list[Cell]) -> list[Cell]:
    """Cells without a run of today's settings, or without that run's rows of all directions in ``scores.csv``."""
    scored = {}
    for study in {(cell.profile, cell.database) for cell in grid}:
        file = paths.study_folder(*study) / "scores.csv"
        table = scoring.read_scores(*study).images if file.exists() else None
        scored[study] = set() if table is None else set(zip(table.system, table.seed, table.direction))
    return [cell for cell in grid if cell.record() is None or _was_cut_short(cell)
            or any((cell.system, cell.seed, direction) not in scored[cell.profile, cell.database]
                   for direction in cell.plan.system.directions)]


def require_faces(waiting: Iterable[Cell]) -> None:
    """Raise StudyError where the database of a run is not at hand or faulty, before anything is said or handed over."""
    for cell in {cell.database: cell for cell in waiting}.values():
        settings = cell.plan.settings
        for split, limit in (("train", settings.train_pairs), ("test", settings.test_pairs)):
            databases.load(cell.database, split, limit=limit)


def _was_cut_short(cell: Cell) -> bool:
    """Whether work on a run here ended before its network's faces were made and all of them scored.

    A run that came with its scores, without faces, was not.
    """
    made, scored = (cell.folder / "private" / f"{stage}.json" for stage in ("synthesised", "scored"))
    if not made.exists():
        return False
    wanted = {f"{direction} images" for direction in cell.plan.system.directions}
    if not scored.exists() or not wanted <= files.read_json(scored).keys():
        return True
    record = cell.record()
    return cell.plan.system.trains and files.read_json(made)["trained"] != [
        record[name] for name in ("data", "seconds", "revision")]


def fill(grid: list[Cell], report: Callable[[str], None] = print, *, force: bool = False,
         jobs: int | None = None) -> list[Cell]:
    """Make and score every missing run; return those left to other processes and still missing.

    force: all of them from the start, complete or not; then one command only, as each would make them all.
    jobs, and what is raised: as of ``make_each``; and StudyError, first of all, where the faces are not at hand.
    """
    for study in {(cell.profile, cell.database) for cell in grid}:
        scoring.gather(*study)  # what a cluster has made
    waiting = list(grid) if force else missing(grid)
    require_faces(waiting)
    report(f"{counted(len(grid), 'run')}, {len(grid) - len(waiting)} of them complete")
    return missing(make_each(waiting, report, force=force, jobs=jobs))


def make_each(waiting: Sequence[Cell], report: Callable[[str], None] = print, *, force: bool = False,
              jobs: int | None = None, apart: bool = False) -> list[Cell]:
    """Make and score these runs, a line for each; return those left to other processes.

    force: from the start, complete or not.  jobs: how many at once, each in a process of its own (default: one per
    core, or one with a graphics card).  apart: leave the scores in the run folders (``scoring.gather``).  A run that
    fails, by bad input or for want of memory, does not stop the others.  Raises StudyError at the end, listing all that
    failed.
    """
    free, busy, failed, ended = [], [], [], 0
    for cell in waiting:
        try:
            with run_folders.claimed(cell.folder):
                free.append(cell)
        except BusyError as error:
            report(f"  {error}")
            busy.append(cell)

    def finished(cell: Cell, seconds: float, complaint: str | None) -> None:
        nonlocal ended
        ended += 1
        if complaint is None:
            _score(cell, apart)
            report(f"  {cell}: done in {duration(seconds)} ({ended} of {len(free)})")
        elif "another process is making this run" in complaint:
            busy.append(cell)
        else:
            report(f"  {cell}: {complaint}")
            failed.append(f"{cell}: {complaint}")

    # Controls take less than a process needs to start.  The longest runs go first: then no core waits at the end.
    quick = [cell for cell in free if cell.plan.system.kind == "control"]
    _one_by_one(quick, report, finished, force)
    slow = sorted((cell for cell in free if cell not in quick), key=lambda cell: not cell.plan.system.trains)
    at_once = min(len(slow), jobs or side_by_side.jobs_here(len(slow)))
    if at_once > 1:
        report(f"about {duration(forecast(slow, at_once))} for {len(slow)} runs, {at_once} at a time")
        side_by_side.make_all(slow, at_once, finished, force=force)
    else:
        _one_by_one(slow, report, finished, force)
    if failed:
        raise StudyError(f"{some_of(len(failed), len(waiting), 'run')} failed\n{listed(failed)}")
    return busy


def _score(cell: Cell, apart: bool) -> None:
    """Score a run, and that of its networks' own system too: it may just have been trained for this one."""
    names = {cell.system, cell.network.system}
    if not apart:
        scoring.score_study(cell.profile, cell.database, systems=names, seeds=[cell.seed])
        return
    for name in sorted(names):
        scoring.score_apart(cell.profile, cell.database, name, cell.seed)


def _one_by_one(waiting: list[Cell], report: Callable[[str], None],
                finished: Callable[[Cell, float, str | None], None], force: bool) -> None:
    """Make runs in this process, with a forecast before each."""
    for place, cell in enumerate(waiting):
        if not (force or missing([cell]) or not make_run.is_here(cell.plan, cell.database, cell.seed)):
            continue  # another process has made it meanwhile
        if seconds := forecast(waiting[place:]):
            report(f"{cell}: run {place + 1} of {len(waiting)}, about {duration(seconds)} left")
        started, complaint = time.monotonic(), None
        try:
            make_run.make(cell.plan, cell.database, cell.seed, force=force)
            finished(cell, time.monotonic() - started, None)
        except (StudyError, RuntimeError) as error:
            if not isinstance(error, StudyError) and not _memory_is_full(error):
                raise
            complaint = str(error)
        if complaint:
            finished(cell, time.monotonic() - started, complaint)


def _memory_is_full(error: RuntimeError) -> bool:
    """Whether torch means that: CUDA's allocator has an exception of its own, the CPU's and cuBLAS only their words."""
    return any(words in str(error) for words in ("out of memory", "can't allocate memory", "ALLOC_FAILED"))


def forecast(left: Sequence[Cell], jobs: int = 1) -> float:
    """Seconds that making these runs will take on this machine, ``jobs`` at once, by a short measurement taken now.

    Runs are taken in the order given, each by whichever process is free; controls cost nothing.
    """
    busy = [0.0] * jobs
    for cell in dict.fromkeys(cell.network for cell in left):
        first = min(range(jobs), key=busy.__getitem__)
        busy[first] += _seconds_of(cell, threads=available_cores() // jobs or 1)
    return max(busy)


def _seconds_of(cell: Cell, threads: int) -> float:
    from lib.training import speed

    plan, load = cell.plan, partial(make_run.load_faces, cell.database, cell.plan.settings)
    if plan.system.trains:
        undone = _undone(cell)
        return undone and undone * speed.seconds_of_training(plan, len(load("train")), threads=threads)
    if plan.system.kind == "exemplar":
        return speed.seconds_of_looking_up(plan.profile, len(load("train")) + len(load("test")))
    return 0.0


def _undone(cell: Cell) -> float:
    """Share of a run's epochs that no checkpoint on this machine has yet (a log alone may have come with the study)."""
    if not (cell.folder / "checkpoint.pt").exists():
        return 1.0
    if cell.record():
        return 0.0
    log = cell.folder / "log.csv"
    done = len(pd.read_csv(log, encoding="utf-8")) if log.exists() else 0
    return max(0.0, 1 - done / cell.plan.settings.epochs)
