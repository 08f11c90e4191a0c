"""Claims of Section IV-C about what each part brings, restated, and what our runs say to them.

A verdict takes the effect's p-value after Holm's correction over all that is claimed together (the seven effects on
every score, or the full model against seven cells on every score), which must hold for other faces and other trainings:

- ``same sign here``      p < 0.05, and the effect is positive, as the paper has it
- ``opposite sign here``  p < 0.05, and it is negative
- ``undecided``           otherwise, and always where no system was trained twice: a training's luck would pass for an
                          effect.  The 95 % limits, which stand by themselves, say how large an effect is still possible

"Here" is the study that it was made from: its database, image size and length of training (``signs.conditions``).  At
the paper's own setting, and there alone, the first two become ``supported`` and ``contradicted``.
"""

from __future__ import annotations

import itertools

import pandas as pd

from lib.base import labels, systems
from lib.base.directions import DIRECTIONS
from lib.evaluation.scoring import Scores, read_scores
from lib.findings import ablations, signs
from lib.findings.ablations import METRICS
from lib.findings.contrasts import FACES_AND_TRAININGS, Effect, with_holm
from lib.findings.run_models import RunModel

CLAIMS = {  # part → what the paper says of it, in our words
    "MSG": "Showing the discriminator several scales improves the synthesised images.",
    "self-attention": "Self-attention improves them, in both directions.",
    "cycle": "The cycle-consistency loss improves them."}


def of_parts(profile: str, database: str, scores: Scores | None = None) -> pd.DataFrame:
    """One row per claim about a part, direction and metric.

    Columns: part, claim, direction, metric, published (smallest to largest difference that the printed cells allow,
    text), estimate, low, high (percentage points), p_holm, limits, verdict.  Raises StudyError as
    ``ablations.effects`` does.
    """
    found = ablations.effects(profile, database, scores).set_index(["effect", "direction", "metric"])
    printed = ablations.published_effects(database)
    rows = []
    for part, direction, metric in itertools.product(CLAIMS, DIRECTIONS, METRICS):
        effect = found.loc[part, direction, metric]
        values = printed.query("effect == @part and direction == @direction and metric == @metric").published
        rows.append({"part": part, "claim": CLAIMS[part], "direction": direction, "metric": metric,
                     "published": _range(values), **effect[["estimate", "low", "high", "p_holm", "limits"]],
                     "verdict": verdict(effect.estimate, effect.p_holm, effect.limits, profile)})
    return pd.DataFrame(rows)


def of_the_full_model(profile: str, database: str, scores: Scores | None = None,
                      full: str = "msg-sarl") -> pd.DataFrame:
    """Whether the full model is best: it against each of the seven other cells.

    full: may be another reading of it, such as ``msg-sarl+channel_logits=raw``; without scores there are no rows.
    Columns: direction, metric, system, estimate (full − system, percentage points), low, high, p_holm (over the table),
    seeds (the fewest of the two), limits, verdict: of this pair.
    """
    scores = scores or read_scores(profile, database)
    rows = []
    for direction, metric in itertools.product(DIRECTIONS, METRICS):
        cells = ablations.cells_of(scores, direction, metric, [full])
        model = RunModel(cells)
        rows += [(direction, metric, system, *model.difference(full, system))
                 for system in systems.ABLATIONS if system != "msg-sarl" and system in cells and full in cells]
    table = with_holm(pd.DataFrame(rows, columns=["direction", "metric", "system", *Effect._fields]))
    table = table.drop(columns=["p_value", "images"])
    return table.assign(verdict=[verdict(row.estimate, row.p_holm, row.limits, profile) for row in table.itertuples()])


def is_clear(p_holm: float, limits: str) -> bool:
    """Whether an effect is told apart from zero; limits: what they and p hold for (``lib.findings.contrasts``)."""
    return p_holm < 0.05 and limits == FACES_AND_TRAININGS


def verdict(estimate: float, p_holm: float, limits: str, profile: str) -> str:
    """The verdict on a claim that an effect is positive."""
    return signs.verdict(estimate, is_clear(p_holm, limits), profile)


def _range(values: pd.Series) -> str:
    if not len(values):
        return "none"
    low, high = values.min(), values.max()
    return labels.signed(low) if low == high else f"{labels.signed(low)} to {labels.signed(high)}"
