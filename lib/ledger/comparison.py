"""What each alternative of the ledger changes, from the scores of a study.

Faces and trainings are both samples (``lib.contrasts``).  How far another training would have ended is pooled over
all systems of the study that were trained several times, ablations and alternatives: the two or three trainings
of one alternative say little about it.  That supposes that changing one choice does not change the spread much.
"""

from __future__ import annotations

import pandas as pd

from lib import databases, paths, profiles, scoring, systems
from lib.contrasts import (FACES, FACES_AND_TRAININGS, Effect, RunSpread, by_image_and_seed, compare, contrast,
                           pooled_spread)
from lib.errors import unknown_name
from lib.ledger.record import alternatives
from lib.statistics import holm

COLUMNS = ["id", "alternative", "direction", "metric", "difference", "low", "high", "p_value", "p_holm", "images",
           "seeds", "limits", "clear"]

Cells = dict[tuple[str, str, str], pd.DataFrame]


def effects(profile: str, database: str, base: str = "msg-sarl") -> pd.DataFrame:
    """Scores with each alternative minus those with the default, one row per direction and metric.

    Columns ``COLUMNS``: difference, low, high (95 %) in percentage points over the faces that both have; p_value of
    this comparison by itself, p_holm corrected over the alternatives for one metric in one direction; seeds the
    smaller number of trainings.  ``limits`` says what low, high and the p-values hold for: other ``faces``, or other
    ``faces and trainings``; ``clear``: p_holm < 0.05, and not a training's luck (the limits hold for other trainings,
    or both have the very same networks).  Alternatives that share the default's networks are compared seed by
    seed, others over all trainings of both (equal seeds do not make trainings alike).

    No rows where there are no scores.  Raises StudyError for unknown names, damaged and incomplete scores.
    """
    cells = _cells(profile, database)
    spreads = _spreads(cells)
    rows = []
    for alternative, entry in alternatives(profile, base).items():
        system = f"{base}+{alternative}"
        for direction in paths.DIRECTIONS:
            for metric in scoring.STUDY_METRICS[direction]:
                pair = [cells.get((name, direction, metric)) for name in (system, base)]
                if any(cell is None for cell in pair):
                    continue
                if profiles.training_system(system) == base:
                    found = _seed_by_seed(*pair)
                else:
                    found = _over_trainings(*pair, spreads[direction, metric])
                if found:
                    effect, limits = found
                    rows.append((entry.id, alternative, direction, metric, *effect[:4], None, *effect[4:], limits,
                                 None))
    table = pd.DataFrame(rows, columns=COLUMNS)
    for _, family in table.groupby(["direction", "metric"]):
        table.loc[family.index, "p_holm"] = holm(family.p_value)
    shared = table.alternative.map(lambda name: profiles.training_system(f"{base}+{name}") == base).astype(bool)
    table = table.astype({"p_holm": float})
    return table.assign(clear=(table.p_holm < 0.05) & ((table.limits == FACES_AND_TRAININGS) | shared))


def _seed_by_seed(changed: pd.DataFrame, default: pd.DataFrame) -> tuple[Effect, str] | None:
    """Effect of what acts on the images of the same networks; None without a seed or two faces in common."""
    faces, seeds = changed.index.intersection(default.index), changed.columns.intersection(default.columns)
    if len(faces) < 2 or not len(seeds):
        return None
    difference = changed.loc[faces, seeds] - default.loc[faces, seeds]
    return contrast(difference.to_numpy()), FACES_AND_TRAININGS if len(seeds) > 1 else FACES


def _over_trainings(changed: pd.DataFrame, default: pd.DataFrame,
                    spread: RunSpread | None) -> tuple[Effect, str] | None:
    """Effect of what changes the training; None without two faces in common."""
    faces = changed.index.intersection(default.index)
    if len(faces) < 2:
        return None
    effect = compare([changed.loc[faces].to_numpy(), default.loc[faces].to_numpy()], [1.0, -1.0], spread,
                     own_from=3)
    return effect, FACES_AND_TRAININGS if spread else FACES


def _spreads(cells: Cells) -> dict[tuple[str, str], RunSpread | None]:
    """(direction, metric) → spread between trainings, over all systems with networks of their own."""
    groups: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for (system, direction, metric), cell in cells.items():
        if profiles.training_system(system) == system:
            groups.setdefault((direction, metric), []).append(cell)
    return {key: pooled_spread(group) for key, group in groups.items()}


def _cells(profile: str, database: str) -> Cells:
    """(system, direction, metric) → scores in per cent, faces × seeds, of the ablation systems and their variants."""
    profiles.get(profile)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    if not (paths.study_folder(profile, database) / "scores.csv").exists():
        return {}
    scores = scoring.read_scores(profile, database).images
    scores = scores[scores.system.str.split("+").str[0].isin(systems.ABLATIONS)]
    return {key: by_image_and_seed(part) for key, part in scores.groupby(["system", "direction", "metric"], sort=False)}
