"""Models against closed forms and an independent solver, intervals against known truths, Table VIII by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from study_material import SYSTEMS, small_study, stimuli

from lib.base import statistics
from lib.base.errors import StudyError
from lib.evaluation.user_study import analysis, models, published, simulation, written_report
from lib.evaluation.user_study import answers as readers
from lib.evaluation.user_study import plan as plans
from lib.evaluation.user_study.simulation import Taste

# Fleiss (1971) as worked in textbooks: 10 subjects, 14 raters, 5 categories.
TEXTBOOK = np.array([[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
                     [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]])


def choices(n=400, systems=5, positions=3, seed=0):
    """Random choice sets, so that no closed form exists."""
    rng = np.random.default_rng(seed)
    shown = np.array([rng.permutation(systems)[:positions] for _ in range(n)])
    utility = np.linspace(0, 1.5, systems)[shown] + np.linspace(0.4, 0, positions) + rng.gumbel(size=shown.shape)
    return shown, utility.argmax(axis=1)


def test_choice_model_without_positions_is_the_logarithm_of_the_shares():
    votes = np.array([50, 30, 15, 5])
    shown = np.tile(np.arange(4), (100, 1))
    fit = models.fit_choices(shown, np.repeat(np.arange(4), votes), 4, with_positions=False, prior_sd=np.inf)
    np.testing.assert_allclose(fit.log_worth, np.log(votes) - np.log(votes).mean(), atol=1e-8)
    np.testing.assert_array_equal(fit.log_pull, 0)


def test_two_systems_give_the_log_odds_of_bradley_and_terry():
    shown = np.tile([0, 1], (40, 1))
    fit = models.fit_choices(shown, np.repeat([0, 1], [30, 10]), 2, with_positions=False, prior_sd=np.inf)
    assert fit.log_worth[0] - fit.log_worth[1] == pytest.approx(np.log(3))


@pytest.mark.parametrize("prior_sd", [np.inf, 3.0, 0.5])
def test_choice_model_agrees_with_a_general_optimiser(prior_sd):
    shown, chosen = choices()

    def loss(parameters):
        worth, pull = np.append(0, parameters[:4]), np.append(0, parameters[4:])
        worth, pull = worth - worth.mean(), pull - pull.mean()
        utility = worth[shown] + pull
        logs = utility - np.log(np.exp(utility).sum(axis=1, keepdims=True))
        return -logs[np.arange(len(chosen)), chosen].sum() + (np.sum(worth**2) + np.sum(pull**2)) / (2 * prior_sd**2)

    best = optimize.minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-7}).x
    fit = models.fit_choices(shown, chosen, 5, prior_sd=prior_sd)
    np.testing.assert_allclose(np.diff(fit.log_worth), np.diff(np.append(0, best[:4])), atol=2e-5)
    np.testing.assert_allclose(np.diff(fit.log_pull), np.diff(np.append(0, best[4:])), atol=2e-5)


def test_weights_are_repetitions_and_batches_are_separate_fits():
    shown, chosen = choices(60)
    weights = np.random.default_rng(1).integers(0, 4, size=(3, 60))
    batch = models.fit_choices(shown, chosen, 5, weights)
    for row, weight in zip(batch.log_worth, weights, strict=True):
        repeated = models.fit_choices(np.repeat(shown, weight, axis=0), np.repeat(chosen, weight), 5)
        np.testing.assert_allclose(row, repeated.log_worth, atol=1e-7)


def test_a_system_without_votes_needs_the_prior():
    shown, chosen = np.tile([0, 1, 2], (30, 1)), np.repeat([0, 1], 15)
    assert np.isfinite(models.fit_choices(shown, chosen, 3).log_worth).all()
    with pytest.raises(StudyError, match="no finite maximum"):
        models.fit_choices(shown, chosen, 3, prior_sd=np.inf)


def test_kappa_of_the_textbook_example():
    assert models.fleiss_kappa(TEXTBOOK) == pytest.approx(0.20993, abs=5e-6)
    weights = np.stack([np.ones(10), np.arange(10)])
    np.testing.assert_allclose(models.fleiss_kappa(TEXTBOOK, weights)[1],
                               models.fleiss_kappa(np.repeat(TEXTBOOK, np.arange(10), axis=0)))


def test_kappa_at_its_ends():
    assert models.fleiss_kappa(np.array([[6, 0], [0, 6], [6, 0]])) == pytest.approx(1)
    assert models.fleiss_kappa(np.array([[1, 1], [1, 1]])) == pytest.approx(-1)
    random = np.random.default_rng(0).multinomial(8, [0.5, 0.3, 0.2], size=20_000)
    assert abs(models.fleiss_kappa(random)) < 0.005
    assert models.fleiss_kappa(np.array([[4, 2], [1, 5], [1, 0]])) == models.fleiss_kappa(np.array([[4, 2], [1, 5]]))
    with pytest.raises(StudyError, match="two raters"):
        models.fleiss_kappa(np.eye(3))


def test_table_viii_is_whole_votes():
    votes = published.votes_from_shares(published.SHARES, published.RATERS * published.FACES_EACH)
    assert votes == {"U-GAT-IT": 109, "MSG-SARL": 86, "CycleGAN": 82, "DRIT": 23}
    with pytest.raises(StudyError, match="not one"):
        published.votes_from_shares({"a": 36.33, "b": 63.67}, 7)
    with pytest.raises(StudyError, match="add up to 200"):
        published.votes_from_shares({"a": 50.0, "b": 50.0, "c": 100.0}, 100)


def test_only_drit_is_clearly_worse_in_table_viii():
    votes = published.votes_from_shares(published.SHARES, 300)
    table = published.pairs_table(votes).set_index(["first", "second"])
    first_pair = table.loc[("U-GAT-IT", "MSG-SARL")]
    exact = sum(stats.binom.pmf(k, 195, 0.5) for k in range(196) if abs(k - 97.5) >= abs(109 - 97.5))
    assert first_pair.p_sign == pytest.approx(exact) and 0.11 < exact < 0.12
    assert first_pair.low < 0 < first_pair.high and first_pair.breaking_effect < 1
    with_drit = table.index.get_level_values("second") == "DRIT"
    assert (table.p_holm[with_drit] < 1e-7).all() and (table.p_half[with_drit] < 1e-4).all()
    assert (table.p_sign[~with_drit] > 0.05).all() and (table.p_wald[~with_drit] > 0.05).all()


def test_wilson_interval_is_scipy_s():
    for votes, total in ((109, 300), (0, 20), (20, 20)):
        expected = stats.binomtest(votes, total).proportion_ci(0.95, method="wilson")
        assert statistics.wilson_interval(votes, total) == pytest.approx((expected.low, expected.high), abs=1e-12)
    narrow, wide = (statistics.wilson_interval(109, 300, design_effect=effect) for effect in (1, 3))
    assert wide == pytest.approx(stats.binomtest(109, 300).proportion_ci(method="wilson"), abs=0.05)
    assert wide[0] < narrow[0] and narrow[1] < wide[1]


def test_power_is_what_drawing_studies_finds():
    first, second = 109 / 300, 86 / 300
    raters = published.raters_needed(first, second)
    assert 0.8 <= published.power(first, second, 10 * raters) < 0.81
    assert published.raters_needed(first, second, design_effect=2) == pytest.approx(2 * raters, abs=1)
    drawn = np.random.default_rng(0).multinomial(10 * raters, [first, second, 1 - first - second], size=20_000)
    z = (drawn[:, 0] - drawn[:, 1]) / np.sqrt(drawn[:, 0] + drawn[:, 1])
    assert np.mean(z > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.015)
    with pytest.raises(StudyError, match="Equal shares"):
        published.raters_needed(0.3, 0.3)


PICTURES = stimuli(20)


def simulated(raters=20, **options):
    study = small_study(PICTURES, raters=raters, per_rater=8, checks=1, voted=16)
    taste = Taste({"blurred": 3.0, "noisy": 0.3}, **options)
    return study, simulation.simulate(study, taste)


def counted(tmp_path, study, records):
    return readers.read_answers(simulation.write_answers(tmp_path, study, records), study)


def test_a_simulated_study_is_read_and_its_preferences_are_recovered(tmp_path):
    study, records = simulated(raters=60, rater_sd=0, face_sd=0)
    answers = counted(tmp_path, study, records)
    assert answers.simulated and answers.set_aside.empty and len(answers.votes) == 480
    result = analysis.analyse(answers.votes, study.systems, repeats=300)
    truth = Taste({"blurred": 3.0, "noisy": 0.3}).log_worth(study.systems)
    for row in result.strengths.itertuples():
        assert row.low - 0.1 < truth[study.systems.index(row.system)] < row.high + 0.1
    shares = result.shares[result.shares.database == "all"].set_index("system").share
    taste = Taste({"blurred": 3.0, "noisy": 0.3}, rater_sd=0, face_sd=0)
    expected = simulation.expected_shares(taste, study.systems, 1000)
    np.testing.assert_allclose(expected, np.array([3, 1, 1, 0.3]) / 5.3, atol=1e-9)
    assert abs(shares[list(study.systems)] - expected).max() < 0.08
    assert result.pairs.set_index(["first", "second"]).p_holm[("blurred", "noisy")] < 1e-4
    assert result.shares.database.unique().tolist() == ["all", "plain", "wild"]
    text = written_report.report_text(study, answers, result)
    assert "SIMULATED" in text.splitlines()[0] and written_report.SIMULATED in text
    files = written_report.write_report(tmp_path / "report", study, answers, result)
    assert all(file.exists() for file in files)
    assert "simulated" in (tmp_path / "report/votes.csv").read_text(encoding="utf-8").splitlines()[0]


def test_careless_simulated_raters_are_mostly_excluded(tmp_path):
    study, records = simulated(careless=0.5)
    answers = counted(tmp_path, study, records)
    assert 5 <= len(answers.set_aside) <= 10 and set(answers.set_aside.kind) == {"excluded"}
    assert simulation.simulate(study, Taste({}, careless=0.5)) == simulation.simulate(study, Taste({}, careless=0.5))


def test_a_pull_of_a_position_is_found(tmp_path):
    study, records = simulated(raters=60, pull=(3, 1, 1, 1))
    result = analysis.analyse(counted(tmp_path, study, records).votes, study.systems, repeats=200)
    assert result.position_p < 1e-4 and result.positions.votes.idxmax() == 0


def test_tastes_nobody_can_have_are_refused():
    with pytest.raises(StudyError, match="blurred = -1.*careless = 2"):
        Taste({"blurred": -1}, careless=2)
    with pytest.raises(StudyError, match="blured.*blurred"):
        Taste({"blured": 2}).log_worth(SYSTEMS)


def test_one_rater_is_no_study(tmp_path):
    study, records = simulated()
    answers = counted(tmp_path, study, dict(itertools.islice(records.items(), 1)))
    with pytest.raises(StudyError, match="at least two"):
        analysis.analyse(answers.votes, study.systems)
    with pytest.raises(StudyError, match="0 rater"):
        analysis.analyse(answers.votes.iloc[:0], study.systems)


def test_unanimous_raters_do_not_crash_the_analysis(tmp_path):
    study, records = simulated(raters=4, rater_sd=0, face_sd=0)
    votes = counted(tmp_path, study, records).votes.assign(system="dark")
    columns = plans.position_columns(votes)
    votes["position"] = votes[columns].eq("dark").to_numpy().argmax(axis=1) + 1
    result = analysis.analyse(votes, study.systems, repeats=200)
    top = result.shares.iloc[0]
    assert (top.system, top.share, top.high) == ("dark", 1.0, 1.0) and np.isnan(result.agreement.estimate)
    assert np.isfinite(result.strengths[["log_worth", "low", "high"]].to_numpy()).all()


def test_two_way_intervals_cover_when_raters_and_faces_differ():
    faces = [("a", str(i)) for i in range(25)]
    plan = plans.assign(faces, SYSTEMS, raters=25, per_rater=8, checks=0)
    taste = Taste({"blurred": 2.0}, rater_sd=0.8, face_sd=0.8)
    truth = simulation.expected_shares(taste, SYSTEMS)
    shown = simulation.shown_indices(plan, SYSTEMS)
    covered, naive = [], []
    for seed in range(60):
        picked = shown[np.arange(len(shown)), simulation.choose(plan, taste, SYSTEMS, seed)]
        one_hot = (picked[:, None] == np.arange(4)).astype(float)
        interval, _ = analysis.two_way_interval(one_hot, plan.rater.to_numpy(), plan.face.to_numpy(), repeats=200)
        covered.append((interval.low <= truth) & (truth <= interval.high))
        limits = np.array([statistics.wilson_interval(int(n), len(shown)) for n in one_hot.sum(axis=0)])
        naive.append((limits[:, 0] <= truth) & (truth <= limits[:, 1]))
    assert np.mean(covered) > 0.9 > np.mean(naive)


def agreed(raters, faces, choice):
    """Votes of every rater on every face; ``choice(rater, face)`` names the system."""
    rows = [(f"r{r}", 1, "a", f"f{f}", 1, choice(r, f), 5.0, "one", "two")
            for r, f in itertools.product(range(raters), range(faces))]
    return pd.DataFrame(rows, columns=["rater", "trial", "database", "face", "position", "system", "seconds",
                                       "position_1", "position_2"])


@pytest.mark.parametrize("raters, faces", [(4, 10), (10, 4)])
def test_unanimous_votes_are_not_certain(raters, faces):
    """Wilson's interval of 4 of 4, and the sign flips of 4: p = 2 / 2⁴."""
    result = analysis.analyse(agreed(raters, faces, lambda r, f: "one"), ("one", "two"), repeats=200)
    low = stats.binomtest(4, 4).proportion_ci(0.95, method="wilson").low
    shares = result.shares.set_index("system")
    assert tuple(shares.loc["one", ["share", "low", "high"]]) == pytest.approx((1, low, 1))
    assert tuple(shares.loc["two", ["share", "low", "high"]]) == pytest.approx((0, 0, 1 - low))
    pair = result.pairs.iloc[0]
    assert (pair.difference, pair.low, pair.high, pair.p) == pytest.approx((1, 2 * low - 1, 1, 0.125))
    assert pair.p_raters == pytest.approx(2 / 2**raters)


def test_an_even_division_by_every_rater_and_face_is_not_certain_either():
    """Each rater and each face gives one half: neither bootstrap has any width, and nothing is known."""
    result = analysis.analyse(agreed(6, 6, lambda r, f: ("one", "two")[(r + f) % 2]), ("one", "two"), repeats=200)
    limits = stats.binomtest(3, 6).proportion_ci(0.95, method="wilson")
    assert np.allclose(result.shares[["low", "high"]], [[limits.low, limits.high]] * 2)
    assert result.pairs.p[0] == 1 and result.pairs.low[0] < -0.5 < 0.5 < result.pairs.high[0]


def test_the_upper_limit_of_kappa_is_at_most_one():
    """Full agreement on every face but one, whose raters are divided."""
    result = analysis.analyse(agreed(10, 8, lambda r, f: ("one", "two")[(f + (f == 0) * r) % 2]), ("one", "two"),
                              repeats=200)
    assert result.agreement.low < result.agreement.estimate < result.agreement.high == 1


def test_undefined_resamples_of_kappa_are_left_out():
    """Full agreement, one face for the second system: kappa is 1 wherever that face is drawn, else undefined."""
    result = analysis.analyse(agreed(6, 3, lambda r, f: "two" if f == 0 else "one"), ("one", "two"), repeats=400)
    assert tuple(result.agreement) == pytest.approx((1, 1, 1))
