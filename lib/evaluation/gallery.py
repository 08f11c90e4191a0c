"""Small pictures that come with the study: translations of a few embedded faces, for whoever has no networks here.

Checkpoints and synthesised faces are too many to commit.  Of the embedded databases, whose people are drawn, a strip of
the first test faces is kept for every run asked for: ``gallery/<direction>_<system>_seed<k>.jpg``; and, as a film,
the first training faces on the way: ``…_seed<k>_epoch<e>.jpg``.  Faces of real people are refused.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from lib import databases
from lib.base import files, images, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, unknown_name
from lib.base.settings import RunSettings
from lib.databases import PairedFaces
from lib.training import make_run, run_folders

PEOPLE = 5  # test faces
WATCHED = 2  # training faces
# A training at 128 px: its pictures are worth looking at.
LARGER = "cpu", "portraits", "msg-sarl+epochs=8"
_QUALITY = 92


def keep(profile: str, database: str, names: Iterable[str] = (), seed: int = 0, film: bool = False) -> list[Path]:
    """Keep strips of the first test faces of trained runs on this machine (default: of all); returns the files.

    film: training faces on the way, too.

    Raises StudyError for a database of real people, an unknown name, and where no such run has faces here.
    """
    if database not in databases.EMBEDDED:
        raise StudyError(f"{database}: shows real people, whose pictures do not enter a gallery. Galleries are kept of "
                         f"{' and '.join(databases.EMBEDDED)}.")
    wanted = tuple(names)
    for name in wanted:
        systems.get(systems.base_name(name))
    folder, written = paths.study_folder(profile, database), []
    names_here = people(profile, database).names
    for run in run_folders.list_runs(folder):
        if run.seed == seed and (run.system in wanted if wanted else systems.is_trained(run.system)):
            for direction in run.directions:
                faces = run_folders.read_synthesised(run.folder, direction, names_here)
                written.append(_file(folder, direction, run.system, seed))
                _write(written[-1], np.concatenate(list(faces), axis=1))
                for epoch, faces in _samples(run.folder, direction).items() if film else ():
                    written.append(_file(folder, direction, run.system, seed, epoch))
                    _write(written[-1], np.concatenate(list(faces), axis=1))
    if not written:
        raise StudyError(f"{folder}: no faces of {', '.join(wanted) or 'a trained system'}, seed {seed}, here. Make "
                         f"them with `python -m lib train --database {database} --profile {profile} --system …`.")
    return written


def kept(profile: str, database: str, direction: str, seed: int = 0) -> dict[str, np.ndarray]:
    """System → uint8 faces (n, 250, 200[, 3]) of the first test people, in table order; empty where nothing is kept."""
    if direction not in DIRECTIONS:
        raise unknown_name("direction", direction, DIRECTIONS)
    found = {}
    pattern = re.compile(rf"{direction}_(.+)_seed{seed}")
    for file in (paths.study_folder(profile, database) / "gallery").glob("*.jpg"):
        if named := pattern.fullmatch(file.stem):
            found[named[1]] = _read(file)
    order = list(systems.SYSTEMS)
    return dict(sorted(found.items(), key=lambda item: (order.index(systems.base_name(item[0])), item[0])))


def people(profile: str, database: str, split: str = "test") -> PairedFaces:
    """The real pairs that belong to the pictures: the first ``PEOPLE`` test or ``WATCHED`` training faces."""
    faces = make_run.load_faces(database, RunSettings.at(profile), split)
    first = slice(PEOPLE if split == "test" else WATCHED)
    return dataclasses.replace(faces, photos=faces.photos[first], sketches=faces.sketches[first],
                               names=faces.names[first], groups=faces.groups[first])


def faces_of(profile: str, database: str, system: str, direction: str, seed: int = 0) -> np.ndarray | None:
    """A system's first test faces, from its run if they are on this machine, else from the pictures kept; else None."""
    folder = paths.run_folder(profile, database, system, seed) / direction
    files_here = [folder / f"{name}.png" for name in people(profile, database).names]
    if all(file.exists() for file in files_here):
        return np.stack([images.read_image(file) for file in files_here])
    return kept(profile, database, direction, seed).get(system)


def best_at_hand(profile: str, database: str, system: str = "msg-sarl") -> tuple[str, str, str]:
    """The ``LARGER`` training where its pictures are here, else a study's own: profile, database, system."""
    return LARGER if film(*LARGER, DIRECTIONS[0]) else (profile, database, system)


def film(profile: str, database: str, system: str, direction: str, seed: int = 0) -> dict[int, np.ndarray]:
    """Epoch → uint8 translations of the first training faces after it; empty without run and pictures."""
    if found := _samples(paths.run_folder(profile, database, system, seed), direction):
        return found
    files_here = (paths.study_folder(profile, database) / "gallery").glob(f"{direction}_*_seed{seed}_epoch*.jpg")
    found = {int(file.stem.rpartition("epoch")[2]): _read(file) for file in files_here
             if file.stem.startswith(f"{direction}_{system}_seed{seed}_")}
    return dict(sorted(found.items()))


def _samples(run: Path, direction: str) -> dict[int, np.ndarray]:
    found = {}
    for folder in sorted((run / "samples").glob("epoch*")):
        if pictures := sorted((folder / direction).glob("*.png"))[:WATCHED]:
            found[int(folder.name[5:])] = np.stack([images.read_image(file) for file in pictures])
    return found


def _file(folder: Path, direction: str, system: str, seed: int, epoch: int | None = None) -> Path:
    end = "" if epoch is None else f"_epoch{epoch:03d}"
    return folder / "gallery" / f"{direction}_{system}_seed{seed}{end}.jpg"


def _read(file: Path) -> np.ndarray:
    strip = images.read_image(file)
    return np.stack(np.split(strip, strip.shape[1] // images.WIDTH, axis=1))


def _write(file: Path, strip: np.ndarray) -> None:
    with files.atomic_file(file) as temporary:
        Image.fromarray(strip).save(temporary, "JPEG", quality=_QUALITY, subsampling=0)
