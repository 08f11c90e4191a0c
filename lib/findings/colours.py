"""Colours of synthesised photos: whether CycleGAN's are an intermediate state between the domains (Section IV-D2).

A sketch is grey, a photo is not; a photo made of a sketch may stop on the way.  Photos only: made sketches are greyed
before they are kept, as scores see them.  Measures, in CIELAB (D65, sRGB), of each face and region
(``lib.evaluation.regions``, and the ``whole`` image):

- ``chroma``    mean chroma √(a² + b²) over the region as a share of the real photo's: 0 grey, 1 as colourful
- ``position``  how far the region's mean colour (L, a, b) lies on the line from the sketch's (0) to the photo's (1)

Fixed before any face was measured: a system's colours are *in between* in a measure and region where the 95 % limits of
its mean over faces lie between a tenth and nine tenths of the way.  Limits hold for other faces, not for other
trainings.

``colours.csv``  system,seed,region,measure,mean,sd,faces
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from lib.base import labels, paths, systems, tables_on_disk
from lib.base.directions import SKETCH_TO_PHOTO
from lib.base.errors import StudyError
from lib.base.images import to_rgb
from lib.evaluation import regions
from lib.training import make_run, plans, run_folders

NAME = "colours.csv"
WHOLE = "whole"
REGIONS = (WHOLE, "face")  # that decide; the others are in the table
BETWEEN = (0.1, 0.9)
_WORDS = {"chroma": "chroma as a share of the real photo's",
          "position": "way from the sketch's mean colour to the photo's"}
# Chroma up to which a photo has no colour: the rounded matrix of sRGB gives grey pixels up to 0.006, one level more in
# one channel gives 0.28 or more.
_COLOURLESS = 0.05
_COLUMNS = ["system", "seed", "region", "measure", "mean", "sd", "faces"]


def measure(sketches: np.ndarray, photos: np.ndarray, made: np.ndarray) -> pd.DataFrame:
    """Both measures of made photos (n, 250, 200, 3) uint8, beside the sketches (n, 250, 200[, 3]) they were made of and
    the real photos: columns face (0 … n-1), region, measure, value.

    NaN where the real photo has no colour, or the sketch the photo's colour.
    """
    from skimage.color import rgb2lab  # takes half a second to load

    masks = {WHOLE: np.ones(photos.shape[1:3], bool), **{region: regions.mask(region) for region in regions.REGIONS}}
    rows = []
    for number, triple in enumerate(zip(sketches, photos, made, strict=True)):
        lab = [rgb2lab(to_rgb(image)) for image in triple]
        for region, inside in masks.items():
            start, end, found = (image[inside].mean(axis=0) for image in lab)
            real, own = (np.hypot(*image[inside][:, 1:].T).mean() for image in lab[1:])
            way = end - start
            rows += [(number, region, "chroma", _share(own, real, _COLOURLESS)),
                     (number, region, "position", _share((found - start) @ way, way @ way, 1e-9))]
    return pd.DataFrame(rows, columns=["face", "region", "measure", "value"])


def _share(part: float, whole: float, least: float) -> float:
    return float(part / whole) if whole > least else float("nan")


def write(profile: str, database: str) -> pd.DataFrame:
    """Bring ``colours.csv`` of a study up to date for the systems whose photos are here; returns the whole table.

    Rows of runs whose photos are elsewhere stay as they are.  Raises StudyError for a missing database, for runs with
    part of their faces, and where there is neither a photo nor an earlier table.
    """
    folder = paths.study_folder(profile, database)
    for run in run_folders.list_runs(folder):
        if SKETCH_TO_PHOTO not in run.directions or systems.kind_of(run.system) == "control":
            continue
        test = make_run.load_faces(database, plans.plan(profile, run.system).settings, "test")
        made = run_folders.read_synthesised(run.folder, SKETCH_TO_PHOTO, test.names)
        values = measure(test.sketches, test.photos, made).groupby(["region", "measure"], sort=False).value
        rows = values.agg(mean="mean", sd="std", faces="count").reset_index().assign(system=run.system, seed=run.seed)
        rows = rows[rows.faces > 0]  # photos of grey databases, such as CUFSF, have no chroma to share
        tables_on_disk.renew(folder / NAME, rows[_COLUMNS], {"system": run.system, "seed": run.seed},
                             ["system", "seed"], text=["region", "measure"], digits=5)
    if not (folder / NAME).exists():
        raise StudyError(f"{folder}: no synthesised photos here. Make some with `python -m lib train --database "
                         f"{database} --profile {profile} --system cyclegan`.")
    return read(profile, database)


def read(profile: str, database: str) -> pd.DataFrame:
    """``colours.csv`` of a study with Student's 95 % limits for other faces: its columns, low, high, between (bool).

    Empty where the study has none.
    """
    table = tables_on_disk.read(paths.study_folder(profile, database) / NAME, _COLUMNS, text=["region", "measure"])
    reach = special.stdtrit(table.faces.astype(float) - 1, 0.975) * table.sd / table.faces.astype(float) ** 0.5
    table = table.assign(low=table["mean"] - reach, high=table["mean"] + reach)
    return table.assign(between=(table.low > BETWEEN[0]) & (table.high < BETWEEN[1]))


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each system of what ``read`` returns: means over its trainings where they decide, and the measures in
    between.

    Columns: trainings, ``<measure>, <region>`` of ``MEASURES`` and ``REGIONS``, "in between" as ``1 of 4``.
    """
    deciding = table[table.region.isin(REGIONS)]
    means = deciding.assign(column=deciding.measure + ", " + deciding.region).pivot_table(
        index="system", columns="column", values="mean", sort=False)
    by_system = deciding.groupby("system", sort=False)
    means.insert(0, "trainings", by_system.seed.nunique())
    return means.assign(**{"in between": by_system.between.agg(lambda each: f"{each.sum()} of {len(each)}")}
                        ).rename_axis(columns=None)


def account(profile: str, database: str, system: str = "cyclegan") -> tuple[pd.Series, str, int]:
    """Which measures of a system are in between (bool each), what there is to say in full, and its trainings.

    Of the others the ranges.  Empty series and text where the system was not measured.
    """
    table = read(profile, database)
    table = table[table.region.isin(REGIONS)]
    own = table[table.system == system]
    said = []
    for row in own.itertuples():
        others = table[(table.system != system) & (table.region == row.region) & (table.measure == row.measure)]
        beside = ", ".join(f"{labels.label_of(name)} {100 * mean:.0f} %"
                           for name, mean in others.groupby("system", sort=False)["mean"].mean().items())
        said.append(f"{_WORDS[row.measure]}, {row.region}{' image' * (row.region == WHOLE)}: "
                    f"{100 * row.mean:.0f} % [{100 * row.low:.0f}, {100 * row.high:.0f}]"
                    + (f" ({beside})" if beside else ""))
    return own.between, "; ".join(said), own.seed.nunique()
