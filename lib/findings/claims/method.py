"""Outcomes of the claims about the method: stability, the three parts, all of them together, regions of the face."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from scipy import stats

from lib.base import labels, paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.findings import (
    ablations,
    attention_by_region,
    device_check,
    part_or_size,
    region_effects,
    signs,
    stability_probes,
    training_outcomes,
    training_stability,
    verdicts,
)
from lib.findings.claims.outcome import NEW_SEEDS, NOT_EXAMINED, P2S, SEEN, STUDY, Outcome, overall, trainings

ONE_HOT = 0.15  # share of the largest possible entropy below which a row of weights looks at one or two places


def steady() -> Outcome:
    ends = training_outcomes.final_losses(*STUDY)
    won = training_outcomes.won_with_and_without(ends)
    p = stats.fisher_exact([[w, n - w] for w, n in won.itertuples(index=False)]).pvalue
    earlier = (f"A discriminator won outright in {won.won.iloc[0]} of {won.trainings.iloc[0]} with MSG and "
               f"{won.won.iloc[1]} of {won.trainings.iloc[1]} without")
    suggested = (f"Those trainings suggested the question and do not decide it: Fisher's p = {p:.2f}, by a bound "
                 "chosen afterwards, against the claim's sign.")
    judged = training_stability.effects_of_msg(*NEW_SEEDS)
    if judged.empty:
        return Outcome(signs.UNDECIDED, f"{earlier}; the new seeds that decide are not trained yet. Measures and rule "
                       f"are fixed. {suggested}", trainings(len(ends)))
    text = (f"{_signs(judged.verdict, 'measures')} {training_stability.account(*NEW_SEEDS)} "
            f"Before them {earlier[0].lower()}{earlier[1:]}. {suggested}")
    return Outcome(overall(judged.verdict), text, trainings(judged.trainings.min(), NEW_SEEDS))


def of_part(part: str, more: Callable[[], str] = str) -> Outcome:
    found = verdicts.of_parts(*STUDY)
    found = found[found.part == part]
    numbers = "; ".join(f"{labels.TASK[row.direction]} {labels.METRIC[row.metric]} "
                        f"{labels.with_limits(row.estimate, row.low, row.high)} ({row.verdict})"
                        for row in found.itertuples())
    text = f"{numbers}. {more()}".strip()
    return Outcome(overall(found.verdict), text, trainings(len(training_outcomes.final_losses(*STUDY))))


def more_of_msg() -> str:
    """The confounds: what the cycle, the discriminator's state and the device have to do with the effect."""
    given = ablations.effects_given(*STUDY, "MSG", "cycle").set_index(["direction", "metric", "given"])

    def both(metric: str) -> str:
        texts = [labels.with_limits(*given.loc[P2S, metric, cycle][["estimate", "low", "high"]])
                 for cycle in (False, True)]
        return f"{texts[0]} without the cycle and {texts[1]} with it"

    ends = training_outcomes.final_losses(*STUDY)
    states = training_outcomes.discriminators_by(ends, "MSG", "cycle").set_index(["MSG", "cycle"])
    idle, cycled = states.loc[False, False], states.loc[False, True]
    scoot = ablations.effects(*STUDY, metrics=("scoot",), directions=(P2S,)).set_index("effect").loc["MSG"]
    changed = device_check.what_changes(device_check.effects(*STUDY))
    return (f"Sketches' Scoot {labels.with_limits(scoot.estimate, scoot.low, scoot.high)}. On the SSIM of sketches "
            f"MSG's effect is {both('ssim')}, on their FSIM {both('fsim')}. Without MSG and cycle the discriminator of "
            f"sketches ends at {idle.smallest:.2f} to {idle.largest:.2f}, where guessing is 0.25, with the cycle at "
            f"{cycled.smallest:.2f} to {cycled.largest:.2f}: part of the effect may be that of a discriminator that "
            "does anything, or of the layers that MSG adds. With the device as a factor, or on one device alone, "
            + ("every clear effect stays clear. " if changed.empty else f"{len(changed)} effects are another. ")
            + f"{part_or_size.account(*NEW_SEEDS, 'MSG')} {part_or_size.account_of_discriminators(*NEW_SEEDS)}")


def full_model() -> Outcome:
    found = verdicts.of_the_full_model(*STUDY)
    clear = found[found.verdict != signs.UNDECIDED]
    text = (f"Of {len(found)} comparisons with another cell it is higher in {(clear.estimate > 0).sum()}, lower in "
            f"{(clear.estimate < 0).sum()}, not told apart in {len(found) - len(clear)}.")
    return Outcome(overall(found.verdict), text, trainings(len(training_outcomes.final_losses(*STUDY))))


def attention_used() -> str:
    """The published gains beside our limits; how sharp the default's attention is and what switching it off changes, of
    all networks measured."""
    table = tables_on_disk.read_csv(paths.study_folder(*STUDY) / "attention.csv", text=["sarb"])
    entropy = table[(table.quantity == "position_entropy") & (table.system == "msg-sarl")]["mean"]
    off = table[(table.quantity == "off") & (table.sarb == "all")].set_index("direction")
    sketches, photos = (off.loc[direction, "mean"] for direction in DIRECTIONS)
    paired = ablations.simple_effects(*STUDY).query("part == 'self-attention' and published.notna()")
    return (f"Of {len(paired)} differences that the paper credits to it {(~paired.compatible).sum()} lie farther from "
            "ours than limits and the luck of single trainings reach. Position attention is nearly one-hot (entropy "
            f"below {ONE_HOT} of the most possible) in {(entropy < ONE_HOT).sum()} of {len(entropy)} SARBs. Switching "
            f"all attention off changes sketches by {sketches.min():.2f} to {sketches.max():.2f} and photos by "
            f"{photos.min():.2f} to {photos.max():.2f} grey levels of 255 ({len(sketches)} networks). "
            f"{part_or_size.account(*NEW_SEEDS, 'self-attention')}")


def trains() -> Outcome:
    probes = stability_probes.summary(stability_probes.stability())
    literal = probes[[("everything in fp32" in variant) for _, variant in probes.index]]
    ends = training_outcomes.final_losses(*STUDY)
    return Outcome(SEEN if len(ends) and not literal.collapsed.any() else signs.UNDECIDED,
                   f"All {len(ends)} trainings ended with finite losses; in bf16 that takes a precaution. In fp32 "
                   f"{int(literal.collapsed.sum())} of {int(literal.runs.sum())} runs of one epoch collapsed.",
                   trainings(len(ends)))


def where_attention_looks() -> Outcome:
    networks = attention_by_region.networks()
    found = attention_by_region.weights(networks)
    if found.empty:
        return Outcome(NOT_EXAMINED, "No network of ours was measured: `python -m lib attention` does it.")
    counts = networks.groupby(["profile", "database"], sort=False)[["system", "seed"]].apply(
        lambda study: len(study.drop_duplicates()))
    return Outcome(overall(found.verdict[found.verdict != ""]), attention_by_region.account(found, networks),
                   "; ".join(trainings(count, study) for study, count in counts.items()))


def by_region(part: str) -> Outcome:
    verdicts_found, texts, rests = [], [], []
    for study in (NEW_SEEDS, STUDY):
        if text := region_effects.account(*study, part):
            found = region_effects.effects(*study).query("part == @part")
            verdicts_found.append(found.verdict)
            texts.append(text)
            rests.append(trainings(2 * found.seeds.min(), study))
        else:
            texts.append(f"At profile {study[0]} there are no scores by region of two such trainings each: it takes "
                         "their faces, and `python -m lib score --regions`.")
    if not rests:
        return Outcome(NOT_EXAMINED, " ".join(texts))
    every = pd.concat(verdicts_found)
    return Outcome(overall(every), f"{_signs(every, 'statements')} {' '.join(texts)}", "; ".join(rests))


def _signs(found: pd.Series, of: str) -> str:
    """``Of 10 measures 0 have clearly the claimed sign and 5 clearly the opposite.``"""
    clear = found[found != signs.UNDECIDED]
    agree = clear.isin((signs.SAME, signs.SUPPORTED)).sum()
    return f"Of {len(found)} {of} {agree} have clearly the claimed sign and {len(clear) - agree} clearly the opposite."
