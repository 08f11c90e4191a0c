"""From votes to shares, differences, strengths and agreement, with intervals that respect raters and faces.

Votes of one rater resemble each other, and so do votes on one face; a study asks about other raters and
other faces.  ``two_way_interval`` bootstraps raters, faces and votes one at a time and combines the
distances of the limits as Cameron, Gelbach and Miller (2011, J. Bus. Econ. Stat. 29) combine variances:
raters + faces − votes, never less than raters or faces alone, widened by Student's t for few clusters.
The pigeonhole bootstrap, which draws both at once, is wider than it claims to be for votes this sparse
(notebook 09 measures the coverage of all of them).

Votes that all agree resample to themselves, and no bootstrap sees that the next rater might disagree.  There
Wilson's interval takes its place, with one vote for each rater or for each face, whichever are fewer, and the t
test gives way to sign flips of these.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from lib.base import statistics
from lib.base.errors import StudyError
from lib.base.statistics import Interval, wilson_interval
from lib.evaluation.user_study.models import fit_choices, fleiss_kappa
from lib.evaluation.user_study.plan import face_labels, position_columns
from lib.evaluation.user_study.simulation import shown_indices

LEVEL = 0.95
_NO_WIDTH = 1e-12  # of an interval of shares: rounding, no spread


@dataclass(frozen=True)
class Analysis:
    """Tables of one study; shares in [0, 1], strengths as log worth (mean zero).

    shares: database (``all`` first), system, votes, share, low, high, design_effect.
    pairs: first, second, difference (of shares), low, high, p, p_holm, p_raters.
    strengths: system, log_worth, low, high.  positions: position, votes, share, low, high; position_p: chi².
    agreement: Fleiss' kappa with its interval over faces.
    """

    votes: int
    raters: int
    faces: int
    median_seconds: float
    shares: pd.DataFrame
    pairs: pd.DataFrame
    strengths: pd.DataFrame
    positions: pd.DataFrame
    position_p: float
    agreement: Interval


def analyse(votes: pd.DataFrame, systems: tuple[str, ...], *, repeats: int = 2000, seed: int = 0) -> Analysis:
    """Analyse counted votes (``Answers.votes``).

    repeats: bootstrap resamples of each kind.  Raises StudyError for fewer than two raters or two faces,
    whose spread nobody can know.
    """
    raters, faces = votes.rater.nunique(), face_labels(votes).nunique()
    if raters < 2 or faces < 2:
        raise StudyError(f"{raters} rater(s) and {faces} face(s) remain; an interval needs at least two of each.")
    return Analysis(votes=len(votes), raters=raters, faces=faces, median_seconds=float(votes.seconds.median()),
                    shares=_shares(votes, systems, repeats, seed), pairs=_pairs(votes, systems, repeats, seed),
                    strengths=_strengths(votes, systems, repeats, seed),
                    agreement=_agreement(votes, systems, repeats, seed), **_positions(votes))


def two_way_interval(values: np.ndarray, raters: np.ndarray, faces: np.ndarray, *,
                     statistic: Callable = statistics.weighted_mean, repeats: int = 2000,
                     seed: int = 0) -> tuple[Interval, np.ndarray]:
    """Interval of a statistic of votes that depend through raters and through faces, and its design effect.

    values: (n,) or (n, m).  statistic: called as ``statistic(values, weights)`` with weights (repeats, n).
    The design effect is the squared width over that of independent votes.
    """
    each = [statistics.cluster_bootstrap(values, labels, statistic=statistic, level=LEVEL, repeats=repeats, seed=seed)
            for labels in (raters, faces, np.arange(len(values)))]
    estimate = each[0].estimate
    clusters = min(len(np.unique(raters)), len(np.unique(faces)))
    widening = stats.t.ppf((1 + LEVEL) / 2, clusters - 1) / stats.norm.ppf((1 + LEVEL) / 2)
    distances = []
    for side in ("low", "high"):
        by_rater, by_face, by_vote = (np.square(getattr(one, side) - estimate) for one in each)
        combined = np.maximum(by_rater + by_face - by_vote, np.maximum(by_rater, by_face))
        distances.append(widening * np.sqrt(combined))
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.square((distances[0] + distances[1]) / (np.subtract(each[2].high, each[2].low)))
    return Interval(estimate, estimate - distances[0], estimate + distances[1]), effect


def _never_certain(interval: Interval, clusters: int, lowest: float = 0.0) -> Interval:
    """An interval (m,) of means of values in [lowest, 1], Wilson's for ``clusters`` values where it has no width.

    No values of this range spread more than those that are ``lowest`` or 1, which have Wilson's as their interval.
    """
    estimate, low, high = interval
    reach = 1 - lowest
    limits = wilson_interval((estimate - lowest) / reach * clusters, clusters, LEVEL)
    wilson_low, wilson_high = (side * reach + lowest for side in limits)
    flat = high - low < _NO_WIDTH
    return Interval(estimate, np.where(flat, np.minimum(wilson_low, estimate), low),
                    np.where(flat, np.maximum(wilson_high, estimate), high))


def _chosen(votes: pd.DataFrame, systems: tuple[str, ...]) -> np.ndarray:
    """One column per system, 1 where it was chosen: (votes, systems)."""
    return (votes.system.to_numpy()[:, None] == np.array(systems)).astype(float)


def _labels(votes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return votes.rater.to_numpy(), face_labels(votes).to_numpy()


def _shares(votes: pd.DataFrame, systems: tuple[str, ...], repeats: int, seed: int) -> pd.DataFrame:
    parts = [("all", votes)]
    if votes.database.nunique() > 1:
        parts += list(votes.groupby("database"))
    tables = []
    for database, part in parts:
        clusters = min(part.rater.nunique(), face_labels(part).nunique())
        if clusters < 2:
            continue  # no interval; its votes are in "all"
        chosen = _chosen(part, systems)
        interval, effect = two_way_interval(chosen, *_labels(part), repeats=repeats, seed=seed)
        interval = _never_certain(interval, clusters)
        tables.append(pd.DataFrame({
            "database": database, "system": systems, "votes": chosen.sum(axis=0).astype(int),
            "share": interval.estimate, "low": interval.low.clip(0, 1), "high": interval.high.clip(0, 1),
            "design_effect": effect}).sort_values("votes", ascending=False, kind="stable"))
    return pd.concat(tables, ignore_index=True)


def _pairs(votes: pd.DataFrame, systems: tuple[str, ...], repeats: int, seed: int) -> pd.DataFrame:
    """Compare every two systems.

    p: Student's t with the two-way standard error (where that is zero: sign flips of raters or of faces, whichever
    are fewer); p_holm: corrected for all pairs; p_raters: sign-flip permutation of each rater's difference in votes
    (other raters, these faces).
    """
    chosen = _chosen(votes, systems)
    order = np.argsort(-chosen.sum(axis=0), kind="stable")
    pairs = list(itertools.combinations(order, 2))
    differences = np.stack([chosen[:, a] - chosen[:, b] for a, b in pairs], axis=1)  # (votes, pairs)
    raters, faces = _labels(votes)
    interval, _ = two_way_interval(differences, raters, faces, repeats=repeats, seed=seed)
    fewer = min(raters, faces, key=lambda labels: len(np.unique(labels)))
    freedom = len(np.unique(fewer)) - 1
    error = (interval.high - interval.low) / (2 * stats.t.ppf((1 + LEVEL) / 2, freedom))
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.where(interval.high - interval.low >= _NO_WIDTH,
                     2 * stats.t.sf(np.abs(interval.estimate) / error, freedom), _sign_flips(differences, fewer, seed))
    interval = _never_certain(interval, freedom + 1, lowest=-1.0)
    return pd.DataFrame({"first": [systems[a] for a, _ in pairs], "second": [systems[b] for _, b in pairs],
                         "difference": interval.estimate, "low": interval.low, "high": interval.high, "p": p,
                         "p_holm": statistics.holm(p), "p_raters": _sign_flips(differences, raters, seed)})


def _sign_flips(differences: np.ndarray, labels: np.ndarray, seed: int) -> list[float]:
    """p-value of every column (votes, m), the sums of votes of one label being flipped together."""
    sums = pd.DataFrame(differences).groupby(labels).sum().to_numpy()
    return [statistics.sign_flip_test(column, seed=seed) for column in sums.T]


def _strengths(votes: pd.DataFrame, systems: tuple[str, ...], repeats: int, seed: int) -> pd.DataFrame:
    shown, place = shown_indices(votes, systems), votes.position.to_numpy(dtype=int) - 1

    def log_worth(_, weights):
        return fit_choices(shown, place, len(systems), weights).log_worth

    interval, _ = two_way_interval(np.zeros(len(votes)), *_labels(votes), statistic=log_worth,
                                   repeats=min(repeats, 1000), seed=seed)
    return pd.DataFrame({"system": systems, "log_worth": interval.estimate, "low": interval.low,
                         "high": interval.high}).sort_values("log_worth", ascending=False, ignore_index=True)


def _positions(votes: pd.DataFrame) -> dict:
    """How often each position was chosen.

    Orders were drawn by the plan, independently of everybody's taste: without a pull of positions each is
    equally likely in every vote, whatever raters and faces have in common, and the χ² test is valid.
    """
    places = len(position_columns(votes))
    counts = np.bincount(votes.position.to_numpy(dtype=int) - 1, minlength=places)
    low, high = wilson_interval(counts, len(votes), LEVEL)
    table = pd.DataFrame({"position": range(1, places + 1), "votes": counts, "share": counts / len(votes),
                          "low": low, "high": high})
    return {"positions": table, "position_p": float(stats.chisquare(counts).pvalue)}


def _agreement(votes: pd.DataFrame, systems: tuple[str, ...], repeats: int, seed: int) -> Interval:
    counts = pd.crosstab(face_labels(votes), votes.system).reindex(columns=list(systems), fill_value=0).to_numpy(float)
    counts = counts[counts.sum(axis=1) >= 2]
    # Where a single system got every vote there is nothing to agree or disagree about.
    if len(counts) < 2 or np.isnan(fleiss_kappa(counts)):
        return Interval(np.nan, np.nan, np.nan)

    def defined(values, weights):  # not where the faces drawn gave every vote to one system
        kappas = fleiss_kappa(values, weights)
        return kappas[~np.isnan(kappas)]

    interval = statistics.cluster_bootstrap(counts, np.arange(len(counts)), statistic=defined, level=LEVEL,
                                            repeats=repeats, seed=seed)
    # Resampled kappas are too low on average (faces drawn twice make the shares uneven), so the limits are reflected,
    # the upper one as far as kappa reaches.
    return Interval(interval.estimate, 2 * interval.estimate - interval.high,
                    min(1.0, 2 * interval.estimate - interval.low))
