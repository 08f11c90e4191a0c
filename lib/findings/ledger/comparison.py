"""What each alternative of the ledger changes, from the scores of a study.

Faces and trainings are both samples (``lib.findings.contrasts``).  Trainings of equal seed are compared: where a choice
leaves the networks' shape as it is, they begin with the same weights and see the faces in the same order, and short
trainings remember it.  How far another training would have ended is pooled over all systems of the study that were
trained several times, ablations and alternatives: the two or three trainings of one alternative say little about it.
That supposes that changing one choice does not change the spread much.  The limits take equal seeds for no more alike
than others: too wide rather than too narrow, since how much alike depends on how much the choice changes.
"""

from __future__ import annotations

import math

import pandas as pd

from lib import databases
from lib.base import paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import unknown_name
from lib.base.settings import PROFILES
from lib.evaluation import scoring
from lib.findings.contrasts import (
    FACES,
    FACES_AND_TRAININGS,
    Effect,
    Key,
    RunSpread,
    cells_of,
    compare,
    contrast,
    pooled_spreads,
    with_holm,
)
from lib.findings.ledger.entries import alternatives
from lib.training.plans import plan

COLUMNS = ["id", "alternative", "direction", "metric", "difference", "low", "high", "p_value", "p_holm", "images",
           "seeds", "limits", "same_networks", "clear"]


def effects(profile: str, database: str, base: str = "msg-sarl") -> pd.DataFrame:
    """Scores with each alternative minus those with the default, one row per direction and metric.

    Columns ``COLUMNS``: difference, low, high (95 %) in percentage points over the faces and seeds that both have;
    p_value of this comparison by itself, p_holm corrected over the alternatives for one metric in one direction; seeds
    the number of them.  ``limits`` says what low, high and the p-values hold for: other ``faces``, or other ``faces and
    trainings``; ``same_networks``: the choice acts on the images of the default's own networks; ``clear``: p_holm <
    0.05, and not a training's luck (the limits hold for other trainings, or the networks are the same).

    No rows where there are no scores.  Raises StudyError for unknown names, damaged and incomplete scores.
    """
    cells = _cells(profile, database)
    # Systems with networks of their own are one pool, whatever choice they change.
    spreads = pooled_spreads(cells, lambda name: "own" if plan(profile, name).network.name == name else None)
    rows = []
    for alternative, entry in alternatives(profile, base).items():
        system = f"{base}+{alternative}"
        same = plan(profile, system).network.name == base
        for direction, metric in ((d, m) for d in DIRECTIONS for m in scoring.STUDY_METRICS[d]):
            pair = [cells.get((direction, name, metric)) for name in (system, base)]
            if all(cell is not None for cell in pair) and (
                    effect := _difference(*pair, spreads[direction, "own", metric], same)):
                rows.append((entry.id, alternative, direction, metric, *effect, same))
    table = with_holm(pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in ("p_holm", "clear")]))
    table = table.astype({"p_holm": float, "same_networks": bool})
    no_luck = (table.limits == FACES_AND_TRAININGS) | table.same_networks
    return table.assign(clear=(table.p_holm < 0.05) & no_luck)


def _difference(changed: pd.DataFrame, default: pd.DataFrame, spread: RunSpread | None,
                same_networks: bool) -> Effect | None:
    """Effect over common faces and seeds; None without two faces or a seed in common.

    spread: between trainings, where the study knows it.  On the very same networks no training's luck comes in: the
    limits are those of the faces.
    """
    faces, seeds = changed.index.intersection(default.index), changed.columns.intersection(default.columns)
    if len(faces) < 2 or not len(seeds):
        return None
    difference = changed.loc[faces, seeds] - default.loc[faces, seeds]
    if same_networks:
        return contrast(difference.mean(axis=1).to_frame())._replace(seeds=len(seeds), limits=FACES)
    if spread:
        spread = RunSpread(math.sqrt(2) * spread.sd, spread.freedom)  # of a difference of two trainings
    return compare([difference], [1.0], spread, own_from=math.inf)


def _cells(profile: str, database: str) -> dict[Key, pd.DataFrame]:
    """Scores in per cent, faces × seeds, of the ablation systems and their variants; none without ``scores.csv``."""
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    if not (paths.study_folder(profile, database) / "scores.csv").exists():
        return {}
    scores = scoring.read_scores(profile, database).images
    return cells_of(scores[scores.system.map(systems.base_name).isin(systems.ABLATIONS)])
