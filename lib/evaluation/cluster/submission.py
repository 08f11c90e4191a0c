"""What a cluster is to run, with which resources, and handing it over.

Every submission leaves ``private/jobs/<first job>.json`` in the study's folder: its jobs, the runs of each, and the
resources.  submitit's own files, the logs among them, lie beside it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lib.base import files, paths
from lib.base.errors import StudyError
from lib.evaluation import grids
from lib.training import make_run, run_folders
from lib.training.make_run import Cell

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

LAUNCHERS = ("slurm", "local")
# A run of days goes through many time limits; one that never reaches a checkpoint must end all the same.
_TIME_LIMITS = 30
_NO_LIMIT = 60 * 24 * 365  # minutes, for jobs of this machine


@dataclass(frozen=True)
class Resources:
    """What each job asks for; None: what the cluster gives by itself.

    per_job: how many runs one job makes, side by side.  gpus, cpus, memory (GB), hours: of a job.  at_most: jobs that
    run at the same time.  more: any other option of ``sbatch``, without its dashes.
    """

    per_job: int = 1
    gpus: int = 0
    cpus: int | None = None
    memory: float | None = None
    hours: float = 24
    partition: str | None = None
    account: str | None = None
    at_most: int | None = None
    more: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{self.gpus} GPU" if self.gpus else "no GPU", "1 core" if self.cores == 1 else f"{self.cores} cores"]
        parts += [f"{self.memory:g} GB"] if self.memory else []
        parts += [f"{self.hours:g} h at most"]
        named = {"partition": self.partition, "account": self.account, **self.more}
        return ", ".join(parts + [f"{name} {value}".strip() for name, value in named.items() if value is not None])

    @property
    def cores(self) -> int:
        """Cores of a job: as asked for, else one a run, or four beside a card."""
        return self.cpus or self.per_job * (4 if self.gpus else 1)

    def for_submitit(self) -> dict:
        """These resources as parameters of submitit's Slurm executor."""
        asked = {"timeout_min": max(1, round(self.hours * 60)), "cpus_per_task": self.cores,
                 "gpus_per_node": self.gpus or None, "mem_gb": self.memory, "slurm_partition": self.partition,
                 "slurm_account": self.account, "slurm_array_parallelism": self.at_most}
        # Since version 22.05 srun does not take over the number of cores that sbatch was given.
        return {name: value for name, value in asked.items() if value is not None} | {
            "slurm_srun_args": [f"--cpus-per-task={self.cores}"],
            "slurm_setup": [f"cd {shlex.quote(str(paths.ROOT))}",
                            *(f"export {name}={shlex.quote(value)}" for name, value in _environment().items())],
            "slurm_additional_parameters": {"requeue": True, **{
                name: value if value else True for name, value in self.more.items()}}}


@dataclass(frozen=True)
class Job:
    """Some runs, made and scored by one job; submitit stores it and calls it there.

    jobs: as of ``grids.make_each``.
    """

    cells: tuple[Cell, ...]
    jobs: int | None

    def __call__(self) -> None:
        """Raises StudyError, listing them, where runs failed or are being made by another process."""
        firsts = {cell.network: cell for cell in reversed(self.cells)}.values()
        problems = []
        # One run of each network, then those that use the same: two processes must not train one network.
        for some in ([cell for cell in self.cells if cell in firsts], [c for c in self.cells if c not in firsts]):
            try:
                problems += [f"{cell}: left to another process" for cell in
                             grids.make_each(some, jobs=self.jobs, apart=True)]
            except StudyError as error:
                problems.append(str(error))
        if problems:
            raise StudyError("\n".join(problems))

    def checkpoint(self) -> DelayedSubmission:
        """What is queued again after preemption or a time limit: the same, as runs go on from their checkpoints."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def jobs_of(cells: Sequence[Cell], per_job: int) -> list[tuple[Cell, ...]]:
    """Share runs out among jobs, ``per_job`` networks to a job; runs that share networks stay together."""
    families: dict[Cell, list[Cell]] = {}
    for cell in cells:
        families.setdefault(cell.network, []).append(cell)
    groups = list(families.values())
    return [tuple(cell for family in groups[first:first + per_job] for cell in family)
            for first in range(0, len(groups), per_job)]


def submit(launcher: str, cells: Sequence[Cell], resources: Resources, jobs: int | None = None) -> list[str]:
    """Hand over runs of one study, one of ``LAUNCHERS`` making them; returns the jobs' identifiers.

    jobs: how many runs of a job are made at once (default: all of them; of a local job as many as the machine has
    cores).  Raises StudyError where Slurm is not to be found or refuses.
    """
    import submitit
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    if launcher == "slurm" and not shutil.which("sbatch"):
        raise StudyError("sbatch is not to be found. Start this on a machine that submits to Slurm, or use "
                         "--launcher local.")
    folder = files.make_folder(folder_of(cells[0].profile, cells[0].database))
    executor = submitit.AutoExecutor(folder, cluster=launcher, slurm_max_num_timeout=_TIME_LIMITS)
    name, shares = f"{cells[0].database}-{cells[0].profile}", jobs_of(cells, resources.per_job)
    if launcher == "slurm":
        executor.update_parameters(name=name, **resources.for_submitit())
        jobs = jobs or resources.per_job
    else:
        executor.update_parameters(name=name, timeout_min=_NO_LIMIT, gpus_per_node=resources.gpus)
    try:
        # submitit prints what the launcher says against it as well as raising it
        with contextlib.redirect_stderr(io.StringIO()), _surroundings(), executor.batch():
            submitted = [executor.submit(Job(share, jobs)) for share in shares]
    except (FailedJobError, FailedSubmissionError) as error:
        raise StudyError(f"{launcher} refuses: {str(error).strip()}\nMend what it names, or make the runs on this machine: "
                         "leave --launcher out.") from None
    record = {"launcher": launcher, "submitted": time.time(), "resources": dataclasses.asdict(resources), "jobs": [
        {"job": job.job_id, "cells": [[cell.system, cell.seed] for cell in share]}
        for job, share in zip(submitted, shares, strict=True)]}
    files.write_json(folder / f"{submitted[0].job_id}.json", record)
    return [job.job_id for job in submitted]


def folder_of(profile: str, database: str) -> Path:
    """Where the jobs of a study are recorded."""
    return paths.study_folder(profile, database) / "private" / "jobs"


def expected_seconds(cells: Sequence[Cell], *, card: bool) -> list[tuple[float | None, str]]:
    """How long each run will take, and how that is known.

    card: from trainings of the same system and profile on graphics cards that are on record, by their median; None
    where there are none.  Otherwise from a short measurement on one core of this machine.
    """
    if not card:
        return [(grids.forecast([cell]), "measured here") for cell in cells]
    table = run_folders.records()
    found = []
    for cell in cells:
        like = table[(table.profile == cell.profile) & (table.system == cell.network.system) & (table.device != "cpu")
                     & table.minutes.notna()] if len(table) else table
        settings = cell.plan.settings
        pairs = len(make_run.load_faces(cell.database, settings, "train"))
        found.append((float((like.minutes * 60 / like.pairs).median()) * pairs,
                      f"as {len(like)} trainings on {', '.join(sorted(set(like.device)))}")
                     if len(like) else (None, "no training of it on a graphics card is on record"))
    return found


def _environment() -> dict[str, str]:
    """Variables that a job needs to find code, data, results and cache as this process does."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("MSGSARL_")}
    found = [str(paths.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**ours, "MSGSARL_DATA": str(paths.data_root()), "MSGSARL_RESULTS": str(paths.results_root()),
            "MSGSARL_CACHE": str(paths.cache_root()), "PYTHONPATH": os.pathsep.join(found), "PYTHONUTF8": "1",
            "TQDM_DISABLE": "1"}


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Jobs of this machine take over this process's variables."""
    before = dict(os.environ)
    os.environ.update(_environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
