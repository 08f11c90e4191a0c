"""How much fine detail a synthesised face has, beside its real target: what Fig. 1 (Duan et al. 2020) calls smooth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lib.base import images, paths, tables_on_disk
from lib.base.settings import RunSettings
from lib.metrics import fine_detail
from lib.rivals import exemplar
from lib.training import make_run, run_folders
from lib.training.run_folders import list_runs

SYSTEMS = (*exemplar.NAMES, "msg-sarl")


def kept(synthesised: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Fine detail of each synthesised image over that of its target, (n,); both uint8 (n, H, W[, 3])."""
    made, target = (faces if faces.ndim == 3 else images.to_grey(faces) for faces in (synthesised, real))
    return fine_detail(made) / fine_detail(target)


def of_study(profile: str, database: str, systems: Sequence[str] = SYSTEMS) -> pd.DataFrame:
    """Detail kept by every system whose faces are on this machine: direction, system, image, kept (mean over seeds),
    seeds (how many).

    Raises StudyError as ``make_run.load_faces`` and ``run_folders.read_synthesised`` do.
    """
    test = make_run.load_faces(database, RunSettings.at(profile), "test")
    rows = []
    for run in list_runs(paths.study_folder(profile, database)):
        for direction in run.directions if run.system in systems else ():
            target = test.sources_and_targets(direction)[1]
            share = kept(run_folders.read_synthesised(run.folder, direction, test.names), target)
            rows += [(direction, run.system, run.seed, image, value)
                     for image, value in zip(test.names, share, strict=True)]
    table = pd.DataFrame(rows, columns=["direction", "system", "seed", "image", "kept"])
    by_image = table.groupby(["direction", "system", "image"], sort=False, as_index=False).agg(
        kept=("kept", "mean"), seeds=("seed", "nunique"))
    return tables_on_disk.in_order(by_image, ["direction", "system"])


def write_table(profile: str, database: str) -> Path:
    """Write ``fine_detail.csv`` of a study, direction, system, seeds, n, mean and sd over the n images; return it.

    Earlier rows of systems with a run whose faces are not on this machine stay as they are.
    """
    summary = of_study(profile, database).groupby(["direction", "system"], sort=False).agg(
        seeds=("seeds", "first"), n=("kept", "size"), mean=("kept", "mean"), sd=("kept", "std")).reset_index()
    folder = paths.study_folder(profile, database)
    earlier = tables_on_disk.read(folder / "fine_detail.csv", list(summary.columns))
    elsewhere = {run.system for run in list_runs(folder) if run.absent} & set(earlier.system)
    kept_rows = [summary[~summary.system.isin(elsewhere)], earlier[earlier.system.isin(elsewhere)]]
    table = tables_on_disk.in_order(pd.concat([rows for rows in kept_rows if len(rows)]), ["direction", "system"])
    return tables_on_disk.keep("fine_detail", table, profile, database)
