"""Faces chosen by rank, and how alike two metrics rank them: hand-worked rankings, coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_scores import scores_of

from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation.scoring import Scores
from lib.findings import best_and_worst

P2S = DIRECTIONS[0]


def made_scores(**values: np.ndarray) -> Scores:
    """Scores of LLE, an array (images,) or (images, seeds) per metric."""
    rows = [("made-up", P2S, "lle", seed, f"f{i}", metric, value)
            for metric, array in values.items() for seed, column in enumerate(np.reshape(array, (len(array), -1)).T)
            for i, value in enumerate(column)]
    return scores_of(rows)


def test_extremes_are_the_ends_of_the_ranking_by_the_mean_over_seeds():
    scores = made_scores(ssim=np.array([[0.9, 0.1], [0.6, 0.6], [0.1, 0.2], [0.4, 0.4]]))  # means 0.5, 0.6, 0.15, 0.4
    found = best_and_worst.extremes("cpu", "made-up", "lle", P2S, "ssim", count=2, scores=scores)
    assert found == (("f1", "f0"), ("f2", "f3"))
    with pytest.raises(StudyError, match="at most 2"):
        best_and_worst.extremes("cpu", "made-up", "lle", P2S, "ssim", count=3, scores=scores)
    with pytest.raises(StudyError, match="train --profile cpu --database made-up --system mrf"):
        best_and_worst.extremes("cpu", "made-up", "mrf", P2S, "ssim", scores=scores)


def test_notes_gather_what_all_metrics_say_of_an_image():
    scores = made_scores(ssim=np.array([0.9, 0.6, 0.1, 0.4]), fsim=np.array([0.8, 0.1, 0.7, 0.9]))
    assert best_and_worst.noted("cpu", "made-up", "lle", P2S, count=1, scores=scores) == {
        "f0": ["SSIM best 1"], "f3": ["FSIM best 1"], "f2": ["SSIM worst 1"], "f1": ["FSIM worst 1"]}
    twice = best_and_worst.noted("cpu", "made-up", "lle", P2S, count=2, scores=scores)
    assert twice["f0"] == ["SSIM best 1", "FSIM best 2"] and len(twice) == 4


def disagreement(ssim, fsim) -> best_and_worst.Disagreement:
    return best_and_worst.disagreement("cpu", "made-up", "lle", P2S, scores=made_scores(ssim=ssim, fsim=fsim))


def test_disagreement_is_a_rank_correlation():
    found = disagreement(np.array([1, 2, 3, 4, 5, 6]) / 10, np.array([1, 6, 3, 4, 5, 2]) / 10)
    assert found.correlation == pytest.approx(1 - 6 * (16 + 16) / (6 * 35))
    assert set(found.images.image[:2]) == {"f1", "f5"} and dict(zip(found.images.image, found.images.gap))["f1"] == 4


def test_limits_hold_the_true_rank_correlation():
    """Of bivariate normal scores with correlation r, Spearman's coefficient is 6/π · asin(r/2)."""
    rng, r, held = np.random.default_rng(0), 0.8, []
    for _ in range(200):
        first = rng.standard_normal(50)
        found = disagreement(first, r * first + np.sqrt(1 - r**2) * rng.standard_normal(50))
        held.append(found.low <= 6 / np.pi * np.arcsin(r / 2) <= found.high)
    assert 0.90 < np.mean(held) < 0.99


def test_rankings_without_spread_have_no_limits():
    values = np.array([0.1, 0.2, 0.3, 0.4])
    assert disagreement(values, 2 * values)[:3] == pytest.approx((1, np.nan, np.nan), nan_ok=True)
    assert disagreement(values, -values)[:3] == pytest.approx((-1, np.nan, np.nan), nan_ok=True)
    with pytest.raises(StudyError, match="fsim is the same for all images"):
        disagreement(values, np.full(4, 0.5))
    with pytest.raises(StudyError, match="needs four"):
        disagreement(values[:3], values[:3])
