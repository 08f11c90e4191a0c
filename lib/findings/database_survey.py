"""Numbers about a database for notebook 01: what a wrong order would do, and what a size costs at most.

The *resize ceiling* is the score of the real target sent through the network's square and back by the study's own
interpolation, as every synthesised image is (the paper's results pass through 256×256, Section IV.D).  It is what a
network of that size would score that painted every pixel right, and no strict bound.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from lib import databases, metrics
from lib.base import images, tables_on_disk
from lib.base.settings import RunSettings
from lib.databases import PairedFaces, geometry, pairing
from lib.metrics.feature_similarity import feature_maps

CEILING_FACES = {"tiny": 8, "quick": 24}  # test faces that a profile sends through the sizes; others take all
SIZES = (32, 64, 128, 256)
CIRCULATING = 0.54  # share of test faces that the mis-sorted copy of CUHK Student mis-pairs


def mis_sorted(faces: PairedFaces, share: float = CIRCULATING, seed: int = 0) -> PairedFaces:
    """The same faces with a ``share`` of the sketches, drawn at random, moved on by one among themselves."""
    moved = np.random.default_rng(seed).permutation(len(faces))[: round(share * len(faces))]
    order = np.arange(len(faces))
    order[moved] = np.roll(moved, 1)
    return dataclasses.replace(faces, sketches=faces.sketches[order])


def check_pairings(test: PairedFaces) -> dict[str, list[pairing.Pairing]]:
    """The pairing check on test faces as they are stored, and sorted as wrongly as the copy in circulation."""
    wrong = mis_sorted(test)
    return {"as stored": pairing.check(test.photos, test.sketches, test.groups),
            f"{100 * CIRCULATING:.0f} % mis-sorted": pairing.check(wrong.photos, wrong.sketches, wrong.groups)}


def pairing_table(checked: dict[str, list[pairing.Pairing]]) -> pd.DataFrame:
    """One row per order of the sketches (keys) and sub-database: pairs, rank-1, suspects and the verdict."""
    return pd.DataFrame([
        {"sketches": label, "sub-database": result.group, "pairs": len(result.own), "rank-1 %": 100 * result.rank_1,
         "suspect": int(result.suspect.sum()), "verdict": "mis-paired" if result.mis_paired else "no objection"}
        for label, results in checked.items() for result in results])


def pairing_by_sketch(checked: dict[str, list[pairing.Pairing]]) -> pd.DataFrame:
    """One row per order of the sketches and sketch, in no person's order: correlation with its own photo (``own``) and
    with the best other one (``best_other``), and whether the pair is ``suspect``."""
    rows = [(label, *values) for label, results in checked.items() for result in results
            for values in sorted(zip(result.own, result.best_other, result.suspect))]
    return pd.DataFrame(rows, columns=["sketches", "own", "best_other", "suspect"])


def resize_ceiling(faces: PairedFaces, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """SSIM and FSIM of the real images against themselves sent through squares of several sizes.

    Sketches with every interpolation and both ways of fitting, photos in grey; FSIM, which takes ten times
    as long, for the study's own choice (bicubic, resized) only.  One row per choice: database, split,
    domain, size, fit, resampling, metric, n, and mean and sd over the n images, scores in [0, 1].
    """
    photos = np.stack([images.to_grey(photo) for photo in faces.photos])
    choices = [("sketch", faces.sketches, "resize", resampling) for resampling in images.RESAMPLING]
    choices += [("sketch", faces.sketches, "pad", "bicubic"), ("photo", photos, "resize", "bicubic")]
    rows = []
    for domain, real, fit, resampling in choices:
        own_choice = (fit, resampling) == ("resize", "bicubic")
        features = [feature_maps(face) for face in real] if own_choice else []
        for size in sizes:
            back = geometry.through_square(real, size, resampling, fit)
            scores = {"ssim": metrics.ssim_batch(real, back)}
            if own_choice:
                scores["fsim"] = metrics.fsim_batch(features, back)
            rows += [{"database": faces.database, "split": faces.split, "domain": domain, "size": size, "fit": fit,
                      "resampling": resampling, "metric": metric, "n": len(real),
                      "mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1))}
                     for metric, values in scores.items()]
    return pd.DataFrame(rows)


def write_tables(profile: str, database: str) -> list[Path]:
    """Write ``pairing.csv``, ``pairing_by_sketch.csv`` and ``resize_ceiling.csv`` of a study and return them; no run is
    needed."""
    test = databases.load(database, "test", limit=RunSettings.at(profile).test_pairs)
    checked = check_pairings(test)
    pairs = pairing_table(checked).assign(database=database, split=test.split)
    sketches = pairing_by_sketch(checked).round(4)
    ceiling = resize_ceiling(databases.load(database, "test", limit=CEILING_FACES.get(profile)))
    return [tables_on_disk.keep(name, table, profile, database)
            for name, table in (("pairing", pairs), ("pairing_by_sketch", sketches), ("resize_ceiling", ceiling))]
