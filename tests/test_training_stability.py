"""The stability of training: logs made up with known balance, oscillation, gradients and spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_scores import scores_of
from scipy import stats

from lib.base import files, paths
from lib.base.directions import DIRECTIONS
from lib.findings import signs
from lib.findings import training_stability as stability

STUDY = "quick", "cuhk-student"
SEEDS = (2, 3, 4, 5)
P2S, S2P = DIRECTIONS
LUCK = {2: 1.1, 3: 0.9, 4: 1.05, 5: 1 / (1.1 * 0.9 * 1.05)}  # factors of a training; their logarithms sum to zero


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))


def trained(system: str, seed: int, balance: float, oscillation: float, burst: float, epochs: int = 8) -> None:
    """A log whose first three quarters say nothing and whose last has these values on average."""
    folder = paths.run_folder(*STUDY, system, seed)
    files.write_json(folder / "run.json", {"seed": seed, "settings": {"epochs": epochs}})
    log = pd.DataFrame({"epoch": range(1, 9)})
    for d in DIRECTIONS:
        for name, value in (("discriminator", balance), ("adversarial sd", oscillation),
                            ("generator_gradient sd", burst * 5.0)):
            log[f"{d}/{name}"] = [9.0] * 6 + [0.5 * value, 1.5 * value]
        log[f"{d}/generator_gradient"] = 5.0
    files.write_csv(folder / "log.csv", log)


def scores(spread_with: float, spread_without: float):
    """Mean scores of seeds 2 to 5 at −1.5, −0.5, 0.5, 1.5 spreads from the cell's; of seeds 0 and 1 far off."""
    steps = dict(zip(SEEDS, (-1.5, -0.5, 0.5, 1.5)))
    return scores_of([(STUDY[1], d, system, seed, f"f{i}", metric,
                       (60 + i + spread * steps.get(seed, 400 * seed)) / 100)
                      for d in DIRECTIONS for metric in ("ssim", "fsim") for i in range(3)
                      for system, spread in (("backbone", spread_without), ("backbone-msg", spread_with))
                      for seed in (0, 1, *SEEDS)])


def table_of(factors: tuple[float, float, float], spread: float = 1.0) -> pd.DataFrame:
    for seed in SEEDS:
        trained("backbone", seed, 0.2, 0.1, 0.5)
        trained("backbone-msg", seed, *(LUCK[seed] * factor * base for factor, base in zip(factors, (0.2, 0.1, 0.5))))
    trained("backbone", 0, 0.2, 0.1, 0.5)
    trained("backbone-msg", 0, 0.001, 9.0, 9.0)  # a seed that suggested the question
    return stability.effects_of_msg(*STUDY, scores(spread, 1.0)).set_index(["measure", "direction", "metric"])


def test_measures_are_means_of_the_last_quarter():
    trained("backbone", 2, 0.2, 0.1, 0.5)
    trained("backbone", 3, 0.2, 0.1, 0.5, epochs=9)  # not finished
    found = stability.measures(*STUDY)
    assert found.seed.tolist() == [2, 2] and found.direction.tolist() == list(DIRECTIONS)
    np.testing.assert_allclose(found[["balance", "oscillation", "gradient"]], [[0.2, 0.1, 0.5]] * 2)


def test_ratios_limits_and_p_values_are_those_of_a_paired_t_test():
    row = table_of((0.5, 3.0, 1.0)).loc["balance", P2S, ""]
    logs = np.log([0.5 * LUCK[seed] for seed in SEEDS])
    expected = stats.ttest_1samp(logs, 0)
    assert (row.ratio, row.trainings) == (pytest.approx(0.5), 8)
    np.testing.assert_allclose([row.low, row.high], np.exp(expected.confidence_interval()), rtol=1e-5)
    assert row.p_value == pytest.approx(expected.pvalue, rel=1e-4)


def test_the_claims_sign_depends_on_the_measure():
    verdicts = table_of((0.2, 5.0, 1.0), spread=30.0).verdict
    assert set(verdicts["balance"]) == set(verdicts["oscillation"]) == {signs.OPPOSITE}
    assert set(verdicts["gradient"]) == {signs.UNDECIDED} and set(verdicts["spread"]) == {signs.OPPOSITE}
    verdicts = table_of((5.0, 0.2, 0.2), spread=1 / 30).verdict
    assert set(verdicts) == {signs.SAME}


def test_spread_is_an_f_test_of_new_seeds_alone():
    row = table_of((1.0, 1.0, 1.0), spread=3.0).loc["spread", S2P, "ssim"]
    assert row.ratio == pytest.approx(3.0) and row.trainings == 8
    assert row.low == pytest.approx(3.0 / np.sqrt(stats.f.ppf(0.975, 3, 3)))
    assert row.p_value == pytest.approx(2 * stats.f.sf(9.0, 3, 3))


def test_one_seed_decides_nothing():
    trained("backbone", 2, 0.2, 0.1, 0.5), trained("backbone-msg", 2, 0.001, 9.0, 9.0)
    assert stability.effects_of_msg(*STUDY).empty and stability.account(*STUDY).startswith("Not examined")


def test_the_account_names_both_sides():
    table_of((0.2, 5.0, 0.2))
    text = stability.account(*STUDY, scores(1.0, 1.0))
    assert text.startswith("**Mixed") and "FP2S balance ×0.20" in text and "backbone w/ MSG" in text
