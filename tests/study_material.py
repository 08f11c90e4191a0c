"""Small faces, candidates and studies for the user study's tests: drawn here, of nobody."""

from __future__ import annotations

import numpy as np

from lib.evaluation.user_study import definition as studies
from lib.evaluation.user_study import plan as plans
from lib.evaluation.user_study.stimuli import Stimuli

SYSTEMS = ("blurred", "coarse", "dark", "noisy")


def drawing(number: int, height: int = 125, width: int = 100) -> np.ndarray:
    """A grey oval face with two eyes and a mouth; ``number`` moves them."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:height, :width]
    face = np.full((height, width), 245.0)

    def oval(cy, cx, ry, rx, grey):
        inside = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
        face[inside] = grey

    oval(0.5 * height, 0.5 * width, (0.36 + 0.06 * rng.random()) * height, (0.3 + 0.06 * rng.random()) * width, 205)
    for side in (-1, 1):
        oval(0.42 * height, (0.5 + side * (0.11 + 0.04 * rng.random())) * width, 4, 6, 60)
    oval((0.65 + 0.05 * rng.random()) * height, 0.5 * width, 3, 9 + 6 * rng.random(), 90)
    return (face + rng.normal(0, 3, face.shape)).clip(0, 255).astype(np.uint8)


def candidate(picture: np.ndarray, system: str) -> np.ndarray:
    """What one of ``SYSTEMS`` makes of a drawing."""
    if system == "blurred":
        return ((picture.astype(int) + np.roll(picture, 3, 0) + np.roll(picture, 3, 1)) // 3).astype(np.uint8)
    if system == "coarse":
        return np.repeat(np.repeat(picture[::5, ::5], 5, 0), 5, 1)
    if system == "dark":
        return (picture * 0.7).astype(np.uint8)
    return (picture + np.random.default_rng(1).normal(0, 20, picture.shape)).clip(0, 255).astype(np.uint8)


def stimuli(faces: int = 8, direction: str = "photo-to-sketch") -> Stimuli:
    """Pictures of ``faces`` faces of the databases ``plain`` and ``wild``, half each."""
    names = [("plain" if number % 2 else "wild", f"face{number:02d}") for number in range(faces)]
    targets = {face: drawing(number) for number, face in enumerate(names)}
    photos = {face: np.stack([picture, (picture * 0.9).astype(np.uint8), (picture * 0.8).astype(np.uint8)], axis=-1)
              for face, picture in targets.items()}
    made = {system: {face: candidate(picture, system) for face, picture in targets.items()} for system in SYSTEMS}
    return Stimuli(direction, photos, targets, made)


def small_study(pictures: Stimuli, *, raters: int = 10, per_rater: int = 4, checks: int = 1, voted: int = 6,
                seed: int = 0, **options) -> studies.Study:
    """A study of ``voted`` of the faces; the others serve the attention checks."""
    faces = sorted(pictures.targets)
    plan = plans.assign(faces[:voted], SYSTEMS, raters=raters, per_rater=per_rater, checks=checks, spare=faces[voted:],
                        seed=seed)
    return studies.create(plan, pictures, **options)
