"""What each alternative of the ledger changes, from the scores of a study.

Faces and trainings are both samples (``lib.findings.contrasts``).  Trainings of equal seed are compared: where a choice
leaves the networks' shape as it is, they begin with the same weights and see the faces in the same order, and short
trainings remember it.  So it is the spread of these differences that limits come from, and how far an alternative
follows the default shows in it.  The few trainings of one alternative say little about it and alternatives differ in
it, so that its own variance, on S − 1 degrees of freedom, is joined by the mean of all alternatives' as if that were
``SHARED_FREEDOM`` more; no larger number, since all share the default's trainings and their own spreads are unlike.
Tests simulate that true nulls are rejected no more often than claimed, alternatives unlike or alike.

Where no alternative shares two seeds with the default, the spread between trainings is pooled over all systems of the
study that were trained several times.  An alternative is given ``SEEDS`` trainings, decided before any was made: none
is stopped earlier, or trained further, for its result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from lib import databases
from lib.base import paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import unknown_name
from lib.base.settings import PROFILES
from lib.base.statistics import limits_and_p
from lib.evaluation import scoring
from lib.findings.contrasts import (
    FACES,
    FACES_AND_TRAININGS,
    Effect,
    Key,
    RunSpread,
    cells_of,
    compare,
    contrast,
    pooled_spreads,
    with_holm,
)
from lib.findings.ledger.entries import alternatives
from lib.training.plans import plan

SEEDS = 6  # trainings that an alternative and the default are to get; what is there is shown with its number
SHARED_FREEDOM = 2

COLUMNS = ["id", "alternative", "direction", "metric", "difference", "low", "high", "p_value", "p_holm", "images",
           "seeds", "limits", "same_networks", "clear"]


def effects(profile: str, database: str, base: str = "msg-sarl") -> pd.DataFrame:
    """Scores with each alternative minus those with the default, one row per direction and metric.

    Columns ``COLUMNS``: difference, low, high (95 %) in percentage points over the faces and seeds that both have;
    p_value of this comparison by itself, p_holm corrected over the whole table; seeds the number of them.  ``limits``
    says what low, high and the p-values hold for: other ``faces``, or other ``faces and trainings``; ``same_networks``:
    the choice acts on the images of the default's own networks; ``clear``: p_holm < 0.05, and not a training's luck
    (the limits hold for other trainings, or the networks are the same).

    No rows where there are no scores.  Raises StudyError for unknown names, damaged and incomplete scores.
    """
    cells = _cells(profile, database)
    # Systems with networks of their own are one pool, whatever choice they change.
    spreads = pooled_spreads(cells, lambda name: "own" if plan(profile, name).network.name == name else None)
    listed = alternatives(profile, base)
    same = {alternative: plan(profile, f"{base}+{alternative}").network.name == base for alternative in listed}
    rows = []
    for direction, metric in ((d, m) for d in DIRECTIONS for m in scoring.STUDY_METRICS[d]):
        default = cells.get((direction, base, metric))
        differences = {alternative: found for alternative in listed
                       if (found := _differences(cells.get((direction, f"{base}+{alternative}", metric)), default))
                       is not None}
        shared = _mean_variance(found for alternative, found in differences.items() if not same[alternative])
        for alternative, found in differences.items():
            effect = (_of_same_networks(found) if same[alternative] else _of_trainings(found, shared) if shared else
                      _of_single_trainings(found, spreads[direction, "own", metric]))
            rows.append((listed[alternative].id, alternative, direction, metric, *effect, same[alternative]))
    order = list(listed)
    rows.sort(key=lambda row: (order.index(row[1]), DIRECTIONS.index(row[2])))
    table = with_holm(pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in ("p_holm", "clear")]))
    table = table.astype({"p_holm": float, "same_networks": bool})
    no_luck = (table.limits == FACES_AND_TRAININGS) | table.same_networks
    return table.assign(clear=(table.p_holm < 0.05) & no_luck)


def _differences(changed: pd.DataFrame | None, default: pd.DataFrame | None) -> pd.DataFrame | None:
    """Alternative minus default over common (faces, seeds); None without two faces or a seed in common."""
    if changed is None or default is None:
        return None
    faces, seeds = changed.index.intersection(default.index), changed.columns.intersection(default.columns)
    return changed.loc[faces, seeds] - default.loc[faces, seeds] if len(faces) > 1 and len(seeds) else None


def _mean_variance(differences: Iterable[pd.DataFrame]) -> float | None:
    """Variance between seeds of the mean difference over faces, averaged over alternatives of two seeds or more."""
    found = [part.mean().var(ddof=1) for part in differences if part.shape[1] > 1]
    return float(np.mean(found)) if found else None


def _of_same_networks(difference: pd.DataFrame) -> Effect:
    """No training's luck comes in: the limits are those of the faces."""
    return contrast(difference.mean(axis=1).to_frame())._replace(seeds=difference.shape[1], limits=FACES)


def _of_trainings(difference: pd.DataFrame, shared: float) -> Effect:
    """From the spread of differences of equal seed; shared: its mean over the alternatives, as a variance."""
    images, seeds = difference.shape
    own = difference.mean().var(ddof=1) if seeds > 1 else 0.0
    freedom = seeds - 1 + SHARED_FREEDOM
    variance = ((seeds - 1) * own + SHARED_FREEDOM * shared) / freedom
    per_image = difference.mean(axis=1)
    parts = [(per_image.var(ddof=1) / images, images - 1), (variance / seeds, freedom)]
    return Effect(per_image.mean(), *limits_and_p(per_image.mean(), parts), images, seeds, FACES_AND_TRAININGS)


def _of_single_trainings(difference: pd.DataFrame, spread: RunSpread | None) -> Effect:
    """From the spread between trainings of other systems, taken for no more alike than any two."""
    if spread:
        spread = RunSpread(math.sqrt(2) * spread.sd, spread.freedom)  # of a difference of two trainings
    return compare([difference], [1.0], spread, own_from=math.inf)


def _cells(profile: str, database: str) -> dict[Key, pd.DataFrame]:
    """Scores in per cent, faces × seeds, of the ablation systems and their variants; none without ``scores.csv``."""
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    if not (paths.study_folder(profile, database) / "scores.csv").exists():
        return {}
    scores = scoring.read_scores(profile, database).images
    return cells_of(scores[scores.system.map(systems.base_name).isin(systems.ABLATIONS)])
