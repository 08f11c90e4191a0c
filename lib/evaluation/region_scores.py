"""How well synthesised faces are made at the chin, the eyes and the mouth, and what they show where there is nothing.

Section IV-C of the paper speaks of these places, which a mean over the image hides.  Regions are those of
``lib.evaluation.regions``; measures, of grey images, were fixed before any training was looked at:

- ``ssim``    mean of the SSIM map inside the region
- ``detail``  fine detail (``lib.metrics.fine_detail``) inside the region over the target's: 1 where lines are as strong
              as the target's, less where they are blurred
- ``noise``   the same fine detail, in grey levels, where the target is ``smooth``: of the pixels of ``face``, and of
              those of ``background``, the half with the least detail in the target, by its root mean square in a
              Gaussian window of 4 px.  No share of the target's, which may be blank there

``whole`` is the whole image, to stand beside: an effect that is as large there is none of the region.

``region_scores.csv``  direction,system,seed,image, then a column for each region and measure: a row per face, because
faces are a sample as trainings are
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from lib.base import images, paths, tables_on_disk
from lib.base.errors import StudyError
from lib.evaluation import regions
from lib.metrics import residue, ssim_map
from lib.metrics.structural_similarity import RADIUS
from lib.training import make_run, plans, run_folders

NAME = "region_scores.csv"
WHOLE = "whole"
NOISE = "smooth noise"
_KEY = ["direction", "system", "seed"]
_WINDOW = 4.0  # px: wide enough for a place, narrow enough for the skin between eye and nose


def column(region: str, measure: str) -> str:
    """The name of the column that holds a measure of a region."""
    return f"{region} {measure}"


COLUMNS = (*(column(region, measure) for region in (*regions.FEATURES, WHOLE) for measure in ("ssim", "detail")), NOISE)


def smooth_places(target: np.ndarray) -> np.ndarray:
    """Where a grey uint8 face (250, 200) is smooth: boolean mask, half of ``face`` and half of ``background`` or more
    (all pixels as smooth as the one in the middle)."""
    local = gaussian_filter(residue(target[None])[0] ** 2, _WINDOW)
    found = np.zeros(target.shape, bool)
    for region in ("face", "background"):
        inside = regions.mask(region)
        found |= inside & (local <= np.median(local[inside]))
    return found


def score(targets: np.ndarray, made: np.ndarray) -> pd.DataFrame:
    """Every measure of uint8 faces (n, 250, 200[, 3]) against their targets: n rows, columns ``COLUMNS``.

    Raises StudyError for faces of another size and unequal stacks.
    """
    if targets.shape[1:3] != (images.HEIGHT, images.WIDTH) or made.shape[:3] != targets.shape[:3]:
        raise StudyError(f"Regions are defined for faces of {images.WIDTH}×{images.HEIGHT} (width×height), got "
                         f"targets {targets.shape} and faces {made.shape}.")
    masks = {region: regions.mask(region) for region in regions.FEATURES}
    masks[WHOLE] = np.ones(targets.shape[1:3], bool)
    return pd.DataFrame([_of_face(images.to_grey(target), images.to_grey(face), masks)
                         for target, face in zip(targets, made, strict=True)], columns=list(COLUMNS))


def _of_face(target: np.ndarray, made: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, float]:
    """Measures of one pair of grey faces (250, 200); masks: region → pixels."""
    similarity = ssim_map(target, made)
    wanted, found = (residue(face[None])[0] ** 2 for face in (target, made))
    scores = {NOISE: np.sqrt(found[smooth_places(target)].mean())}
    for region, inside in masks.items():
        scores[column(region, "ssim")] = similarity[inside[RADIUS:-RADIUS, RADIUS:-RADIUS]].mean()
        scores[column(region, "detail")] = np.sqrt(found[inside].mean() / wanted[inside].mean())
    return scores


def write(profile: str, database: str, systems: Collection[str]) -> pd.DataFrame:
    """Bring ``region_scores.csv`` up to date for the runs of these systems whose faces are here; returns all of it.

    Rows of runs whose faces are elsewhere stay as they are.  Raises StudyError for a missing database, for runs with
    part of their faces, and where there is neither a run to score nor an earlier table.
    """
    folder = paths.study_folder(profile, database)
    for run in run_folders.list_runs(folder):
        if run.system not in systems or not run.directions:
            continue
        test = make_run.load_faces(database, plans.plan(profile, run.system).settings, "test")
        for direction in run.directions:
            made = run_folders.read_synthesised(run.folder, direction, test.names)
            key = dict(zip(_KEY, (direction, run.system, run.seed)))
            rows = score(test.sources_and_targets(direction)[1], made).assign(image=test.names, **key)
            tables_on_disk.renew(folder / NAME, rows[[*_KEY, "image", *COLUMNS]], key, _KEY, digits=5)
    if not (folder / NAME).exists():
        raise StudyError(f"{folder}: no faces of {', '.join(systems)} here. Make them with `python -m lib train "
                         f"--database {database} --profile {profile} --system {next(iter(systems))}`.")
    return read(profile, database)


def read(profile: str, database: str) -> pd.DataFrame:
    """``region_scores.csv`` of a study; empty where it has none.  Raises StudyError for a damaged one."""
    return tables_on_disk.read(paths.study_folder(profile, database) / NAME, [*_KEY, "image", *COLUMNS])


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean of every measure over faces: a row per direction, system and seed, columns ``COLUMNS`` and faces."""
    grouped = table.groupby(_KEY, sort=False)
    return grouped[list(COLUMNS)].mean().assign(faces=grouped.size())
