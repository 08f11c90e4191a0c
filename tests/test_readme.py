"""README says what the committed results say: its tables and the numbers in its sentences, computed anew."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from lib.base import labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.evaluation.recognition import deep_runs, deep_statements, statements
from lib.findings import ablations, ledger, tables

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
    labels = {system.label: system.name for system in systems.SYSTEMS.values()}
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
                row = summary.loc[ROWS.get(name) or labels[label], direction, metric]
                assert found[0] == pytest.approx(row.value, abs=0.0051), (name, direction, metric)
                if len(found) == 3:  # limits within their Monte Carlo error and rounding
                    np.testing.assert_allclose(found[1:], [row.low, row.high], atol=0.11, err_msg=name)
            checked += 1
        if cells[-1] and source != "as published":
            assert float(cells[-1]) == summary.loc[labels[label], P2S, "ssim"].seeds
    assert checked >= 34


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
    pooled = ablations.seed_spread(*STUDY).query("system == 'pooled'").two_runs
    assert says(f"differ by less than {pooled.min():.1f} to {pooled.max():.1f} points")
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
    assert says(f"LLE's are found in {found('lle')} and FCN's in {found('fcn')}")
    assert says(f"FCN's do harm: {points(tar, 'fcn')} points")
    assert rank.loc["fast-rslcr"].holm <= 0.05 and (rank.loc[["lle", "fcn"]].holm > 0.05).all()
    assert (tar.loc[["fast-rslcr", "fcn"]].holm <= 0.05).all()
    assert says("MSG-SARL at this profile is not among them") == ("msg-sarl" not in rates.index)


def test_fine_detail():
    kept = pd.read_csv(paths.study_folder(*STUDY) / "fine_detail.csv", encoding="utf-8")
    kept = kept.query("direction == @P2S").set_index("system")
    assert says(f"its sketches keep {kept['mean']['rslcr']:.0%} of the artist's fine detail and MSG-SARL's "
                f"{kept['mean']['msg-sarl']:.0%}".replace("%", " %"))


def test_what_the_open_choices_change():
    effects = ledger.effects("quick", "cuhk-student")
    clear = effects[effects.clear & ~effects.same_networks & effects.metric.isin(["ssim", "fsim"])]
    assert set(clear.alternative) == {"initialisation=kaiming", "learning_rate=2e-4"}
    for row in clear.itertuples():
        task = "FP2S" if row.direction == P2S else "FS2P"
        text = f"{task} {row.metric.upper()} {row.difference:+.2f} [{row.low:+.2f}, {row.high:+.2f}]"
        assert says(text.replace("-", "−")), text


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
