"""Distances of sets against closed forms, SciPy and simulation; Scoot against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg
from skimage.feature import graycomatrix, graycoprops
from test_metrics_ssim_fsim import ORACLES

from lib import metrics
from lib.base.errors import StudyError
from lib.base.images import read_image
from lib.metrics.frechet_distance import frechet_distance
from lib.metrics.kernel_distance import kernel_distance

RNG = np.random.default_rng(11)


def with_moments(mean, covariance, n=40):
    """A sample whose mean and covariance are exactly these."""
    x = RNG.standard_normal((n, len(mean)))
    x -= x.mean(axis=0)
    x = np.linalg.solve(np.linalg.cholesky(np.cov(x, rowvar=False)), x.T).T
    return mean + x @ np.linalg.cholesky(covariance).T


def test_frechet_of_gaussians_is_the_closed_form():
    # Commuting covariances: |μ₁ - μ₂|² + Σ (σ₁ - σ₂)².
    first = with_moments(np.array([0.0, 1, 2]), np.diag([1.0, 4, 9]))
    second = with_moments(np.array([1.0, 1, 0]), np.diag([4.0, 1, 16]))
    assert frechet_distance(first, second) == pytest.approx(1 + 4 + 1 + 1 + 1)


def test_frechet_equals_the_matrix_square_root_where_that_is_stable():
    first, second = RNG.standard_normal((300, 12)) @ RNG.standard_normal((12, 12)), RNG.standard_normal((200, 12)) + 0.5
    covariances = [np.cov(x, rowvar=False) for x in (first, second)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)


def test_frechet_with_fewer_images_than_features_is_real_and_sane():
    x = RNG.standard_normal((20, 500))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 2) == pytest.approx(4 * 500)
    # Rotated into 20 dimensions nothing changes.
    basis, _ = np.linalg.qr(np.concatenate([x, x[:1] ** 2]).T)
    other = np.concatenate([x, x[:1] ** 2])[1:] * 1.5
    assert frechet_distance(x, other) == pytest.approx(frechet_distance(x @ basis, other @ basis))


def test_kid_is_the_double_sum_and_unbiased():
    x, y = RNG.standard_normal((7, 5)), RNG.standard_normal((6, 5)) + 1
    kernel = lambda a, b: (a @ b / 5 + 1) ** 3  # noqa: E731
    expected = (np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
                + np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
                - 2 * np.mean([kernel(a, b) for a in x for b in y]))
    assert kernel_distance(x, y) == pytest.approx(expected)
    # Two samples of one distribution: zero on average, at n = 10 as at n = 40, where the biased one is not.
    for n in (10, 40):
        draws = [kernel_distance(*RNG.standard_normal((2, n, 8))) for _ in range(600)]
        assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(600)


def test_own_pairs_make_kid_too_small_by_a_known_part():
    """x and y noisy images of the same faces, distributed alike: below zero by 2/n of what own pairs exceed others."""
    n, values, expected = 10, [], []
    for _ in range(400):
        faces = RNG.standard_normal((n, 8))
        x, y = faces + 0.5 * RNG.standard_normal((2, n, 8))
        kernel = (x @ y.T / 8 + 1) ** 3
        others = (kernel.sum() - np.trace(kernel)) / (n * (n - 1))
        values.append(kernel_distance(x, y))
        expected.append(-2 / n * (np.trace(kernel) / n - others))
    assert np.mean(expected) < -0.5
    assert np.mean(values) == pytest.approx(np.mean(expected), abs=4 * np.std(np.subtract(values, expected)) / 20)


def test_jackknife_covers_the_true_kernel_distance():
    # N(0, I) against N(m, I); a large sample stands for the truth.
    shift = np.full(8, 0.6)
    big = RNG.standard_normal((2, 3000, 8))
    truth = kernel_distance(big[0], big[1] + shift)
    covered = 0
    for _ in range(100):
        x, y = RNG.standard_normal((2, 60, 8))
        interval = metrics.jackknife_interval(kernel_distance, x, y + shift, groups=10)
        assert interval.low < interval.estimate < interval.high
        covered += interval.low <= truth <= interval.high
    assert covered >= 85


def test_jackknife_of_a_mean_is_the_textbook_interval():
    x = RNG.standard_normal((30, 1))
    difference_of_means = lambda a, b: float(np.mean(b - a))  # noqa: E731
    interval = metrics.jackknife_interval(difference_of_means, np.zeros_like(x), x, groups=30)
    assert interval.high - interval.estimate == pytest.approx(2.0452 * x.std(ddof=1) / np.sqrt(30), rel=1e-4)
    with pytest.raises(StudyError, match="same 4 or more"):
        metrics.jackknife_interval(kernel_distance, x, x[:10])


@pytest.mark.parametrize("features, message", [
    (np.zeros((1, 5)), "n ≥ 2"), (np.zeros(5), "n ≥ 2"), (np.full((4, 5), np.nan), "NaN"),
    (np.zeros((4, 3)), "5 and 3")])
def test_unusable_features_are_refused(features, message):
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(StudyError, match=message):
            distance(np.ones((4, 5)), features)


def scoot_by_scikit_image(reference, image):
    """The program's recipe with another library's co-occurrence matrices."""
    def texture(grey):
        classes = np.clip(np.floor(grey.astype(float) * 6 / 255) + 1, 1, 6).astype(np.uint8) - 1  # MATLAB's classes
        values = []
        for band in range(4):
            for column in range(4):
                h, w = grey.shape
                block = classes[h * band // 4:h * (band + 1) // 4, w * column // 4:w * (column + 1) // 4]
                right, down_right, down, down_left = np.moveaxis(
                    graycomatrix(block, [1], [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4], levels=6)[:, :, 0], -1, 0)
                mean = (right + down_right.T + down.T + down_left.T) / 4.0
                matrix = np.floor(mean + 0.5)[:, :, None, None].astype(np.uint32)
                values += [graycoprops(matrix, "contrast")[0, 0], graycoprops(matrix, "ASM")[0, 0]]
        return np.array(values)
    return 1 / (1 + np.linalg.norm(texture(reference) - texture(image)))


@pytest.mark.parametrize("name", ["camera", "brick", "coins"])
@pytest.mark.parametrize("change", ["blur", "noise", "edges"])
def test_scoot_follows_the_recipe(name, change):
    reference, image = (read_image(ORACLES / f"{name}_{kind}.png") for kind in ("ref", change))
    assert metrics.scoot(reference, image) == pytest.approx(scoot_by_scikit_image(reference, image), abs=1e-12)
    assert metrics.scoot(reference, reference) == 1
    assert metrics.scoot(reference, image) == metrics.scoot(image, reference) < 1


def test_scoot_is_defined_wherever_it_is_accepted():
    """16 pixels give each block 4 × 4; in smaller blocks all rounded counts may be zero, and Scoot 0 / 0."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        reference, image = rng.integers(0, 256, (2, 16, 16), dtype=np.uint8)
        assert 0 < metrics.scoot(reference, image) <= 1
    for height, width in ((15, 16), (16, 15), (8, 8)):
        with pytest.raises(StudyError, match="too small; 16 is the least side"):
            metrics.scoot(*rng.integers(0, 256, (2, height, width), dtype=np.uint8))


def test_scoot_sees_texture_not_position():
    """A shift, which SSIM punishes most, moves Scoot less than losing the texture does."""
    reference, shifted, blurred = (read_image(ORACLES / f"brick_{kind}.png") for kind in ("ref", "shift", "blur"))
    assert metrics.ssim(reference, shifted) < metrics.ssim(reference, blurred)
    assert metrics.scoot(reference, shifted) > metrics.scoot(reference, blurred)
    assert metrics.scoot(reference, blurred) > metrics.scoot(reference, np.full_like(reference, 90))


def test_jackknife_of_two_sets_of_means_is_welchs_interval():
    """With a group for each face its error is √(s₁²/n + s₂²/m) exactly, the degrees of freedom those of the smaller."""
    x, y = RNG.standard_normal((30, 1)), 3 * RNG.standard_normal((12, 1))
    difference_of_means = lambda a, b: float(np.mean(b) - np.mean(a))  # noqa: E731
    interval = metrics.jackknife_of_two(difference_of_means, x, y, groups=30)
    error = np.sqrt(x.var(ddof=1) / 30 + y.var(ddof=1) / 12)
    assert interval.estimate == pytest.approx(y.mean() - x.mean())
    assert interval.high - interval.estimate == pytest.approx(2.2010 * error, rel=1e-4)  # t(0.975) of 11
    with pytest.raises(StudyError, match="two sets of 4 or more"):
        metrics.jackknife_of_two(difference_of_means, x, x[:3])
