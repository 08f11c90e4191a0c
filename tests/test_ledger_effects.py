"""What the ledger's alternatives change: effects recover a known truth, page and figure show what was found."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_up_scores import image_table
from scipy import stats

from lib import __main__
from lib.base import files, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import scoring
from lib.figures import ledger as figures
from lib.findings import ledger
from lib.findings.contrasts import FACES, FACES_AND_TRAININGS
from lib.findings.ledger import comparison
from lib.findings.ledger.comparison import COLUMNS

P2S, S2P = DIRECTIONS


def write_scores(folder, cells, database="cuhk-student"):
    """Write (system, seed) → (direction, metric) → values per face in per cent, as the study's scores."""
    rows = [(database, direction, system, seed, f"f{i:03d}", metric, value / 100)
            for (system, seed), parts in cells.items() for (direction, metric), values in parts.items()
            for i, value in enumerate(values)]
    file = folder / "cpu" / database / "scores.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write_csv(file, image_table(rows))


def simulated(rng, name, seeds, *, gain=0.0, run_sd=0.5):
    """Trainings of a system: what the face gives everybody, the system's gain, the training's luck, noise."""
    return {(name, seed): {(d, m): EASY + gain + rng.normal(0, run_sd) + rng.normal(0, 1, len(EASY))
                           for d in DIRECTIONS for m in scoring.STUDY_METRICS[d]} for seed in range(seeds)}


EASY = np.random.default_rng(9).normal(60, 5, 40)
SHARED = "msg-sarl+fusion=shared"


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    return tmp_path


def test_no_scores_no_rows(results):
    found = ledger.effects("cpu", "cuhk-student")
    assert found.empty and list(found.columns) == COLUMNS
    write_scores(results, simulated(np.random.default_rng(0), "msg-sarl", 2))
    assert ledger.effects("cpu", "cuhk-student").empty
    assert len(figures.effects(found).axes) == 0  # says so instead of failing


@pytest.mark.parametrize("arguments, hint", [(("cpuu", "cufs"), "cpu"), (("cpu", "cuf"), "cufs")])
def test_unknown_names_are_refused(arguments, hint):
    with pytest.raises(StudyError, match=f"Did you mean .*{hint}"):
        ledger.effects(*arguments)


def test_scores_that_stand_twice_are_refused(results):
    write_scores(results, simulated(np.random.default_rng(0), "msg-sarl", 1))
    file = results / "cpu" / "cuhk-student" / "scores.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")
    with pytest.raises(StudyError, match="two scores"):
        ledger.effects("cpu", "cuhk-student")


def test_difference_is_alternative_minus_default_over_common_faces(results):
    rng = np.random.default_rng(1)
    cells = simulated(rng, "msg-sarl", 2) | simulated(rng, SHARED, 2, gain=2)
    for seed in (0, 1):  # the last face was not translated
        cells[SHARED, seed] = {key: values[:39] for key, values in cells[SHARED, seed].items()}
    write_scores(results, cells)
    found = ledger.effects("cpu", "cuhk-student").set_index(["direction", "metric"])
    assert set(found.alternative) == {"fusion=shared"} and set(found.id) == {"fusion"} and len(found) == 6
    by_hand = np.mean([cells[SHARED, seed][P2S, "ssim"][:39] - cells["msg-sarl", seed][P2S, "ssim"][:39]
                       for seed in (0, 1)])
    row = found.loc[(P2S, "ssim")]
    assert row.difference == pytest.approx(by_hand)
    assert (row.images, row.seeds, row.limits) == (39, 2, FACES_AND_TRAININGS)


def test_p_values_are_corrected_over_the_whole_table(results):
    rng = np.random.default_rng(7)
    cells = simulated(rng, "msg-sarl", 3)
    for system in ledger.tested_systems()[:5]:
        cells |= simulated(rng, system, 3, gain=rng.normal())
    write_scores(results, cells)
    part = ledger.effects("cpu", "cuhk-student")
    p, corrected = part.p_value.sort_values().to_numpy(), part.p_holm.sort_values().to_numpy()
    assert corrected[0] == pytest.approx(min(1, 30 * p[0])) and corrected[-1] >= p[-1] and len(p) == 5 * 6


def test_same_networks_are_compared_seed_by_seed(results):
    """The luck of a training cancels where two systems share it: the limits are those of the faces."""
    rng = np.random.default_rng(2)
    cells = simulated(rng, "msg-sarl", 3, run_sd=5)
    gain = rng.normal(0.3, 0.1, len(EASY))
    cells |= {("msg-sarl+output_resampling=area", seed): {k: v + gain for k, v in cells["msg-sarl", seed].items()}
              for seed in (1, 2)}
    write_scores(results, cells)
    row = ledger.effects("cpu", "cuhk-student").iloc[0]
    limits = stats.ttest_1samp(gain, 0).confidence_interval()
    assert (row.difference, row.low, row.high) == pytest.approx((gain.mean(), limits.low, limits.high), abs=1e-6)
    assert (row.seeds, row.limits) == (2, FACES)


def test_trainings_of_equal_seed_are_compared(results):
    """Luck that two trainings of one seed share cancels; a default trained more often does not bring its own in."""
    rng = np.random.default_rng(8)
    luck = [0.0, 6.0]
    cells = {(name, seed): {key: values + luck[seed] for key, values in parts.items()}
             for name, gain in (("msg-sarl", 0.0), (SHARED, 1.0))
             for (_, seed), parts in simulated(rng, name, 2, gain=gain, run_sd=0.01).items()}
    del cells[SHARED, 1]
    write_scores(results, cells)
    found = ledger.effects("cpu", "cuhk-student")
    assert found.difference.to_numpy() == pytest.approx(1.0, abs=0.6) and set(found.seeds) == {1}


def test_limits_come_from_differences_of_equal_seed(results):
    """By hand: own variance of three differences on two degrees of freedom, the mean of both alternatives' on two."""
    other = "msg-sarl+padding=zeros"
    luck, own = np.array([0.0, 6.0, -4.0]), {SHARED: np.array([0.3, -0.1, 0.4]), other: np.array([1.0, 3.0, -1.0])}
    cells = {("msg-sarl", seed): {(d, m): EASY + luck[seed] for d in DIRECTIONS for m in scoring.STUDY_METRICS[d]}
             for seed in range(3)}
    for name, parts in own.items():
        cells |= {(name, seed): {key: values + parts[seed] for key, values in cells["msg-sarl", seed].items()}
                  for seed in range(3)}
    write_scores(results, cells)
    row = ledger.effects("cpu", "cuhk-student").set_index(["alternative", "direction", "metric"]).loc[
        "fusion=shared", P2S, "ssim"]
    shared = np.mean([parts.var(ddof=1) for parts in own.values()])
    error = np.sqrt((2 * own[SHARED].var(ddof=1) + 2 * shared) / 4 / 3)
    assert row.difference == pytest.approx(0.2)
    half = stats.t.ppf(0.975, 4) * error
    assert (row.low, row.high) == pytest.approx((0.2 - half, 0.2 + half))
    assert row.p_value == pytest.approx(2 * stats.t.sf(0.2 / error, 4), rel=1e-4)


@pytest.mark.parametrize("following", [0, 9, 18])
def test_true_nulls_are_rejected_no_more_often_than_claimed(following):
    """Eighteen alternatives, two seeds: some follow the default's luck closely, the others have their own."""
    studies, rng, rejected = 60, np.random.default_rng(31), 0
    for _ in range(studies):
        default = rng.normal(0, 1, 2)
        parts = [pd.DataFrame([0.1 * rng.normal(size=2) if k < following else rng.normal(0, 1, 2) - default] * 3)
                 for k in range(18)]
        shared = comparison._mean_variance(parts)
        rejected += sum(comparison._of_trainings(part, shared).p_value < 0.05 for part in parts)
    assert rejected <= stats.binom.ppf(0.999, studies * 18, 0.05)


@pytest.mark.parametrize("alternative, seeds, gain, clear", [
    ("fusion=shared", 2, 6.0, True), ("fusion=shared", 1, 6.0, False), ("fusion=shared", 2, 0.0, False),
    ("output_resampling=area", 1, 6.0, True)])
def test_clear_is_what_no_other_training_could_have_brought(results, alternative, seeds, gain, clear):
    """Trained anew, an effect needs repeated trainings; on the same networks one training is enough."""
    rng = np.random.default_rng(21)
    write_scores(results, simulated(rng, "msg-sarl", seeds, run_sd=0.01)
                 | simulated(rng, f"msg-sarl+{alternative}", seeds, gain=gain, run_sd=0.01))
    assert (ledger.effects("cpu", "cuhk-student").clear == clear).all()


def test_without_any_repeated_training_limits_hold_for_other_faces_alone(results):
    rng = np.random.default_rng(3)
    cells = simulated(rng, "msg-sarl", 1) | simulated(rng, SHARED, 1)
    write_scores(results, cells)
    row = ledger.effects("cpu", "cuhk-student").iloc[0]
    test = stats.ttest_rel(cells[SHARED, 0][P2S, "ssim"], cells["msg-sarl", 0][P2S, "ssim"])
    assert row.p_value == pytest.approx(test.pvalue, rel=1e-6) and (row.seeds, row.limits) == (1, FACES)
    assert " †" in ledger.effect_table(ledger.effects("cpu", "cuhk-student")).loc["`fusion=shared`", "FP2S SSIM"]


def test_limits_of_an_alternative_trained_once_hold_the_truth(results):
    """Every ablation cell trained three times, the alternative once; limits over faces alone hold it half as often."""
    rng = np.random.default_rng(4)
    held, held_by_faces, widths = [], [], []
    for _ in range(8):
        cells = simulated(rng, SHARED, 1, gain=0.7)
        for name in systems.ABLATIONS:
            cells |= simulated(rng, name, 3)
        write_scores(results, cells)
        found = ledger.effects("cpu", "cuhk-student")
        assert set(found.limits) == {FACES_AND_TRAININGS} and set(found.seeds) == {1}
        held += list((found.low <= 0.7) & (0.7 <= found.high))
        widths += list(found.high - found.low)
        for row in found.itertuples():
            pair = [cells[name, 0][row.direction, row.metric] for name in (SHARED, "msg-sarl")]
            limits = stats.ttest_rel(*pair).confidence_interval()
            held_by_faces.append(limits.low <= 0.7 <= limits.high)
    assert np.mean(held) > 0.92 and np.mean(held_by_faces) < 0.6 and np.mean(widths) < 4


# What is shown

def test_committed_ledger_is_what_entries_and_scores_give(monkeypatch):
    monkeypatch.delenv("MSGSARL_RESULTS", raising=False)
    committed = (paths.ROOT / "results" / "ledger.md").read_text(encoding="utf-8")
    assert committed == ledger.as_markdown(), "results/ledger.md is out of date: run `python -m lib ledger`"


def test_markdown_holds_every_entry_once_in_tables_of_four_cells():
    text = ledger.as_markdown()
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    assert [row.split("**")[1] for row in rows] == [entry.id for part in ledger.PARTS for entry in ledger.entries()
                                                    if entry.part == part]
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


def test_command_writes_the_ledger_and_names_what_is_missing(results, capsys):
    rng = np.random.default_rng(5)
    write_scores(results, simulated(rng, "msg-sarl", 2) | simulated(rng, SHARED, 2))
    assert __main__.main(["ledger", "--profile", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "alternatives with an effect: 1 of 21" in out and "msg-sarl+position_softmax=double" in out
    assert "msg-sarl+fusion=shared" not in out
    lines = (results / "cpu" / "cuhk-student" / "ledger.md").read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("| `fusion"))
    assert line.count("[") == 4 and line.endswith("| 40 | 2 |")
    assert __main__.main(["ledger", "--database", "cuhk"]) == 2


def test_figure_shows_every_row_with_its_limits(results):
    rng = np.random.default_rng(6)
    cells = simulated(rng, "msg-sarl", 2)
    for system in ledger.tested_systems():
        if "output" not in system:
            cells |= simulated(rng, system, 1, gain=rng.normal())
    write_scores(results, cells)
    found = ledger.effects("cpu", "cuhk-student")
    figure = figures.effects(found)
    assert [label.get_text().replace(" ", "") for label in figure.axes[0].get_yticklabels()] == \
        list(dict.fromkeys(found.alternative))
    for axis, metric in zip(figure.axes, ("ssim", "fsim")):
        part = found[found.metric == metric]
        drawn = [line.get_xdata() for line in axis.lines]
        assert sorted(x[0] for x in drawn if len(x) == 1) == pytest.approx(sorted(part.difference))
        segments = np.array(sorted(tuple(x) for x in drawn if len(x) == 2 and x[0] != x[1]))
        assert segments == pytest.approx(np.array(sorted(zip(part.low, part.high))))
    plt.close(figure)
