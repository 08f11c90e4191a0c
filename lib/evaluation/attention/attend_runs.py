"""Attention over many faces, runs and seeds → ``attention.csv``, computing only what is new.

``attention.csv``  system,seed,direction,sarb,quantity,mean,sd,faces: mean and standard deviation over test faces;
                   sarb is 1 to 4, or ``all`` where all four act together

Checkpoints are never committed, this table is: notebooks read it.  What a run's rows were computed from
is stamped in its ``private/attention.json``; rows of runs without a checkpoint here stay as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from lib import databases
from lib.base import files, paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, listed, unknown_name
from lib.databases import data_hash
from lib.evaluation.attention.observing import SARBS
from lib.evaluation.attention.quantities import QUANTITIES, measure, summarise
from lib.training import make_run, plans, run_folders
from lib.training.run_folders import Run
from lib.training.translate import Translator

VERSION = 1  # part of every stamp: raise it when the numbers change
FACES = 20  # test faces of each run; a minute and a half of one CPU core per run at 128×128
_COLUMNS = ["system", "seed", "direction", "sarb", "quantity", "mean", "sd", "faces"]


@dataclass(frozen=True)
class AttentionTable:
    """``attention.csv`` and how it came about.

    rows: the table.  measured: runs computed now, as ``system/seed<k>``.  left_out: run → why not; its
    earlier rows, if any, stay.
    """

    rows: pd.DataFrame
    measured: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def measure_study(profile: str, database: str, faces: int = FACES, force: bool = False) -> AttentionTable:
    """Bring ``attention.csv`` of a study up to date: every run with self-attention whose checkpoint is here.

    faces: how many test faces, from the first on.  force: measure again what is unchanged.  Raises StudyError for
    unknown names, a missing database, and a study with neither a network to measure nor an earlier table.
    """
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    if faces < 1:
        raise StudyError(f"faces {faces}: give at least 1.")
    folder = paths.study_folder(profile, database)
    found = [run for run in run_folders.list_runs(folder) if _attends(plans.plan(profile, run.system))]
    if not found and not (folder / "attention.csv").exists():
        raise StudyError(f"{folder}: no run with self-attention. Make one, e.g. with "
                         f"`python -m lib train --database {database} --system msg-sarl --profile {profile}`.")
    table, measured, left_out = _read(folder), [], {}
    for run in tqdm(found, desc="attention", unit="run", leave=False, disable=None):
        name, plan = f"{run.system}/seed{run.seed}", plans.plan(profile, run.system)
        try:
            translator = network_of(run, plan, database)
        except StudyError as error:
            left_out[name] = str(error)
            continue
        test = make_run.load_faces(database, plan.settings, "test")
        stamp = {"version": VERSION, "data": data_hash(test), "faces": min(faces, len(test)),
                 "checkpoint": hashlib.sha256((run.folder / "checkpoint.pt").read_bytes()).hexdigest()}
        record, key = run.folder / "private" / "attention.json", {"system": run.system, "seed": run.seed}
        if not force and tables_on_disk.rows_of(table, key).any() and tables_on_disk.is_made_from(record, stamp):
            continue
        parts = [summarise(measure(translator, direction, test.sources_and_targets(direction)[0][:faces]))
                 .assign(**key, direction=direction) for direction in DIRECTIONS]
        table = tables_on_disk.renew(folder / "attention.csv", pd.concat(parts)[_COLUMNS], key, ["system", "seed"],
                                     text=["sarb"], digits=6)
        files.write_json(record, stamp)
        measured.append(name)
    if not len(table):
        reasons = listed([f"{name}: {reason}" for name, reason in left_out.items()])
        raise StudyError(f"{folder}: nothing to measure\n{reasons}")
    return AttentionTable(table, tuple(measured), left_out)


def network_of(run: Run, plan: plans.Plan, database: str) -> Translator:
    """The trained network of a run; raises StudyError saying why there is none to measure."""
    if not (run.folder / "checkpoint.pt").exists():
        raise StudyError(f"its network is not here; `python -m lib train --database {database} --system {run.system} "
                         f"--profile {plan.profile} --seed {run.seed} --force` makes it again")
    translator = Translator(run.folder / "checkpoint.pt")
    if not translator.finished:
        raise StudyError("its training is not finished")
    if not plan.accepts(translator.settings):
        raise StudyError("trained with other settings")
    return translator


def _attends(plan: plans.Plan) -> bool:
    """Whether a run has self-attention units of its own (systems that share another's network have none)."""
    return plan.system.kind == "ablation" and plan.settings.attention and plan.network == plan


def _read(folder: Path) -> pd.DataFrame:
    return tables_on_disk.read(folder / "attention.csv", _COLUMNS, text=["sarb"])


def read_attention(profile: str, database: str) -> pd.DataFrame:
    """Read ``attention.csv`` of a study; raises StudyError naming what makes it."""
    folder = paths.study_folder(profile, database)
    if not (folder / "attention.csv").exists():
        raise StudyError(f"{folder / 'attention.csv'}: missing. Make it where the checkpoints are with "
                         f"`python -m lib attention --profile {profile} --database {database}`.")
    return _read(folder)


def overview(table: pd.DataFrame, quantities: list[str] | None = None) -> pd.DataFrame:
    """``attention.csv`` read across: a row per system, seed, direction and SARB, a column of means per quantity."""
    wide = table.pivot_table(index=["system", "seed", "direction", "sarb"], columns="quantity", values="mean",
                             sort=False)
    return wide[[name for name in quantities or QUANTITIES if name in wide]]


def read_scales(profile: str, database: str, system: str) -> pd.DataFrame:
    """Learned α and β over training, from ``log.csv`` of every seed: seed, direction, sarb, scale, epoch, value.

    Epoch 0 is the start, where all are 0 (Eq. 8, 10).  Raises StudyError when there is no log or the
    system has no attention.
    """
    study = paths.study_folder(profile, database)
    logs = {run.seed: run.folder / "log.csv" for run in run_folders.list_runs(study)
            if run.system == system and (run.folder / "log.csv").exists()}
    if not logs:
        raise StudyError(f"{study / system}: no log.csv of any seed. Train with "
                         f"`python -m lib train --database {database} --system {system} --profile {profile}`.")
    rows = []
    for seed, file in logs.items():
        log = pd.read_csv(file, encoding="utf-8")
        names = [(d, i, s) for d in DIRECTIONS for i in SARBS for s in ("alpha", "beta") if f"{d}/{s}{i}" in log]
        if not names:
            raise StudyError(f"{file}: logs no attention scales; take a system with self-attention.")
        for direction, i, scale in names:
            values = [0.0, *log[f"{direction}/{scale}{i}"]]
            rows += [(seed, direction, i, scale, epoch, value) for epoch, value in zip([0, *log["epoch"]], values)]
    return pd.DataFrame(rows, columns=["seed", "direction", "sarb", "scale", "epoch", "value"])
