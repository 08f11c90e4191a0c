"""Statistics against SciPy, closed forms, hand-worked examples and coverage by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from lib.base import statistics
from lib.base.errors import StudyError

RNG = np.random.default_rng(5)
SKEWED = RNG.exponential(size=60)


def test_bootstrap_of_a_skewed_mean_has_the_limits_of_the_expansion():
    """To second order mean + se · (z + (2z² + 1) · skewness / (6√n)); DiCiccio and Efron 1996 (Stat. Sci. 11)."""
    n, z, skewness = len(SKEWED), stats.norm.ppf([0.025, 0.975]), stats.skew(SKEWED)
    shift = (2 * z**2 + 1) * skewness / (6 * np.sqrt(n))
    expected = SKEWED.mean() + SKEWED.std() / np.sqrt(n) * (z + shift)
    estimate, *limits = statistics.bootstrap_interval(SKEWED, repeats=20_000)
    width = np.ptp(expected)
    assert estimate == SKEWED.mean() and np.allclose(limits, expected, atol=0.03 * width)
    uncorrected = SKEWED.mean() + SKEWED.std() / np.sqrt(n) * z
    assert np.all(np.abs(limits - uncorrected) > 0.03 * width)


def test_bootstrap_of_a_normal_mean_is_the_textbook_interval():
    values = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    ours = statistics.bootstrap_interval(values, repeats=40_000, level=0.9)
    half = stats.norm.ppf(0.95) * values.std() / np.sqrt(len(values))
    assert np.allclose([ours.low, ours.high], [-half, half], atol=0.03 * half)


def test_bootstrap_covers_at_its_level():
    hits = 0
    for trial in range(300):
        sample = np.random.default_rng(trial).exponential(size=40)
        _, low, high = statistics.bootstrap_interval(sample, repeats=1000, seed=trial)
        hits += low <= 1.0 <= high
    assert 0.89 < hits / 300 < 0.98


def test_bootstrap_is_reproducible_and_blocks_do_not_matter(monkeypatch):
    first = statistics.bootstrap_interval(SKEWED, repeats=2000)
    monkeypatch.setattr(statistics, "_BLOCK", 1000)
    assert statistics.bootstrap_interval(SKEWED, repeats=2000) == first
    assert statistics.bootstrap_interval(SKEWED, repeats=2000, seed=1) != first


def test_student_interval_is_scipy_s_and_holds_its_level_for_two_values():
    for n in (2, 5, 60):
        values = SKEWED[:n]
        low, high = stats.t.interval(0.9, n - 1, np.mean(values), stats.sem(values))
        assert statistics.student_interval(values, level=0.9) == pytest.approx((np.mean(values), low, high))
    samples = np.random.default_rng(0).normal(size=(2000, 2))
    covered = [low <= 0 <= high for _, low, high in map(statistics.student_interval, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_constant_values_have_no_width():
    assert statistics.bootstrap_interval([0.5] * 7) == (0.5, 0.5, 0.5)


def test_clusters_widen_the_interval_as_the_design_effect_says():
    rater = np.repeat(np.arange(40), 10)
    votes = RNG.normal(size=40)[rater] + 0.1 * RNG.normal(size=400)
    clustered = statistics.cluster_bootstrap(votes, rater)
    means = votes.reshape(40, 10).mean(axis=1)
    half = stats.norm.ppf(0.975) * means.std() / np.sqrt(40)
    assert np.isclose(clustered.high - clustered.low, 2 * half, rtol=0.05)
    naive = statistics.bootstrap_interval(votes)
    assert clustered.high - clustered.low > 2.5 * (naive.high - naive.low)


def test_one_value_per_cluster_is_the_plain_bootstrap():
    clustered = statistics.cluster_bootstrap(SKEWED, np.arange(60))
    plain = stats.bootstrap((SKEWED,), np.mean, method="percentile", rng=1).confidence_interval
    assert np.allclose(clustered, (SKEWED.mean(), *plain), atol=0.02)


def test_crossed_factors_add_their_variances():
    rows, columns = RNG.normal(size=30), RNG.normal(size=30)
    values = (rows[:, None] + columns[None, :]).ravel()
    row_label, column_label = np.divmod(np.arange(900), 30)
    both = statistics.cluster_bootstrap(values, row_label, column_label)
    half = stats.norm.ppf(0.975) * np.sqrt(rows.var() / 30 + columns.var() / 30)
    assert np.isclose(both.high - both.low, 2 * half, rtol=0.06)


def test_cluster_bootstrap_of_several_columns():
    shares = RNG.random((50, 3))
    result = statistics.cluster_bootstrap(shares, np.arange(50) // 2, repeats=1000)
    assert result.low.shape == result.high.shape == (3,)
    assert np.allclose(result.estimate, shares.mean(axis=0))
    assert np.isclose(result.low[1], statistics.cluster_bootstrap(shares[:, 1], np.arange(50) // 2, repeats=1000).low)


def test_sign_flip_is_exact_for_few_pairs():
    differences = np.array([1.2, -0.3, 0.8, 0.5, 2.0, -0.1, 0.9])
    signs = np.array(list(itertools.product((1, -1), repeat=7)))
    expected = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12)
    assert statistics.sign_flip_test(differences) == expected
    scipy = stats.permutation_test((differences, np.zeros(7)), lambda x, y, axis: np.mean(x - y, axis=axis),
                                   permutation_type="samples", n_resamples=np.inf).pvalue
    assert np.isclose(expected, scipy)


def test_sign_flip_by_drawing_is_close_to_the_t_test():
    differences = RNG.normal(0.3, 1, size=80)
    assert abs(statistics.sign_flip_test(differences) - stats.ttest_1samp(differences, 0).pvalue) < 0.015
    assert statistics.sign_flip_test(differences + 10) == 1 / 10_001
    assert statistics.sign_flip_test(np.zeros(50)) == 1.0


def test_sign_flip_keeps_its_level():
    p = [statistics.sign_flip_test(np.random.default_rng(i).normal(size=20), repeats=199) for i in range(400)]
    assert np.mean(np.array(p) <= 0.05) < 0.08


def test_paired_difference_uses_the_pairing():
    case = RNG.normal(size=50) * 10
    better = case + 0.5 + 0.2 * RNG.normal(size=50)
    result = statistics.paired_difference(better, case)
    assert result.low > 0.3 and result.high < 0.7 and result.p_value < 0.001 and result.n == 50


def test_holm_by_hand():
    assert np.allclose(statistics.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert np.allclose(statistics.holm([0.9, 0.8]), [1.0, 1.0])
    assert statistics.holm([]).shape == (0,)


def test_holm_lies_between_no_correction_and_bonferroni():
    p = RNG.random(20) ** 3
    adjusted = statistics.holm(p)
    assert np.all(adjusted >= p) and np.all(adjusted <= np.minimum(1, 20 * p) + 1e-15)
    assert np.array_equal(np.argsort(adjusted, kind="stable")[:3], np.argsort(p)[:3])


@pytest.mark.parametrize("call, word", [
    (lambda: statistics.bootstrap_interval([1.0]), "at least 2"),
    (lambda: statistics.student_interval([1.0]), "at least 2"),
    (lambda: statistics.student_interval([1.0, np.inf]), "row 1"),
    (lambda: statistics.bootstrap_interval([1.0, np.nan, 2.0]), "row 1"),
    (lambda: statistics.bootstrap_interval([1.0, 2.0], level=95), "between 0 and 1"),
    (lambda: statistics.bootstrap_interval([1.0, 2.0], repeats=3), "100"),
    (lambda: statistics.cluster_bootstrap([1.0, 2.0]), "labels"),
    (lambda: statistics.cluster_bootstrap([1.0, 2.0], ["a"]), "1 labels"),
    (lambda: statistics.cluster_bootstrap([1.0, 2.0], ["a", "a"]), "single level"),
    (lambda: statistics.paired_difference([1.0, 2.0], [1.0]), "equal counts"),
    (lambda: statistics.holm([0.1, 1.2]), "0, 1"),
])
def test_bad_input_is_named(call, word):
    with pytest.raises(StudyError, match=word):
        call()
