"""Effects of the 2×2×2 design against regression on made-up scores of known truth; the paper's own differences."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_up_scores import CELLS, scores_of
from scipy import stats

from lib.base import systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation.scoring import Scores
from lib.figures import ablations as figures
from lib.findings import ablations, device_check

P2S, S2P = DIRECTIONS


def made_scores(seeds=3, count=20, run_sd=0.0, leave_out=(), seed=0):
    """SSIM = 60 + 1·MSG + 2·attention + 0.5·cycle + 0.8·MSG·attention in points; FSIM is 10 more."""
    rng = np.random.default_rng(seed)
    rows = []
    for direction, (metric, base) in itertools.product(DIRECTIONS, (("ssim", 60), ("fsim", 70))):
        faces = 4 * rng.standard_normal(count)
        for system, (msg, attention, cycle) in CELLS.items():
            mean = base + msg + 2 * attention + 0.5 * cycle + 0.8 * msg * attention
            for k in range(seeds if system not in leave_out else 0):
                values = mean + faces + run_sd * rng.standard_normal() + 0.1 * rng.standard_normal(count)
                rows += [("made-up", direction, system, k, f"face-{i:02d}", metric, v / 100)
                         for i, v in enumerate(values)]
    return scores_of(rows)


def test_switches_are_those_the_names_say():
    assert {name: tuple(row) for name, row in ablations.SWITCHES.astype(int).iterrows()} == CELLS


def test_pairs_of_a_part_differ_in_nothing_else():
    for place, part in enumerate(ablations.SWITCHES):
        pairs = ablations.pairs_of(part)
        assert len(set(pairs)) == 4
        for with_part, without in pairs:
            assert [a - b for a, b in zip(CELLS[with_part], CELLS[without])] == [i == place for i in range(3)]


def test_effects_are_the_truth_in_the_stated_coding():
    table = ablations.effects("cpu", "made-up", made_scores())
    assert len(table) == 2 * 2 * 7 and set(table.images) == {20} and set(table.seeds) == {3}
    truth = {"MSG": 1.4, "self-attention": 2.4, "cycle": 0.5, "MSG × self-attention": 0.4, "MSG × cycle": 0,
             "self-attention × cycle": 0, "MSG × self-attention × cycle": 0}
    for entry in table.itertuples():
        assert entry.estimate == pytest.approx(truth[entry.effect], abs=0.05)
        assert entry.low < entry.estimate < entry.high and entry.high - entry.low < 0.2
    clear = table.p_holm < 0.001
    assert set(table.effect[clear]) == {name for name, size in truth.items() if size}


def test_effects_are_twice_the_coefficients_of_a_regression_on_signs():
    scores = made_scores(run_sd=0.5)
    table = ablations.effects("cpu", "made-up", scores, metrics=("ssim",)).query("direction == @P2S")
    rows = scores.images.query("direction == @P2S and metric == 'ssim'")
    signs = 2 * np.array([CELLS[system] for system in rows.system]) - 1
    columns = [signs[:, list(parts)].prod(axis=1) for size in (0, 1, 2, 3)
               for parts in itertools.combinations(range(3), size)]
    coefficients = np.linalg.lstsq(np.stack(columns, axis=1), 100 * rows.value.to_numpy(), rcond=None)[0]
    assert table.estimate.to_numpy() == pytest.approx(2 * coefficients[1:])


def test_holm_is_over_all_that_is_claimed_together():
    scores = made_scores(run_sd=1.0)
    table = ablations.effects("cpu", "made-up", scores)
    theirs = np.maximum.accumulate(np.sort(table.p_value) * np.arange(28, 0, -1)).clip(max=1)
    assert np.sort(table.p_holm) == pytest.approx(theirs)
    scoot = scores.images.query("metric == 'ssim'").assign(metric="scoot")
    more = Scores(pd.concat([scores.images, scoot]), scores.sets)
    alone = ablations.effects("cpu", "made-up", more, metrics=("scoot",), directions=(P2S,))
    everything = ablations.effects("cpu", "made-up", more)
    assert len(alone) == 7 and len(everything) == 28, "only what was asked for is shown"
    assert min(alone.p_holm.min(), everything.p_holm.min()) == pytest.approx(35 * table.p_value.min())


def test_a_part_with_and_without_another():
    found = ablations.effects_given("cpu", "made-up", "MSG", "self-attention", made_scores(run_sd=0.1))
    both = found.query("direction == @P2S and metric == 'ssim'").set_index("given").estimate
    assert both[True] == pytest.approx(1.8, abs=0.2) and both[False] == pytest.approx(1.0, abs=0.2)
    main = ablations.effects("cpu", "made-up", made_scores(run_sd=0.1)).set_index(["direction", "metric", "effect"])
    assert both.mean() == pytest.approx(main.estimate[P2S, "ssim", "MSG"])


def test_devices_are_modelled_left_out_or_ignored():
    scores = made_scores(run_sd=0.2)
    slow = {("msg-sarl", 1), ("msg-sarl", 2), ("msg-sarl-no-cycle", 2)}
    where = {(system, seed): "processor" if (system, seed) in slow else "card" for system in CELLS for seed in range(3)}
    there = pd.Series(list(zip(scores.images.system, scores.images.seed)), scores.images.index).isin(slow)
    moved = Scores(scores.images.assign(value=scores.images.value + 0.05 * there), scores.sets)  # 5 points by device
    found = device_check.effects("cpu", "made-up", moved, where).set_index(["reading", "direction", "metric", "effect"])
    biased, modelled, alone = (found.loc[reading, P2S, "ssim", "MSG"] for reading in
                               (device_check.AS_RUN, device_check.MODELLED, device_check.ONE_DEVICE))
    assert biased.estimate > 2.3 and modelled.estimate == pytest.approx(1.4, abs=0.3)
    assert alone.estimate == pytest.approx(1.4, abs=0.3) and (biased.trainings, alone.trainings) == (24, 21)
    changed = device_check.what_changes(found.reset_index())
    assert set(changed.effect) - {"MSG", "cycle"}, "interactions that only the device has made are named"


def test_missing_cells_are_named_with_their_command():
    with pytest.raises(StudyError) as error:
        ablations.effects("cpu", "cuhk-student", made_scores(leave_out=("backbone-cycle", "backbone")))
    text = str(error.value)
    assert "backbone-cycle: photo-to-sketch SSIM" in text and "msg-sarl:" not in text
    assert "python -m lib train --grid ablations --profile cpu --database cuhk-student" in text


def test_cells_on_different_images_are_refused():
    scores = made_scores()
    odd = scores.images.system.eq("msg-sarl") & scores.images.image.eq("face-00")
    with pytest.raises(StudyError, match=r"different images[\s\S]*backbone: 20 images[\s\S]*msg-sarl: 19 images"):
        ablations.effects("cpu", "made-up", Scores(scores.images[~odd], scores.sets))


def test_simple_effects_stand_beside_the_published_differences():
    table = ablations.simple_effects("cpu", "cuhk-student", made_scores(run_sd=0.3)).set_index(
        ["direction", "metric", "with_part", "without_part"])
    mine = table.loc[P2S, "ssim", "MSG-SARL", "MSG-SARL w/o MSG"]
    assert mine.estimate == pytest.approx(1.8, abs=1) and mine.published == 0.37 and mine.same_sign
    alike = ablations.simple_effects("cpu", "cuhk-student", made_scores(run_sd=0.05)).query("published == 0.37")
    assert not alike.compatible.any(), "0.37 against 1.8, trainings spread by 0.05"
    wide = ablations.simple_effects("cpu", "cuhk-student", made_scores(run_sd=3)).compatible
    assert wide.sum() == wide.notna().sum() == 16, "nothing contradicts where trainings spread by 3"
    printed = {"MSG-SARL w/o MSG": 0.37, "MSG-SARL w/o Self-Attention": 1.98, "MSG-SARL w/o Cycle": 1.70}
    assert all(table.loc[P2S, "ssim", "MSG-SARL", name].published == value for name, value in printed.items())
    assert table.loc[P2S, "ssim", "backbone w/ Self-Attention", "backbone"].published == 1.76
    eighth = table.loc[P2S, "ssim", "backbone w/ Cycle", "backbone"]
    assert np.isnan(eighth.published) and pd.isna(eighth.same_sign) and eighth.estimate == pytest.approx(0.5, abs=1)


def test_simple_effects_say_what_was_not_run():
    table = ablations.simple_effects("cpu", "made-up", made_scores(leave_out=("backbone-msg",)))
    lacking = table.with_part == "backbone w/ MSG"
    assert table.estimate[lacking].isna().all() and (table.seeds[lacking] == 0).all()
    assert table.estimate[~lacking].notna().all() and table.published.isna().all()
    with pytest.raises(StudyError, match="train --grid ablations"):
        ablations.simple_effects("cpu", "made-up", made_scores(leave_out=tuple(CELLS)[1:]))


def test_published_effects_are_hand_worked_from_table_one():
    table = ablations.published_effects("cuhk-student")
    table = table.set_index(["direction", "metric", "effect", "given"]).published.sort_index()
    msg = table.loc[P2S, "ssim", "MSG"]
    assert msg["without self-attention, without cycle"] == pytest.approx(59.45 - 58.84)
    assert msg["with self-attention, without cycle"] == pytest.approx(59.94 - 60.60)
    assert msg["with self-attention, with cycle"] == pytest.approx(61.64 - 61.27) and len(msg) == 3
    both = table.loc[P2S, "ssim", "MSG × self-attention"]
    assert dict(both) == {"without cycle": pytest.approx(((59.94 - 60.60) - (59.45 - 58.84)) / 2)}
    assert len(table.loc[S2P, "ssim"]) == 2 and ablations.published_effects("portraits").empty


def test_seed_spread_recovers_the_standard_deviation():
    table = ablations.seed_spread("cpu", "cuhk-student", made_scores(seeds=40, run_sd=0.4, count=4))
    pooled = table.query("system == 'pooled'")
    assert set(pooled.runs) == {320} and pooled.sd.to_numpy() == pytest.approx(0.4, rel=0.15)
    assert ((pooled.low < 0.41) & (pooled.high > 0.39)).all()
    assert (pooled.two_runs / pooled.sd).to_numpy() == pytest.approx(stats.t.ppf(0.975, 312) * np.sqrt(2))
    assert (pooled.typical / pooled.two_runs).to_numpy() == pytest.approx(1, abs=0.2)
    one = table.query("system == 'backbone' and metric == 'ssim' and direction == @P2S").iloc[0]
    theirs = stats.bootstrap((np.random.default_rng(0).normal(0, one.sd, 4000),), np.std).confidence_interval
    assert one.low < theirs.low < theirs.high < one.high  # 40 runs know less than 4000
    with pytest.raises(StudyError, match="two seeds"):
        ablations.seed_spread("cpu", "made-up", made_scores(seeds=1))


def test_one_unsteady_cell_moves_the_pooled_spread_and_not_the_typical_one():
    scores = made_scores(seeds=20, run_sd=0.4, count=4)
    odd = scores.images.system == "msg-sarl"
    shift = np.where(odd, 0.05 * (scores.images.seed - 9.5), 0.0)  # trainings of one cell spread by 30 points
    moved = ablations.seed_spread("cpu", "made-up", Scores(scores.images.assign(value=scores.images.value + shift),
                                                           scores.sets)).query("system == 'pooled'")
    plain = ablations.seed_spread("cpu", "made-up", scores).query("system == 'pooled'")
    assert (moved.two_runs > 5 * plain.two_runs).all()
    assert moved.typical.to_numpy() == pytest.approx(plain.typical.to_numpy(), rel=0.35)


def test_published_differences_are_measured_in_luck():
    table = ablations.published_against_luck("cpu", "cuhk-student", made_scores(run_sd=0.3))
    assert len(table) == 6 + 6 + 2 + 2
    largest = table.loc[table.published.abs().idxmax()]
    assert largest.published == 3.33 and largest.in_sds == pytest.approx(3.33 / 0.3, rel=0.5) and largest.beyond_luck
    assert ablations.published_against_luck("cpu", "cuhk-student", made_scores(run_sd=0.01)).beyond_luck.all()
    assert not ablations.published_against_luck("cpu", "cuhk-student", made_scores(run_sd=5)).beyond_luck.any()
    assert ablations.published_against_luck("cpu", "portraits", made_scores(run_sd=0.3)).empty


def test_single_seeds_are_judged_with_the_spread_of_the_others():
    scores = made_scores(run_sd=0.5)
    rows = scores.images[(scores.images.system != "msg-sarl") | (scores.images.seed == 0)]
    table = ablations.effects("cpu", "made-up", Scores(rows, scores.sets))
    assert set(table.seeds) == {1}
    alone = ablations.effects("cpu", "made-up", Scores(scores.images[scores.images.seed == 0], scores.sets))
    width = {name: (t.high - t.low).mean() for name, t in (("borrowed", table), ("alone", alone))}
    assert width["borrowed"] > 3 * width["alone"]
    assert set(table.limits) == {"faces and trainings"} and set(alone.limits) == {"faces"}


def test_figures_show_every_effect_and_cell(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    scores = made_scores(count=4)
    drawn = figures.effects(ablations.effects("cpu", "made-up", scores), "cuhk-student")
    assert len(drawn.axes) == 4
    diamonds = [line for line in drawn.axes[0].lines if line.get_marker() == "D"][0]
    assert len(diamonds.get_xdata()) == 3 + 3 + 3 + 1 + 1 + 1
    drawn = figures.cells("cpu", "cuhk-student", scores)
    assert [text.get_text() for text in drawn.axes[0].get_yticklabels()][::7] == ["backbone", "MSG-SARL"]
    assert len([line for line in drawn.axes[0].lines if line.get_marker() == "o"]) == 3 * len(systems.ABLATIONS)
    plt.close("all")
