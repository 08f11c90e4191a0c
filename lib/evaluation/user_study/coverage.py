"""How often intervals contain the truth: simulated studies whose long-run shares are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.base import statistics
from lib.evaluation.user_study.analysis import two_way_interval
from lib.evaluation.user_study.plan import face_labels
from lib.evaluation.user_study.simulation import Taste, choose, expected_shares, shown_indices


def coverage_table(plan: pd.DataFrame, systems: tuple[str, ...], worth: dict[str, float], spreads: tuple[float, ...],
                   *, studies: int = 100, repeats: int = 300) -> pd.DataFrame:
    """Simulate ``studies`` studies for each spread of raters' and faces' tastes; measure 95 % intervals of shares.

    Returns one row per spread and method: coverage (share of intervals that contain the truth), its standard
    error over studies, and the mean width.  Methods: ``independent votes`` (Wilson), ``raters`` (cluster bootstrap over
    raters), ``both at once`` (pigeonhole bootstrap), ``two-way`` (ours).
    """
    votes = plan[plan.kind == "vote"]
    shown, raters, faces = shown_indices(votes, systems), votes.rater.to_numpy(), face_labels(votes).to_numpy()
    rows = []
    for spread in spreads:
        taste = Taste(worth, rater_sd=spread, face_sd=spread)
        truth = expected_shares(taste, systems)
        results: dict[str, list] = {}
        for seed in range(studies):
            chosen = shown[np.arange(len(shown)), choose(plan, taste, systems, seed)]
            one_hot = (chosen[:, None] == np.arange(len(systems))).astype(float)
            intervals = {
                "independent votes": statistics.wilson_interval(one_hot.sum(axis=0), len(votes)),
                "raters": statistics.cluster_bootstrap(one_hot, raters, repeats=repeats, seed=seed)[1:],
                "both at once": statistics.cluster_bootstrap(one_hot, raters, faces, repeats=repeats, seed=seed)[1:],
                "two-way": two_way_interval(one_hot, raters, faces, repeats=repeats, seed=seed)[0][1:]}
            for method, (low, high) in intervals.items():
                results.setdefault(method, []).append((np.mean((low <= truth) & (truth <= high)), np.mean(high - low)))
        for method, measured in results.items():
            covered, width = np.array(measured).T
            rows.append((spread, method, covered.mean(), covered.std(ddof=1) / np.sqrt(studies), width.mean()))
    return pd.DataFrame(rows, columns=["spread", "method", "coverage", "error", "width"])
