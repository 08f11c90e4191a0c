"""Run folders: what every system, trained or not, leaves behind and every later stage reads.

``results/<profile>/<database>/<system>/seed<k>/`` holds ``run.json`` (committed) and, git-ignored,
``photo-to-sketch/<name>.png`` and ``sketch-to-photo/<name>.png`` at 200×250.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lib.base import files, images, locks, paths, systems, tables_on_disk
from lib.base.errors import StudyError, listed
from lib.base.hardware import processor


class BusyError(StudyError):
    """Another process is at work on the same run."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a run folder for this process; raises BusyError when another has it.  The system frees it at any death.

    Raises StudyError when the folder cannot be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locks.held(Path(folder) / "private" / "claimed", wait=False))
        except locks.HeldElsewhere:
            raise BusyError(f"{folder}: another process is making this run. Wait for it or stop it.") from None
        yield


def write_synthesised(folder: Path, direction: str, names: tuple[str, ...], faces: np.ndarray) -> None:
    """Write uint8 faces (n, 250, 200) or (n, 250, 200, 3) as ``<folder>/<direction>/<name>.png``."""
    for name, face in zip(names, faces, strict=True):
        images.write_png(Path(folder) / direction / f"{name}.png", face)


def read_synthesised(folder: Path, direction: str, names: tuple[str, ...]) -> np.ndarray:
    """Read the faces back, (n, 250, 200) or (n, 250, 200, 3) uint8, in the order of ``names``.

    Raises StudyError naming the command that makes what is missing, if it is of a system that can be made here.
    """
    files = [Path(folder) / direction / f"{name}.png" for name in names]
    missing = [file for file in files if not file.exists()]
    if missing:
        profile, database, _, seed = Path(folder).parts[-4:]
        system = _system_of(Path(folder))
        lack = f"{missing[0]}: missing ({len(missing)} of {len(files)} synthesised images)"
        if not systems.kind_of(system):
            raise StudyError(f"{lack}, and there is no system '{system}' here that could make them.")
        raise StudyError(f"{lack}. Make them with `python -m lib train --database {database} --system {system} "
                         f"--profile {profile} --seed {seed[4:]}`.")
    return np.stack([images.read_image(file) for file in files])


@dataclass(frozen=True)
class Run:
    """One run folder; its images of ``directions`` are on this machine, those of ``absent`` are not."""

    system: str
    seed: int
    folder: Path
    directions: tuple[str, ...]
    absent: tuple[str, ...]


def list_runs(study: Path) -> list[Run]:
    """Run folders of a study in table order; folders that are no system's are passed over."""
    order = list(systems.SYSTEMS)
    found = []
    for folder in study.glob("*/seed*"):
        system, seed = _system_of(folder), folder.name[4:]
        if systems.kind_of(system) and seed.isdigit() and folder.is_dir():
            possible = systems.get(systems.base_name(system)).directions
            here = tuple(direction for direction in possible if any((folder / direction).glob("*.png")))
            absent = tuple(direction for direction in possible if direction not in here)
            found.append(Run(system, int(seed), folder, here, absent))
    return sorted(found, key=lambda run: (order.index(systems.base_name(run.system)), run.system, run.seed))


def finished_logs(study: Path, names: Container[str]) -> Iterator[tuple[Run, dict, pd.DataFrame]]:
    """Run, record and log of every finished training of these systems, in table order, from the committed files.

    A run that is not finished, or is being made again, is passed over.
    """
    for run in list_runs(study):
        if run.system in names and (run.folder / "run.json").exists():
            record = files.read_json(run.folder / "run.json")
            log = tables_on_disk.read_csv(run.folder / "log.csv")
            if len(log) == record["settings"]["epochs"]:
                yield run, record, log


def pictures_of_runs(study: Path, names: Sequence[str],
                     leave_out: Iterable[str] = ()) -> tuple[dict[tuple[str, str, int], list[Path]], list[str]]:
    """(direction, system, seed) → files of the runs that have all these faces here, and what has none of them, as
    ``direction/system/seed``; leave_out: systems that are made elsewhere.

    Raises StudyError naming every run that has part of its faces.
    """
    here, absent, problems = {}, [], []
    for run in list_runs(study):
        for direction in () if run.system in leave_out else (*run.directions, *run.absent):
            pictures = [run.folder / direction / f"{name}.png" for name in names]
            missing = sum(not file.exists() for file in pictures)
            if not missing:
                here[direction, run.system, run.seed] = pictures
            elif missing == len(pictures):
                absent.append(f"{direction}/{run.system}/{run.seed}")
            else:
                problems.append(f"{run.folder / direction}: {missing} of {len(pictures)} images missing")
    if problems:
        raise StudyError(f"Runs with part of their test faces:\n{listed(problems)}\n"
                         "Make them whole with `python -m lib train` (same database, system, profile and seed).")
    return here, absent


def _system_of(folder: Path) -> str:
    """The system's name of a run folder; long names stand in the record only (``paths.run_folder``)."""
    name, record = folder.parent.name, folder / "run.json"
    return files.read_json(record)["system"] if paths.is_shortened(name) and record.exists() else name


def records() -> pd.DataFrame:
    """Every run record under results/, a row each, sorted by profile, database and system.

    Columns: profile, database, system, seed, pairs, device, processor, threads, precision, minutes, revision, torch.
    Minutes are NaN for what has no training of its own; early records lack processor and threads.
    """
    rows = []
    for study in sorted(paths.results_root().glob("*/*/")):
        for run in list_runs(study):
            if not (run.folder / "run.json").exists():
                continue
            record = files.read_json(run.folder / "run.json")
            rows.append({"profile": study.parent.name, "database": study.name, "system": run.system, "seed": run.seed,
                         "pairs": record["pairs"], "device": record.get("device", "cpu"),
                         "processor": record.get("processor"), "threads": record.get("threads"),
                         "precision": record.get("settings", {}).get("precision", ""),
                         "minutes": np.nan if "network" in record else record.get("seconds", np.nan) / 60,
                         "revision": record["revision"], "torch": record["versions"]["torch"]})
    return pd.DataFrame(rows)


def by_device(profile: str, database: str, names: Iterable[str]) -> pd.DataFrame:
    """Where the runs of these systems were trained.

    Columns: device, torch (its version), trainings, which: a dict, system → seeds.  Most trainings first.
    """
    table = records()
    table = table[(table.profile == profile) & (table.database == database) & table.system.isin(list(names))]
    rows = [(device, version, len(part), {system: seeds.tolist() for system, seeds in part.groupby("system").seed})
            for (device, version), part in table.groupby(["device", "torch"])]
    table = pd.DataFrame(rows, columns=["device", "torch", "trainings", "which"])
    return table.sort_values("trainings", ascending=False, kind="stable", ignore_index=True)


def _revision() -> str:
    """What git calls this state of the code, ``-dirty`` where the code differs from it (results always do while a study
    is made); unknown without git, and where the code was copied without its history."""
    if not (paths.ROOT / ".git").exists():
        return "unknown"  # git would answer with the history of a repository around it
    name, changes = _git("describe", "--always"), _git("status", "--porcelain", "--", "lib", "requirements.txt")
    return name + "-dirty" * bool(changes) if name else "unknown"


def _git(*arguments: str) -> str:
    try:
        said = subprocess.run(["git", "-C", str(paths.ROOT), *arguments], capture_output=True, encoding="utf-8",
                              errors="replace")
    except OSError:
        return ""
    return said.stdout.strip()


def provenance() -> dict:
    """What a reader needs to place a number: code revision, versions, hardware."""
    import importlib.metadata

    versions = {p: importlib.metadata.version(p) for p in ("numpy", "scipy", "torch", "pillow", "scikit-image")}
    return {
        "revision": os.environ.get("MSGSARL_REVISION") or _revision(),
        "versions": {"python": platform.python_version(), **versions},
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores",
        "processor": processor(),
    }
