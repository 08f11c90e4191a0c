"""Outcomes of the claims about rivals: exemplar methods, the state of the art, votes, colours, other databases."""

from __future__ import annotations

import pandas as pd

from lib.base import labels, paths, tables_on_disk
from lib.findings import ablations, deep_rivals, exemplar_scores, signs, tables, transfer
from lib.findings import colours as colours_of
from lib.findings.claims.outcome import (
    IN_PRINT,
    MIXED,
    NOT_EXAMINED,
    NOT_SEEN,
    P2S,
    SEEN,
    STUDY,
    Outcome,
    trainings,
)
from lib.rivals import exemplar


def smooth() -> Outcome:
    kept = tables_on_disk.read_csv(paths.study_folder(*STUDY) / "fine_detail.csv")
    kept = kept[kept.direction == P2S].set_index("system")["mean"]
    less = [labels.label_of(name) for name in exemplar.NAMES if kept[name] < kept["msg-sarl"]]
    shares = ", ".join(f"{labels.label_of(name)} {100 * kept[name]:.0f} %" for name in (*exemplar.NAMES, "msg-sarl"))
    return Outcome(SEEN if len(less) == len(exemplar.NAMES) else MIXED,
                   f"Share of the artist's fine detail kept: {shares}. Less than MSG-SARL: {', '.join(less)}.",
                   f"{trainings(3)}; one run of each exemplar method")


def inferior() -> Outcome:
    against = exemplar_scores.against_ours(*STUDY).query("direction == @P2S")
    clear = against[against.p_holm < 0.05]
    texts = []
    for metric in ablations.METRICS:
        part, all_of_it = clear[clear.metric == metric], against[against.metric == metric]
        top = all_of_it.loc[all_of_it.estimate.idxmax()]
        texts.append(f"{labels.METRIC[metric]} of sketches: {(part.estimate > 0).sum()} of {len(all_of_it)} clearly "
                     f"above ours, {(part.estimate < 0).sum()} clearly below; the highest, "
                     f"{labels.label_of(top.system)}, "
                     f"minus ours {labels.with_limits(top.estimate, top.low, top.high)}")
    every = set(against.system)
    below, above = (set(clear.system[clear.estimate * sign > 0]) for sign in (-1, 1))
    verdict = (signs.verdict(1 if below else -1, True, STUDY[0]) if every in (below - above, above - below) else
               MIXED if below | above else signs.UNDECIDED)
    return Outcome(verdict, f"{'. '.join(texts)}.",
                   f"{trainings(int(against.seeds.min()))}; one run of each exemplar method")


def state_of_the_art() -> Outcome:
    printed = tables.published().query("table in ('IV', 'V', 'VI', 'VII')")
    ahead = []
    for (table, metric), part in printed.groupby(["table", "metric"], sort=False):
        values = part.set_index("system").value
        better = values < values["MSG-SARL"] if metric == "fid" else values > values["MSG-SARL"]
        if better.any():
            ahead.append(f"{labels.METRIC[metric]} of Table {table}: {', '.join(values.index[better])}")
    ranks = deep_rivals.published_ranks()
    first = {metric: (part.place == 1).sum() for metric, part in ranks.groupby("metric")}
    here = deep_rivals.against_msg_sarl(*STUDY)
    ahead_here, behind_here = ((here.verdict == verdict).sum() for verdict in (deep_rivals.AHEAD, deep_rivals.BEHIND))
    return Outcome(IN_PRINT, f"Of Tables IV-VII it leads {first['ssim']} by SSIM, "
                   f"{first['fsim']} by FSIM, {first['fid']} by FID; here, each rival trained "
                   f"{_times(here.rival_seeds)}, it is clearly ahead in {ahead_here} of {len(here)} comparisons, "
                   f"clearly behind in {behind_here}. Ahead of it in its own tables are, in {'; '.join(ahead)}. Here: "
                   f"{' '.join(deep_rivals.account(*STUDY)) or 'no deep rival is trained.'}",
                   "published tables; trainings as said")


def _times(seeds: pd.Series) -> str:
    """How often systems were trained: ``once``, or ``1 to 3 times``."""
    return "once" if seeds.max() <= 1 else " to ".join(map(str, sorted({seeds.min(), seeds.max()}))) + " times"


def people() -> Outcome:
    from lib.evaluation.user_study import published

    votes = published.votes_from_shares(published.SHARES, published.RATERS * published.FACES_EACH)
    pairs = published.pairs_table(votes)
    losers = sorted(set(pairs[pairs.p_holm < 0.05]["second"]))
    return Outcome(IN_PRINT, f"Of the published votes only {' and '.join(losers)} is told apart from it, after "
                   "Holm's correction over six pairs of votes taken as independent.",
                   f"{sum(votes.values())} published votes")


def general() -> Outcome:
    return Outcome(*transfer.account(*STUDY))


def colours() -> Outcome:
    between, text, count = colours_of.account(*STUDY)
    if between.empty:
        return Outcome(NOT_EXAMINED, "It takes CycleGAN's faces, compared in colour with both domains.")
    verdict = SEEN if between.all() else MIXED if between.any() else NOT_SEEN
    low, high = (f"{100 * end:.0f}" for end in colours_of.BETWEEN)
    return Outcome(verdict, f"{between.sum()} of {len(between)} measures lie in between, from {low} to {high} % of the "
                   "real photos', by limits that hold for other faces and not for other trainings. Of its photos, "
                   f"beside those of others: {text}.", trainings(count))
