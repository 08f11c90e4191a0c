"""KID: kernel distance between two sets of images, unbiased at any number of images.

Source: M. Binkowski, D. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", ICLR 2018: the
squared maximum mean discrepancy with the kernel (xᵀy / d + 1)³, its unbiased estimate (Gretton et
al., JMLR 13, 2012, Eq. 3).  It may be slightly negative when the sets agree.

Deviation: the customary KID averages blocks of 1,000 images; test sets here are smaller, so all
images form one block.  Its interval leaves out one group of faces after the other (jackknife): drawing
faces with repetition, as the bootstrap does, would put equal images, which have the largest kernel,
into a set and bias the distance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from lib.errors import StudyError
from lib.metrics.frechet_distance import checked_features


class Estimate(NamedTuple):
    """A distance and its 95 % limits."""

    value: float
    low: float
    high: float


def kernel_distance(reference: np.ndarray, synthesised: np.ndarray) -> float:
    """Unbiased squared MMD of feature sets (n, d) and (m, d) under the cubic kernel."""
    reference, synthesised = checked_features(reference, synthesised)
    within_x, within_y = _kernel(reference, reference), _kernel(synthesised, synthesised)
    return _from_sums(within_x.sum() - np.trace(within_x), within_y.sum() - np.trace(within_y),
                      _kernel(reference, synthesised).sum(), len(reference), len(synthesised))


def kernel_distance_interval(reference: np.ndarray, synthesised: np.ndarray, groups: int = 20, level: float = 0.95,
                             seed: int = 0) -> Estimate:
    """KID and its interval from a delete-a-group jackknife.

    reference, synthesised: (n, d) features, row i of both the same face, so that a face leaves both
    sets at once.  groups: random groups of faces left out in turn (n at most).  Raises StudyError for
    sets of unequal length or fewer than 4 faces.
    """
    reference, synthesised = checked_features(reference, synthesised)
    n = len(reference)
    if len(synthesised) != n or n < 4:
        raise StudyError(f"The interval needs two sets of the same 4 or more faces, not {n} and {len(synthesised)}.")
    groups = min(groups, n)
    member = np.random.default_rng(seed).permutation(np.arange(n) % groups)
    x, y = _kernel(reference, reference), _kernel(synthesised, synthesised)
    cross = _kernel(reference, synthesised)
    np.fill_diagonal(x, 0)
    np.fill_diagonal(y, 0)
    value = _from_sums(x.sum(), y.sum(), cross.sum(), n, n)
    without = []
    for group in range(groups):
        kept = np.flatnonzero(member != group)
        part = np.ix_(kept, kept)
        without.append(_from_sums(x[part].sum(), y[part].sum(), cross[part].sum(), len(kept), len(kept)))
    spread = np.sqrt((groups - 1) / groups * np.sum((np.array(without) - np.mean(without)) ** 2))
    reach = stats.t.ppf((1 + level) / 2, groups - 1) * spread
    return Estimate(value, value - reach, value + reach)


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _from_sums(within_x: float, within_y: float, between: float, n: int, m: int) -> float:
    """MMD² from the off-diagonal sums of k(x, x') and k(y, y') and the full sum of k(x, y)."""
    return float(within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * between / (n * m))
