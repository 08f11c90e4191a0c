"""What each alternative of the ledger changes, from the scores of a study.

Faces and trainings are both samples (``lib.findings.contrasts``).  Trainings of equal seed are compared: where a choice leaves
the networks' shape as it is, they begin with the same weights and see the faces in the same order, and short trainings
remember it.  How far another training would have ended is pooled over all systems of the study that were trained
several times, ablations and alternatives: the two or three trainings of one alternative say little about it.  That
supposes that changing one choice does not change the spread much.  The limits take equal seeds for no more alike than
others: too wide rather than too narrow, since how much alike depends on how much the choice changes.
"""

from __future__ import annotations

import math

import pandas as pd

from lib import databases
from lib.base import paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import unknown_name
from lib.base.settings import PROFILES
from lib.base.statistics import holm
from lib.evaluation import scoring
from lib.findings.contrasts import (
    FACES,
    FACES_AND_TRAININGS,
    Effect,
    RunSpread,
    by_image_and_seed,
    compare,
    contrast,
    limits_hold_for,
    pooled_spread,
)
from lib.findings.ledger.entries import alternatives
from lib.training.plans import plan

COLUMNS = ["id", "alternative", "direction", "metric", "difference", "low", "high", "p_value", "p_holm", "images",
           "seeds", "limits", "same_networks", "clear"]

Cells = dict[tuple[str, str, str], pd.DataFrame]


def effects(profile: str, database: str, base: str = "msg-sarl") -> pd.DataFrame:
    """Scores with each alternative minus those with the default, one row per direction and metric.

    Columns ``COLUMNS``: difference, low, high (95 %) in percentage points over the faces and seeds that both have;
    p_value of this comparison by itself, p_holm corrected over the alternatives for one metric in one direction; seeds
    the number of them.  ``limits`` says what low, high and the
    p-values hold for: other ``faces``, or other ``faces and trainings``; ``same_networks``: the choice acts on the
    images of the default's own networks; ``clear``: p_holm < 0.05, and not a training's luck (the limits hold for other
    trainings, or the networks are the same).

    No rows where there are no scores.  Raises StudyError for unknown names, damaged and incomplete scores.
    """
    cells = _cells(profile, database)
    spreads = _spreads(cells, profile)
    rows = []
    for alternative, entry in alternatives(profile, base).items():
        system = f"{base}+{alternative}"
        for direction in DIRECTIONS:
            for metric in scoring.STUDY_METRICS[direction]:
                pair = [cells.get((name, direction, metric)) for name in (system, base)]
                if any(cell is None for cell in pair):
                    continue
                same = plan(profile, system).network.name == base
                if found := _difference(*pair, spreads[direction, metric], same):
                    effect, limits = found
                    rows.append((entry.id, alternative, direction, metric, *effect[:4], None, *effect[4:], limits,
                                 same, None))
    table = pd.DataFrame(rows, columns=COLUMNS)
    for _, family in table.groupby(["direction", "metric"]):
        table.loc[family.index, "p_holm"] = holm(family.p_value)
    table = table.astype({"p_holm": float, "same_networks": bool})
    no_luck = (table.limits == FACES_AND_TRAININGS) | table.same_networks
    return table.assign(clear=(table.p_holm < 0.05) & no_luck)


def _difference(changed: pd.DataFrame, default: pd.DataFrame, spread: RunSpread | None,
                same_networks: bool) -> tuple[Effect, str] | None:
    """Effect over common faces and seeds, and what its limits hold for; None without two faces or a seed in common.

    spread: between trainings, where the study knows it.  On the very same networks no training's luck comes in: the
    limits are those of the faces.
    """
    faces, seeds = changed.index.intersection(default.index), changed.columns.intersection(default.columns)
    if len(faces) < 2 or not len(seeds):
        return None
    difference = changed.loc[faces, seeds] - default.loc[faces, seeds]
    if same_networks:
        return contrast(difference.mean(axis=1).to_frame())._replace(seeds=len(seeds)), FACES
    if spread:
        spread = RunSpread(math.sqrt(2) * spread.sd, spread.freedom)  # of a difference of two trainings
    effect = compare([difference], [1.0], spread, own_from=math.inf)
    return effect, limits_hold_for(effect, spread)


def _spreads(cells: Cells, profile: str) -> dict[tuple[str, str], RunSpread | None]:
    """(direction, metric) → spread between trainings, over all systems with networks of their own."""
    groups: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for (system, direction, metric), cell in cells.items():
        if plan(profile, system).network.name == system:
            groups.setdefault((direction, metric), []).append(cell)
    return {key: pooled_spread(group) for key, group in groups.items()}


def _cells(profile: str, database: str) -> Cells:
    """(system, direction, metric) → scores in per cent, faces × seeds, of the ablation systems and their variants."""
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    if not (paths.study_folder(profile, database) / "scores.csv").exists():
        return {}
    scores = scoring.read_scores(profile, database).images
    scores = scores[scores.system.map(systems.base_name).isin(systems.ABLATIONS)]
    return {key: by_image_and_seed(part) for key, part in scores.groupby(["system", "direction", "metric"], sort=False)}
