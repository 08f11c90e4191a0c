"""What the essay's cells print: demonstrations, the paper's printed numbers looked at again, code beside equations."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lib.base import paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.commands import notebooks
from lib.figures import code
from lib.figures import rivals as rival_figures
from lib.figures import training as training_figures
from lib.findings import by_hand, exemplar_checks, exemplar_choices, published_tables, training_outcomes
from lib.model import attention, losses
from lib.model.attention import PositionAttention
from lib.model.msg_sarl import MsgSarl
from lib.training.plans import plan

P2S = DIRECTIONS[0]
REAL = "cpu", "cuhk-student"


def test_loops_notice_a_module_that_forgets_its_scale(monkeypatch):
    assert by_hand.position_attention_agrees()
    monkeypatch.setattr(PositionAttention, "forward", lambda self, M: M)
    assert not by_hand.position_attention_agrees()


def test_two_softmaxes_leave_no_weight_above_e_times_another():
    single, double = by_hand.softmax_rows(side=8)
    assert single.sum() == pytest.approx(1, abs=1e-5) and double.sum() == pytest.approx(1, abs=1e-5)
    assert double.max() / double.min() <= np.e < single.max() / single.min()
    again = np.exp(single) / np.exp(single).sum()  # the second softmax, written out
    np.testing.assert_allclose(double, again, atol=1e-6)


def test_sizes_are_those_of_eq_1():
    assert by_hand.scales(plan("paper", "msg-sarl").settings).pixels.tolist() == [32, 64, 128, 256, 32]


def test_terms_of_the_objective_add_up_to_one_per_direction():
    log, settings = by_hand.training_log(*REAL, "msg-sarl", 0), plan("cpu", "msg-sarl").settings
    shares = by_hand.objective_shares(log, settings)
    assert shares.T.groupby(level=0).sum().to_numpy() == pytest.approx(1)
    first = log.iloc[0]
    terms = {name: weight * first[f"{P2S}/{name}"] for name, weight in
             (("adversarial", 1), ("perceptual", 10), ("tv", 1e-4), ("cycle", 10))}  # Eq. 16
    assert shares.loc["first epoch", ("FP2S", "perceptual")] == pytest.approx(terms["perceptual"] / sum(terms.values()))


def test_code_is_shown_as_it_runs_without_docstrings():
    shown = code.show(losses.cycle_loss).data
    assert "return F.l1_loss(reconstructed, image)" in shown and '"""' not in shown
    assert "(../lib/model/losses.py)" in shown
    part = code.show(MsgSarl.step, start="generator_loss = sum", end="discriminator_loss = sum").data
    assert part.count("_weight") == 4 and "optimiser" not in part
    assert "class SARB" in code.show(attention.SARB).data
    with pytest.raises(StudyError, match="no line with"):
        code.show(losses.cycle_loss, start="no such thing")


def test_published_values_below_a_floor():
    printed = pd.read_csv(paths.ROOT / "results" / "published_tables.csv", encoding="utf-8")
    scores = pd.read_csv(paths.study_folder(*REAL) / "scores.csv", encoding="utf-8")
    below = published_tables.below(*REAL, "pixel-regression").query("task == 'FP2S' and metric == 'SSIM'")
    floor = 100 * scores.query("system == 'pixel-regression' and direction == @P2S and metric == 'ssim'").value.mean()
    rows = printed[(printed.table == "I") & (printed.direction == P2S) & (printed.metric == "ssim")]
    assert set(below.system) == set(rows.system[rows.value < floor]) and len(below)


def test_what_msg_changes_in_print():
    effects = published_tables.msg_effects().set_index(["database", "added to the backbone"])["change of SSIM"]
    assert effects["cuhk-student", "without self-attention, without cycle"] == "+0.61"  # 59.45 − 58.84, Table I
    assert effects["cufsf", "with self-attention, without cycle"] == "−2.34"  # 38.97 − 41.31, Table III


def test_logs_know_who_won_and_are_drawn_so():
    logs = training_outcomes.logs(*REAL)
    won = logs[logs.won].groupby(["system", "seed", "direction"]).discriminator.last()
    assert (won < training_outcomes.WON).all() and len(won) == 4
    others = logs[~logs.won].groupby(["system", "seed", "direction"]).discriminator.last()
    assert (others >= training_outcomes.WON).all()
    figure = training_figures.all_trainings(logs)
    widths = [line.get_linewidth() for line in figure.axes[1].lines]
    assert sum(width > 2 for width in widths) == sum(direction == P2S for *_, direction in won.index)
    plt.close("all")


def test_the_checks_of_exemplar_methods_can_fail(monkeypatch):
    assert exemplar_checks.locality_weights_agree() and exemplar_checks.mrf_finds_the_best()
    monkeypatch.setattr(exemplar_checks, "locality_weights", lambda z, penalty: z.new_full((len(z),), 1 / len(z)))
    monkeypatch.setattr(exemplar_checks, "labelling_energy", lambda labelling, *field: -labelling.sum().item())
    assert not exemplar_checks.locality_weights_agree() and not exemplar_checks.mrf_finds_the_best()


def test_changes_of_exemplar_choices_are_differences_from_the_default():
    table = pd.read_csv(paths.study_folder(*REAL) / "exemplar_choices.csv", encoding="utf-8")
    changes = exemplar_choices.changes(*REAL).set_index(["system", "change"])
    rows = table[(table.system == "lle") & (table.direction == P2S)].set_index("change")
    expected = 100 * (rows.ssim["feature grey"] - rows.ssim["default"])
    assert changes.ssim["lle", "feature grey"] == pytest.approx(expected)
    assert (changes.raises == (changes.ssim > 0).astype(int) + (changes.fsim > 0)).all()
    assert "default" not in changes.index.get_level_values("change")


def test_what_is_not_significant_is_hollow():
    table = pd.DataFrame({"direction": [P2S, P2S], "metric": ["ssim", "ssim"], "system": ["lle", "mrf"],
                          "estimate": [1.0, 2.0], "low": [0.5, -1.0], "high": [1.5, 5.0], "p_holm": [0.01, 0.4]})
    table = pd.concat([table, table.assign(metric="fsim")])
    marks = [line for line in rival_figures.minus_ours(table).axes[0].lines if line.get_marker() == "o"]
    assert [mark.get_markerfacecolor() != "white" for mark in marks] == [True, False]
    plt.close("all")


def test_stored_pictures_keep_what_they_show_with_fewer_colours():
    written = io.BytesIO()
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1], color="#D55E00")
    figure.savefig(written, format="png")
    small = notebooks._with_a_palette(base64.b64encode(written.getvalue()).decode())
    before, after = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)
                     for data in (written.getvalue(), base64.b64decode(small)))
    assert np.abs(before - after).max() <= 24 and len(base64.b64decode(small)) < len(written.getvalue())
