"""From a database to synthesised test faces, for any system: train or fit if needed, then translate.

The stage between databases and scores.  What exists and fits is kept; ``force`` makes it again.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lib import databases
from lib.base import files
from lib.base.errors import StudyError, counted, listed
from lib.base.settings import AFTER_TRAINING, RunSettings
from lib.databases import PairedFaces, data_hash
from lib.training import run_folders
from lib.training.plans import Plan, plan


@dataclass(frozen=True)
class Cell:
    """One run by its names: what ``python -m lib train`` is asked for."""

    database: str
    profile: str
    system: str
    seed: int

    @property
    def plan(self) -> Plan:
        return plan(self.profile, self.system)

    @property
    def folder(self) -> Path:
        return self.plan.folder(self.database, self.seed)

    @property
    def network(self) -> Cell:
        """The run whose networks this one uses: itself, but for settings that act after training."""
        return dataclasses.replace(self, system=self.plan.network.name)

    def record(self) -> dict | None:
        """The run's record, if there is one and it is of today's settings."""
        file = self.folder / "run.json"
        record = files.read_json(file) if file.exists() else None
        return record if record and self.plan.counts(record) else None

    def __str__(self) -> str:
        return f"{self.system}, seed {self.seed}"


def load_faces(database: str, settings: RunSettings, split: str) -> PairedFaces:
    """Load a split as a profile sees it: limited, or with part of the training pairs held out as test.

    Raises StudyError as ``databases.load`` does, and for a holdout that leaves nothing to train on.
    """
    if settings.holdout:
        training_pairs = databases.load(database, "train", limit=settings.train_pairs)
        if settings.holdout >= len(training_pairs):
            raise StudyError(f"holdout={settings.holdout}: {database} has "
                             f"{counted(len(training_pairs), 'training pair')} here; hold fewer out.")
        edge = len(training_pairs) - settings.holdout
        rows = slice(None, edge) if split == "train" else slice(edge, None)
        return dataclasses.replace(
            training_pairs, photos=training_pairs.photos[rows], sketches=training_pairs.sketches[rows],
            names=training_pairs.names[rows], groups=training_pairs.groups[rows],
            attributes=training_pairs.attributes[rows])
    limit = settings.train_pairs if split == "train" else settings.test_pairs
    return databases.load(database, split, limit=limit)


def synthesise(database: str, system: str, profile: str, seed: int = 0, *, force: bool = False,
               report: Callable[[int, int], None] | None = None) -> Path:
    """Make a system's run folder complete: ``run.json`` and the test faces of its directions; return it.

    As ``make``, for names.  Raises StudyError for unknown ones, too.
    """
    return make(plan(profile, system), database, seed, force=force, report=report)


def make(what: Plan, database: str, seed: int = 0, *, force: bool = False,
         report: Callable[[int, int], None] | None = None) -> Path:
    """Make a run folder complete and return it.

    Trained systems are trained if need be, and plans that differ only in ``AFTER_TRAINING`` use the same networks.  An
    unfinished run goes on where it was; ``force`` begins anew.  report: as of ``loop.train``.  Raises StudyError for
    missing databases and run folders that belong to other settings or data, BusyError for a run that another process is
    making.
    """
    if seed < 0:
        raise StudyError(f"seed {seed}: give 0 or more.")
    folder = what.folder(database, seed)
    train, test = (load_faces(database, what.settings, split) for split in ("train", "test"))
    if not what.system.trains:
        with run_folders.claimed(folder):
            return _fitted(what, train, test, folder, seed, force=force)
    if what.network != what:
        source = make(what.network, database, seed, report=report)
        with run_folders.claimed(folder):
            return _translated(source, what, test, folder, seed, force=force)
    with run_folders.claimed(folder):
        return _trained(what, train, test, folder, seed, force=force, report=report)


def is_here(what: Plan, database: str, seed: int = 0) -> bool:
    """Whether the run's faces, and its network if it trains, are on this machine, of today's settings and data.

    Where they are not, ``make`` has something to do.  Raises StudyError for a missing database.
    """
    folder = what.folder(database, seed)
    train, test = (load_faces(database, what.settings, split) for split in ("train", "test"))
    if not (folder / "run.json").exists() or not what.counts(record := files.read_json(folder / "run.json")):
        return False
    if not what.system.trains:
        return _complete(folder, test, what.system.directions, _stamp_of_fitted(what, train, test, seed))
    return (record["data"] == data_hash(train) and (what.network.folder(database, seed) / "checkpoint.pt").exists()
            and _complete(folder, test, what.system.directions, _stamp_of_translated(what, record, test)))


def _trained(what: Plan, train: PairedFaces, test: PairedFaces, folder: Path, seed: int, *, force: bool,
             report: Callable[[int, int], None] | None) -> Path:
    from lib.training import loop  # torch is needed from here on only

    if force:
        (folder / "checkpoint.pt").unlink(missing_ok=True)
    record = loop.train(what, train, folder, seed, watched=test if what.settings.holdout else None,
                        report=report or _progress_file(folder))
    _translate(folder / "checkpoint.pt", what, record, test, folder, force=force)
    return folder


def _progress_file(folder: Path) -> Callable[[int, int], None]:
    """Report into ``private/progress.json`` every two seconds, for whoever started this process."""
    written = 0.0

    def report(done: int, steps: int) -> None:
        nonlocal written
        if time.monotonic() - written > 2 or done == steps:
            written = time.monotonic()
            files.write_json(folder / "private" / "progress.json", {"done": done, "steps": steps})

    return report


def _translated(source: Path, what: Plan, test: PairedFaces, folder: Path, seed: int, *, force: bool) -> Path:
    """The faces of a system that has another's networks, from that system's run folder ``source``."""
    record = files.read_json(source / "run.json")
    _translate(source / "checkpoint.pt", what, record, test, folder, force=force)
    changed = {name: getattr(what.settings, name) for name in AFTER_TRAINING}
    files.write_json(folder / "run.json", {**record, "system": what.name, "seed": seed, "network": record["system"],
                                           "settings": {**record["settings"], **changed}})
    return folder


def _translate(checkpoint: Path, what: Plan, record: dict, test: PairedFaces, folder: Path, *, force: bool) -> None:
    """Write the test faces of every direction unless those of this checkpoint and these settings are there."""
    from lib.training.translate import Translator

    stamp = _stamp_of_translated(what, record, test)
    if not force and _complete(folder, test, what.system.directions, stamp):
        return
    translator = Translator(checkpoint, what.settings)
    (folder / "private" / "scored.json").unlink(missing_ok=True)  # of the faces that are replaced now
    for direction in what.system.directions:
        sources, _ = test.sources_and_targets(direction)
        run_folders.write_synthesised(folder, direction, test.names, translator(direction, sources, test.names))
    files.write_json(folder / "private" / "synthesised.json", stamp)


def _stamp_of_translated(what: Plan, record: dict, test: PairedFaces) -> dict:
    return {"data": data_hash(test), "trained": [record["data"], record["seconds"], record["revision"]],
            **{name: getattr(what.settings, name) for name in AFTER_TRAINING}}


def _fitted(what: Plan, train: PairedFaces, test: PairedFaces, folder: Path, seed: int, *, force: bool) -> Path:
    stamp = _stamp_of_fitted(what, train, test, seed)
    if not force and _complete(folder, test, what.system.directions, stamp):
        return folder
    if what.system.kind == "exemplar":
        _require_groups(what, train, test)
    record = {"system": what.name, "seed": seed, "pairs": len(train), "data": data_hash(train)}
    for direction in what.system.directions:
        method = _create_fitted(what, seed)
        method.fit(*train.sources_and_targets(direction), groups=train.groups)
        sources, targets = test.sources_and_targets(direction)
        extra = {"targets": targets} if what.system.kind == "control" else {"groups": test.groups}
        run_folders.write_synthesised(folder, direction, test.names, method.synthesise(sources, **extra))
        record[direction] = method.measurements
    files.write_json(folder / "run.json", {**record, **run_folders.provenance()})
    files.write_json(folder / "private" / "synthesised.json", stamp)
    return folder


def _require_groups(what: Plan, train: PairedFaces, test: PairedFaces) -> None:
    """Raise StudyError, before minutes of fitting, for groups whose test faces have no training pair to be made of."""
    if lacking := sorted(set(test.groups) - set(train.groups)):
        limit = what.settings.train_pairs
        few = f" among the {limit} that profile {what.profile} takes" if limit and limit <= len(train) else ""
        raise StudyError(
            f"{what.name} makes the faces of each group of {test.database} from that group's own training pairs, and "
            f"there is none{few} of:\n{listed(lacking)}\nMove pairs of it to the training part, or count its pairs to "
            "another group (`python -m lib prepare --help` says where both are written).")


def _stamp_of_fitted(what: Plan, train: PairedFaces, test: PairedFaces, seed: int) -> dict:
    return {"data": data_hash(test), "fitted": data_hash(train), "settings": dataclasses.asdict(what.settings),
            "options": _create_fitted(what, seed).measurements.get("options", {})}


def _create_fitted(what: Plan, seed: int):
    if what.system.kind == "control":
        from lib.rivals import controls
        return controls.create(what.system.name, size=what.settings.size)
    from lib.rivals import exemplar
    return exemplar.create(what.system.name, seed=seed, profile=what.profile)


def _complete(folder: Path, test: PairedFaces, directions: Iterable[str], stamp: dict) -> bool:
    """Whether the faces on disk are those of this data and this run."""
    file = folder / "private" / "synthesised.json"
    faces = [folder / direction / f"{name}.png" for direction in directions for name in test.names]
    return file.exists() and files.read_json(file) == stamp and all(face.exists() for face in faces)
