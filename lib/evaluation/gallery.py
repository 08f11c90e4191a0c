"""Small pictures that come with the study: translations of a few embedded faces, for whoever has no networks here.

Checkpoints and synthesised faces are too many to commit.  Of the embedded databases, whose people are drawn, a strip of
the first test faces is kept for every run asked for: ``gallery/<direction>_<system>_seed<k>.jpg``.  Faces of real
people are refused.
"""

from __future__ import annotations

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
from lib.training import make_run, run_folders

PEOPLE = 5
_QUALITY = 92


def keep(profile: str, database: str, names: Iterable[str] = (), seed: int = 0) -> list[Path]:
    """Keep strips of the first test faces of trained runs on this machine (default: of all); returns the files.

    Raises StudyError for a database of real people, an unknown name, and where no such run has faces here.
    """
    if database not in databases.EMBEDDED:
        raise StudyError(f"{database}: shows real people, whose pictures do not enter a gallery. Galleries are kept of "
                         f"{' and '.join(databases.EMBEDDED)}.")
    wanted = tuple(names)
    for name in wanted:
        systems.get(systems.base_name(name))
    folder, written = paths.study_folder(profile, database), []
    people = make_run.load_faces(database, RunSettings.at(profile), "test").names[:PEOPLE]
    for run in run_folders.list_runs(folder):
        if run.seed == seed and (run.system in wanted if wanted else systems.is_trained(run.system)):
            for direction in run.directions:
                faces = run_folders.read_synthesised(run.folder, direction, people)
                written.append(_file(folder, direction, run.system, seed))
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
            strip = images.read_image(file)
            found[named[1]] = np.stack(np.split(strip, strip.shape[1] // images.WIDTH, axis=1))
    order = list(systems.SYSTEMS)
    return dict(sorted(found.items(), key=lambda item: (order.index(systems.base_name(item[0])), item[0])))


def _file(folder: Path, direction: str, system: str, seed: int) -> Path:
    return folder / "gallery" / f"{direction}_{system}_seed{seed}.jpg"


def _write(file: Path, strip: np.ndarray) -> None:
    with files.atomic_file(file) as temporary:
        Image.fromarray(strip).save(temporary, "JPEG", quality=_QUALITY, subsampling=0)
