"""README says what the committed results say: its tables and the numbers in its sentences, computed anew."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from lib.base import labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.evaluation.recognition import deep_runs, deep_statements, statements
from lib.findings import (
    ablations,
    deep_rivals,
    device_check,
    exemplar_scores,
    learning_curves,
    ledger,
    tables,
    training_outcomes,
)

STUDY = "cpu", "cuhk-student"
P2S, S2P = DIRECTIONS
COLUMNS = [(P2S, "ssim"), (P2S, "fsim"), (S2P, "ssim"), (S2P, "fsim")]
README = (paths.ROOT / "README.md").read_text(encoding="utf-8")
# The names of README's rows that are not a system's label.
ROWS = {"the input itself, in grey": "grey-input", "per-pixel linear regression": "pixel-regression",
        "real target through 128×128": "resized-target"}


def rows_under(heading: str) -> list[list[str]]:
    """Cells of the first table after ``heading``, without its head."""
    lines = README[README.index(heading):].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    table = [line for line in lines[first:] if line.startswith("|") or not line.strip()]
    table = table[:next((i for i, line in enumerate(table) if not line.strip()), len(table))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def numbers(cell: str) -> list[float]:
    return [float(text.replace("−", "-")) for text in re.findall(r"[−+-]?\d+(?:\.\d+)?", cell)]


def says(text: str) -> bool:
    """Whether README holds this text, line breaks aside."""
    return " ".join(text.split()) in " ".join(README.split())


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    return tables.summary(*STUDY).set_index(["system", "direction", "metric"])


def test_scores_are_those_of_the_tables(summary):
    published = tables.published().query("table == 'I'").set_index(["system", "direction", "metric"]).value
    names = {system.label: system.name for system in systems.SYSTEMS.values()}
    checked = 0
    for name, *cells in rows_under("## What came out so far"):
        name = name.strip("*")
        label, _, source = name.partition(", ") if name not in ROWS else (name, "", "")
        for (direction, metric), cell in zip(COLUMNS, cells):
            if not cell:
                continue
            found = numbers(cell)
            if source == "as published":
                assert found == [published[label, direction, metric]], (name, direction, metric)
            else:
                row = summary.loc[ROWS.get(name) or names[label], direction, metric]
                assert found[0] == pytest.approx(row.value, abs=0.0051), (name, direction, metric)
                if len(found) == 3:  # limits within their Monte Carlo error and rounding
                    np.testing.assert_allclose(found[1:], [row.low, row.high], atol=0.11, err_msg=name)
            checked += 1
        if cells[-1] and source != "as published":
            assert float(cells[-1]) == summary.loc[names[label], P2S, "ssim"].seeds
    assert checked >= 34


def test_what_is_said_of_the_deep_rivals(summary):
    wide = summary.value.unstack(["direction", "metric"])[COLUMNS]
    lead = wide.loc["msg-sarl"] - wide.loc[list(systems.of_kind("deep"))]
    behind = lead.drop("ps2man")
    assert (behind > 0).all().all() and behind.stack(["direction", "metric"]).idxmin() == ("cyclegan", P2S, "fsim")
    assert says(f"by {behind.min().min():.1f} points)") and (lead.loc["ps2man"] < 0).sum() == 3
    assert says(f"by {-lead.loc['ps2man', (P2S, 'ssim')]:.1f} points for sketches and by "
                f"{-lead.loc['ps2man', (S2P, 'ssim')]:.1f} for photos")
    work = deep_rivals.work(*STUDY).generator_updates
    assert says(f"changed its generators {work['drit']} times where the others did {work['msg-sarl']:,} times")
    assert (work.drop("drit") == work["msg-sarl"]).all()
    assert {name for name, rises in learning_curves.unconverged(*STUDY).items() if rises} == {"drit", "u-gat-it"}
    assert (summary.seeds.unstack(["direction", "metric"])[COLUMNS].loc[list(systems.of_kind("deep"))] == 1).all().all()


def test_effects_of_the_parts_and_what_is_significant():
    effects = ablations.effects(*STUDY).set_index(["effect", "direction", "metric"])
    names = {"MSG": "MSG", "self-attention": "self-attention", "cycle": "cycle"}
    rows = rows_under("**What the parts bring**")
    assert [row[0] for row in rows] == list(names)
    for name, *cells in rows:
        effect = next(key for key in ablations.EFFECTS if key.lower() == names[name].lower())
        for (direction, metric), cell in zip(COLUMNS, cells):
            row = effects.loc[effect, direction, metric]
            np.testing.assert_allclose(numbers(cell), [row.estimate, row.low, row.high], atol=0.0151, err_msg=name)
            assert cell.startswith("**") == (row.p_holm < 0.05), (name, direction, metric)


def test_luck_of_a_training_and_the_published_differences():
    pooled = ablations.seed_spread(*STUDY).query("system == 'pooled'")
    assert says(f"differ by less than {pooled.two_runs.min():.1f} to {pooled.two_runs.max():.1f} points")
    assert says(f"by the typical cell {pooled.typical.min():.1f} to {pooled.typical.max():.1f}")
    beyond = ablations.published_against_luck(*STUDY).beyond_luck
    assert says(f"{(~beyond).sum()} of the {len(beyond)} differences")


def test_recognition_rates():
    rates = statements.summary(statements.read_study(*STUDY)).set_index(["direction", "system"])
    grey, ours, rival = (rates.loc[P2S, name] for name in ("grey-input", "msg-sarl", "rslcr"))
    assert says(f"the untranslated grey photo reaches {100 * grey.accuracy:.1f} %")
    assert says(f"MSG-SARL {100 * ours.accuracy:.1f} % with sketches and "
                f"{100 * rates.loc[S2P, 'msg-sarl'].accuracy:.1f} % with photos")
    face = rates.face_only * 100
    assert says(f"{face[P2S, 'msg-sarl']:.1f} % and {face[S2P, 'msg-sarl']:.1f} % for MSG-SARL")
    assert says(f"{rival.face_only * 100:.1f} % and {face[S2P, 'rslcr']:.1f} % for RSLCR")
    found = statements.read_study(*STUDY)
    told = {direction: {sentence for sentence in statements.findings(found)
                        if sentence.startswith(f"{labels.TASK[direction]}, inner face")} for direction in DIRECTIONS}
    p = {direction: float(re.search(r"corrected p: (?:< )?([\d.]+)", next(iter(told[direction])))[1])
         for direction in DIRECTIONS}
    assert p[P2S] > 0.05 > p[S2P] and says("is told apart from its input with photos alone")
    for direction in DIRECTIONS:
        rivals = statements.comparisons(found, direction, "msg-sarl@face", ["rslcr@face"])
        assert (rivals.holm > 0.05).all()


def test_recognition_by_a_network():
    deep = deep_runs.read_study(*STUDY)
    rates = deep_statements.summary(deep).set_index(["direction", "system"]).loc[S2P]

    def found(system):
        row = 100 * rates.loc[system, ["rank-1", "rank-1_low", "rank-1_high"]]
        return f"{row.iloc[0]:.0f} % [{row.iloc[1]:.0f}, {row.iloc[2]:.0f}]"

    assert says(f"it finds {found('grey-input')} at rank 1, of recompressed photos "
                f"{100 * rates.loc['recompressed-target', 'rank-1']:.0f} %")
    rank, tar = (deep_statements.comparisons(deep, S2P, measure=measure).set_index("system")
                 for measure in ("rank-1", "tar"))

    def points(table, system):
        return labels.with_limits(*(100 * table.loc[system, ["difference", "low", "high"]].astype(float)), digits=0)

    assert says(f"Photos made by Fast-RSLCR help: {found('fast-rslcr')}, {points(rank, 'fast-rslcr')} points, and "
                f"{points(tar, 'fast-rslcr')} at the threshold")
    assert says(f"LLE's are found in {found('lle')}, not told apart from no translation")
    assert says(f"those of the one training of FCN in {found('fcn')}, and at that threshold "
                f"{points(tar, 'fcn')} points")
    assert rank.loc["fast-rslcr"].holm <= 0.05 < rank.loc["lle"].holm and tar.loc["fast-rslcr"].holm <= 0.05
    assert not rank.loc["fcn"].repeated  # or there is a verdict to be told
    assert says("MSG-SARL at this profile is not among them") == ("msg-sarl" not in rates.index)


def test_fine_detail():
    kept = pd.read_csv(paths.study_folder(*STUDY) / "fine_detail.csv", encoding="utf-8")
    kept = kept.query("direction == @P2S").set_index("system")
    assert says(f"its sketches keep {kept['mean']['rslcr']:.0%} of the artist's fine detail and MSG-SARL's "
                f"{kept['mean']['msg-sarl']:.0%}".replace("%", " %"))


def test_what_the_open_choices_change():
    effects = ledger.effects("quick", "cuhk-student")
    trained = effects[~effects.same_networks & effects.metric.isin(["ssim", "fsim"])]
    assert says(f"{trained.alternative.nunique()} alternatives were trained anew") and set(trained.seeds) == {2}
    assert not trained.clear.any() and says("none is told apart after correction")
    miss = trained[(trained.low > 0) | (trained.high < 0)]
    assert says(f"{len(miss)} of {len(trained)} differences miss zero, where {0.05 * len(trained):.0f} could")
    assert set(zip(miss.alternative, miss.direction, miss.metric)) == {
        ("initialisation=kaiming", S2P, "ssim"), ("initialisation=kaiming", S2P, "fsim"),
        ("learning_rate=2e-4", S2P, "ssim"), ("learning_rate=2e-4", S2P, "fsim"), ("schedule=steps", S2P, "fsim")}
    for row in miss[miss.alternative == "initialisation=kaiming"].itertuples():
        assert says(f"{row.metric.upper()} {labels.with_limits(row.difference, row.low, row.high)}")
    rest = trained[~trained.index.isin(miss.index) & (trained.metric == "ssim")]
    reach = (rest.high - rest.low) / 2
    assert says(f"within ±{reach.min():.1f} to ±{reach.max():.1f} points of SSIM")


def test_how_far_msgs_effect_is_confounded():
    given = ablations.effects_given(*STUDY, "MSG", "cycle").set_index(["direction", "metric", "given"])
    without, with_it = (labels.with_limits(*given.loc[P2S, "ssim", cycle][["estimate", "low", "high"]])
                        for cycle in (False, True))
    assert says(f"by {without} points without the cycle and by {with_it} with it")
    ends = training_outcomes.final_losses(*STUDY)
    idle = training_outcomes.discriminators_by(ends, "MSG", "cycle").set_index(["MSG", "cycle"]).loc[False, False]
    assert says(f"ends at {idle.smallest:.2f} to {idle.largest:.2f}, where guessing is 0.25")
    won = training_outcomes.won_outright(ends).drop_duplicates(["system", "seed"])
    assert says(f"In {len(won)} of the {len(ends)} trainings, all of them with MSG")
    assert won.system.map(ablations.SWITCHES["MSG"]).all()
    scoot = ablations.effects(*STUDY, metrics=("scoot",), directions=(P2S,)).set_index("effect").loc["MSG"]
    assert says(f"({labels.with_limits(scoot.estimate, scoot.low, scoot.high)} points)") and scoot.p_holm < 0.05
    changed = device_check.what_changes(device_check.effects(*STUDY))
    assert changed.empty and says("The same three effects are clear with the device as a factor and on the GPU's")


def test_what_attention_does_in_finished_networks():
    table = pd.read_csv(paths.study_folder(*STUDY) / "attention.csv", encoding="utf-8")
    off = table[(table.quantity == "off") & (table.sarb == "all")]
    for direction, what in ((P2S, "sketches"), (S2P, "photos")):
        part = off[off.direction == direction]["mean"]
        assert len(part) == 6 and says(f"the {what} by {part.min():.1f} to {part.max():.1f}")
    entropy = table[(table.quantity == "position_entropy") & (table.system == "msg-sarl")]["mean"]
    assert says(f"nearly one-hot in {(entropy < 0.15).sum()} of {len(entropy)} SARBs")


def test_rslcr_and_area_filtering():
    against = exemplar_scores.against_ours(*STUDY)
    row = against.query("direction == @P2S and metric == 'ssim' and system == 'rslcr'").iloc[0]
    assert says(f"sketches: {labels.with_limits(row.estimate, row.low, row.high)} points over MSG-SARL")
    assert row.p_holm > 0.05 and says(f"correction over {len(against)} comparisons")
    ceiling = pd.read_csv(paths.study_folder(*STUDY) / "resize_ceiling.csv", encoding="utf-8")
    ceiling = ceiling.query("domain == 'sketch' and fit == 'resize' and metric == 'ssim'")
    ceiling = ceiling.set_index(["size", "resampling"])
    assert ceiling["mean"][64, "area"] < ceiling["mean"][64, "bicubic"]
    assert ceiling["mean"][256, "area"] > ceiling["mean"][256, "bicubic"]


def test_every_notebook_and_profile_is_listed():
    for notebook in sorted((paths.ROOT / "notebooks").glob("*.ipynb")):
        assert f"(notebooks/{notebook.name})" in README
    from lib.base.settings import PROFILES
    assert all(f"| `{profile}` |" in README for profile in PROFILES)


def test_every_command_that_readme_shows_exists():
    from lib.__main__ import COMMANDS
    assert set(re.findall(r"python -m lib ([a-z]+)", README)) <= set(COMMANDS)


def test_the_model_card_says_what_the_network_scored(summary):
    from lib.training import checkpoints

    card = checkpoints.PRETRAINED.with_name("README.md").read_text(encoding="utf-8")
    system = checkpoints.load(checkpoints.PRETRAINED)["system"]
    assert f"--system {system} " in card
    for direction in DIRECTIONS:
        row = next(line for line in card.splitlines() if line.startswith(f"| {direction.replace('-', ' ')} |"))
        for metric, cell in zip(("ssim", "fsim"), row.strip("|").split("|")[1:]):
            score = summary.loc[system, direction, metric]
            np.testing.assert_allclose(numbers(cell), [score.value, score.low, score.high], atol=0.011)
    size = checkpoints.PRETRAINED.stat().st_size / 1e6
    assert f"({size:.1f} MB together)" in card
