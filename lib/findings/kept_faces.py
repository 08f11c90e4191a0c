"""A few drawn faces of every system, kept small beside its scores, so that notebooks show them on any machine.

``<study>/pictures/<system>/<direction>/<name>.jpg``, and of what trains ``…/epoch<k>/<direction>/<name>.jpg``, training
faces on the way.  Embedded databases only: pictures of real people are never kept.  ``./run_all.sh --refresh`` calls
``keep``; where a run's own faces are at hand, they are read instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lib import databases
from lib.base import files, images, paths
from lib.base.errors import StudyError
from lib.base.settings import RunSettings
from lib.databases import PairedFaces
from lib.training import run_folders
from lib.training.make_run import load_faces

LARGER = "cpu", "portraits", "msg-sarl+epochs=8"  # a training at 128 px, whose pictures are worth looking at
COUNT = 4  # test faces of each system
STAGED = 2  # training faces of each epoch kept
_QUALITY = 85


def chosen(profile: str, database: str, split: str = "test", count: int = COUNT) -> PairedFaces:
    """The faces of a split that are kept: the first ``count``."""
    faces = load_faces(database, RunSettings.at(profile), split)
    return dataclasses.replace(faces, photos=faces.photos[:count], sketches=faces.sketches[:count],
                               names=faces.names[:count], groups=faces.groups[:count])


def keep(profile: str, database: str, seed: int = 0) -> int:
    """Keep the chosen faces of every run whose faces are on this machine; returns how many pictures were written.

    Raises StudyError for a database of real people.
    """
    if database not in databases.EMBEDDED:
        raise StudyError(f"{database}: pictures of real people are not kept beside the scores.")
    names, written = chosen(profile, database).names, 0
    for run in run_folders.list_runs(paths.study_folder(profile, database)):
        if run.seed != seed:
            continue
        for source in (run.folder, *sorted((run.folder / "samples").glob("epoch*"))):
            wanted = names if source == run.folder else _names_in(source)[:STAGED]
            target = _folder(profile, database, run.system) / ("" if source == run.folder else source.name)
            for direction in run.directions:
                for name in wanted:
                    _shrink(source / direction / f"{name}.png", target / direction / f"{name}.jpg")
                    written += 1
    return written


def read(profile: str, database: str, system: str, direction: str, seed: int = 0) -> np.ndarray | None:
    """The chosen test faces of a system, (COUNT, 250, 200[, 3]) uint8; None where there are neither faces nor pictures
    of it."""
    names = chosen(profile, database).names
    run = paths.run_folder(profile, database, system, seed)
    return _read(run / direction, _folder(profile, database, system) / direction, names)


def stages(profile: str, database: str, system: str, direction: str, seed: int = 0) -> dict[int, np.ndarray]:
    """Translations of the first STAGED training faces by epoch; empty where none is at hand."""
    run, kept = paths.run_folder(profile, database, system, seed), _folder(profile, database, system)
    names = chosen(profile, database, "train", STAGED).names
    epochs = {folder.name for place in (run / "samples", kept) for folder in place.glob("epoch*")}
    found = {int(epoch[5:]): _read(run / "samples" / epoch / direction, kept / epoch / direction, names)
             for epoch in sorted(epochs)}
    return {epoch: faces for epoch, faces in found.items() if faces is not None}


def _folder(profile: str, database: str, system: str) -> Path:
    return paths.study_folder(profile, database) / "pictures" / system


def _names_in(sample: Path) -> list[str]:
    return sorted({file.stem for file in sample.glob("*/*.png")})


def _read(run: Path, kept: Path, names: Sequence[str]) -> np.ndarray | None:
    for folder, ending in ((run, "png"), (kept, "jpg")):
        found = [folder / f"{name}.{ending}" for name in names]
        if all(file.exists() for file in found):
            return np.stack([images.read_image(file) for file in found])
    return None


def _shrink(source: Path, target: Path) -> None:
    files.make_folder(target.parent)
    Image.fromarray(images.read_image(source)).save(target, quality=_QUALITY)
