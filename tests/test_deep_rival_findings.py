"""MSG-SARL beside the deep rivals: signs, families and verdicts on made-up scores; the printed tables by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lib.base import paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.findings import deep_rivals, learning_curves, rival_scores, tables

LEADS = {"fcn": 3.0, "pix2pix": -3.0, "cyclegan": 0.0, "u-gat-it": 2.0}  # points by which ours is ahead


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Scores of 60 faces and three trainings of ours and of each rival but U-GAT-IT, which has one."""
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    rng, rows = np.random.default_rng(1), []
    faces = rng.normal(0, 0.03, 60)
    for system, direction, metric in itertools.product(("msg-sarl", *LEADS), DIRECTIONS, ("ssim", "fsim")):
        for seed in range(1 if system == "u-gat-it" else 3):
            level = 0.6 - LEADS.get(system, 0) / 100 + rng.normal(0, 0.002)
            rows += [("portraits", direction, system, seed, f"{i:03d}", metric, level + faces[i] + rng.normal(0, 0.005))
                     for i in range(60)]
    columns = ["database", "direction", "system", "seed", "image", "metric", "value"]
    tables_on_disk.write(paths.study_folder("quick", "portraits") / "scores.csv", pd.DataFrame(rows, columns=columns))
    return "quick", "portraits"


def test_leads_are_found_with_their_sign_and_say_what_they_hold_for(study):
    table = deep_rivals.against_msg_sarl(*study).set_index(["direction", "metric", "system"]).sort_index()
    for (direction, metric, system), row in table.iterrows():
        assert row.estimate == pytest.approx(LEADS[system], abs=0.6) and row.low < row.estimate < row.high
    ssim = table.loc[DIRECTIONS[0], "ssim"].verdict
    assert ssim[["fcn", "pix2pix", "cyclegan"]].tolist() == ["ahead", "behind", "open"]
    assert set(table.limits) == {"faces and trainings"}  # U-GAT-IT borrows the spread of the other rivals
    assert table.rival_seeds.loc[DIRECTIONS[0], "ssim", "u-gat-it"] == 1
    assert table.published_cufs.loc[DIRECTIONS[0], "ssim", "fcn"] == pytest.approx(52.88 - 52.14)
    assert np.isnan(table.published_cufs.loc[DIRECTIONS[1], "ssim", "fcn"])  # no FCN in Table VI


def test_one_training_of_every_rival_is_no_ranking_and_a_learner_is_not_outrun(study, monkeypatch):
    file = paths.study_folder(*study) / "scores.csv"
    scores = tables_on_disk.read_csv(file)
    tables_on_disk.write(file, scores[(scores.system == "msg-sarl") | (scores.seed == 0)])
    table = deep_rivals.against_msg_sarl(*study)
    assert set(table.verdict) == {"one training"} and set(table.limits) == {"faces"}
    monkeypatch.setattr(learning_curves, "unconverged", lambda *study: {"fcn": True, "pix2pix": True})
    verdicts = deep_rivals.against_msg_sarl(*study).groupby("system").verdict.agg(set)
    assert verdicts["fcn"] == {"rival unconverged"} and verdicts["pix2pix"] == {"one training"}
    shown = tables.rivals(*study, DIRECTIONS[0]).drop_duplicates("system").set_index("system").label
    assert shown[["fcn", "pix2pix", "cyclegan"]].tolist() == ["FCN (unconverged)", "pix2pix (unconverged)", "CycleGAN"]
    sentences = deep_rivals.account(*study)
    assert len(sentences) == 4 and all("unconverged FCN (+" in sentence for sentence in sentences)
    lines = dict(zip(LEADS, deep_rivals.standing(*study)))
    assert lines["fcn"].startswith("above FCN in all 4") and "unconverged" in lines["fcn"]
    assert lines["pix2pix"].startswith("below pix2pix in 4 of 4: FP2S SSIM, FP2S FSIM")
    assert "unconverged" not in lines["pix2pix"]
    assert all("one training" in line for line in lines.values())


def test_the_worth_of_pairs_is_a_paired_difference(study):
    assert deep_rivals.worth_of_pairs(*study).empty
    file = paths.study_folder(*study) / "scores.csv"
    scores = tables_on_disk.read_csv(file)
    own = scores[scores.system == "cyclegan"]
    luck = {0: 0.02, 1: 0.03, 2: 0.04}
    shown_pairs = own.assign(system="cyclegan+pairing=paired", value=own.value + own.seed.map(luck))
    compared = own[own.seed < 2].assign(system=deep_rivals.WITH_PAIRS["and compared"], value=own.value - 0.01)
    tables_on_disk.write(file, pd.concat([scores, shown_pairs, compared]))
    table = deep_rivals.worth_of_pairs(*study).set_index("with_pairs")
    np.testing.assert_allclose(table.loc["and compared"][["gain", "seeds"]], [[-1, 2]] * 4)
    found = table.loc["pairs shown"]
    half = stats.t.ppf(0.975, 2) * 1 / np.sqrt(3)  # gains of 2, 3 and 4 points; the same for every face
    np.testing.assert_allclose(found[["gain", "low", "high"]], [[3, 3 - half, 3 + half]] * 4, atol=1e-3)
    assert set(found.seeds) == {3} and set(found.limits) == {"faces and trainings"}


def test_other_forms_are_measured_against_the_row_of_their_rival(study):
    assert deep_rivals.other_forms(*study).empty
    file = paths.study_folder(*study) / "scores.csv"
    scores = tables_on_disk.read_csv(file)
    own = scores[(scores.system == "cyclegan") & (scores.seed == 0)]
    gains = own.metric.map({"ssim": 0.02, "fsim": -0.01})
    better = own.assign(system="cyclegan+pairing=paired", value=own.value + gains)
    rows = pd.concat([scores[(scores.system != "cyclegan") | (scores.seed == 0)], better])
    tables_on_disk.write(file, rows.sample(frac=1, random_state=0))  # rows in any order
    table = deep_rivals.other_forms(*study)
    assert table.gain.tolist() == pytest.approx([2, -1] * 2) and set(table.limits) == {"faces"}
    shown = deep_rivals.forms_as_text(table)
    assert shown.index.tolist() == ["CycleGAN shown pairs"] and shown.columns.tolist()[:2] == ["FP2S SSIM", "FP2S FSIM"]
    assert shown.iloc[0, 0].startswith("+2.0 [") and shown.iloc[0, 1].startswith("−1.0 [")


def test_what_is_not_trained_needs_no_repeats(study):
    file = paths.study_folder(*study) / "scores.csv"
    scores = tables_on_disk.read_csv(file)
    looked_up = scores[(scores.system == "fcn") & (scores.seed == 0)].assign(system="lle")
    tables_on_disk.write(file, pd.concat([scores, looked_up]))
    found = rival_scores.against_ours(*study, ["lle", "mrf"])
    assert set(found.system) == {"lle"} and set(found.limits) == {"faces and trainings"}
    part = scores[(scores.direction == DIRECTIONS[0]) & (scores.metric == "ssim")]
    mine, theirs = (100 * part[part.system == name].pivot(index="image", columns="seed", values="value")
                    for name in ("msg-sarl", "fcn"))
    faces = theirs[0] - mine.mean(axis=1)
    half = np.hypot(stats.t.ppf(0.975, 59) * stats.sem(faces), stats.t.ppf(0.975, 2) * stats.sem(mine.mean()))
    assert found.high[0] - found.low[0] == pytest.approx(2 * half)  # the luck of our trainings alone


def test_the_printed_tables_as_read_by_hand():
    """Table V: FID 38.25 of MSG-SARL behind 17.81, 21.47, 24.85 and 32.10; Table VI: CycleGAN's SSIM 66.66 first."""
    ranks = deep_rivals.published_ranks().set_index(["table", "metric"])
    assert ranks.loc["V", "fid"].tolist()[2:] == [5, 7, "CycleGAN"]
    assert ranks.loc["VI", "ssim"].tolist()[2:] == [2, 5, "CycleGAN"]
    assert (ranks.xs("fid", level="metric").place > 1).all()
    differences = deep_rivals.published_differences()
    fid = differences.query("database == 'cufs' and metric == 'fid' and system == 'u-gat-it'").difference
    assert fid.tolist() == pytest.approx([34.93 - 46.39, 54.65 - 66.71])  # below zero: behind
    printed = deep_rivals.scatter_of_print()
    assert len(printed) == 7 + 7 + 5 + 5 and not printed.isna().any().any()
