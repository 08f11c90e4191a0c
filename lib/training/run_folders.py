"""Run folders: what every system, trained or not, leaves behind and every later stage reads.

``results/<profile>/<database>/<system>/seed<k>/`` holds ``run.json`` (committed) and, git-ignored,
``photo-to-sketch/<name>.png`` and ``sketch-to-photo/<name>.png`` at 200×250.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from lib.base import files, images, paths, systems
from lib.base.errors import StudyError


class BusyError(StudyError):
    """Another process is at work on the same run."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a run folder for this process; raises BusyError when another has it.  The system frees it at any death.

    Raises StudyError when the folder cannot be made.
    """
    lock = files.make_folder(Path(folder) / "private") / "claimed"
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise BusyError(f"{folder}: another process is making this run. Wait for it or stop it.") from None


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
        profile, database, system, seed = Path(folder).parts[-4:]
        lack = f"{missing[0]}: missing ({len(missing)} of {len(files)} synthesised images)"
        if system.split("+")[0] not in systems.SYSTEMS:
            raise StudyError(f"{lack}, and there is no system '{system}' here that could make them.")
        raise StudyError(f"{lack}. Make them with `python -m lib train --database {database} --system {system} "
                         f"--profile {profile} --seed {seed[4:]}`.")
    return np.stack([images.read_image(file) for file in files])


def records() -> pd.DataFrame:
    """Every run record under results/, one row each: profile, database, system, seed, pairs, device, minutes,
    revision, torch; minutes are NaN for what has no training of its own.  Sorted by folder."""
    rows = []
    for file in sorted(paths.results_root().glob("*/*/*/seed*/run.json")):
        record = files.read_json(file)
        profile, database, system, seed = file.parent.parts[-4:]
        rows.append({"profile": profile, "database": database, "system": system, "seed": int(seed[4:]),
                     "pairs": record["pairs"], "device": record.get("device", "cpu"),
                     "minutes": np.nan if "network" in record else record.get("seconds", np.nan) / 60,
                     "revision": record["revision"], "torch": record["versions"]["torch"]})
    return pd.DataFrame(rows)


def by_device(profile: str, database: str, systems: Iterable[str]) -> pd.DataFrame:
    """Where the runs of these systems were trained.

    Columns: device, torch (its version), trainings, which: a dict, system → seeds.  Most trainings first.
    """
    table = records()
    table = table[(table.profile == profile) & (table.database == database) & table.system.isin(list(systems))]
    rows = [(device, version, len(part), {system: seeds.tolist() for system, seeds in part.groupby("system").seed})
            for (device, version), part in table.groupby(["device", "torch"])]
    table = pd.DataFrame(rows, columns=["device", "torch", "trainings", "which"])
    return table.sort_values("trainings", ascending=False, kind="stable", ignore_index=True)


def provenance() -> dict:
    """What a reader needs to place a number: code revision, versions, hardware."""
    import importlib.metadata

    revision = os.environ.get("MSGSARL_REVISION")  # where the code was copied without its history
    if not revision:
        git = subprocess.run(["git", "-C", str(paths.ROOT), "describe", "--always", "--dirty"],
                             capture_output=True, text=True)
        revision = git.stdout.strip() or "unknown"
    versions = {p: importlib.metadata.version(p) for p in ("numpy", "scipy", "torch", "pillow", "scikit-image")}
    return {
        "revision": revision,
        "versions": {"python": platform.python_version(), **versions},
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores",
    }
