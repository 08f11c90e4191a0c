"""Effects by region: paired t-tests of scipy, the claim's signs, and what stands beside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lib.base import paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.evaluation import region_scores
from lib.evaluation.region_scores import COLUMNS
from lib.findings import claims, part_or_size, region_effects, signs

STUDY = "quick", "cuhk-student"
SEEDS = (2, 3, 4, 5, 6, 7)
LUCK = dict(zip(part_or_size.SYSTEMS, np.random.default_rng(1).normal(
    scale=0.004, size=(len(part_or_size.SYSTEMS), len(SEEDS)))))


def made_up(levels: dict[str, dict[str, float]], systems=part_or_size.SYSTEMS) -> pd.DataFrame:
    """Scores of 0.5 but for ``levels`` (system → column → value), a training's luck, and what all systems share in a
    face, so that trainings are the one source of uncertainty; the backbone has a seed that no other has."""
    rows = []
    for direction in DIRECTIONS:
        for system in systems:
            for seed, luck in [*zip(SEEDS, LUCK[system]), *([(9, 0.4)] if system == "backbone" else [])]:
                rows += [(direction, system, seed, f"f{face}",
                          *(levels.get(system, {}).get(column, 0.5) + luck + face / 100 for column in COLUMNS))
                         for face in range(4)]
    return pd.DataFrame(rows, columns=["direction", "system", "seed", "image", *COLUMNS])


LEVELS = {"backbone-msg": {"chin ssim": 0.55, "whole ssim": 0.53, "chin detail": 0.5},
          "backbone-attention": {"eyes detail": 0.4, "smooth noise": 0.2},
          part_or_size.RESIDUAL: {"smooth noise": 0.2}}


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return region_effects.effects(*STUDY, table=made_up(LEVELS))


def test_each_statement_is_a_paired_t_test_over_seeds(found):
    assert len(found) == 14 and set(found.seeds) == {6}
    for row in found.itertuples():
        column = f"{row.region} {row.measure}"
        scale = 1 if row.measure == "noise" else 100
        by_seed = [scale * (LEVELS.get(system, {}).get(column, 0.5) + LUCK[system])
                   for system in (row.first, row.second)]
        expected = stats.ttest_rel(*by_seed)
        assert row.estimate == pytest.approx(np.mean(by_seed[0] - by_seed[1]))
        np.testing.assert_allclose([row.low, row.high], expected.confidence_interval(), rtol=1e-6)
        assert row.p_value == pytest.approx(expected.pvalue, rel=1e-3)
        assert row.level == pytest.approx(by_seed[1].mean() + scale * 0.015)


def test_holm_is_over_the_fourteen(found):
    order = found.p_value.sort_values()
    expected = np.minimum(np.maximum.accumulate(order * (14 - np.arange(14))), 1)
    np.testing.assert_allclose(found.p_holm[order.index], expected)


def test_faces_are_a_sample_too():
    """An effect on one face in four is none on others, however alike the trainings are."""
    table = made_up({})
    hit = (table.system == "backbone-msg") & (table.image == "f0")
    table.loc[hit, "chin ssim"] += 0.5
    row = region_effects.effects(*STUDY, table=table).iloc[0]
    assert row.estimate == pytest.approx(12.5, abs=0.5) and row.low < 0 and row.verdict == signs.UNDECIDED


def test_the_sign_is_the_claims(found):
    verdict = found.set_index(["direction", "region", "measure"]).verdict.loc[DIRECTIONS[0]]
    assert verdict["chin", "ssim"] == signs.SAME and verdict["chin", "detail"] == signs.UNDECIDED
    assert verdict["eyes", "detail"] == signs.OPPOSITE and verdict["smooth", "noise"] == signs.SAME


def test_more_detail_than_the_target_has_is_no_clarity():
    table = made_up({"backbone": {"chin detail": 1.2}, "backbone-msg": {"chin detail": 1.4}})
    rows = region_effects.effects(*STUDY, table=table).query("region == 'chin' and measure == 'detail'")
    assert (rows.p_holm < 0.05).all() and set(rows.verdict) == {signs.UNDECIDED}


def test_controls_and_the_whole_image_stand_beside(found):
    chin = found.set_index(["direction", "region", "measure"]).loc[DIRECTIONS[0], "chin", "ssim"]
    luck = 100 * (LUCK["backbone-msg"] - LUCK["backbone"]).mean()
    assert chin.whole == pytest.approx(3 + luck) and chin.estimate == pytest.approx(5 + luck)
    text = region_effects.account(*STUDY, "self-attention", made_up(LEVELS))
    assert "6 pairs of trainings" in text and "chin" not in text
    alone, controlled = text.split("Against the backbone with as many weights (6 pairs")
    assert "FP2S noise −0.30 [" in alone and "FP2S eyes detail" in alone and "whole image" in alone
    noise = next(part for part in controlled.split(";") if "FP2S noise" in part)
    assert not noise.rstrip(".").endswith("*"), "attention brings no more than its weights"


def test_one_seed_in_common_decides_nothing():
    table = made_up(LEVELS)
    table = table[(table.system != "backbone-msg") | (table.seed == 2)]
    assert set(region_effects.effects(*STUDY, table=table).part) == {"self-attention"}
    assert region_effects.account(*STUDY, "MSG", table) == ""


def test_the_claims_are_computed_from_the_table(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    outcomes = {claim.text: claim.outcome for claim in claims.CLAIMS}
    chin, blur = (next(outcome for text, outcome in outcomes.items() if word in text) for word in ("chin", "blur"))
    nothing = chin()
    assert nothing.verdict == claims.NOT_EXAMINED and "profile cpu" in nothing.text and "profile quick" in nothing.text
    tables_on_disk.write(paths.study_folder(*STUDY) / region_scores.NAME, made_up(LEVELS))
    assert chin().verdict == signs.SAME and blur().verdict == claims.MIXED
    assert chin().rests_on == "12 trainings on cuhk-student: 64 px, 8 epochs, width 16, vgg16-hed features"
    assert "At profile cpu there are no scores by region" in chin().text
