"""Many runs by one command: which are missing, how long they will take, making and scoring them one by one.

A *grid* is systems × seeds.  Runs that are complete are passed over; so are runs that another process is
making, so that the same command may be started once per GPU, or several times on one.  Killed, it
goes on where it was.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from lib import databases
from lib.base import files, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, listed, unknown_name
from lib.evaluation import scoring
from lib.findings import ledger
from lib.model import settings as profiles
from lib.training import make_run
from lib.training.run_folders import BusyError

SEEDS = (0, 1, 2)
GRIDS: dict[str, Callable[[str], tuple[str, ...]]] = {  # name → systems at a profile
    "ablations": lambda profile: systems.ABLATIONS,
    "ledger": lambda profile: ("msg-sarl", *ledger.tested_systems(profile)),
}


@dataclass(frozen=True)
class Cell:
    """One run of a grid."""

    database: str
    profile: str
    system: str
    seed: int

    @property
    def folder(self) -> Path:
        return paths.run_folder(self.profile, self.database, self.system, self.seed)

    def record(self) -> dict | None:
        """The run's record, if there is one and it is of today's settings."""
        file = self.folder / "run.json"
        record = files.read_json(file) if file.exists() else None
        settings = dataclasses.asdict(profiles.settings_for(self.profile, self.system))
        return record if record and record.get("settings") == settings else None


def cells(grid: str, database: str, profile: str, seeds: Iterable[int] = SEEDS) -> list[Cell]:
    """All runs of a grid, one seed after the other; raises StudyError for unknown names."""
    if grid not in GRIDS:
        raise unknown_name("grid", grid, GRIDS)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    profiles.get(profile)
    return [Cell(database, profile, system, seed) for seed in seeds for system in GRIDS[grid](profile)]


def missing(grid: list[Cell]) -> list[Cell]:
    """Cells without a run of today's settings, or without that run's rows of both directions in ``scores.csv``."""
    scored = {}
    for study in {(cell.profile, cell.database) for cell in grid}:
        file = paths.study_folder(*study) / "scores.csv"
        table = scoring.read_scores(*study).images if file.exists() else None
        scored[study] = set() if table is None else set(zip(table.system, table.seed, table.direction))
    return [cell for cell in grid if cell.record() is None or _was_cut_short(cell)
            or any((cell.system, cell.seed, direction) not in scored[cell.profile, cell.database]
                   for direction in DIRECTIONS)]


def _was_cut_short(cell: Cell) -> bool:
    """Whether work on a run here ended before its network's faces were made and all of them scored.

    A run that came with its scores, without faces, was not.
    """
    made, scored = (cell.folder / "private" / f"{stage}.json" for stage in ("synthesised", "scored"))
    if not made.exists():
        return False
    wanted = {f"{direction} images" for direction in DIRECTIONS}
    if not scored.exists() or not wanted <= files.read_json(scored).keys():
        return True
    record = cell.record()
    return files.read_json(made)["trained"] != [record[name] for name in ("data", "seconds", "revision")]


def fill(grid: list[Cell], report: Callable[[str], None] = print, *, force: bool = False) -> list[Cell]:
    """Make and score every missing run, reporting a forecast before each; return those left to other processes.

    force: all of them from the start, complete or not; then one process only, as each would make them all.
    A run that fails, by bad input or for want of memory, does not stop the others.  Raises StudyError at the end,
    listing all that failed.
    """
    waiting = list(grid) if force else missing(grid)
    report(f"{len(grid)} runs, {len(grid) - len(waiting)} of them complete")
    busy, failed = [], []
    while waiting:
        cell, *waiting = waiting
        if not (force or missing([cell])):
            continue  # another process has made it meanwhile
        report(f"{cell.system}, seed {cell.seed}: {_left([cell, *waiting], grid)}")
        started = time.monotonic()
        try:
            make_run.synthesise(cell.database, cell.system, cell.profile, cell.seed, force=force)
            # The networks' own system too: it may just have been trained for this one.
            both = {cell.system, profiles.training_system(cell.system)}
            scoring.score_study(cell.profile, cell.database, systems=both, seeds=[cell.seed])
            report(f"  done in {_duration(time.monotonic() - started)}")
        except BusyError as error:
            report(f"  {error}")
            busy.append(cell)
        except (StudyError, RuntimeError) as error:
            if not isinstance(error, StudyError) and not _memory_is_full(error):
                raise
            report(f"  {error}")
            failed.append(f"{cell.system}, seed {cell.seed}: {error}")
    if failed:
        raise StudyError(f"{len(failed)} of {len(grid)} runs failed\n{listed(failed)}")
    return missing(busy)


def _memory_is_full(error: RuntimeError) -> bool:
    """Whether torch means that: CUDA's allocator has an exception of its own, the CPU's and cuBLAS only their words."""
    return any(words in str(error) for words in ("out of memory", "can't allocate memory", "ALLOC_FAILED"))


def forecast(left: list[Cell], grid: list[Cell]) -> float | None:
    """Seconds that training ``left`` will take here: as runs of the same system took, others by their cost.

    Looks at the runs of ``grid`` that this kind of device finished or began; None while there is none.
    """
    seconds: dict[str, list[float]] = {}
    for cell, taken in _measured(grid):
        seconds.setdefault(cell.system, []).append(taken)
    if not seconds:
        return None
    means = {system: sum(values) / len(values) for system, values in seconds.items()}
    profile = left[0].profile
    per_operation = sum(means.values()) / sum(_cost(profile, system) for system in means)
    networks = {dataclasses.replace(cell, system=profiles.training_system(cell.system)) for cell in left}
    return sum(_undone(cell) * means.get(cell.system, per_operation * _cost(profile, cell.system)) for cell in networks)


def _measured(grid: list[Cell]) -> Iterator[tuple[Cell, float]]:
    """Seconds of every run that this kind of device has trained for an epoch at least, extended to its end."""
    from lib.training import trainable as methods

    here = methods.device_name(methods.default_device())
    for cell in grid:
        record = cell.record()
        if record and "seconds" in record and "network" not in record:
            if record["device"] == here:
                yield cell, record["seconds"]
        elif 0 < (undone := _undone(cell)) < 1:
            yield cell, pd.read_csv(cell.folder / "log.csv").seconds.iloc[-1] / (1 - undone)


def _undone(cell: Cell) -> float:
    """Share of a run's epochs that no checkpoint on this machine has yet (a log alone may have come with the study)."""
    if not (cell.folder / "checkpoint.pt").exists():
        return 1.0
    if cell.record():
        return 0.0
    log = cell.folder / "log.csv"
    done = len(pd.read_csv(log)) if log.exists() else 0
    return max(0.0, 1 - done / profiles.settings_for(cell.profile, cell.system).epochs)


@lru_cache(maxsize=None)
def _cost(profile: str, system: str) -> float:
    """Operations of a run's steps up to a common factor, counted at a small size: nearly all grow with the pixels."""
    from lib.training.speed import step_flops

    settings = profiles.settings_for(profile, system)
    return settings.epochs * step_flops(dataclasses.replace(settings, size=32)) * settings.size ** 2


def _left(left: list[Cell], grid: list[Cell]) -> str:
    seconds = forecast(left, grid)
    count = f"run {len(grid) - len(left) + 1} of {len(grid)}"
    if seconds is None:
        return f"{count}; no run of this grid on this device yet to forecast from"
    return f"{count}; about {_duration(seconds)} of training left at the pace so far"


def _duration(seconds: float) -> str:
    return (f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400
            else f"{seconds / 3600:.1f} h")
