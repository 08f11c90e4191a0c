"""The paper's claims in our words, and what this study can say of each, computed from the committed results.

A claim's outcome is a function of files under ``results/``: nothing is typed.  ``python -m lib claims`` writes them to
``results/claims.md``, and with ``--check`` fails where that file or the ledger says something else than the results.
Verdicts are worded by ``lib.findings.signs``: the sign of an effect here, beside the conditions it was found under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy import stats

from lib.base import files, labels, paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.findings import (
    ablations,
    attention_by_region,
    colours,
    deep_rivals,
    device_check,
    exemplar_scores,
    part_or_size,
    region_effects,
    signs,
    stability_probes,
    tables,
    training_outcomes,
    training_stability,
    transfer,
    verdicts,
)
from lib.rivals import exemplar

STUDY = "cpu", "cuhk-student"  # the study on real faces
NEW_SEEDS = "quick", "cuhk-student"  # where stability is judged, and a part told from its size
NOT_EXAMINED, IN_ITS_TABLES, MIXED = "not examined here", "by the paper's own tables", "mixed"
ONE_HOT = 0.15  # share of the largest possible entropy below which a row of weights looks at one or two places
SEEN = "seen here"  # of what is no difference between systems: it happened, under these conditions
P2S = DIRECTIONS[0]


@dataclass(frozen=True)
class Outcome:
    """What can be said of a claim.

    text: its first sentence stands by itself in the table of README and of the summary (``lib.findings.summary``).
    rests_on: the trainings or scores that it rests on, with their number.
    """

    verdict: str
    text: str
    rests_on: str = "—"


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, restated; where: its place in the paper; notebook: the one that shows more."""

    text: str
    where: str
    outcome: Callable[[], Outcome]
    notebook: str


def _trainings(count: int, study: tuple[str, str] = STUDY) -> str:
    return f"{count} training{'' if count == 1 else 's'} on {study[1]}: {signs.conditions(study[0])}"


def _overall(found: pd.Series) -> str:
    """One word for several verdicts: undecided, the one clear sign, or mixed."""
    clear = set(found) - {signs.UNDECIDED}
    return signs.UNDECIDED if not clear else clear.pop() if len(clear) == 1 else MIXED


def _steady() -> Outcome:
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
                       f"are fixed. {suggested}", _trainings(len(ends)))
    clear = judged.verdict[judged.verdict != signs.UNDECIDED]
    agree = clear.isin((signs.SAME, signs.SUPPORTED)).sum()
    return Outcome(_overall(judged.verdict), f"Of {len(judged)} measures {agree} have clearly the claimed sign and "
                   f"{len(clear) - agree} clearly the opposite. {training_stability.account(*NEW_SEEDS)} Before them: "
                   f"{earlier}. {suggested}", _trainings(judged.trainings.min(), NEW_SEEDS))


def _of_part(part: str, more: Callable[[], str] = str) -> Outcome:
    found = verdicts.of_parts(*STUDY)
    found = found[found.part == part]
    numbers = "; ".join(f"{labels.TASK[row.direction]} {labels.METRIC[row.metric]} "
                        f"{labels.with_limits(row.estimate, row.low, row.high)} ({row.verdict})"
                        for row in found.itertuples())
    text = f"{numbers}. {more()}".strip()
    return Outcome(_overall(found.verdict), text, _trainings(len(training_outcomes.final_losses(*STUDY))))


def _more_of_msg() -> str:
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


def _full_model() -> Outcome:
    found = verdicts.of_the_full_model(*STUDY)
    clear = found[found.verdict != signs.UNDECIDED]
    text = (f"Of {len(found)} comparisons with another cell it is higher in {(clear.estimate > 0).sum()}, lower in "
            f"{(clear.estimate < 0).sum()}, not told apart in {len(found) - len(clear)}.")
    return Outcome(_overall(found.verdict), text, _trainings(len(training_outcomes.final_losses(*STUDY))))


def _attention_used() -> str:
    """How sharp the default's attention is and what switching it off changes, of all networks measured."""
    table = tables_on_disk.read_csv(paths.study_folder(*STUDY) / "attention.csv", text=["sarb"])
    entropy = table[(table.quantity == "position_entropy") & (table.system == "msg-sarl")]["mean"]
    off = table[(table.quantity == "off") & (table.sarb == "all")].set_index("direction")
    sketches, photos = (off.loc[direction, "mean"] for direction in DIRECTIONS)
    return (f"Position attention is nearly one-hot (entropy below {ONE_HOT} of the most possible) in "
            f"{(entropy < ONE_HOT).sum()} of {len(entropy)} SARBs. Switching all attention off changes sketches by "
            f"{sketches.min():.2f} to "
            f"{sketches.max():.2f} and photos by {photos.min():.2f} to {photos.max():.2f} grey levels of 255 "
            f"({len(sketches)} networks). {part_or_size.account(*NEW_SEEDS, 'self-attention')}")


def _trains() -> Outcome:
    probes = stability_probes.summary(stability_probes.stability())
    literal = probes[[("everything in fp32" in variant) for _, variant in probes.index]]
    ends = training_outcomes.final_losses(*STUDY)
    return Outcome(SEEN if len(ends) and not literal.collapsed.any() else signs.UNDECIDED,
                   f"All {len(ends)} trainings ended with finite losses; in bf16 that takes a precaution. In fp32 "
                   f"{int(literal.collapsed.sum())} of {int(literal.runs.sum())} runs of one epoch collapsed.",
                   _trainings(len(ends)))


def _smooth() -> Outcome:
    kept = tables_on_disk.read_csv(paths.study_folder(*STUDY) / "fine_detail.csv")
    kept = kept[kept.direction == P2S].set_index("system")["mean"]
    less = [labels.label_of(name) for name in exemplar.NAMES if kept[name] < kept["msg-sarl"]]
    shares = ", ".join(f"{labels.label_of(name)} {100 * kept[name]:.0f} %" for name in (*exemplar.NAMES, "msg-sarl"))
    return Outcome(SEEN if len(less) == len(exemplar.NAMES) else MIXED,
                   f"Share of the artist's fine detail kept: {shares}. Less than MSG-SARL: {', '.join(less)}.",
                   f"{_trainings(3)}; one run of each exemplar method")


def _inferior() -> Outcome:
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
    found = pd.Series([signs.verdict(-row.estimate, row.p_holm < 0.05, STUDY[0]) for row in against.itertuples()])
    return Outcome(_overall(found), f"{'. '.join(texts)}.",
                   f"{_trainings(int(against.seeds.min()))}; one run of each exemplar method")


def _state_of_the_art() -> Outcome:
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
    return Outcome(IN_ITS_TABLES, f"Of Tables IV-VII it leads {first['ssim']} by SSIM, "
                   f"{first['fsim']} by FSIM, {first['fid']} by FID; here, each rival trained "
                   f"{_times(here.rival_seeds)}, it is clearly ahead in {ahead_here} of {len(here)} comparisons, "
                   f"clearly behind in {behind_here}. Ahead of it in its own tables are, in {'; '.join(ahead)}. Here: "
                   f"{' '.join(deep_rivals.account(*STUDY)) or 'no deep rival is trained.'}",
                   "published tables; trainings as said")


def _times(seeds: pd.Series) -> str:
    """How often systems were trained: ``once``, or ``1 to 3 times``."""
    return "once" if seeds.max() <= 1 else " to ".join(map(str, sorted({seeds.min(), seeds.max()}))) + " times"


def _people() -> Outcome:
    from lib.evaluation.user_study import published

    votes = published.votes_from_shares(published.SHARES, published.RATERS * published.FACES_EACH)
    pairs = published.pairs_table(votes)
    losers = sorted(set(pairs[pairs.p_holm < 0.05]["second"]))
    return Outcome(IN_ITS_TABLES, f"Of the published votes only {' and '.join(losers)} is told apart from it, after "
                   "Holm's correction over six pairs of votes taken as independent.",
                   f"{sum(votes.values())} published votes")


def _general() -> Outcome:
    return Outcome(*transfer.account(*STUDY))


def _where_attention_looks() -> Outcome:
    networks = attention_by_region.networks()
    found = attention_by_region.weights(networks)
    if found.empty:
        return Outcome(NOT_EXAMINED, "No network of ours was measured: `python -m lib attention` does it.")
    trainings = networks.groupby(["profile", "database"], sort=False)[["system", "seed"]].apply(
        lambda study: len(study.drop_duplicates()))
    return Outcome(_overall(found.verdict[found.verdict != ""]), attention_by_region.account(found, networks),
                   "; ".join(_trainings(count, study) for study, count in trainings.items()))


def _by_region(part: str) -> Outcome:
    verdicts_found, texts, rests = [], [], []
    for study in (NEW_SEEDS, STUDY):
        if text := region_effects.account(*study, part):
            found = region_effects.effects(*study).query("part == @part")
            verdicts_found.append(found.verdict)
            texts.append(text)
            rests.append(_trainings(2 * found.seeds.min(), study))
        else:
            texts.append(f"At profile {study[0]} there are no scores by region of two such trainings each: it takes "
                         "their faces, and `python -m lib score --regions`.")
    if not rests:
        return Outcome(NOT_EXAMINED, " ".join(texts))
    return Outcome(_overall(pd.concat(verdicts_found)), " ".join(texts), "; ".join(rests))


def _colours() -> Outcome:
    between, text, trainings = colours.account(*STUDY)
    if between.empty:
        return Outcome(NOT_EXAMINED, "It takes CycleGAN's faces, compared in colour with both domains.")
    verdict = SEEN if between.all() else MIXED if between.any() else signs.UNDECIDED
    low, high = (f"{100 * end:.0f}" for end in colours.BETWEEN)
    return Outcome(verdict, f"{between.sum()} of {len(between)} measures lie in between, from {low} to {high} % of the "
                   "real photos', by limits that hold for other faces and not for other trainings. Of its photos, "
                   f"beside those of others: {text}.", _trainings(trainings))


def _not_examined(what: str) -> Callable[[], Outcome]:
    return lambda: Outcome(NOT_EXAMINED, what)


CLAIMS = (
    Claim("Multi-scale gradients cure the instability of training.", "Abstract; Sections III-B, V", _steady, "03"),
    Claim("Multi-scale gradients improve the synthesised images.", "Section IV-C, Tables I-III",
          lambda: _of_part("MSG", _more_of_msg), "05"),
    Claim("Self-attention improves them, in both directions.", "Section IV-C, Tables I-III, Fig. 5",
          lambda: _of_part("self-attention", _attention_used), "05"),
    Claim("The cycle loss improves them.", "Section IV-C, Tables I-III", lambda: _of_part("cycle"), "05"),
    Claim("All three together are best.", "Section IV-C, Tables I-III", _full_model, "05"),
    Claim("Attention attends to the face and leaves the background out.", "Section IV-C, Fig. 5",
          _where_attention_looks, "06"),
    Claim("The residual connections keep the hair.", "Section IV-C",
          _not_examined("It takes a network without the SARBs' skips, and scores of the hair."), "05"),
    Claim("Multi-scale gradients clear the border of the chin.", "Section IV-C, Figs 6, 7",
          lambda: _by_region("MSG"), "05"),
    Claim("Without attention there is noise, and eyes and mouth blur.", "Section IV-C, Figs 6, 7",
          lambda: _by_region("self-attention"), "05"),
    Claim("It trains from scratch at a rate of 1e-3 with batch 1.", "Section IV-B", _trains, "03"),
    Claim("Exemplar methods over-smooth.", "Section I, Fig. 1", _smooth, "07"),
    Claim("Exemplar methods give inferior results.", "Section I, Fig. 1", _inferior, "07"),
    Claim("Its SSIM and FSIM are the state of the art, CycleGAN's photos on CUFS apart.",
          "Abstract; Section IV-D2, Tables IV-VII", _state_of_the_art, "08"),
    Claim("CycleGAN's colours are an intermediate state between the domains.", "Section IV-D2",
          _colours, "08"),
    Claim("People put it second, very close to CycleGAN and ahead of DRIT.", "Section IV-D3, Table VIII",
          _people, "09"),
    Claim("It is stable across databases and generalises better than its rivals.", "Sections IV-D2 and IV-D4",
          _general, "08"),
)


def table() -> pd.DataFrame:
    """One row per claim: claim, where, verdict, what we can say, rests on, notebook."""
    rows = [(claim.text, claim.where, *_fields(claim.outcome()), claim.notebook) for claim in CLAIMS]
    return pd.DataFrame(rows, columns=["claim", "where", "verdict", "what we can say", "rests on", "notebook"])


def _fields(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.verdict, outcome.text, outcome.rests_on


def as_markdown() -> str:
    """All claims as Markdown; the same results give the same text."""
    found = table()
    counts = ", ".join(f"{verdict} {n}" for verdict, n in found.verdict.value_counts().items())
    lines = ["# The paper's claims and what this study can say",
             "Made by `python -m lib claims` from the committed results; change those, not this file. *Same* and "
             "*opposite sign here* need p < 0.05 after Holm's correction over all that is claimed together, and "
             "repeated trainings; *undecided* is not \"no\". Differences are percentage points with 95 % limits for "
             f"other faces and other trainings. Of {len(found)} claims: {counts}.",
             "\n".join(map(_line, [found.columns, ["---"] * found.shape[1], *found.to_numpy()]))]
    return "\n\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def file() -> Path:
    return paths.results_root() / "claims.md"


def write() -> Path:
    """Write ``results/claims.md`` and return it; raises StudyError where results are missing or damaged."""
    files.write_text(file(), as_markdown())
    return file()
