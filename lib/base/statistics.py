"""Uncertainty of means, and tests between systems that saw the same faces.

Implements, on plain arrays:
- the BCa bootstrap interval of a mean (Efron 1987, J. Am. Stat. Assoc. 82; SciPy's);
- cluster bootstrap over one or several crossed factors, e.g. raters × items or images × seeds (the
  pigeonhole bootstrap of Owen 2007, Ann. Appl. Stat. 1, which widens rather than narrows);
- Student's interval of a mean, for few values; Wilson's of a share, for shares near 0 or 1;
- paired tests: sign-flip permutation (eight times as fast as SciPy's), bootstrap of the difference;
- Holm's step-down correction (1979).

Everything random takes a seed and gives the same number on every machine.  Observations that are not
independent (several images of one rater, several seeds of one image) belong in ``cluster_bootstrap``;
the plain bootstrap would call them more certain than they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special  # scipy.stats, which takes a second to load, only where it is needed

from lib.base.errors import StudyError, counted

_SMALLEST_P = 1e-12  # smaller p-values are given as this one
REPEATS = 10_000  # the Monte Carlo error of a 95 % limit is then about 1 % of the interval's width
_BLOCK = 4_000_000  # values resampled at once: 32 MB, whatever the number of repeats


class Interval(NamedTuple):
    """An estimate and its confidence limits."""

    estimate: float
    low: float
    high: float


class PairedDifference(NamedTuple):
    """Mean of ``first - second`` over pairs, its bootstrap limits, and the sign-flip p-value."""

    difference: float
    low: float
    high: float
    p_value: float
    n: int


def bootstrap_interval(values: Sequence[float] | np.ndarray, level: float = 0.95, repeats: int = REPEATS,
                       seed: int = 0) -> Interval:
    """BCa bootstrap interval of the mean of independent values (n,), n ≥ 2; without width where all are equal.

    Raises StudyError for too few values, NaN, or an impossible level.
    """
    values = _checked(values, least=2)
    _check_options(level, repeats)
    mean = float(values.mean())
    if np.ptp(values) == 0:
        return Interval(mean, mean, mean)  # no spread to correct
    from scipy import stats

    result = stats.bootstrap((values,), np.mean, n_resamples=repeats, batch=max(1, _BLOCK // len(values)),
                             confidence_level=level, method="BCa", rng=np.random.default_rng(seed))
    return Interval(mean, *map(float, result.confidence_interval))


def student_interval(values: Sequence[float] | np.ndarray, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent values (n,), n ≥ 2: holds its level for few normal ones too.

    Raises StudyError for too few values, NaN, or an impossible level.
    """
    values = _checked(values, least=2)
    _check_options(level, REPEATS)
    mean, n = float(values.mean()), len(values)
    reach = float(special.stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - reach, mean + reach)


def wilson_interval(votes: float | np.ndarray, total: float, level: float = 0.95,
                    design_effect: float = 1.0) -> tuple[float | np.ndarray, float | np.ndarray]:
    """Wilson's interval of a share or of several (m,); with a design effect as of ``total / design_effect`` votes."""
    n, p = total / design_effect, votes / total
    z = special.ndtri((1 + level) / 2)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the first axis: values (n, …), weights (repeats, n) → (repeats, …)."""
    total = weights.sum(axis=-1)
    return np.tensordot(weights, values, axes=(-1, 0)) / total.reshape(total.shape + (1,) * (values.ndim - 1))


def cluster_bootstrap(values: Sequence[float] | np.ndarray, *clusters: Sequence, statistic: Callable = weighted_mean,
                      level: float = 0.95, repeats: int = REPEATS, seed: int = 0) -> Interval:
    """Percentile interval when observations share raters, items, images or seeds.

    values: (n,) or (n, m) (m quantities of each observation, e.g. one column per system: the limits are
    then arrays (m,)).  clusters: one label sequence (n,) per factor; the levels of each factor are drawn
    with replacement, independently, and an observation counts as often as the product of its draws.
    statistic: called as ``statistic(values, weights)``, weights (repeats, n) → (repeats,) or (repeats, m).
    Raises StudyError when labels are missing or a factor has a single level.
    """
    values = _checked(values, least=2)
    _check_options(level, repeats)
    if not clusters:
        raise StudyError("cluster_bootstrap: give at least one sequence of labels, e.g. the raters.")
    factors = []
    for position, labels in enumerate(clusters, 1):
        if len(labels) != len(values):
            raise StudyError(f"cluster_bootstrap: factor {position} has {len(labels)} labels for {len(values)} values.")
        levels, codes = np.unique(np.asarray(labels), return_inverse=True)
        if len(levels) < 2:
            raise StudyError(f"cluster_bootstrap: factor {position} has the single level {levels[0]!r}; "
                             "a spread needs at least two.")
        factors.append((len(levels), codes))
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // max(len(values), max(count for count, _ in factors)))
    resampled = []
    done = 0
    while done < repeats:
        weights = np.ones((min(rows, repeats - done), len(values)))
        for count, codes in factors:
            draws = rng.multinomial(count, np.full(count, 1 / count), size=len(weights))
            weights *= draws[:, codes]
        done += len(weights)
        weights = weights[weights.sum(axis=1) > 0]  # a sparse crossing may draw no observation at all
        resampled.append(statistic(values, weights))
    estimate = statistic(values, np.ones((1, len(values))))[0]
    low, high = np.quantile(np.concatenate(resampled), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(*(float(x) if np.ndim(x) == 0 else x for x in (estimate, low, high)))


def sign_flip_test(differences: Sequence[float] | np.ndarray, repeats: int = REPEATS, seed: int = 0) -> float:
    """Two-sided p-value that paired differences are symmetric about zero (Fisher's permutation test).

    differences: (n,).  Enumerates all 2^n signs when that is no more than ``repeats`` (exact), else draws
    ``repeats`` of them and counts the observed one too, so that p is never zero.
    """
    differences = _checked(differences, least=1)
    observed = abs(differences.sum())
    threshold = observed - 1e-9 * np.abs(differences).sum()  # equal sums may differ in the last bit
    n = len(differences)
    if n < 63 and 2**n <= repeats:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ differences) >= threshold))
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // n)
    reached = 0
    for start in range(0, repeats, rows):
        signs = 1.0 - 2.0 * rng.integers(2, size=(min(rows, repeats - start), n))
        reached += int(np.sum(np.abs(signs @ differences) >= threshold))
    return (reached + 1) / (repeats + 1)


def paired_difference(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray,
                      level: float = 0.95, repeats: int = REPEATS, seed: int = 0) -> PairedDifference:
    """Compare two systems on the same cases: mean of ``first - second``, BCa limits, sign-flip p-value.

    first, second: (n,) scores, row i being the same case.  Raises StudyError when the lengths differ.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape:
        raise StudyError(f"paired_difference: {first.shape} against {second.shape} values; pairs need equal counts.")
    interval = bootstrap_interval(first - second, level=level, repeats=repeats, seed=seed)
    return PairedDifference(*interval, sign_flip_test(first - second, repeats, seed), len(first))


def limits_and_p(estimate: float, parts: list[tuple[float, float]], level: float = 0.95) -> tuple[float, float, float]:
    """Limits from several sources of uncertainty, and the p at which a limit touches zero.

    parts: (variance, degrees of freedom) of each source, e.g. faces and trainings.  The half-widths of their t
    intervals add as variances add (Cameron, Gelbach and Miller 2011, J. Bus. Econ. Stat. 29).
    """

    def half_width(p: float) -> float:
        return sum(special.stdtrit(freedom, p / 2)**2 * variance for variance, freedom in parts) ** 0.5

    half = half_width(1 - level)
    limits = (float(estimate - half), float(estimate + half))
    if half == 0:
        return *limits, float(estimate == 0)
    if half_width(_SMALLEST_P) <= abs(estimate):
        return *limits, _SMALLEST_P
    from scipy import optimize

    log_p = optimize.brentq(lambda x: half_width(np.exp(x)) - abs(estimate), np.log(_SMALLEST_P), 0.0)
    return *limits, float(np.exp(log_p))


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values in the order given: reject where they are below the family's level.

    p_values: (m,) in [0, 1].  The k-th smallest is multiplied by m − k + 1, then made monotone and capped at 1.
    """
    p_values = np.asarray(p_values, dtype=float)
    if p_values.size and not (np.all(p_values >= 0) and np.all(p_values <= 1)):
        raise StudyError("holm: p-values must lie in [0, 1].")
    order = np.argsort(p_values, kind="stable")
    scaled = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted


def _checked(values: Sequence[float] | np.ndarray, least: int) -> np.ndarray:
    """Return a float array; raises StudyError for too few values, NaN or infinity."""
    values = np.asarray(values, dtype=float)
    if values.ndim == 0 or len(values) < least:
        count = 0 if values.ndim == 0 else len(values)
        raise StudyError(f"Statistics need at least {counted(least, 'value')}, got {count}.")
    if not np.all(np.isfinite(values)):
        bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        raise StudyError(f"{len(bad)} of {len(values)} values are NaN or infinite (first at row {bad[0]}). "
                         "Find out why before averaging.")
    return values


def _check_options(level: float, repeats: int) -> None:
    if not 0 < level < 1:
        raise StudyError(f"level {level}: give a confidence level between 0 and 1, e.g. 0.95.")
    if repeats < 100:
        raise StudyError(f"repeats {repeats}: fewer than 100 resamples say nothing about a tail.")
