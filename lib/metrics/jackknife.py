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
    groups = min(groups, n)
    member = np.random.default_rng(seed).permutation(np.arange(n) % groups)
    estimate = distance(reference, synthesised)
    without = np.array([distance(reference[member != g], synthesised[member != g]) for g in range(groups)])
    error = np.sqrt((groups - 1) / groups * np.sum((without - without.mean()) ** 2))
    reach = float(special.stdtrit(groups - 1, (1 + level) / 2) * error)
    return Interval(estimate, estimate - reach, estimate + reach)
