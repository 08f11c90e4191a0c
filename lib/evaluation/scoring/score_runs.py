"""All runs of a study → ``scores.csv`` and ``set_scores.csv``, computing only what is new.

``scores.csv``      database,direction,system,seed,image,metric,value: one row per image and metric
``set_scores.csv``  database,direction,system,seed,metric,value,low,high: distances of whole sets
``attributes.csv``  image,attribute,value: what is noted of the test faces (style, gender, …), if anything is

What a run was scored from, and which rows that gave, is stamped in its ``private/scored.json``; equal images,
references, metrics, program version and rows are not scored again: a run that was copied beside the table of another
study, or a table that was edited, is.  Rows of runs whose images are not on this machine (they are
never committed) stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from lib import databases
from lib.base import files, paths, tables_on_disk
from lib.base.errors import StudyError, listed, unknown_name
from lib.base.settings import PROFILES
from lib.databases import PairedFaces, data_hash
from lib.evaluation.scoring.measure import References, score_images
from lib.evaluation.scoring.sets import SET_METRICS, Embedder, score_set
from lib.training import plans, run_folders
from lib.training.run_folders import Run

ATTRIBUTES = "attributes.csv"  # of the test faces, where their database notes any
VERSION = 1  # part of every stamp: raise it when the numbers change
STUDY_METRICS = {"photo-to-sketch": ("ssim", "fsim", "scoot"), "sketch-to-photo": ("ssim", "fsim", "fsimc")}
SET_PROFILES = ("cpu", "paper")  # a network over every face of every system takes too long for tiny and quick
KEY = ["database", "direction", "system", "seed"]
FILES = {"images": ("scores.csv", [*KEY, "image", "metric", "value"]),
          "sets": ("set_scores.csv", [*KEY, "metric", "value", "low", "high"])}


@dataclass(frozen=True)
class Scores:
    """The tables of a study, and how they came about.

    images, sets: the two tables.  scored, absent, unfinished: what was computed now, what has rows and no images here,
    and what has neither, a run that ended before its faces, as ``direction/system/seed<k>``; empty where tables were
    only read.  not_computed: set metric → why it has no value.
    """

    images: pd.DataFrame
    sets: pd.DataFrame
    scored: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    not_computed: dict[str, str] = field(default_factory=dict)
    unfinished: tuple[str, ...] = ()


def read_scores(profile: str, database: str) -> Scores:
    """Read the committed tables of a study; raises StudyError naming what makes them."""
    file = paths.study_folder(profile, database) / "scores.csv"
    if not file.exists():
        raise StudyError(f"{file}: missing. Make it with `./run_all.sh --profile {profile} --database {database}`.")
    sets = read_table(file.parent, "sets")
    reasons = {metric: f"the weights of {network} could not be had where the scores were made"
               if profile in SET_PROFILES else _not_asked(profile)
               for metric, network in SET_METRICS.items() if metric not in set(sets.metric)}
    return Scores(read_table(file.parent, "images"), sets, not_computed=reasons)


def _not_asked(profile: str) -> str:
    return f"distances of whole sets were not asked for (profile {profile})"


def score_study(profile: str, database: str, systems: Iterable[str] | None = None, seeds: Iterable[int] | None = None,
                force: bool = False, sets: bool | None = None) -> Scores:
    """Bring ``scores.csv`` and ``set_scores.csv`` of a study up to date and return them.

    systems, seeds: score only these (default: every run found).  force: score again what is unchanged.
    sets: whether distances of whole sets are computed (default: in the cpu and paper profiles).
    Raises StudyError for unknown names, a missing database, a study or system without any run, and
    runs with part of their images.
    """
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    found = run_folders.list_runs(paths.study_folder(profile, database))
    if systems is not None:
        systems = tuple(plans.plan(profile, system).name for system in systems)
        missing = [f"{system}: `python -m lib train --database {database} --system {system} --profile {profile}`"
                   for system in systems if system not in {run.system for run in found}]
        if missing:
            raise StudyError(f"{paths.study_folder(profile, database)}: no run of\n{listed(missing)}")
        found = [run for run in found if run.system in systems]
    if seeds is not None:
        seeds = tuple(seeds)
        found = [run for run in found if run.seed in seeds]
    if not found and not (paths.study_folder(profile, database) / "scores.csv").exists():
        raise StudyError(f"{paths.study_folder(profile, database)}: no runs to score. Make one, e.g. with "
                         f"`python -m lib train --database {database} --system msg-sarl --profile {profile}`.")
    return _score_runs(profile, database, found, force, profile in SET_PROFILES if sets is None else sets)


def _score_runs(profile: str, database: str, found: list[Run], force: bool, sets: bool) -> Scores:
    from lib.training.make_run import load_faces

    folder = paths.study_folder(profile, database)
    embed, targets, scored = Embedder(), {}, []
    tables = {kind: read_table(folder, kind) for kind in FILES}
    files.make_folder(folder / "private")
    for run in tqdm(found, desc="scoring", unit="run", leave=False, disable=None):
        settings = plans.plan(profile, run.system).settings
        seen = (settings.holdout, settings.test_pairs)
        if run.directions and seen not in targets:
            faces = load_faces(database, settings, "test")
            targets[seen] = Targets.of(faces)
            _keep_attributes(folder, faces)
        for direction in run.directions:
            work = Work(database, direction, run, targets[seen])
            for kind in kinds(sets):
                expected = STUDY_METRICS[direction] if kind == "images" else embed.metrics()
                if not force and work.is_done(kind, expected, tables[kind]):
                    continue
                rows = work.rows(kind, embed)
                if not len(rows):
                    continue
                with tables_on_disk.locked(folder, "scores"):  # another process may be scoring other runs
                    tables[kind] = tables_on_disk.replace(read_table(folder, kind), rows, work.key,
                                                        ["direction", "system", "seed"])
                    tables_on_disk.write(folder / FILES[kind][0], tables[kind], digits=7)
                work.stamp(kind, tables[kind])
                scored += [f"{direction}/{run.system}/seed{run.seed}"] if kind == "images" else []
    absent, unfinished = _without_images(tables["images"], database, found)
    if sets:
        reasons = {metric: embed.unavailable[SET_METRICS[metric]] for metric in SET_METRICS.keys() - embed.metrics()}
    else:
        reasons = dict.fromkeys(SET_METRICS, _not_asked(profile))
    return Scores(tables["images"], tables["sets"], tuple(scored), absent, reasons, unfinished)


def _without_images(table: pd.DataFrame, database: str, found: Iterable[Run]) -> tuple[tuple[str, ...], ...]:
    """Directions without images here, as in ``Scores``: those that have rows in the table, and those that have none."""
    kinds_of: dict[bool, list[str]] = {True: [], False: []}
    for run in found:
        for direction in run.absent:
            key = dict(zip(KEY, (database, direction, run.system, run.seed), strict=True))
            has_rows = bool(tables_on_disk.rows_of(table, key).any())
            kinds_of[has_rows].append(f"{direction}/{run.system}/seed{run.seed}")
    return tuple(kinds_of[True]), tuple(kinds_of[False])


def _keep_attributes(folder: Path, faces: PairedFaces) -> None:
    """Write what is noted of the test faces beside their scores: image, attribute, value."""
    rows = [(name, *noted) for name, attributes in zip(faces.names, faces.attributes) for noted in attributes.items()]
    if rows:
        tables_on_disk.write(folder / ATTRIBUTES, pd.DataFrame(rows, columns=["image", "attribute", "value"]))


class Targets:
    """Test faces that runs are scored against, analysed once for all of them."""

    _latest: dict[str, Targets] = {}  # hash of the faces → targets: a grid scores its runs one by one

    @classmethod
    def of(cls, faces: PairedFaces) -> Targets:
        """The targets as they were analysed last time, if the faces are the same."""
        key = data_hash(faces)
        if key not in cls._latest:
            cls._latest = {key: cls(faces)}
        return cls._latest[key]

    def __init__(self, faces: PairedFaces):
        self.names = faces.names
        self.references = {"photo-to-sketch": References(faces.sketches), "sketch-to-photo": References(faces.photos)}
        names = "\0".join(faces.names).encode()
        self.hashes = {direction: hashlib.sha256(names + reference.faces.tobytes()).hexdigest()
                       for direction, reference in self.references.items()}


class Work:
    """One direction of one run: its faces, its stamp and its rows."""

    def __init__(self, database: str, direction: str, run: Run, targets: Targets):
        self.direction, self.run, self.targets = direction, run, targets
        self.key = dict(zip(KEY, (database, direction, run.system, run.seed), strict=True))
        self._faces: np.ndarray | None = None

    @property
    def faces(self) -> np.ndarray:
        if self._faces is None:
            self._faces = self._read()
        return self._faces

    def _read(self) -> np.ndarray:
        real = self.targets.references[self.direction].faces
        try:
            faces = run_folders.read_synthesised(self.run.folder, self.direction, self.targets.names)
        except ValueError:
            faces = None  # not of one size, or grey and colour mixed
        if faces is None or faces.shape[1:3] != real.shape[1:3]:
            folder, (height, width) = self.run.folder / self.direction, real.shape[1:3]
            raise StudyError(f"{folder}: the images are not all {width}×{height} pixels and of one kind. "
                             "Delete the folder and make the run again.")
        return faces

    def fingerprint(self, kind: str) -> str:
        """What rows of this kind are made from: metrics, references and the faces on disk now."""
        metrics = STUDY_METRICS[self.direction] if kind == "images" else tuple(SET_METRICS)
        digest = hashlib.sha256(f"{VERSION} {metrics} {self.targets.hashes[self.direction]}".encode())
        for name in self.targets.names:
            file = self.run.folder / self.direction / f"{name}.png"
            digest.update(file.read_bytes() if file.exists() else b"missing")
        return digest.hexdigest()

    def is_done(self, kind: str, metrics: Iterable[str], table: pd.DataFrame) -> bool:
        """Whether the table holds this direction's rows of all ``metrics``, made from what is on disk now."""
        rows = table[tables_on_disk.rows_of(table, self.key)]
        known = stamps_in_table(self.run).get(f"{self.direction} {kind}", "").split()
        return (set(metrics) <= set(rows.metric) and known[1:] == [digest_of(rows)]
                and known[:1] == [self.fingerprint(kind)])

    def stamp(self, kind: str, table: pd.DataFrame) -> None:
        """Note what the rows in the table, as read from disk, were made from."""
        rows = table[tables_on_disk.rows_of(table, self.key)]
        files.write_json(_stamps_file(self.run), {
            **stamps_in_table(self.run), f"{self.direction} {kind}": f"{self.fingerprint(kind)} {digest_of(rows)}"})

    def rows(self, kind: str, embed: Embedder) -> pd.DataFrame:
        """Rows for the table of a kind, computed now."""
        return self._score_images() if kind == "images" else self._score_sets(embed)

    def _score_images(self) -> pd.DataFrame:
        scores = score_images(self.targets.references[self.direction], self.faces, STUDY_METRICS[self.direction])
        return pd.DataFrame([{**self.key, "image": name, "metric": metric, "value": values[i]}
                             for i, name in enumerate(self.targets.names) for metric, values in scores.items()])

    def _score_sets(self, embed: Embedder) -> pd.DataFrame:
        rows = []
        for metric, network in SET_METRICS.items():
            vectors = [embed(network, faces) for faces in (self.targets.references[self.direction].faces, self.faces)]
            if all(v is not None for v in vectors):
                value, low, high = score_set(metric, *vectors)
                rows.append({**self.key, "metric": metric, "value": value, "low": low, "high": high})
        return pd.DataFrame(rows)


def stamps_in_table(run: Run) -> dict[str, str]:
    """``<direction> <kind>`` → fingerprint of a run's faces and ``digest_of`` its rows in the study's table, when they
    were put there; empty if they never were."""
    file = _stamps_file(run)
    return files.read_json(file) if file.exists() else {}


def _stamps_file(run: Run) -> Path:
    return run.folder / "private" / "scored.json"


def digest_of(rows: pd.DataFrame) -> str:
    """What tells rows of one table from others, in any order; numbers count as far as they are written."""
    names = [name for name in ("image", "metric") if name in rows]
    text = [rows[name].map("{:.7g}".format) for name in ("value", "low", "high") if name in rows]
    lines = sorted("\0".join(row) for row in zip(*(rows[name].astype(str) for name in names), *text))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def kinds(sets: bool) -> tuple[str, ...]:
    """The tables that are filled: of images, and of whole sets where asked for."""
    return ("images", "sets") if sets else ("images",)


def read_table(folder: Path, kind: str) -> pd.DataFrame:
    """``scores.csv`` or ``set_scores.csv`` of a folder, or an empty table of the same columns."""
    name, columns = FILES[kind]
    return tables_on_disk.read(folder / name, columns, text=["image"])
