"""From a database to synthesised test faces, for any system: train or fit if needed, then translate.

The stage between databases and scores.  What exists and fits is kept; ``force`` makes it again.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from lib import databases
from lib.base import files, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.databases import PairedFaces, data_hash
from lib.model import settings as profiles
from lib.model.settings import Settings
from lib.training import run_folders

P2S, S2P = DIRECTIONS


def load_faces(database: str, settings: Settings, split: str) -> PairedFaces:
    """Load a split as a profile sees it: limited, or with part of the training pairs held out as test.

    Raises StudyError as ``databases.load`` does, and for a holdout that leaves nothing to train on.
    """
    if settings.holdout:
        training_pairs = databases.load(database, "train", limit=settings.train_pairs)
        if settings.holdout >= len(training_pairs):
            raise StudyError(f"holdout={settings.holdout}: {database} has {len(training_pairs)} training pairs here; "
                             "hold fewer out.")
        edge = len(training_pairs) - settings.holdout
        rows = slice(None, edge) if split == "train" else slice(edge, None)
        return dataclasses.replace(
            training_pairs, photos=training_pairs.photos[rows], sketches=training_pairs.sketches[rows],
            names=training_pairs.names[rows], groups=training_pairs.groups[rows])
    limit = settings.train_pairs if split == "train" else settings.test_pairs
    return databases.load(database, split, limit=limit)


def sources_and_targets(faces: PairedFaces, direction: str) -> tuple[np.ndarray, np.ndarray]:
    """(photos, sketches) for photo-to-sketch, (sketches, photos) for sketch-to-photo."""
    return (faces.photos, faces.sketches) if direction == P2S else (faces.sketches, faces.photos)


def synthesise(database: str, system: str, profile: str, seed: int = 0, *, force: bool = False) -> Path:
    """Make a system's run folder complete: ``run.json`` and the test faces of both directions; return it.

    Trained systems are trained if need be, and systems that differ only in ``profiles.AFTER_TRAINING`` use
    the same networks.  An unfinished run goes on where it was; ``force`` begins anew.  Raises StudyError for unknown
    names, missing databases and run folders that belong to other settings or data, BusyError for a run that another
    process is making.
    """
    if seed < 0:
        raise StudyError(f"seed {seed}: give 0 or more.")
    base, overrides = profiles.split_system(system)
    settings = profiles.settings_for(profile, system)
    folder = paths.run_folder(profile, database, system, seed)
    test = load_faces(database, settings, "test")
    train = load_faces(database, settings, "train")
    if systems.get(base).kind != "trained":
        with run_folders.claimed(folder):
            return _fitted(system, settings, train, test, folder, seed, force=force)
    network = profiles.training_system(system)
    if network != system:
        source = synthesise(database, network, profile, seed)
        with run_folders.claimed(folder):
            return _translated(source, system, settings, test, folder, seed, force=force)
    with run_folders.claimed(folder):
        return _trained(system, settings, train, test, folder, seed, force=force)


def _trained(system: str, settings: Settings, train: PairedFaces, test: PairedFaces, folder: Path, seed: int, *,
             force: bool) -> Path:
    from lib.training import loop as training  # torch is needed from here on only

    if force:
        (folder / "checkpoint.pt").unlink(missing_ok=True)
    record = training.train(system, settings, train, folder, seed)
    _translate(folder / "checkpoint.pt", settings, record, test, folder, force=force)
    return folder


def _translated(source: Path, system: str, settings: Settings, test: PairedFaces, folder: Path, seed: int, *,
                force: bool) -> Path:
    """The faces of a system that has another's networks, from that system's run folder ``source``."""
    record = files.read_json(source / "run.json")
    _translate(source / "checkpoint.pt", settings, record, test, folder, force=force)
    files.write_json(folder / "run.json", {**record, "system": system, "seed": seed, "network": record["system"],
                                          "settings": dataclasses.asdict(settings)})
    return folder


def _translate(checkpoint: Path, settings: Settings, record: dict, test: PairedFaces, folder: Path, *,
               force: bool) -> None:
    """Write the test faces of both directions unless those of this checkpoint and these settings are there."""
    from lib.training.translate import Translator

    stamp = {"data": data_hash(test), "trained": [record["data"], record["seconds"], record["revision"]],
             **{name: getattr(settings, name) for name in profiles.AFTER_TRAINING}}
    if not force and _complete(folder, test, stamp):
        return
    translator = Translator(checkpoint, settings)
    (folder / "private" / "scored.json").unlink(missing_ok=True)  # of the faces that are replaced now
    for direction in DIRECTIONS:
        sources, _ = sources_and_targets(test, direction)
        run_folders.write_synthesised(folder, direction, test.names, translator(direction, sources))
    files.write_json(folder / "private" / "synthesised.json", stamp)


def _fitted(system: str, settings: Settings, train: PairedFaces, test: PairedFaces, folder: Path, seed: int, *,
            force: bool) -> Path:
    base, _ = profiles.split_system(system)
    stamp = {"data": data_hash(test), "fitted": data_hash(train), "settings": dataclasses.asdict(settings),
             "options": _create_fitted(base, settings, seed).measurements.get("options", {})}
    if not force and _complete(folder, test, stamp):
        return folder
    record = {"system": system, "seed": seed, "pairs": len(train), "data": data_hash(train)}
    for direction in DIRECTIONS:
        method = _create_fitted(base, settings, seed)
        method.fit(*sources_and_targets(train, direction), groups=train.groups)
        sources, targets = sources_and_targets(test, direction)
        extra = {"targets": targets} if systems.get(base).kind == "control" else {"groups": test.groups}
        run_folders.write_synthesised(folder, direction, test.names, method.synthesise(sources, **extra))
        record[direction] = method.measurements
    files.write_json(folder / "run.json", {**record, **run_folders.provenance()})
    files.write_json(folder / "private" / "synthesised.json", stamp)
    return folder


def _create_fitted(base: str, settings: Settings, seed: int):
    if systems.get(base).kind == "control":
        from lib.rivals import controls
        return controls.create(base, size=settings.size)
    from lib.rivals import exemplar
    return exemplar.create(base, seed=seed, size=settings.size)


def _complete(folder: Path, test: PairedFaces, stamp: dict) -> bool:
    """Whether the faces on disk are those of this data and this run."""
    file = folder / "private" / "synthesised.json"
    faces = [folder / direction / f"{name}.png" for direction in DIRECTIONS for name in test.names]
    return file.exists() and files.read_json(file) == stamp and all(face.exists() for face in faces)
