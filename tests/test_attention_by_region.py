"""Where attention looks, over trainings: scipy's t-tests, which networks count, and the claim."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lib.base import paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.findings import attention_by_region, claims, signs

COLUMNS = ["system", "seed", "direction", "region", "ratio", "sd", "faces"]
P2S, S2P = DIRECTIONS
FACE = {(d, seed): level + step for d, level in ((P2S, 2.0), (S2P, 1.0))
        for seed, step in zip(range(5), (-0.04, -0.02, 0.0, 0.02, 0.041))}


def looking(systems, seeds=range(5), background=0.5) -> pd.DataFrame:
    """``looking.csv``: the face as in ``FACE``, hair 3, background as given in P2S and like the face in S2P."""
    rows = []
    for system, (direction, seed) in itertools.product(systems, FACE):
        if seed in seeds:
            face = FACE[direction, seed]
            beyond = background + (face - 2) if direction == P2S else face
            rows += [(system, seed, direction, region, ratio, 0.01, 20)
                     for region, ratio in (("face", face), ("hair", 3.0 + face), ("background", beyond))]
    return pd.DataFrame(rows, columns=COLUMNS)


def write(profile, database, table) -> None:
    tables_on_disk.write(paths.study_folder(profile, database) / "looking.csv", table)


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))


def test_limits_and_p_values_are_those_of_a_t_test_over_trainings():
    write("quick", "cuhk-student", looking(["msg-sarl"]))
    found = attention_by_region.weights().set_index(["direction", "region"])
    for direction in DIRECTIONS:
        row, ratios = found.loc[direction, "face"], [FACE[direction, seed] for seed in range(5)]
        expected = stats.ttest_1samp(ratios, 1)
        assert (row.ratio, row.networks) == (pytest.approx(np.mean(ratios)), 5)
        np.testing.assert_allclose([row.low, row.high], expected.confidence_interval(), rtol=1e-4)
        assert row.p_value == pytest.approx(expected.pvalue, rel=1e-3)
    decided = found[found.verdict != ""]
    assert set(decided.index.get_level_values("region")) == {"face", "background"} and len(decided) == 4
    assert decided.p_holm.min() == pytest.approx(4 * decided.p_value.min())
    assert found.p_holm.loc[P2S, "hair"] != found.p_holm.loc[P2S, "hair"]  # NaN: hair is not claimed


def test_the_claim_wants_more_than_the_mean_in_the_face_and_less_in_the_background():
    write("quick", "cuhk-student", looking(["msg-sarl"]))
    verdict = attention_by_region.weights().set_index(["direction", "region"]).verdict
    assert verdict[P2S, "face"] == verdict[P2S, "background"] == signs.SAME
    assert verdict[S2P, "face"] == verdict[S2P, "background"] == signs.UNDECIDED
    write("quick", "cuhk-student", looking(["msg-sarl"], background=1.5))
    assert attention_by_region.weights().set_index(["direction", "region"]).verdict[P2S, "background"] == signs.OPPOSITE


def test_networks_that_count_are_ours_as_we_read_the_paper_on_real_faces():
    ours = ["msg-sarl+precision=fp32", "backbone-attention"]
    write("quick", "cuhk-student", looking([*ours, "u-gat-it", "msg-sarl+position_softmax=double"], seeds=(0,)))
    write("cpu", "cuhk-student", looking(["msg-sarl"], seeds=(0, 1)))
    write("quick", "portraits", looking(["msg-sarl"]))
    table = attention_by_region.networks()
    assert {*table.profile, *table.database, *table.system} == {"quick", "cpu", "cuhk-student", "msg-sarl", *ours}
    found = attention_by_region.weights(table)
    assert set(found.networks) == {2} and set(found.profile) == {"quick", "cpu"}


def test_one_training_has_no_limits_and_no_verdict():
    write("cpu", "cuhk-student", looking(["msg-sarl"], seeds=(0,)))
    found = attention_by_region.weights()
    assert found[["low", "high", "p_value"]].isna().all().all()
    assert set(found.verdict[found.region != "hair"]) == {signs.UNDECIDED}


def test_no_weight_is_negative():
    table = looking(["msg-sarl"], seeds=(0, 1))
    table.loc[(table.region == "background") & (table.seed == 0), "ratio"] = 0.01
    write("quick", "cuhk-student", table)
    found = attention_by_region.weights().set_index(["direction", "region"])
    assert found.low[P2S, "background"] == 0 and found.high[P2S, "background"] > 1


def test_the_outcome_counts_trainings_and_conditions():
    outcome = next(claim.outcome for claim in claims.CLAIMS if claim.text.startswith("Attention attends"))
    write("quick", "cuhk-student", looking(["u-gat-it"]))
    assert outcome().verdict == claims.NOT_EXAMINED
    write("quick", "cuhk-student", looking(["msg-sarl"]))
    write("cpu", "cuhk-student", looking(["msg-sarl"], seeds=(3,)))
    found = outcome()
    assert found.verdict == signs.SAME  # the sketches' networks; nothing is clear of the photos' or of one training
    assert found.rests_on.split("; ") == [
        "1 training on cuhk-student: 128 px, 24 epochs, width 32, vgg16-hed features",
        "5 trainings on cuhk-student: 64 px, 8 epochs, width 16, vgg16-hed features"]
    assert "Profile cpu, cuhk-student, 1 training: FP2S face 2.02, hair 5.02, background 0.52; FS2P" in found.text
    assert "Profile quick, cuhk-student, 5 trainings: FP2S face 2.00 [" in found.text
    assert "gives the face more weight than the background in 6 of 12 networks" in found.text
