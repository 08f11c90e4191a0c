"""How alike two metrics rank the faces: hand-worked rankings, coverage by simulation."""

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


def disagreement(ssim, fsim) -> best_and_worst.Disagreement:
    return best_and_worst.disagreement("cpu", "made-up", "lle", P2S, scores=made_scores(ssim=ssim, fsim=fsim))


def test_a_system_without_scores_is_refused_with_the_command_that_makes_them():
    scores = made_scores(ssim=np.arange(6) / 10, fsim=np.arange(6) / 10)
    with pytest.raises(StudyError, match="train --profile cpu --database made-up --system mrf"):
        best_and_worst.disagreement("cpu", "made-up", "mrf", P2S, scores=scores)


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
