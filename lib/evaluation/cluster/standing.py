"""How far the runs are that were handed over: from the jobs' records, the queue, and what lies in the run folders."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib.base import files
from lib.base.errors import StudyError
from lib.evaluation import grids, scoring
from lib.evaluation.cluster.submission import folder_of
from lib.training.make_run import Cell

# What Slurm calls a job that will not go on; every other state is one of waiting or running.
_ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
          "TIMEOUT")
_LINES = 8  # of a failure's message that are shown
_RECENT = 600  # seconds; what said how far it is within them is taken to be running


@dataclass(frozen=True)
class Standing:
    """A run that was handed over: ``complete``, ``made`` (not gathered yet), ``running``, ``waiting`` or ``failed``.

    note: how far it is, what it waits for, or what its job said last.  log: the file with all that the job said.
    """

    cell: Cell
    state: str
    job: str
    note: str
    log: Path

    @property
    def is_live(self) -> bool:
        """Whether a job is going to make this run."""
        return self.state in ("running", "waiting")


def standing(profile: str, database: str) -> list[Standing]:
    """Every run of a study that was ever handed over, by its latest job, in the order of submission.

    Raises StudyError where Slurm has jobs whose runs are not complete, and does not answer.
    """
    latest: dict[Cell, tuple[str, str]] = {}
    for record in _submissions(profile, database):
        for job in record["jobs"]:
            latest |= {Cell(database, profile, system, seed): (record["launcher"], job["job"])
                       for system, seed in job["cells"]}
    missing, shared = set(grids.missing(list(latest))), Counter(latest.values())
    states = _states(latest[cell] for cell in missing)
    return [_standing_of(cell, job[1], states[job], alone=shared[job] == 1) if cell in missing
            else Standing(cell, "complete", job[1], "", _log(cell, job[1])) for cell, job in latest.items()]


def cancel(profile: str, database: str) -> list[str]:
    """Stop every job of a study that is waiting or running; returns their identifiers.

    What the runs had made stays.
    """
    jobs = {(record["launcher"], job["job"]) for record in _submissions(profile, database) for job in record["jobs"]}
    live = sorted(job for job, state in _states(jobs).items() if _is_live(state))
    if ours := [job for launcher, job in live if launcher == "slurm"]:
        _ask("scancel", *ours)
    for launcher, job in live:
        if launcher == "local":
            os.kill(int(job), signal.SIGINT)
    return [job for _, job in live]


def _submissions(profile: str, database: str) -> list[dict]:
    found = [files.read_json(file) for file in folder_of(profile, database).glob("*.json")]
    return sorted(found, key=lambda record: record["submitted"])


def _standing_of(cell: Cell, job: str, state: str, *, alone: bool) -> Standing:
    """Where a run stands that is not complete; alone: whether its job makes no other."""
    log = _log(cell, job)
    if _has_own_scores(cell):
        return Standing(cell, "made", job, "", log)
    if state.startswith("RUNNING"):
        progress, age = _progress(cell)
        running = alone or age < _RECENT
        return Standing(cell, "running" if running else "waiting", job, progress or "in a running job", log)
    if _is_live(state):
        return Standing(cell, "waiting", job, state.lower(), log)
    return Standing(cell, "failed", job, _last_words(log, state), log)


def _log(cell: Cell, job: str) -> Path:
    return folder_of(cell.profile, cell.database) / f"{job}_0_log.err"


def _has_own_scores(cell: Cell) -> bool:
    stamps = scoring.stamps_of(cell.folder)
    return cell.record() is not None and all(f"{direction} images" in stamps
                                             for direction in cell.plan.system.directions)


def _progress(cell: Cell) -> tuple[str, float]:
    """How far a run's training is, empty before its first step, and how many seconds ago it said so."""
    file = cell.network.folder / "private" / "progress.json"
    try:
        now, said = files.read_json(file), file.stat().st_mtime
    except (StudyError, OSError):
        return "", math.inf
    return f"step {now['done']} of {now['steps']}, {now['done'] / now['steps']:.0%}", time.time() - said


def _last_words(log: Path, state: str) -> str:
    """Why a job ended: its error, or what the queue knows and the end of its log."""
    from submitit.core.utils import pickle_load

    result = log.with_name(log.name.replace("_log.err", "_result.pkl"))
    if result.exists():
        outcome, text = pickle_load(result)
        if outcome != "error":
            return "its job is done, but its faces or scores are of other settings or data"
        # The message alone where the input was at fault, the traceback otherwise.
        message = re.search(r"^lib\.base\.errors\.StudyError: (.*)", text, re.MULTILINE | re.DOTALL)
        return "\n".join((message[1] if message else text).strip().splitlines()[-_LINES:])
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return "\n".join([f"its job ended without a result ({state.lower() or 'killed'})", *said[-3:]])


def _states(jobs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What each job does, in Slurm's words; empty for those that nobody knows any more."""
    jobs = set(jobs)
    states = {job: _state_of_process(job[1]) for job in jobs if job[0] == "local"}
    ours = {job for launcher, job in jobs if launcher == "slurm"}
    if ours:
        queue = dict(line.split("|", 1) for line in _ask("squeue", "--me", "-h", "-r", "-t", "all", "-o", "%i|%T (%r)"))
        if gone := ours - queue.keys():
            queue |= _history(gone)
        states |= {("slurm", job): queue.get(job, "").replace(" (None)", "") for job in ours}
    return states


def _history(jobs: set[str]) -> dict[str, str]:
    """Jobs that have left the queue, where the cluster keeps accounts."""
    try:
        lines = _ask("sacct", "-n", "-P", "-X", "-o", "JobID,State", "-j", ",".join(sorted(jobs)))
    except StudyError:
        return {}
    return dict(line.split("|", 1) for line in lines)


def _state_of_process(number: str) -> str:
    """RUNNING while the process that looks after a local job lives; another one may have got its number."""
    try:
        found = subprocess.run(["ps", "-o", "stat=,command=", "-p", number], capture_output=True, encoding="utf-8",
                               errors="replace").stdout.strip()
    except OSError as error:
        raise StudyError(f"ps cannot be called ({error}).") from None
    return "RUNNING" if "submitit.local" in found and not found.startswith("Z") else ""


def _is_live(state: str) -> bool:
    return bool(state) and not state.startswith(_ENDED)


def _ask(*command: str) -> list[str]:
    """The lines that one of Slurm's programs answers; raises StudyError with its complaint."""
    try:
        said = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StudyError(f"{command[0]} cannot be called ({error.strerror}). Ask from the cluster.") from None
    if said.returncode:
        raise StudyError(f"{command[0]}: {said.stderr.strip() or said.stdout.strip()}")
    return said.stdout.splitlines()
