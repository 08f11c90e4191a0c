"""Rivals minus a trained system of ours, face by face, with limits for other faces and other trainings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import pandas as pd

from lib.base import paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation.scoring import read_scores
from lib.findings.contrasts import (
    FACES,
    FACES_AND_TRAININGS,
    Effect,
    cells_of,
    difference,
    pooled_spreads,
    trained_kind,
    with_holm,
)


def against_ours(profile: str, database: str, names: Iterable[str], ours: str = "msg-sarl",
                 metrics: Sequence[str] = ("ssim", "fsim")) -> pd.DataFrame:
    """These systems minus ``ours``, in percentage points, a row per direction, metric and system.

    Columns: direction, metric, system, estimate, low, high (95 %), p_value, p_holm (over the whole table), images,
    seeds (of ``ours``), limits (what they hold for).  A rival that trains and has fewer than three trainings borrows
    the spread between trainings of its kind; where no system of its kind was trained twice, the limits hold for other
    faces alone.  Raises StudyError where scores of ours are missing or incomplete.
    """
    scores = read_scores(profile, database).images
    cells = cells_of(scores[scores.metric.isin(metrics)])
    spreads = pooled_spreads(cells, trained_kind)
    rows = []
    for direction, metric, system in itertools.product(DIRECTIONS, metrics, tuple(names)):
        mine, theirs = (cells.get((direction, name, metric)) for name in (ours, system))
        if mine is None:
            raise StudyError(f"{paths.study_folder(profile, database)}: no {metric} of {ours}, {direction}.")
        if theirs is None:
            continue
        trained = [cell for name, cell in ((ours, mine), (system, theirs)) if systems.is_trained(name)]
        spread = spreads.get((direction, trained_kind(system), metric))
        repeated = spread is not None or all(cell.shape[1] > 1 for cell in trained)
        found = difference(theirs, mine, spread)._replace(limits=FACES_AND_TRAININGS if repeated else FACES)
        rows.append((direction, metric, system, *found._replace(seeds=mine.shape[1])))
    return with_holm(pd.DataFrame(rows, columns=["direction", "metric", "system", *Effect._fields]))
