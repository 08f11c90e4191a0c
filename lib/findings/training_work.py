"""What each training of a study took: steps, updates of its generators, operations, time.

Equal epochs are not equal work.  In as many epochs DRIT updates its generators a sixth as often as CycleGAN, and a step
of U-GAT-IT costs several of pix2pix.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from lib.base import files, paths, systems, tables_on_disk
from lib.base.errors import StudyError
from lib.training import run_folders, speed
from lib.training.plans import plan

NAME = "training_work.csv"
COLUMNS = ("system", "seed", "steps", "generator_updates", "tera_operations", "minutes", "device", "threads",
           "precision")


def write(profile: str, database: str) -> Path:
    """Write ``training_work.csv`` of a study, a row per training; returns the file.

    steps: batches; generator_updates: those that change the generators; tera_operations: 10¹² of all steps, counted on
    a real step (``lib.training.speed``); minutes, device, threads, precision: as the run's record has them.  Counting
    takes seconds a system, so rows of runs that are already in the table are kept.  Raises StudyError where the study
    has no training.
    """
    folder = paths.study_folder(profile, database)
    known = tables_on_disk.read(folder / NAME, COLUMNS)
    rows, counted = [], {}
    for run in run_folders.list_runs(folder):
        record = files.read_json(run.folder / "run.json") if (run.folder / "run.json").exists() else {}
        if systems.is_trained(run.system) and "settings" in record and "network" not in record:
            key = run.system, record["pairs"]
            earlier = known[(known.system == run.system) & (known.seed == run.seed)]
            if key not in counted:
                counted[key] = earlier.iloc[0, 2:5].tolist() if len(earlier) else work(profile, *key)
            rows.append((run.system, run.seed, *counted[key], record["seconds"] / 60, record["device"],
                         record.get("threads"), record["settings"]["precision"]))
    if not rows:
        raise StudyError(f"{folder}: no training has a record here.")
    table = tables_on_disk.in_order(pd.DataFrame(rows, columns=COLUMNS), ["system", "seed"])
    table["threads"] = table.threads.astype("Int64")  # early records do not say
    tables_on_disk.write(folder / NAME, table, digits=6)
    return folder / NAME


def work(profile: str, system: str, pairs: int) -> tuple[int, int, float]:
    """(steps, updates of the generators, 10¹² operations) of a whole training on this many pairs."""
    wanted = plan(profile, system)
    settings = wanted.settings
    trainable = wanted.create(settings, torch.device("cpu"))
    batches = pairs // settings.batch if trainable.whole_batches else -(-pairs // settings.batch)
    steps = settings.epochs * batches
    updates = settings.epochs * trainable.generator_updates(batches)
    return steps, updates, speed.operations(wanted) * steps / 1e12


def of_study(profile: str, database: str) -> pd.DataFrame:
    """The rows of ``training_work.csv``; raises StudyError naming the command that writes it."""
    file = paths.study_folder(profile, database) / NAME
    if not file.exists():
        raise StudyError(f"{file}: missing. Write it with `python -m lib records --profile {profile} "
                         f"--database {database} --work`.")
    return tables_on_disk.read(file, COLUMNS)
