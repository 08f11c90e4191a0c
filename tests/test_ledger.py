"""The ambiguity ledger: every choice has an entry, bad files are named, effects recover a known truth."""

from __future__ import annotations

import dataclasses
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy import stats

from lib import __main__, ledger, losses, paths, profiles, scoring, systems, tables
from lib.errors import StudyError
from lib.figures import ledger as figures
from lib.ledger.comparison import COLUMNS, FACES, FACES_AND_TRAININGS
from lib.model.attention import PositionAttention

P2S, S2P = paths.DIRECTIONS
ENTRIES = {entry.id: entry for entry in ledger.entries()}
ORDER = (
    "position_softmax=double", "channel_logits=raw", "channel_logits=danet", "perceptual_pools=1-2", "fusion=shared",
    "tap=before-skip", "tv_reduction=mean", "schedule=steps", "real_pyramid=bilinear", "real_pyramid=bicubic",
    "output_resampling=bilinear", "output_resampling=lanczos", "output_resampling=area", "norm_after_5x5=false",
    "padding=zeros", "upsampling=bilinear", "initialisation=kaiming", "widths=1-2-4-4", "learning_rate=2e-4",
    "resampling=area")


TAP = {"id": "tap", "part": "architecture", "kind": "choice", "where": "Eq. 1", "open": "Where?", "chosen": "after",
       "setting": "tap"}


# The entries

def test_every_named_choice_of_the_settings_has_an_entry():
    choices = {field.name for field in dataclasses.fields(profiles.Settings) if "choices" in field.metadata}
    assert choices - {entry.setting for entry in ledger.entries()} == set()


def test_no_setting_has_two_entries():
    settings = [entry.setting for entry in ledger.entries() if entry.setting]
    assert len(settings) == len(set(settings))


def test_alternatives_are_systems_in_order_of_priority():
    assert ledger.tested_systems() == tuple(f"msg-sarl+{alternative}" for alternative in ORDER)
    for system in ledger.tested_systems():
        assert profiles.settings_for("cpu", system) != profiles.settings_for("cpu", "msg-sarl")


def test_a_profile_is_not_compared_with_itself():
    assert "msg-sarl+schedule=smooth" in ledger.tested_systems("paper")  # it steps, cpu does not
    assert "msg-sarl+schedule=steps" not in ledger.tested_systems("paper")
    assert "msg-sarl+schedule=smooth" not in ledger.tested_systems("cpu")


def test_defaults_come_from_the_settings():
    assert ENTRIES["position-softmax"].setting_text == "`position_softmax=single` (or double)"
    assert "quick smooth" in ENTRIES["schedule"].setting_text and "paper" not in ENTRIES["schedule"].setting_text
    assert ENTRIES["norm-after-5x5"].setting_text == "`norm_after_5x5=true`"
    assert ENTRIES["depth"].setting_text == ""


@pytest.mark.parametrize("change, message", [
    ({"part": "loss"}, "entry tap, field part: 'loss' is none of"),
    ({"kind": "slip"}, "entry tap, field kind: 'slip' is none of"),
    ({"id": "Tap here"}, "entry Tap here, field id: must be lower-case"),
    ({"where": ""}, "entry tap, field where: must be a text"),
    ({"open": None}, "entry tap, field open: must be a text"),
    ({"readings": "before, after"}, "entry tap, field readings: must be a list"),
    ({"readings": ["after", 2]}, "entry tap, field readings: must be a list of texts"),
    ({"reasons": "because"}, "entry tap, field reasons: no such field"),
    ({"setting": "tapp"}, "entry tap, field setting: Unknown setting 'tapp'. Did you mean tap"),
    ({"alternatives": ["tap=inside"]}, "entry tap, field alternatives: Unknown value of tap 'inside'"),
    ({"alternatives": ["fusion=shared"]}, "entry tap, field alternatives: 'fusion=shared' does not change"),
    ({"priority": "first"}, "entry tap, field priority: must be a whole number"),
    ({"alternatives": None}, "entry tap, field alternatives: must be a list"),
])
def test_wrong_fields_are_named_with_their_entry(tmp_path, change, message):
    record = {**TAP, "alternatives": ["tap=before-skip"], "priority": 1} | change
    with pytest.raises(StudyError) as raised:
        ledger.entries(_file(tmp_path, [record]))
    assert message in str(raised.value)


def test_all_offenders_are_reported_at_once(tmp_path):
    choice = {"id": "a", "part": "data", "kind": "choice", "where": "here", "open": "?", "chosen": "x", "reason": "y"}
    records = [choice, {**choice, "readings": ["x", "z"]}, {"id": "b"}, {"part": "data"}]
    with pytest.raises(StudyError) as raised:
        ledger.entries(_file(tmp_path, records))
    text = str(raised.value)
    assert "entry a, field readings: a choice has at least two" in text and "'a' is in 2 entries" in text
    assert "entry b, field open: missing" in text and "entry number 4, field id: missing" in text


@pytest.mark.parametrize("text, message", [
    ("- id: [", "cannot be read"), ("id: a", "must be a list"), ("", "must be a list")])
def test_a_file_that_is_no_list_is_refused(tmp_path, text, message):
    file = tmp_path / "ledger.yaml"
    file.write_text(text)
    with pytest.raises(StudyError, match=message):
        ledger.entries(file)


def test_a_setting_lends_its_reason(tmp_path):
    (entry,) = ledger.entries(_file(tmp_path, [TAP]))
    assert entry.reason == {f.name: f.metadata["why"] for f in dataclasses.fields(profiles.Settings)}["tap"]


def _file(folder, records):
    file = folder / "ledger.yaml"
    file.write_text(yaml.safe_dump(records))
    return file


# Numbers that entries state

def test_stated_sizes_are_those_of_the_networks():
    from lib.model import Discriminator, Generator

    paper = profiles.settings_for("paper", "msg-sarl")
    with torch.device("meta"):
        generator = Generator(3, 1, paper)
    small = Generator(3, 1, dataclasses.replace(paper, width=2))(torch.zeros(1, 3, 256, 256))[0]
    count = sum(parameter.numel() for parameter in generator.parameters())
    sarm = sum(parameter.numel() for parameter in generator.sarm.parameters())
    assert f"{count / 1e6:.1f} million" in ENTRIES["channel-multiples"].consequence and sarm / count > 0.9
    assert small.shape[2] == 32 and "32×32" in ENTRIES["depth"].consequence
    # Receptive field: what 3×3 convolutions and 2×2 pooling between four stages and the last convolution add up to.
    seen, step = 1, 1
    for stage in range(len(Discriminator(1, dataclasses.replace(paper, width=2)).stages) + 1):
        seen += 2 * step  # a 3×3 convolution
        if stage < 3:
            seen, step = seen + step, 2 * step  # pooling
    assert f"{seen}×{seen} pixels" in ENTRIES["discriminator-pooling"].consequence


def test_stated_factor_between_sum_and_mean_of_total_variation():
    for channels, domain in ((1, "sketches"), (3, "photos")):
        image = torch.rand(1, channels, 256, 256, dtype=torch.float64)
        factor = losses.total_variation_loss(image) / losses.total_variation_loss(image, "mean")
        stated = ENTRIES["tv-reduction"].consequence
        assert f"{factor:,.0f} times" in stated.split(domain)[0], domain


def test_two_softmaxes_bound_the_ratio_of_weights_by_e():
    torch.manual_seed(0)
    unit = PositionAttention(16, softmax="double")
    with torch.no_grad():
        weights = unit.weights(30 * torch.randn(2, 16, 12, 12))
    ratio = weights.amax(dim=-1) / weights.amin(dim=-1)
    assert 2.5 < ratio.max() <= math.e + 1e-5 and "more than e times" in ENTRIES["position-softmax"].consequence


def test_stated_gains_are_those_of_the_published_tables():
    """Pairs of rows of Tables I-III that differ in one part."""
    cells = _published_cells()
    pairs = {part: _pairs(cells, part) for part in ("msg", "attention", "cycle")}

    msg = pairs["msg"]
    falling = msg[(msg.metric == "ssim") & (msg.gain < 0)].set_index("database").gain
    assert {name: round(-value, 2) for name, value in falling.items()} == \
        {"cuhk-student": 0.66, "cufs": 1.05, "cufsf": 2.34}
    kept = msg[~(msg.attention & ~msg.cycle)]  # all but those beside attention without the cycle
    for metric, stated in (("ssim", "0.17 to 0.87"), ("fsim", "0.15 to 0.38")):
        gains = kept.gain[kept.metric == metric]
        assert f"{gains.min():.2f} to {gains.max():.2f}" == stated and stated in ENTRIES["claim-msg"].open

    for part, falls, id_ in (("attention", 5, "claim-attention"), ("cycle", 3, "claim-cycle")):
        sketches = pairs[part].query("direction == @P2S")
        assert (sketches.gain[sketches.metric == "ssim"] > 0).all()
        assert (sketches.gain[sketches.metric == "fsim"] < 0).sum() == falls
        assert f"{falls} of {(sketches.metric == 'fsim').sum()}" in ENTRIES[id_].open


def _published_cells() -> pd.DataFrame:
    names = {system.label: system.name for system in systems.SYSTEMS.values()}
    cells = tables.published().query("table in ('I', 'II', 'III')").copy()
    settings = [profiles.settings_for("paper", names[label]) for label in cells.system]
    return cells.assign(**{part: [getattr(s, part) for s in settings] for part in ("msg", "attention", "cycle")})


def _pairs(cells: pd.DataFrame, part: str) -> pd.DataFrame:
    key = ["database", "direction", "metric", *({"msg", "attention", "cycle"} - {part})]
    pairs = cells[cells[part]].merge(cells[~cells[part]], on=key, suffixes=("", "_without"))
    return pairs.assign(gain=pairs.value - pairs.value_without)


def test_stated_ranks_are_those_of_the_published_tables():
    printed = tables.published()
    fid = {t: printed.query("table == @t and metric == 'fid'").set_index("system").value
           for t in ("IV", "V", "VI", "VII")}
    assert [values.rank()["MSG-SARL"] for values in fid.values()] == [2, 5, 3, 4]
    assert [len(values) for values in fid.values()] == [7, 7, 5, 5]
    assert all(values["U-GAT-IT"] < values["MSG-SARL"] for values in fid.values())
    third = printed.query("table == 'III' and direction == @P2S and metric == 'fsim'").set_index("system").value
    assert (third > third["MSG-SARL"]).sum() == 5 and len(third) == 7
    ssim = {t: printed.query("table == @t and metric == 'ssim'").set_index("system").value for t in ("IV", "V")}
    change = ssim["V"] - ssim["IV"]
    assert list(change.index[change > 0]) == ["pix2pix"] and -change[change < 0].max() > 9 and -change.min() < 16


# Effects

def write_scores(folder, cells, database="cuhk-student"):
    """Write (system, seed) → (direction, metric) → values per face in per cent, as the study's scores."""
    rows = [(database, direction, system, seed, f"f{i:03d}", metric, value / 100)
            for (system, seed), parts in cells.items() for (direction, metric), values in parts.items()
            for i, value in enumerate(values)]
    file = folder / "cpu" / database / "scores.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = ["database", "direction", "system", "seed", "image", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(file, index=False)


def simulated(rng, name, seeds, *, gain=0.0, run_sd=0.5):
    """Trainings of a system: what the face gives everybody, the system's gain, the training's luck, noise."""
    return {(name, seed): {(d, m): EASY + gain + rng.normal(0, run_sd) + rng.normal(0, 1, len(EASY))
                           for d in paths.DIRECTIONS for m in scoring.STUDY_METRICS[d]} for seed in range(seeds)}


EASY = np.random.default_rng(9).normal(60, 5, 40)
SHARED = "msg-sarl+fusion=shared"


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    return tmp_path


def test_no_scores_no_rows(results):
    found = ledger.effects("cpu", "cuhk-student")
    assert found.empty and list(found.columns) == COLUMNS
    effect = ledger.table("attention").effect
    assert effect["fusion"] == "fusion=shared: not run" and effect["residual-copies"] == ""
    write_scores(results, simulated(np.random.default_rng(0), "msg-sarl", 2))
    assert ledger.effects("cpu", "cuhk-student").empty
    assert len(figures.effects(found).axes) == 0  # says so instead of failing


@pytest.mark.parametrize("arguments, hint", [(("cpuu", "cufs"), "cpu"), (("cpu", "cuf"), "cufs")])
def test_unknown_names_are_refused(arguments, hint):
    with pytest.raises(StudyError, match=f"Did you mean .*{hint}"):
        ledger.effects(*arguments)
    with pytest.raises(StudyError, match="attention"):
        ledger.table("atention")


def test_scores_that_stand_twice_are_refused(results):
    write_scores(results, simulated(np.random.default_rng(0), "msg-sarl", 1))
    file = results / "cpu" / "cuhk-student" / "scores.csv"
    file.write_text(file.read_text() + file.read_text().splitlines()[1] + "\n")
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


def test_p_values_are_corrected_within_a_metric_and_direction(results):
    rng = np.random.default_rng(7)
    cells = simulated(rng, "msg-sarl", 3)
    for alternative in ORDER[:5]:
        cells |= simulated(rng, f"msg-sarl+{alternative}", 3, gain=rng.normal())
    write_scores(results, cells)
    part = ledger.effects("cpu", "cuhk-student").query("direction == @S2P and metric == 'fsim'")
    p, corrected = part.p_value.sort_values().to_numpy(), part.p_holm.sort_values().to_numpy()
    assert corrected[0] == pytest.approx(min(1, 5 * p[0])) and corrected[-1] >= p[-1] and len(p) == 5


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
    assert (row.seeds, row.limits) == (2, FACES_AND_TRAININGS)


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
    assert "alternatives with an effect: 1 of 20" in out and "msg-sarl+position_softmax=double" in out
    assert "msg-sarl+fusion=shared" not in out
    lines = (results / "cpu" / "cuhk-student" / "ledger.md").read_text().splitlines()
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
