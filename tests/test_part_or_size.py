"""What is left of a part's effect at equal weights: scores made up with known effects of part and of size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_scores import scores_of
from scipy import stats

from lib.base import files, paths
from lib.base.directions import DIRECTIONS
from lib.figures import ablations as figures
from lib.findings import ablations, part_or_size

STUDY = "quick", "cuhk-student"
SEEDS = (2, 3, 4, 5)
LUCK = {system: luck for system, luck in zip(part_or_size.SYSTEMS, np.random.default_rng(5).normal(
    scale=0.1, size=(len(part_or_size.SYSTEMS), len(SEEDS))))}
# Weights bring 2 points, several scales 1, a discriminator that learns slower nothing; attention is its weights.
LEVELS = {"backbone": 60, "backbone-msg": 63, part_or_size.OWN_PYRAMID: 62, part_or_size.SLOWER: 60,
          "backbone-attention": 61, part_or_size.RESIDUAL: 61}


def scores(systems=part_or_size.SYSTEMS):
    """All faces differ alike, so that trainings are the one source of uncertainty; seed 9 is of one system alone."""
    rows = [(STUDY[1], direction, system, seed, f"f{i}", metric, (LEVELS[system] + luck + i) / 100)
            for direction, metric in ablations.CLAIMED for system in systems
            for seed, luck in zip(SEEDS, LUCK[system]) for i in range(3)]
    rows += [(*rows[i][:3], 9, *rows[i][4:6], 0.99) for i in range(3)]
    return scores_of(rows)


def test_each_question_is_a_paired_t_test_over_trainings():
    found = part_or_size.effects(*STUDY, scores())
    assert len(found) == len(part_or_size.QUESTIONS) * len(ablations.CLAIMED)
    for row in found.itertuples():
        by_seed = LEVELS[row.first] - LEVELS[row.second] + LUCK[row.first] - LUCK[row.second]
        expected = stats.ttest_1samp(by_seed, 0)
        assert (row.estimate, row.seeds) == (pytest.approx(by_seed.mean()), len(SEEDS))
        np.testing.assert_allclose([row.low, row.high], expected.confidence_interval(), atol=1e-6)
        assert row.p_value == pytest.approx(expected.pvalue, rel=1e-3)


def test_part_and_weights_add_up_to_what_the_paper_compares():
    effects = part_or_size.effects(*STUDY, scores())
    found = effects.set_index(["part", "asks", "direction", "metric"]).estimate.sort_index()
    for part in ("MSG", "self-attention"):
        whole, part_alone, weights = (found[part, asks] for asks in (
            "as the paper compares", "at equal weights", "the weights alone"))
        np.testing.assert_allclose(whole, part_alone + weights)


def test_the_account_names_effects_that_are_clear_and_how_many_trainings_there_are():
    text = part_or_size.account(*STUDY, "MSG", scores())
    assert text.startswith("4 trainings each") and "64 px, 8 epochs" in text
    assert "the weights alone SSIM +" in text and text.count("*") > 1
    assert "self-attention" not in text and "against a discriminator of a slower rate" in text
    attention = part_or_size.account(*STUDY, "self-attention", scores())
    assert "*" not in attention.split("at equal weights")[1].split(";")[0]


def test_a_question_waits_for_both_its_systems():
    found = part_or_size.effects(*STUDY, scores(("backbone", "backbone-msg")))
    assert set(found.asks) == {"as the paper compares"} and set(found.part) == {"MSG"}
    assert not part_or_size.account(*STUDY, "self-attention", scores(("backbone", "backbone-msg")))


def test_discriminators_are_those_of_finished_trainings(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    for system, seed, losses in (("backbone", 2, [0.1, 0.25]), ("backbone", 3, [0.1, 0.26]), ("backbone", 4, [0.3]),
                                 ("backbone-cycle", 2, [0.1, 0.2]), (part_or_size.SLOWER, 2, [0.1, 0.05])):
        folder = paths.run_folder(*STUDY, system, seed)
        files.write_json(folder / "run.json", {"seed": seed, "settings": {"epochs": 2}})
        files.write_csv(folder / "log.csv", pd.DataFrame({f"{d}/discriminator": losses for d in DIRECTIONS}))
    assert part_or_size.account_of_discriminators(*STUDY) == (
        "The discriminator of sketches, whose loss is 0.25 where it guesses, ends at 0.25 to 0.26 (backbone), 0.05 to "
        "0.05 (slower discriminator).")
    found = part_or_size.discriminators(*STUDY)
    assert found.values.tolist() == [[system, d, *rest] for system, rest in (
        ("backbone", [0.25, 0.26, 2]), (part_or_size.SLOWER, [0.05, 0.05, 1])) for d in DIRECTIONS]


def test_the_figure_fills_what_is_clear():
    found = part_or_size.effects(*STUDY, scores())
    assert "None of the controls" in figures.part_or_size(found[:0]).texts[0].get_text()
    axes = figures.part_or_size(found).axes
    assert len(axes) == len(ablations.CLAIMED)
    for axis, (direction, metric) in zip(axes, ablations.CLAIMED):
        shown = [line for line in axis.lines if line.get_marker() == "o"]
        rows = found.query("direction == @direction and metric == @metric")
        np.testing.assert_allclose([line.get_xdata()[0] for line in shown], rows.estimate)
        assert [line.get_markerfacecolor() != "white" for line in shown] == (rows.p_holm < 0.05).tolist()
    assert [text.get_text() for text in axes[0].get_yticklabels()] == [f"{q.part}: {q.asks}"
                                                                       for q in part_or_size.QUESTIONS]
