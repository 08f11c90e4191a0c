"""Contrasts over images and runs: closed forms, SciPy where one source is alone, error rates by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lib.base.errors import StudyError
from lib.base.statistics import bootstrap_interval
from lib.findings.contrasts import RunSpread, by_image_and_seed, compare, contrast, pooled_spread

STUDIES, IMAGES = 400, 100
# Of 400 studies with no effect, a 5 % test rejects more than this in 1 of 1000 repetitions of the simulation.
MOST_REJECTIONS = stats.binom.ppf(0.999, STUDIES, 0.05)
# Standard deviations of images, runs and residual: runs absent, of the size expected, dominant.
SPREADS = [(1.0, 0.0, 0.3), (1.0, 0.3, 1.0), (1.0, 1.0, 1.0), (0.0, 0.3, 1.0)]


def cell(rng, image_effects, run_sd, residual_sd, seeds):
    return (image_effects[:, None] + run_sd * rng.standard_normal(seeds)
            + residual_sd * rng.standard_normal((len(image_effects), seeds)))


def effects_without_truth(spreads, cells, seeds):
    """Effects of ``STUDIES`` simulated studies whose true contrast is zero; every second cell counts negatively."""
    image_sd, run_sd, residual_sd = spreads
    rng = np.random.default_rng(cells * 100 + seeds)
    weights = np.tile([1.0, -1.0], cells)[:cells]
    for _ in range(STUDIES):
        faces = 3 * rng.standard_normal(IMAGES) if cells > 1 else np.zeros(IMAGES)  # shared, so it cancels
        runs = [cell(rng, faces + image_sd * rng.standard_normal(IMAGES), run_sd, residual_sd, seeds)
                for _ in range(cells)]
        yield runs, weights, compare(runs, weights)


@pytest.mark.parametrize("cells, seeds", [(1, 3), (2, 3), (8, 3), (1, 2)])
@pytest.mark.parametrize("spreads", SPREADS)
def test_false_positives_stay_within_the_level(spreads, cells, seeds):
    found = [effect for *_, effect in effects_without_truth(spreads, cells, seeds)]
    assert sum(effect.p_value < 0.05 for effect in found) <= MOST_REJECTIONS
    assert all((effect.p_value < 0.05) == (effect.low > 0 or effect.high < 0) for effect in found)


def test_images_alone_and_one_number_of_degrees_of_freedom_fail_where_ours_holds():
    over_images, satterthwaite = 0, 0
    for (runs,), _, effect in effects_without_truth((1.0, 0.4, 1.0), 1, 2):
        _, low, high = bootstrap_interval(runs.mean(axis=1), repeats=200)
        over_images += not low <= 0 <= high
        variances = np.array([runs.mean(axis=1).var(ddof=1) / IMAGES, runs.mean(axis=0).var(ddof=1) / 2])
        freedom = variances.sum()**2 / np.sum(variances**2 / [IMAGES - 1, 1])
        satterthwaite += 2 * stats.t.sf(abs(effect.estimate) / np.sqrt(variances.sum()), freedom) < 0.05
    assert over_images > 0.3 * STUDIES and satterthwaite > MOST_REJECTIONS


def test_the_design_finds_an_effect_of_the_size_that_it_should():
    """Eight cells, three runs of 0.3 points spread: an effect of 0.5 points is found in most studies."""
    rng, found = np.random.default_rng(0), 0
    for _ in range(100):
        runs = [cell(rng, 0.6 * rng.standard_normal(IMAGES) + 0.5 * (k % 2), 0.3, 1.0, 3) for k in range(8)]
        found += compare(runs, np.tile([-0.25, 0.25], 4)).p_value < 0.05
    assert found > 80


def test_one_seed_is_the_paired_t_test_over_images():
    differences = np.random.default_rng(3).normal(0.3, 1, (40, 1))
    effect, theirs = contrast(differences), stats.ttest_1samp(differences[:, 0], 0)
    interval = theirs.confidence_interval()
    assert effect[:4] == pytest.approx((differences.mean(), interval.low, interval.high, theirs.pvalue))
    assert (effect.images, effect.seeds) == (40, 1)


def test_without_spread_over_images_it_is_welchs_test_of_run_means():
    first, second = np.array([1.0, 1.3, 1.9]), np.array([0.2, 0.9, 0.1, 0.4])
    effect = compare([np.tile(first, (50, 1)), np.tile(second, (50, 1))], [1, -1])
    theirs = stats.ttest_ind(first, second, equal_var=False)
    interval = theirs.confidence_interval()
    assert effect[:4] == pytest.approx((first.mean() - second.mean(), interval.low, interval.high, theirs.pvalue))
    assert effect.seeds == 3


def test_limits_add_both_sources_as_variances():
    images, runs = np.random.default_rng(4).normal(size=60), np.array([0.1, -0.2, 0.4])
    effect = contrast(1.0 + images[:, None] + runs)
    half = np.hypot(stats.t.ppf(0.975, 59) * images.std(ddof=1) / np.sqrt(60),
                    stats.t.ppf(0.975, 2) * runs.std(ddof=1) / np.sqrt(3))
    centre = 1 + images.mean() + runs.mean()
    assert effect[:3] == pytest.approx((centre, centre - half, centre + half))
    at_limit = contrast(1.0 + images[:, None] + runs - effect.low)  # its lower limit is zero
    assert at_limit.p_value == pytest.approx(0.05)


def test_single_runs_borrow_the_spread_of_others():
    images = np.random.default_rng(5).normal(size=(80, 1))
    variant, base = images + 0.5, np.zeros((80, 1))
    alone = compare([variant, base], [1, -1])
    borrowed = compare([variant, base], [1, -1], RunSpread(0.3, 16))
    half = np.hypot(alone.high - alone.estimate, stats.t.ppf(0.975, 16) * np.sqrt(2) * 0.3)
    assert borrowed.high - borrowed.estimate == pytest.approx(half) and borrowed.seeds == 1
    three = compare([variant, np.tile(base, (1, 3)) + [0.3, 0.0, -0.3]], [1, -1], RunSpread(0.3, 16))
    variances = np.array([0.3**2, 0.3**2 / 3])
    freedom = variances.sum()**2 / np.sum(variances**2 / [16, 2])
    half = np.hypot(alone.high - alone.estimate, stats.t.ppf(0.975, freedom) * np.sqrt(variances.sum()))
    assert three.high - three.estimate == pytest.approx(half)


def test_borrowing_holds_where_cells_spread_alike_and_fails_where_they_do_not():
    """Two of eight cells are compared, three runs each; equal faces, so that runs are the only luck."""
    def rejections(spreads, own_from):
        rng, count = np.random.default_rng(11), 0
        for _ in range(STUDIES):
            means = [spread * rng.standard_normal(3) for spread in spreads]
            pooled = pooled_spread([pd.DataFrame([values]) for values in means])
            runs = [np.tile(values, (2, 1)) for values in (means[0], means[-1])]
            count += compare(runs, [1, -1], pooled, own_from=own_from).p_value < 0.05
        return count

    alike, unlike = [0.3] * 8, np.linspace(0.1, 1.2, 8)
    assert rejections(alike, 99) <= MOST_REJECTIONS and rejections(alike, 3) <= MOST_REJECTIONS
    assert rejections(unlike, 99) > 1.5 * 0.05 * STUDIES and rejections(unlike, 3) <= MOST_REJECTIONS


def test_scale_sign_and_order_do_what_they_should():
    values = np.random.default_rng(6).normal(0.2, 1, (30, 3))
    effect, scaled = contrast(values), contrast(-100 * values)
    assert scaled[:4] == pytest.approx((-100 * effect.estimate, -100 * effect.high, -100 * effect.low, effect.p_value))
    assert contrast(values[::-1, [2, 0, 1]]) == pytest.approx(effect)
    assert contrast(values, level=0.99).low < effect.low


def test_no_spread_at_all_and_huge_effects_have_an_answer():
    assert contrast(np.zeros((5, 3)))[:4] == (0, 0, 0, 1)
    assert contrast(np.ones((5, 3)))[:4] == (1, 1, 1, 0)
    assert contrast(1e9 + np.random.default_rng(0).normal(size=(100, 1))).p_value == 1e-12


def test_bad_input_is_refused():
    with pytest.raises(StudyError, match="1 values that are NaN"):
        contrast(np.array([[1.0], [np.nan]]))
    with pytest.raises(StudyError, match=r"got shape \(3,\)"):
        contrast(np.zeros(3))
    with pytest.raises(StudyError, match="at least two images"):
        contrast(np.zeros((1, 3)))
    with pytest.raises(StudyError, match="one weight per cell"):
        compare([np.zeros((3, 1)), np.zeros((4, 1))], [1, -1])


def test_rows_become_a_table_of_per_cent():
    rows = pd.DataFrame([("lle", "photo-to-sketch", seed, image, "ssim", 0.1 * seed + 0.01 * i)
                         for seed in (0, 1) for i, image in enumerate("ba")],
                        columns=["system", "direction", "seed", "image", "metric", "value"])
    table = by_image_and_seed(rows)
    assert list(table.index) == ["a", "b"] and table.to_numpy().ravel() == pytest.approx([1, 11, 0, 10])
    with pytest.raises(StudyError, match=r"lle, photo-to-sketch[\s\S]*seed 1: 1 of 2 images has no ssim"):
        by_image_and_seed(rows.iloc[:-1])
    with pytest.raises(StudyError, match="some images of seed 0 have two scores"):
        by_image_and_seed(pd.concat([rows, rows.iloc[:1]]))
