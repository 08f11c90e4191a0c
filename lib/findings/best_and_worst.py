"""Where two metrics disagree: how alike they rank the test faces, and which faces they rank most differently.

A face's score is its mean over the seeds that were run, in per cent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from lib.base import paths
from lib.base.errors import StudyError, counted
from lib.evaluation.scoring import Scores, read_scores
from lib.findings.contrasts import LEVEL, by_image_and_seed


class Disagreement(NamedTuple):
    """Spearman's rank correlation of two metrics over images, its 95 % limits, and the images by disagreement.

    images: image, one column per metric (per cent), rank_<metric> (1 = best), gap (rank by the first − rank by
    the second; negative: the first likes it better), widest gap first.
    """

    correlation: float
    low: float
    high: float
    images: pd.DataFrame


def disagreement(profile: str, database: str, system: str, direction: str, metrics: tuple[str, str] = ("ssim", "fsim"),
                 scores: Scores | None = None) -> Disagreement:
    """How alike two metrics rank the images of one system.

    Limits by Fisher's z with the variance of Bonett and Wright (2000, Psychometrika 65), over the test images only; NaN
    where the rankings are one and the same or opposite, of which z has no spread.  Raises StudyError when the system
    has no scores, fewer than four images, or the same score for all.
    """
    table = pd.DataFrame({metric: _faces(profile, database, system, direction, metric, scores) for metric in metrics})
    if len(table) < 4:
        raise StudyError(f"{system}, {direction}: {counted(len(table), 'image')}; a rank correlation with "
                         "limits needs four.")
    if constant := [metric for metric in metrics if table[metric].nunique() == 1]:
        raise StudyError(f"{system}, {direction}: {constant[0]} is the same for all images and ranks nothing.")
    correlation = float(stats.spearmanr(*(table[metric] for metric in metrics)).statistic)
    z = np.arctanh(correlation) if abs(correlation) < 1 else np.nan
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + correlation**2 / 2) / (len(table) - 3))
    ranks = table.rank(ascending=False)
    table = table.join(ranks.add_prefix("rank_")).assign(gap=ranks[metrics[0]] - ranks[metrics[1]])
    table = table.sort_values("gap", key=abs, ascending=False, kind="stable").rename_axis("image").reset_index()
    return Disagreement(correlation, float(np.tanh(z - half)), float(np.tanh(z + half)), table)


def _faces(profile: str, database: str, system: str, direction: str, metric: str, scores: Scores | None) -> pd.Series:
    """Mean over seeds per image, per cent, in the order of names."""
    rows = (scores or read_scores(profile, database)).images
    rows = rows[(rows.system == system) & (rows.direction == direction) & (rows.metric == metric)]
    if rows.empty:
        study = f"--profile {profile} --database {database}"
        file = paths.study_folder(profile, database) / "scores.csv"
        raise StudyError(f"{file}: no {metric} of {system}, {direction}. Make it with "
                         f"`python -m lib train {study} --system {system}`, then `python -m lib score {study}`.")
    return by_image_and_seed(rows).mean(axis=1)
