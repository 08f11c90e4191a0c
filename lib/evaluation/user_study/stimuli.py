"""The pictures of a study: from run folders or from any folders, checked, and damaged for attention checks.

Judged pictures must differ in nothing but the system: one size, grey sketches as grey (a colour cast or
another format would give a system away).  Whatever breaks this is refused with all offenders at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from lib import databases
from lib.base import images, paths
from lib.base.errors import StudyError, listed
from lib.base.files import as_text
from lib.base.pairing import pair_by_name
from lib.base.settings import RunSettings
from lib.base.systems import kind_of
from lib.evaluation.user_study.plan import DAMAGES, Face
from lib.training import make_run, run_folders

MOSAIC = 16  # block edge as pixels of a 200-pixel-wide face: eyes and mouth merge
BLUR = 9.0  # standard deviation in the same pixels


class MissingPictures(StudyError):
    """Runs without the pictures that a study needs."""


@dataclass(frozen=True)
class Stimuli:
    """Pictures by face: what was given, what the artist (or camera) made of it, what each system made.

    Arrays are uint8 (H, W) for sketches, (H, W, 3) for photos.  candidates[system][face].
    """

    direction: str
    inputs: dict[Face, np.ndarray]
    targets: dict[Face, np.ndarray]
    candidates: dict[str, dict[Face, np.ndarray]]

    def picture(self, face: Face, what: str) -> np.ndarray:
        """Return one picture: ``input``, ``target``, a system's, or a check's (``artist`` or a damage)."""
        if what == "input":
            return self.inputs[face]
        if what in ("target", "artist"):
            return self.targets[face]
        return damage(self.targets[face], what, face) if what in DAMAGES else self.candidates[what][face]


def available_in_databases(names: Sequence[str], profile: str) -> dict[str, databases.PairedFaces]:
    """Load the test faces of each database as ``profile`` sees them."""
    return {name: make_run.load_faces(name, RunSettings.at(profile), "test") for name in names}


def from_runs(faces: Sequence[Face], shown: Sequence[Face], loaded: dict[str, databases.PairedFaces],
              systems: Sequence[str], *, profile: str, seed: int = 0, direction: str = "photo-to-sketch") -> Stimuli:
    """Gather pictures from run folders ``results/<profile>/<database>/<system>/seed<seed>``.

    faces: voted on, so every system's picture is needed.  shown: those and the faces of checks.
    Systems without training (exemplars, controls) have seed 0 only; their run is used whatever ``seed``.
    Raises MissingPictures listing every missing run, with the command that makes it where there is one.
    """
    problems, candidates = [], {system: {} for system in systems}
    for system in systems:
        for database in dict.fromkeys(face[0] for face in faces):
            names = tuple(name for other, name in faces if other == database)
            folder = paths.run_folder(profile, database, system, seed)
            if not folder.is_dir() and kind_of(system) in ("exemplar", "control"):
                folder = paths.run_folder(profile, database, system, 0)
            try:
                made = run_folders.read_synthesised(folder, direction, names)
            except StudyError as error:
                problems.append(str(error))
                continue
            candidates[system].update({(database, name): picture for name, picture in zip(names, made, strict=True)})
    if problems:
        raise MissingPictures("The study lacks pictures to judge:\n" + listed(problems))
    photos, sketches = {}, {}
    for face in shown:
        row = loaded[face[0]].names.index(face[1])
        photos[face], sketches[face] = loaded[face[0]].photos[row], loaded[face[0]].sketches[row]
    return _checked(direction, photos, sketches, candidates)


def from_folders(candidates: dict[str, Path], photos: Path, sketches: Path,
                 direction: str = "photo-to-sketch") -> Stimuli:
    """Gather pictures from any folders; files belong together by their name without suffix.

    The faces are those of the candidate folders, which must agree; photos and sketches may hold more.
    The database of every face is ``folder``.  Raises StudyError listing whatever is missing.
    """
    pictures = {("folder", as_text(pair.name)): [images.read_image(file) for file in pair.files]
                for pair in pair_by_name(list(candidates.values()), larger=[photos, sketches])}
    return _checked(
        direction,
        {face: photo for face, (*_, photo, _) in pictures.items()},
        {face: sketch for face, (*_, sketch) in pictures.items()},
        {name: {face: files[place] for face, files in pictures.items()} for place, name in enumerate(candidates)})


def _checked(direction: str, photos: dict, sketches: dict, candidates: dict) -> Stimuli:
    """Bring every picture to its kind (grey or RGB) and refuse sizes that differ within a face."""
    to_sketch = direction == "photo-to-sketch"
    judged_as = images.to_grey if to_sketch else images.to_rgb
    photos = {face: images.to_rgb(picture) for face, picture in photos.items()}
    sketches = {face: images.to_grey(picture) for face, picture in sketches.items()}
    candidates = {system: {face: judged_as(picture) for face, picture in made.items()}
                  for system, made in candidates.items()}
    targets = sketches if to_sketch else photos
    problems = [f"{system}, {face[1]}: {picture.shape[1]}×{picture.shape[0]}, "
                f"but the {'sketch' if to_sketch else 'photo'} is {targets[face].shape[1]}×{targets[face].shape[0]}"
                for system, made in candidates.items() for face, picture in made.items()
                if picture.shape[:2] != targets[face].shape[:2]]
    if problems:
        raise StudyError("Pictures of one face must have one size (width×height):\n" + listed(problems))
    return Stimuli(direction, photos if to_sketch else sketches, targets, candidates)


def damage(picture: np.ndarray, kind: str, face: Face) -> np.ndarray:
    """Spoil a picture so that nobody who looks can prefer it: one of ``DAMAGES``.

    picture: uint8 (H, W) or (H, W, 3); the result has the same shape and is the same on every machine.
    """
    height, width = picture.shape[:2]
    scale = width / images.WIDTH
    rng = np.random.default_rng(list(hashlib.sha256(f"{kind} {face}".encode()).digest()[:8]))
    values = picture.astype(float)
    if kind == "mosaic":
        edge = max(1, round(MOSAIC * scale))
        coarse = images.resize(picture, -(-height // edge), -(-width // edge), "area")
        return images.resize(coarse, height, width, "nearest")
    if kind == "blur":
        sigma = (BLUR * scale,) * 2 + (0,) * (picture.ndim - 2)
        values = ndimage.gaussian_filter(values, sigma, mode="nearest")
    elif kind == "noise":
        values = 0.35 * values + 0.65 * rng.integers(0, 256, size=(height, width) + (1,) * (picture.ndim - 2))
    elif kind == "shuffle":
        return _shuffled(picture, rng)
    else:  # fade
        values = 225 + 0.08 * (values - 225)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _shuffled(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut the picture into 5 × 4 tiles and shuffle them; a remainder at the borders stays."""
    height, width = picture.shape[0] // 5, picture.shape[1] // 4
    corners = [(row * height, column * width) for row in range(5) for column in range(4)]
    result = picture.copy()
    for (top, left), source in zip(corners, rng.permutation(20)):
        y, x = corners[source]
        result[top:top + height, left:left + width] = picture[y:y + height, x:x + width]
    return result
