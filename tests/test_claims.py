"""Claims: the committed file is what the results say, drift is noticed, and each number has its own source."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from lib import __main__
from lib.base import paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation.scoring import read_scores
from lib.findings import claims, drift, paper, signs, summary

VERDICTS = {signs.SAME, signs.OPPOSITE, signs.SUPPORTED, signs.CONTRADICTED, signs.UNDECIDED, claims.MIXED, claims.SEEN,
            claims.NOT_SEEN, claims.NOT_EXAMINED, claims.IN_PRINT}
# What the text was once said to claim and does not, and words that say more than it does.
NOT_IN_THE_PAPER = ("measure quality", "rank the methods", "ahead of CycleGAN", "ahead of its rivals")


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return claims.table().set_index("claim")


@pytest.fixture
def committed(monkeypatch):
    monkeypatch.delenv("MSGSARL_RESULTS", raising=False)


def test_committed_claims_are_what_the_results_say(committed):
    text = (paths.ROOT / "results" / "claims.md").read_text(encoding="utf-8")
    assert text == claims.as_markdown(), "results/claims.md is out of date: run `python -m lib claims`"


def test_readme_shows_the_claims_as_the_results_have_them(committed, found, monkeypatch):
    monkeypatch.setattr(summary, "claims_table", found.reset_index)
    text = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    now = summary.in_readme(text)
    assert all(map(drift.alike, text.splitlines(), now.splitlines())), "out of date: run `python -m lib claims`"
    assert len(text.splitlines()) == len(now.splitlines())
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if "](notebooks/" in line and line[0] == "|"]
    examined = found[found.verdict != claims.NOT_EXAMINED]
    assert [row[0][1:].partition("](")[0] for row in rows] == examined.index.tolist()
    assert [row[0].partition("notebooks/")[2][:2] for row in rows] == examined.notebook.tolist()
    assert [row[1] for row in rows] == examined.verdict.tolist()
    assert f"{len(found) - len(examined)} more claims" in text
    for row, full in zip(rows, examined["what we can say"]):
        assert full.replace(f" ({signs.UNDECIDED})", "").startswith(row[2]) and 20 < len(row[2]) < 300, row
        assert "published" in row[3] or re.match(r"\d+ trainings? at \d+ px(;|$)", row[3])
    with pytest.raises(StudyError, match="marks"):
        summary.in_readme(text.replace("<!-- end of what it writes -->", ""))


def test_new_seeds_are_counted_by_the_sign_that_is_claimed(monkeypatch):
    judged = pd.DataFrame({"verdict": [signs.SAME, signs.OPPOSITE, signs.OPPOSITE, signs.UNDECIDED], "trainings": 24})
    monkeypatch.setattr(claims.method.training_stability, "effects_of_msg", lambda *_: judged)
    monkeypatch.setattr(claims.method.training_stability, "account", lambda *_: "**Mixed.** More.")
    steady = claims.CLAIMS[0].outcome()
    assert steady.verdict == claims.MIXED and steady.rests_on.startswith("24 trainings on cuhk-student: 64 px")
    assert steady.text.startswith("Of 4 measures 1 have clearly the claimed sign and 2 clearly the opposite. "
                                  "**Mixed.**")


@pytest.mark.parametrize("seeds, said", [([1, 1], "once"), ([1, 3], "1 to 3 times"), ([3, 3], "3 times")])
def test_how_often_rivals_are_trained(seeds, said, monkeypatch):
    table = pd.DataFrame({"verdict": ["ahead", "open"], "rival_seeds": seeds})
    monkeypatch.setattr(claims.rivals.deep_rivals, "against_msg_sarl", lambda *_: table)
    monkeypatch.setattr(claims.rivals.deep_rivals, "account", lambda *_: ["Said."])
    text = next(claim for claim in claims.CLAIMS if "state of the art" in claim.text).outcome().text
    assert f"each rival trained {said}, it is clearly ahead in 1 of 2 comparisons, clearly behind in 0. " in text


def test_every_claim_has_a_place_in_the_paper_a_verdict_and_a_notebook(found):
    assert set(found.verdict) <= VERDICTS and len(found) == len(claims.CLAIMS)
    for claim, row in found.iterrows():
        assert not paper.problems(row["where"]), claim
        assert list((paths.ROOT / "notebooks").glob(f"{row.notebook}_*.ipynb")), claim
        assert "training" in row["rests on"] or row.verdict in (claims.NOT_EXAMINED, claims.IN_PRINT), claim
    assert not any(words in claim for claim in found.index for words in NOT_IN_THE_PAPER)
    assert not set(found.verdict) & {signs.SUPPORTED, signs.CONTRADICTED}, "no run is at the paper's setting"


def test_the_effect_of_msg_with_and_without_the_cycle_is_that_of_the_scores(found):
    """From means over faces and trainings, by hand."""
    scores = read_scores(*claims.STUDY).images.query("direction == @DIRECTIONS[0] and metric == 'ssim'")
    mean = 100 * scores.groupby("system").value.mean()
    without = (mean["backbone-msg"] - mean["backbone"] + mean["msg-sarl-no-cycle"] - mean["backbone-attention"]) / 2
    with_it = (mean["msg-sarl-no-attention"] - mean["backbone-cycle"] + mean["msg-sarl"] - mean["msg-sarl-no-msg"]) / 2
    text = found.loc["Multi-scale gradients improve the synthesised images.", "what we can say"]
    assert f"MSG's effect is +{without:.2f} [" in text and f"without the cycle and +{with_it:.2f} [" in text


def test_discriminators_that_won_are_counted_from_the_logs(found):
    won = {True: 0, False: 0}
    for system, msg in (("backbone", 0), ("backbone-msg", 1), ("backbone-attention", 0), ("backbone-cycle", 0),
                        ("msg-sarl-no-msg", 0), ("msg-sarl-no-cycle", 1), ("msg-sarl-no-attention", 1),
                        ("msg-sarl", 1)):
        for seed in range(3):
            log = pd.read_csv(paths.run_folder(*claims.STUDY, system, seed) / "log.csv", encoding="utf-8").iloc[-1]
            won[bool(msg)] += any(log[f"{d}/discriminator"] < 0.02 for d in DIRECTIONS)
    text = found.loc["Multi-scale gradients cure the instability of training.", "what we can say"]
    assert f"in {won[True]} of 12 with MSG and {won[False]} of 12 without" in text


def test_attention_is_not_said_to_be_one_hot_everywhere(found):
    table = pd.read_csv(paths.study_folder(*claims.STUDY) / "attention.csv", encoding="utf-8")
    rows = table[(table.system == "msg-sarl") & (table.quantity == "position_entropy")]["mean"]
    text = found.loc["Self-attention improves them, in both directions.", "what we can say"]
    assert f"in {np.sum(rows < 0.15)} of {len(rows)} SARBs" in text and np.sum(rows > 0.3) == 2
    assert f"to {table[(table.quantity == 'off') & (table.direction == DIRECTIONS[1])]['mean'].max():.2f} grey" in text


@pytest.mark.parametrize("old, new, same", [
    ("up +1.01 [+0.72]", "up +1.02 [+0.72]", True), ("up +1.01", "up +1.03", False), ("12 of 12", "11 of 12", False),
    ("−0.61", "+0.61", False), ("6.47e-05", "6.48e-05", True), ("6.47e-05", "7.47e-05", False), ("a", "b", False)])
def test_numbers_may_differ_in_their_last_digit_alone(old, new, same):
    assert drift.alike(old, new) == same


def test_the_check_fails_where_a_file_says_something_else(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(claims, "file", lambda: tmp_path / "claims.md")
    monkeypatch.setattr(drift.ledger, "as_markdown",
                        lambda: (paths.ROOT / "results/ledger.md").read_text(encoding="utf-8"))
    monkeypatch.setattr(drift.claims, "as_markdown", lambda: "MSG brings +1.01 points\n")
    monkeypatch.setattr(drift.reproducibility, "as_markdown",
                        lambda: drift.reproducibility.file().read_text(encoding="utf-8"))
    def write_tables(profile, database, folder):
        (folder / "new.md").write_text("| a row |\n", encoding="utf-8")
        return [folder / "new.md"] * ((profile, database) == ("quick", "portraits"))

    monkeypatch.setattr(drift.tables, "write_tables", write_tables)
    (tmp_path / "claims.md").write_text("MSG brings +2.01 points\n", encoding="utf-8")
    assert __main__.main(["claims", "--check"]) == 1
    said = capsys.readouterr()
    assert "claims.md, line 1" in said.out and "+2.01 points" in said.out and "2 files say something" in said.out
    assert "written by `python -m lib claims`" in said.out
    steps = said.err.splitlines()[1:]
    assert all(f" {number} of {len(steps)}: " in step for number, step in enumerate(steps, 1))
    assert "claims.md" in steps[0]
    assert "new.md: missing. It is written by `python -m lib score --profile quick --database portraits`" in said.out
    (tmp_path / "claims.md").write_text("MSG brings +1.01 points\n", encoding="utf-8")
    monkeypatch.setattr(drift.tables, "write_tables", lambda *_: [])
    assert __main__.main(["claims", "--check"]) == 0
