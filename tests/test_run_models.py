"""Designs by least squares: closed forms of the balanced case, two-way analysis of variance, simulated error rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_scores import CELLS
from scipy import stats

from lib.base.errors import StudyError
from lib.findings.ablations import WEIGHTS
from lib.findings.contrasts import FACES, FACES_AND_TRAININGS
from lib.findings.run_models import RunModel

NAMES, SEEDS = list(CELLS), 3
MSG = pd.Series({name: (0.25 if parts[0] else -0.25) for name, parts in CELLS.items()})


def cells_of(means: np.ndarray, faces: int = 4, face_sd: float = 0.0, rng=None) -> dict[str, pd.DataFrame]:
    """Cells whose trainings have these mean scores (cells, seeds); faces differ alike in all, or by ``face_sd``."""
    own = np.zeros((len(means), faces)) if rng is None else face_sd * rng.standard_normal((len(means), faces))
    base = np.arange(faces) - (faces - 1) / 2
    return {name: pd.DataFrame(base[:, None] + own[c][:, None] + means[c], index=[f"f{i}" for i in range(faces)])
            for c, name in zip(range(len(means)), NAMES)}


def test_equal_seeds_give_the_plain_contrast_and_the_residual_of_a_two_way_analysis():
    means = np.random.default_rng(0).normal(60, 1, (8, SEEDS))
    model = RunModel(cells_of(means))
    effect = model.contrast(MSG)
    with_msg = np.array([parts[0] == 1 for parts in CELLS.values()])
    assert effect.estimate == pytest.approx(means[with_msg].mean() - means[~with_msg].mean())
    residual = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0) + means.mean()
    sd, freedom = model.pooled
    assert freedom == pytest.approx(14) and sd**2 == pytest.approx(np.sum(residual**2) / 14)
    assert model.freedom == pytest.approx(np.full(8, 14 / 8))
    # With weights of one size the cells' own spreads add up to the pooled one; faces contribute nothing here.
    f = np.sum(residual**2, axis=1) / (14 / 8)
    welch = f.sum()**2 / np.sum(f**2 / (14 / 8))
    half = stats.t.ppf(0.975, welch) * np.sqrt(sd**2 * 8 / 16 / SEEDS)
    assert effect.high - effect.estimate == pytest.approx(half) and effect.limits == FACES_AND_TRAININGS


def test_what_a_seed_has_in_common_does_not_widen_the_limits():
    means = np.random.default_rng(1).normal(60, 0.2, (8, SEEDS))
    effects = [RunModel(cells_of(means + shift)).contrast(MSG) for shift in (0.0, np.array([5.0, 0.0, -9.0]))]
    assert effects[0][:4] == pytest.approx(effects[1][:4])


def test_a_device_is_taken_out_and_costs_one_degree_of_freedom():
    rng = np.random.default_rng(2)
    means = rng.normal(60, 0.2, (8, SEEDS)) + 2.0 * MSG.to_numpy()[:, None]
    where = {(name, seed): "processor" if c >= 6 and seed or c == 4 and seed == 2 else "card"
             for c, name in enumerate(NAMES) for seed in range(SEEDS)}
    slow = np.array([[where[name, seed] == "processor" for seed in range(SEEDS)] for name in NAMES])
    plain, moved = (RunModel(cells_of(m), where).contrast(MSG) for m in (means, means + 7.0 * slow))
    assert plain[:4] == pytest.approx(moved[:4])
    assert RunModel(cells_of(means + 7.0 * slow)).contrast(MSG).estimate > plain.estimate + 1
    assert RunModel(cells_of(means), where).pooled[1] == pytest.approx(13)


def test_an_effect_that_is_the_device_has_no_estimate():
    where = {(name, seed): "processor" if CELLS[name][0] else "card" for name in NAMES for seed in range(SEEDS)}
    model = RunModel(cells_of(np.random.default_rng(3).normal(60, 1, (8, SEEDS))), where)
    assert np.isnan(model.contrast(MSG).estimate) and np.isfinite(model.contrast(WEIGHTS["cycle"]).estimate)
    with pytest.raises(StudyError, match="device"):
        RunModel(cells_of(np.zeros((8, 2))), {})


def test_single_seeds_hold_for_these_trainings_alone_and_borrow_where_others_repeat():
    one = cells_of(np.random.default_rng(4).normal(60, 1, (8, 1)))
    assert RunModel(one).contrast(MSG).limits == FACES
    three = cells_of(np.random.default_rng(4).normal(60, 1, (8, SEEDS)))
    three["msg-sarl"] = three["msg-sarl"][[0]]
    model = RunModel(three)
    assert model.contrast(MSG).limits == FACES_AND_TRAININGS and model.contrast(MSG).seeds == 1
    assert model.difference("backbone", "backbone-msg").seeds == 3


@pytest.mark.parametrize("seeds, spreads, block", [(3, np.full(8, 0.3), 0.0), (3, np.full(8, 0.3), 0.6),
                                                   (3, np.array([0.1] * 7 + [1.2]), 0.3), (2, np.full(8, 0.3), 0.3)])
def test_true_nulls_are_rejected_no_more_often_than_claimed(seeds, spreads, block):
    studies, rng, rejected = 400, np.random.default_rng(5), 0
    for _ in range(studies):
        means = spreads[:, None] * rng.standard_normal((8, seeds)) + block * rng.standard_normal(seeds)
        rejected += RunModel(cells_of(means, 6, 0.05, rng)).contrast(MSG).p_value < 0.05
    assert rejected <= stats.binom.ppf(0.999, studies, 0.05)


def test_an_effect_of_the_size_that_it_should_is_found():
    rng, found = np.random.default_rng(6), 0
    for _ in range(100):
        means = 0.3 * rng.standard_normal((8, SEEDS)) + 0.8 * rng.standard_normal(SEEDS) + 2 * MSG.to_numpy()[:, None]
        found += RunModel(cells_of(means)).contrast(MSG).p_value < 0.05
    assert found > 80
