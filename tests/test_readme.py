"""README says what the committed results say: its tables and the numbers in its sentences, computed anew.

Its opening, which ``python -m lib claims`` writes, is held against the results in ``test_claims.py``.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from lib.base import labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.settings import PROFILES, RunSettings
from lib.databases import catalogue
from lib.databases.portraits import database as portraits
from lib.evaluation import recognition
from lib.evaluation.recognition import deep_runs, deep_statements, recognise_runs, statements
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
        "real target through 128×128": "resized-target", "DRIT, 132 epochs, ours": "drit+epochs=132"}


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
    for name, *cells in rows_under("### The scores"):
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
            assert float(cells[-1]) == summary.loc[ROWS.get(name) or names[label], P2S, "ssim"].seeds
    assert checked >= 56


def test_what_the_scores_prove(summary):
    published = tables.published().query("table == 'I' and system == 'MSG-SARL'").set_index(["direction", "metric"])
    wide = summary.value.unstack(["direction", "metric"])[COLUMNS]
    above = wide.gt(published.value[COLUMNS].to_numpy()).sum(axis=1)
    words = dict(enumerate(("None", "One", "Two", "Three", "All")))
    assert says(f"{words[above['msg-sarl']]} of our four numbers lie above the published ones")
    assert says(f"so does {words[above['pixel-regression']].lower()} of the regression's")
    sketches = wide[P2S, "ssim"]
    assert says(f"The SSIM of sketches is {sketches['msg-sarl']:.1f} % (published: {published.value[P2S, 'ssim']:.1f}; "
                f"a per-pixel regression reaches {sketches['pixel-regression']:.1f})")
    assert says(f"the untranslated grey photo already has an SSIM of {wide.loc['grey-input', (P2S, 'ssim')]:.1f} %")


def test_a_recogniser_that_never_saw_a_sketch():
    deep = deep_runs.read_study(*STUDY)
    rates = deep_statements.summary(deep).set_index(["direction", "system"])["rank-1"].mul(100)["sketch-to-photo"]
    assert says(f"of {deep.people} sketches it finds {rates['grey-input']:.0f} % among photos")
    gains = deep_statements.gains(deep).query("task == 'FS2P'").set_index("system").verdict
    assert gains["RSLCR"] == "helps" and gains["MSG-SARL"] == "one training"
    assert says(f"{rates['rslcr']:.0f} % with RSLCR, significantly so; {rates['msg-sarl']:.0f} % with MSG-SARL")


def test_the_pictures_are_of_the_systems_named(summary):
    shown = re.findall(r"sitter/([\w-]+)_seed\d\.jpg", README)
    best = max(shown, key=lambda name: summary.value[name, P2S, "ssim"])
    assert len(shown) == 4 and says(f"{labels.label_of(best)} has the highest SSIM of the four")


def test_the_summary_opens_with_the_same_words():
    """What the claims' table means; the rest of both openings is one function's."""
    cells = json.loads((paths.ROOT / "notebooks" / "00_summary.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    _, reading = next(source for source in sources if source.startswith("## The claims")).split("\n\n")
    assert says(reading)
    assert sources.index("summary.in_short()") < sources.index("summary.claims_on_one_screen()")


def test_conditions_and_profiles():
    cpu, quick, paper = RunSettings.at("cpu"), RunSettings.at("quick"), RunSettings()
    assert says(f"at {cpu.size} px {cpu.epochs} epochs and half the paper's width, at {quick.size} px {quick.epochs} "
                "epochs and a quarter") and paper.width == 2 * cpu.width == 4 * quick.width
    assert says(f"stand-in features (`{cpu.features}`)") and cpu.features == quick.features != paper.features
    assert says(f"The paper's setting ({paper.size} px, {paper.epochs} epochs, VGG-19)") and paper.features == "vgg19"
    rows = {row[0].strip("`"): row[1] for row in rows_under("| profile |")}
    assert list(rows) == list(PROFILES)
    for profile, trains in rows.items():
        settings = RunSettings.at(profile)
        assert numbers(trains) == [settings.size, settings.epochs], profile


def test_pairs_of_the_databases():
    student = catalogue.GROUPS["cuhk-student"]
    assert says(f"CUHK Student ({student.train} training, {student.test} test pairs)")
    assert says(f"a CycleGAN trained on {student.train} real people")
    sizes = {name: sum(catalogue.GROUPS[group].train + catalogue.GROUPS[group].test for group in groups)
             for name, groups in catalogue.DATABASES.items()}
    assert says(f"(CUFS, {sizes['cufs']:,} pairs)") and says(f"(CUFSF, {sizes['cufsf']:,} FERET pairs)")
    assert says(f"(FS2K, {sum(catalogue.GENERAL['fs2k']):,} pairs)")
    for name, words in (("portraits", "{} training and {} test pairs, like CUFS"),
                        ("portraits-wild", "{} and {}, like")):
        counts = portraits.SPLITS[name].values()
        assert says(f"`{name}` ({words.format(*counts)}")


def test_what_is_said_of_the_deep_rivals(summary):
    wide = summary.value.unstack(["direction", "metric"])[COLUMNS]
    lead = wide.loc["ps2man"] - wide.loc["msg-sarl"]
    assert says(f"by {lead[P2S, 'ssim']:.1f} points for sketches and by {lead[S2P, 'ssim']:.1f} for photos")
    described = wide.loc["ps2man+form=described"] - wide.loc["msg-sarl"]
    assert says(f"and its program lacks, by {described[P2S, 'ssim']:.1f} and {described[S2P, 'ssim']:.1f}.")
    curves = learning_curves.convergence("quick", STUDY[1])
    rising = set(curves[(curves.verdict == learning_curves.RISING) & (curves.direction == P2S)
                        & (curves.metric == "fsim")].system)
    assert rising == {*systems.of_kind("deep")} - {"fcn"}
    assert rising == {name for name, rises in learning_curves.unconverged(*STUDY).items() if rises}
    assert says("all but FCN were still learning in the FSIM of sketches at least")
    updates = deep_rivals.work(*STUDY).generator_updates
    assert set(updates.drop(["drit", "drit+mode_seeking=false"])) == {updates["msg-sarl"]}
    few, many = (wide.loc[system][P2S, "ssim"] for system in ("drit", "drit+epochs=132"))
    assert says(f"DRIT updates its generators {updates['drit']} times and the others theirs {updates['msg-sarl']:,} "
                f"times; trained on to as many, its sketches rise from an SSIM of {few:.1f} % to {many:.1f} %")
    worth = deep_rivals.worth_of_pairs("quick", STUDY[1]).set_index(["with_pairs", "direction", "metric"])
    gain = worth.loc["and compared", P2S, "ssim"]
    assert gain.p_holm < 0.05 and gain.seeds == 2
    assert says(f"rises by {labels.with_limits(gain.gain, gain.low, gain.high, digits=1)} points (64 px, two trainings")
    once = (summary.seeds.unstack(["direction", "metric"])[COLUMNS].loc[list(systems.of_kind("deep"))] == 1).all().all()
    assert says("One training each decides nothing") == once


def test_effects_of_the_parts_and_what_is_significant():
    effects = ablations.effects(*STUDY).set_index(["effect", "direction", "metric"])
    rows = {row[0][1:].partition("](")[0]: row for row in rows_under("**In short.**")}
    for effect, claim in (("MSG", "Multi-scale gradients improve the synthesised images."),
                          ("self-attention", "Self-attention improves them, in both directions."),
                          ("cycle", "The cycle loss improves them.")):
        for (direction, metric), text in zip(COLUMNS, rows[claim][2].split("; "), strict=True):
            row = effects.loc[effect, direction, metric]
            assert text.startswith(f"{labels.TASK[direction]} {labels.METRIC[metric]} ")
            found = numbers(text.partition(" ")[2])
            np.testing.assert_allclose(found, [row.estimate, row.low, row.high], atol=0.0151, err_msg=text)
            sign = " (same sign here)" if row.estimate > 0 else " (opposite sign here)"
            assert text.endswith(sign) == (row.p_holm < 0.05) and text.count("(") <= 1


def test_gains_of_self_attention_lie_outside_our_limits():
    ours = ablations.effects(*STUDY).query("effect == 'self-attention'").set_index(["direction", "metric"]).high
    printed = ablations.published_effects("cuhk-student").query("effect == 'self-attention'")
    largest = printed.groupby(["direction", "metric"]).published.max()
    assert (largest[COLUMNS] > ours[COLUMNS]).all() and says("The largest gains that the paper credits to "
                                                             "self-attention")
    assert says(f"the paper prints up to +{largest[P2S, 'ssim']:.2f}")


def test_how_many_trainings_on_which_device():
    ends = training_outcomes.final_losses(*STUDY)
    cells = ends.groupby("system").size()
    assert len(cells) == 8 and set(cells) == {3}
    assert says("all eight cells of MSG × self-attention × cycle, three trainings each")
    on_gpu = (ends.device != "cpu").sum()
    assert says(f"{on_gpu} on a GPU and {len(ends) - on_gpu} on a CPU")


def test_luck_of_a_training_and_the_published_differences():
    pooled = ablations.seed_spread(*STUDY).query("system == 'pooled'")
    assert says(f"differ by less than {pooled.two_runs.min():.1f} to {pooled.two_runs.max():.1f} points in 95 %")
    beyond = ablations.published_against_luck(*STUDY).beyond_luck
    assert says(f"{(~beyond).sum()} of the {len(beyond)} differences")


def test_recognition_rates():
    found = recognise_runs.read_study(*STUDY)
    rates = 100 * statements.summary(found).set_index(["direction", "system"])[["accuracy", "face_only"]]
    grey, sketches, photos = (rates.loc[key] for key in ((P2S, "grey-input"), (P2S, "msg-sarl"), (S2P, "msg-sarl")))
    assert says(f"the untranslated grey photo reaches {grey.accuracy:.1f} %, MSG-SARL {sketches.accuracy:.1f} % with "
                f"sketches and {photos.accuracy:.1f} % with photos")
    protocol = found.protocol
    field = recognition.Protocol.for_database("cufs", sum(catalogue.GROUPS[group].test
                                                         for group in catalogue.DATABASES["cufs"]))
    assert says(f"on {field.train} of the {field.identities} test people of CUFS, a study here on the same share, "
                f"{protocol.train} of {protocol.identities} on CUHK Student")
    assert says(f"({protocol.train} training and {protocol.identities - protocol.train} test people, "
                f"{protocol.repeats} splits)")
    assert says(f"the grey photo reaches {grey.face_only:.1f} %, MSG-SARL {sketches.face_only:.1f} % and "
                f"{photos.face_only:.1f} %, significantly above its input for photos alone")
    p = [float(re.search(r"corrected p: (?:< )?([\d.]+)", sentence)[1]) for direction in DIRECTIONS
         for sentence in set(statements.findings(found))
         if sentence.startswith(f"{labels.TASK[direction]}, inner face")]
    assert len(p) == 2 and p[0] > 0.05 > p[1]


def test_what_the_open_choices_change():
    effects = ledger.effects("quick", "cuhk-student")
    trained = effects[~effects.same_networks & effects.metric.isin(["ssim", "fsim"])]
    assert says(f"{trained.alternative.nunique()} alternatives were trained anew") and set(trained.seeds) == {2}
    assert not trained.clear.any() and says("None is told apart after correction")
    miss = trained[(trained.low > 0) | (trained.high < 0)]
    assert says(f"{len(miss)} of {len(trained)} differences miss zero, where {0.05 * len(trained):.0f} could")
    waiting = trained.alternative.nunique() * (6 - 2)
    assert says(f"six seeds each, {waiting} more trainings")
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
    scoot = ablations.effects(*STUDY, metrics=("scoot",), directions=(P2S,)).set_index("effect").loc["MSG"]
    assert says(f"({labels.with_limits(scoot.estimate, scoot.low, scoot.high)} points)") and scoot.p_holm < 0.05
    changed = device_check.what_changes(device_check.effects(*STUDY))
    assert changed.empty and says("the device changes no clear effect")


def test_rslcr_against_ours():
    ours = exemplar_scores.against_ours(*STUDY).query("system == 'rslcr' and metric == 'ssim'")
    assert len(ours) == 2 and (ours.estimate > 0).all() and (ours.p_holm > 0.05).all()
    assert says("has a higher SSIM than MSG-SARL, though not significantly")
    kept = pd.read_csv(paths.study_folder(*STUDY) / "fine_detail.csv", encoding="utf-8")
    kept = kept.set_index(["direction", "system"])["mean"]
    assert all(kept[direction, "rslcr"] < kept[direction, "msg-sarl"] for direction in DIRECTIONS)
    assert says("and keeps less of the artist's fine detail")


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
