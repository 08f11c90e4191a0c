"""Scores that tests make up, in the columns in which a study keeps them, and the eight cells of the design."""

from __future__ import annotations

import pandas as pd

from lib.evaluation.scoring import Scores

COLUMNS = ["database", "direction", "system", "seed", "image", "metric", "value"]
SET_COLUMNS = ["database", "direction", "system", "seed", "metric", "value", "low", "high"]

# MSG, self-attention, cycle of each cell, typed from the names.
CELLS = {"backbone": (0, 0, 0), "backbone-msg": (1, 0, 0), "backbone-attention": (0, 1, 0), "backbone-cycle": (0, 0, 1),
         "msg-sarl-no-msg": (0, 1, 1), "msg-sarl-no-cycle": (1, 1, 0), "msg-sarl-no-attention": (1, 0, 1),
         "msg-sarl": (1, 1, 1)}


def image_table(rows) -> pd.DataFrame:
    """``scores.csv`` of tuples in the order of ``COLUMNS``."""
    return pd.DataFrame(list(rows), columns=COLUMNS)


def scores_of(rows, sets=()) -> Scores:
    """Scores of images and, in the order of ``SET_COLUMNS``, of sets."""
    return Scores(image_table(rows), pd.DataFrame(list(sets), columns=SET_COLUMNS))
