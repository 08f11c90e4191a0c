"""Verdicts: simulated studies whose parts help, harm or do nothing must be called so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_scores import SET_COLUMNS, scores_of

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
    text = verdicts.as_text(better)
    assert text.shape == (7, 4) and "same sign here" in text.loc["backbone", "FP2S SSIM"]
    worse = verdicts.of_the_full_model("cpu", "cuhk-student", simulated({"attention": -3.0}))
    against = worse.groupby("system").verdict.agg(set)
    assert against["backbone"] == {"opposite sign here"} and "opposite sign here" not in against["backbone-attention"]


def test_claim_by_claim_says_what_the_tables_say():
    scores = simulated({"msg": -9.0, "attention": 9.0})
    scoot = scores.images.query("metric == 'ssim'").assign(metric="scoot")
    scores = Scores(pd.concat([scores.images, scoot]), scores.sets)
    msg, attention, cycle, full = verdicts.claim_by_claim("cpu", "cuhk-student", scores)
    assert msg.count("(opposite sign here; ") == 4 and attention.count("(same sign here; ") == 4
    assert "published −0.66 to +0.61" in msg and "undecided" in cycle
    assert "Scoot changes by −" in msg and "Fréchet" not in msg, "there is no distance of sets to speak of"
    # Of the seven cells the full model beats two in each of four columns (no self-attention, MSG), and loses to two
    # (self-attention, no MSG); the other three are its equals.
    assert "Of 28 comparisons with another cell it is better in 8 and worse in 8" in full
    assert "(FP2S FSIM, FP2S SSIM, FS2P FSIM, FS2P SSIM; 8 of these against cells without MSG)" in full


def test_full_verdicts_are_for_the_papers_setting():
    assert verdicts.verdict(1.0, 0.01, "faces and trainings", "paper") == "supported"
    assert verdicts.verdict(-1.0, 0.01, "faces and trainings", "paper") == "contradicted"
    assert verdicts.verdict(-1.0, 0.01, "faces and trainings", "cpu") == "opposite sign here"
    assert verdicts.verdict(1.0, 0.06, "faces and trainings", "paper") == "undecided"
    assert verdicts.verdict(1.0, 0.01, "faces", "paper") == "undecided", "no training was repeated"
    assert signs.conditions("cpu") == "128 px, 24 epochs, width 32, vgg16-hed features"


def test_claim_by_claim_counts_distances_of_sets():
    scores = simulated({})
    cells = list(systems.ABLATIONS)
    values = [20.0 + plan("cpu", system).settings.msg for system in cells]
    values[cells.index("msg-sarl")] = 1.0
    sets = pd.DataFrame([("cuhk-student", DIRECTIONS[0], system, seed, "frechet-vgg16-hed", value, value - 1, value + 1)
                         for system, value in zip(cells, values) for seed in range(SEEDS)],
                        columns=SET_COLUMNS)
    msg = verdicts.claim_by_claim("cpu", "cuhk-student", Scores(scores.images, sets))[0]
    assert "larger with MSG in 3 of 4 pairs of cells" in msg


def test_another_reading_of_the_full_model_is_compared_with_the_same_cells():
    scores = simulated({})
    printed = "msg-sarl+channel_logits=raw"
    better = scores.images.query("system == 'msg-sarl'").assign(system=printed, value=lambda rows: rows.value + 0.02)
    scores = Scores(pd.concat([scores.images, better]), scores.sets)
    found = verdicts.of_the_full_model("cpu", "cuhk-student", scores, full=printed)
    assert len(found) == 4 * 7 and set(found.verdict) == {"same sign here"} and "msg-sarl" not in set(found.system)
    assert set(verdicts.of_the_full_model("cpu", "cuhk-student", scores).verdict) == {"undecided"}
    assert verdicts.of_the_full_model("cpu", "cuhk-student", scores, full="msg-sarl+tap=before-skip").empty
