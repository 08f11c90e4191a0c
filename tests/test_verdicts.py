"""Verdicts: simulated studies whose parts help, harm or do nothing must be called so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_scores import scores_of

from lib.base import systems
from lib.base.directions import DIRECTIONS
from lib.evaluation.scoring import Scores
from lib.findings import signs, verdicts
from lib.training.plans import plan

IMAGES, SEEDS = 40, 3


def simulated(effects: dict[str, float], spread: float = 0.1, seeds: int = SEEDS) -> Scores:
    """Scores of all cells where each part adds ``effects[part]`` percentage points, trainings spread by ``spread``."""
    rng, rows = np.random.default_rng(3), []
    for direction in DIRECTIONS:
        for metric in ("ssim", "fsim"):
            faces = rng.normal(65, 5, IMAGES)
            for system in systems.ABLATIONS:
                s = plan("cpu", system).settings
                level = sum(effects.get(part, 0) for part in ("msg", "attention", "cycle") if getattr(s, part))
                for seed in range(seeds):
                    values = faces + level + rng.normal(0, spread) + rng.normal(0, 0.5, IMAGES)
                    rows += [("cuhk-student", direction, system, seed, f"f{i}", metric, value / 100)
                             for i, value in enumerate(values)]
    return scores_of(rows)


def test_parts_that_help_harm_and_do_nothing_get_their_verdicts():
    found = verdicts.of_parts("cpu", "cuhk-student", simulated({"msg": 2.0, "attention": -2.0}))
    by_part = found.groupby("part").verdict.agg(set)
    assert by_part["MSG"] == {"same sign here"} and by_part["self-attention"] == {"opposite sign here"}
    assert by_part["cycle"] == {"undecided"}
    assert found[found.part == "MSG"].estimate.to_numpy() == pytest.approx(2.0, abs=0.5)


def test_an_effect_within_the_spread_of_trainings_stays_undecided():
    found = verdicts.of_parts("cpu", "cuhk-student", simulated({"msg": 0.3}, spread=2.0))
    assert set(found.verdict) == {"undecided"} and set(found.limits) == {"faces and trainings"}


def test_single_trainings_decide_nothing_however_large_the_difference():
    scores = simulated({"msg": 5.0, "attention": 5.0, "cycle": 5.0}, seeds=1)
    parts = verdicts.of_parts("cpu", "cuhk-student", scores)
    full = verdicts.of_the_full_model("cpu", "cuhk-student", scores)
    assert (parts.p_holm < 0.001).all() and set(parts.verdict) == set(full.verdict) == {"undecided"}
    assert set(parts.limits) == set(full.limits) == {"faces"}


def test_published_differences_stand_beside_ours():
    found = verdicts.of_parts("cpu", "cuhk-student", simulated({})).set_index(["part", "direction", "metric"])
    # Table I: 59.45 − 58.84, 61.64 − 61.27, 59.94 − 60.60
    assert found.published["MSG", DIRECTIONS[0], "ssim"] == "−0.66 to +0.61"
    assert found.published["cycle", DIRECTIONS[1], "ssim"] == "none"


def test_full_model_is_compared_with_each_other_cell():
    better = verdicts.of_the_full_model("cpu", "cuhk-student", simulated({"msg": 2.0, "attention": 2.0, "cycle": 2.0}))
    assert len(better) == 4 * 7 and set(better.verdict) == {"same sign here"}
    worse = verdicts.of_the_full_model("cpu", "cuhk-student", simulated({"attention": -3.0}))
    against = worse.groupby("system").verdict.agg(set)
    assert against["backbone"] == {"opposite sign here"} and "opposite sign here" not in against["backbone-attention"]


def test_full_verdicts_are_for_the_papers_setting():
    assert verdicts.verdict(1.0, 0.01, "faces and trainings", "paper") == "supported"
    assert verdicts.verdict(-1.0, 0.01, "faces and trainings", "paper") == "contradicted"
    assert verdicts.verdict(-1.0, 0.01, "faces and trainings", "cpu") == "opposite sign here"
    assert verdicts.verdict(1.0, 0.06, "faces and trainings", "paper") == "undecided"
    assert verdicts.verdict(1.0, 0.01, "faces", "paper") == "undecided", "no training was repeated"
    assert signs.conditions("cpu") == "128 px, 24 epochs, width 32, vgg16-hed features"


def test_another_reading_of_the_full_model_is_compared_with_the_same_cells():
    scores = simulated({})
    printed = "msg-sarl+channel_logits=raw"
    better = scores.images.query("system == 'msg-sarl'").assign(system=printed, value=lambda rows: rows.value + 0.02)
    scores = Scores(pd.concat([scores.images, better]), scores.sets)
    found = verdicts.of_the_full_model("cpu", "cuhk-student", scores, full=printed)
    assert len(found) == 4 * 7 and set(found.verdict) == {"same sign here"} and "msg-sarl" not in set(found.system)
    assert set(verdicts.of_the_full_model("cpu", "cuhk-student", scores).verdict) == {"undecided"}
    assert verdicts.of_the_full_model("cpu", "cuhk-student", scores, full="msg-sarl+tap=before-skip").empty
