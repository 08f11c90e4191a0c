"""What each alternative of the ledger changes, from the scores of a study.

Faces and trainings are both samples (``lib.contrasts``).  Where an alternative was trained once, how far another
training would have ended from it is taken from the ablation systems that were trained several times, which
supposes that changing one choice does not change that spread much.
"""

from __future__ import annotations

import pandas as pd

from lib import databases, paths, profiles, scoring, systems
from lib.ablations import pooled_spread
from lib.contrasts import Effect, RunSpread, by_image_and_seed, compare, contrast
from lib.errors import unknown_name
from lib.ledger.record import alternatives
from lib.statistics import holm

COLUMNS = ["id", "alternative", "direction", "metric", "difference", "low", "high", "p_value", "p_holm", "images",
           "seeds", "limits"]
FACES, FACES_AND_TRAININGS = "faces", "faces and trainings"

Cells = dict[tuple[str, str, str], pd.DataFrame]


def effects(profile: str, database: str, base: str = "msg-sarl") -> pd.DataFrame:
    """Scores with each alternative minus those with the default, one row per direction and metric.

    Columns ``COLUMNS``: difference, low, high (95 %) in per cent points over the faces that both have; p_value of
    this comparison by itself, p_holm corrected over the alternatives for one metric in one direction; seeds the
    smaller number of trainings.  ``limits`` says what low, high and the p-values hold for: other ``faces``, or other
    ``faces and trainings``.  Alternatives that share the default's networks are compared seed by seed, others over
    all trainings of both (equal seeds do not make trainings alike).

    No rows where there are no scores.  Raises StudyError for unknown names, damaged and incomplete scores.
    """
    cells = _cells(profile, database)
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
                    repeated = [cells[name, direction, metric] for name in systems.ABLATIONS
                                if (name, direction, metric) in cells]
                    found = _over_trainings(*pair, pooled_spread(repeated))
                if found:
                    effect, limits = found
                    rows.append((entry.id, alternative, direction, metric, *effect[:4], None, *effect[4:], limits))
    table = pd.DataFrame(rows, columns=COLUMNS)
    for _, family in table.groupby(["direction", "metric"]):
        table.loc[family.index, "p_holm"] = holm(family.p_value)
    return table.astype({"p_holm": float})


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
    several = min(changed.shape[1], default.shape[1]) > 1
    effect = compare([changed.loc[faces].to_numpy(), default.loc[faces].to_numpy()], [1.0, -1.0], spread)
    return effect, FACES_AND_TRAININGS if several or spread else FACES


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
