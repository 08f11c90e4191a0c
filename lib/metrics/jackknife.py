"""Intervals for distances between two sets of images: leave one group of faces out after the other.

Source: the delete-a-group jackknife (Kott, J. Official Statistics 17(4), 2001).  The bootstrap, which
draws faces with repetition, puts equal images into a set: they shrink covariances and have the
largest kernel, so the distance of a resampled set is biased.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from lib.base.errors import StudyError
from lib.base.statistics import Interval
from lib.metrics.frechet_distance import checked_features

LEAST_FACES = 4  # of which any three still have a spread


def jackknife_interval(distance: Callable[[np.ndarray, np.ndarray], float], reference: np.ndarray,
                       synthesised: np.ndarray, groups: int = 20, level: float = 0.95, seed: int = 0) -> Interval:
    """Distance of two feature sets and its confidence limits.

    reference, synthesised: (n, d) features, row i of both the same face, so that a face leaves both
    sets at once.  groups: random groups of faces left out in turn (n at most).  Raises StudyError for
    sets of unequal length or fewer than ``LEAST_FACES``.
    """
    reference, synthesised = checked_features(reference, synthesised)
    n = len(reference)
    if len(synthesised) != n or n < LEAST_FACES:
        raise StudyError(f"The interval needs two sets of the same {LEAST_FACES} or more faces, not {n} and "
                         f"{len(synthesised)}.")
    member = _groups(n, groups, seed)
    variance = _variance([distance(reference[member != g], synthesised[member != g]) for g in range(member.max() + 1)])
    return _interval(distance(reference, synthesised), variance, member.max(), level)


def jackknife_of_two(distance: Callable[[np.ndarray, np.ndarray], float], reference: np.ndarray,
                     synthesised: np.ndarray, groups: int = 20, level: float = 0.95, seed: int = 0) -> Interval:
    """Distance of two sets of different faces, (n, d) and (m, d), and its confidence limits.

    Groups leave one set at a time, and the variances of both add.  The degrees of freedom are those of the set of
    fewer groups, a little too few.  Raises StudyError for a set of fewer than ``LEAST_FACES``.
    """
    reference, synthesised = checked_features(reference, synthesised)
    if min(len(reference), len(synthesised)) < LEAST_FACES:
        raise StudyError(f"The interval needs two sets of {LEAST_FACES} or more faces, not {len(reference)} and "
                         f"{len(synthesised)}.")
    first, second = (_groups(len(part), groups, seed) for part in (reference, synthesised))
    variance = (_variance([distance(reference[first != g], synthesised) for g in range(first.max() + 1)])
                + _variance([distance(reference, synthesised[second != g]) for g in range(second.max() + 1)]))
    return _interval(distance(reference, synthesised), variance, min(first.max(), second.max()), level)


def _groups(count: int, groups: int, seed: int) -> np.ndarray:
    """Group of each of ``count`` faces, (count,), at random and of equal sizes; each alone where there are few."""
    return np.random.default_rng(seed).permutation(np.arange(count) % min(groups, count))


def _variance(without: list[float]) -> float:
    """Variance of an estimate from its values without each group."""
    return (len(without) - 1) / len(without) * float(np.sum((np.array(without) - np.mean(without)) ** 2))


def _interval(estimate: float, variance: float, freedom: int, level: float) -> Interval:
    reach = float(special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance))
    return Interval(estimate, estimate - reach, estimate + reach)
