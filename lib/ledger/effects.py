"""What each alternative of the ledger changes, from the scores of a study.

Faces and trainings are both samples (``lib.contrasts``).  Many alternatives are trained once; how far another
training would have ended from this one is then taken from the ablation systems that were trained several times,
which supposes that changing one choice does not change that spread much.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib import databases, paths, profiles, scoring, systems
from lib.contrasts import Effect, RunSpread, compare, contrast
from lib.errors import StudyError, unknown_name
from lib.ledger.entries import alternatives

COLUMNS = ["id", "alternative", "direction", "metric", "difference", "low", "high", "p_value", "images", "seeds",
           "limits"]
FACES, FACES_AND_TRAININGS = "faces", "faces and trainings"

Cells = dict[tuple[str, str, str], pd.DataFrame]


def effects(profile: str, database: str, base: str = "msg-sarl") -> pd.DataFrame:
    """Scores with each alternative minus those with the default, one row per direction and metric.

    Columns ``COLUMNS``: difference, low, high (95 %) in per cent points over the faces that both have, p_value of this
    comparison by itself, seeds the smaller number of trainings.  ``limits`` says what low, high and p_value hold for:
    other ``faces``, or other ``faces and trainings``.  Alternatives that share the default's networks are compared
    seed by seed, others over all trainings of both (equal seeds do not make trainings alike).

    No rows where there are no scores.  Raises StudyError for unknown names and damaged scores.
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
                    found = _over_trainings(*pair, _run_spread(cells, direction, metric))
                if found:
                    rows.append((entry.id, alternative, direction, metric, *found[0], found[1]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _seed_by_seed(changed: pd.DataFrame, default: pd.DataFrame) -> tuple[Effect, str] | None:
    """Effect of what acts on the images of the same networks; None without a seed or two faces in common."""
    difference = (changed - default).dropna(axis="columns", how="all").dropna()
    if difference.shape[1] < 1 or len(difference) < 2:
        return None
    return contrast(difference.to_numpy()), FACES_AND_TRAININGS if difference.shape[1] > 1 else FACES


def _over_trainings(changed: pd.DataFrame, default: pd.DataFrame,
                    spread: RunSpread | None) -> tuple[Effect, str] | None:
    """Effect of what changes the training; None without two faces in common."""
    faces = changed.index.intersection(default.index)
    if len(faces) < 2:
        return None
    several = min(changed.shape[1], default.shape[1]) > 1
    effect = compare([changed.loc[faces].to_numpy(), default.loc[faces].to_numpy()], [1.0, -1.0], spread)
    return effect, FACES_AND_TRAININGS if several or spread else FACES


def _run_spread(cells: Cells, direction: str, metric: str) -> RunSpread | None:
    """Spread of a training's mean score, pooled over the systems trained several times; None without any."""
    means = [cell.mean() for (system, *key), cell in cells.items()
             if key == [direction, metric] and cell.shape[1] > 1 and profiles.training_system(system) == system]
    freedom = sum(len(mean) - 1 for mean in means)
    if not freedom:
        return None
    return RunSpread(float(np.sqrt(sum((len(mean) - 1) * mean.var() for mean in means) / freedom)), freedom)


def _cells(profile: str, database: str) -> Cells:
    """(system, direction, metric) → scores in per cent, faces × seeds, of the ablation systems and their variants."""
    profiles.get(profile)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    file = paths.study_folder(profile, database) / "scores.csv"
    if not file.exists():
        return {}
    scores = scoring.read_scores(profile, database).images
    scores = scores[scores.system.str.split("+").str[0].isin(systems.ABLATIONS)]
    if scores.duplicated(["direction", "system", "seed", "image", "metric"]).any():
        raise StudyError(f"{file}: holds some scores twice. Remove it and score again.")
    tables = {key: 100 * part.pivot(index="image", columns="seed", values="value").dropna()
              for key, part in scores.groupby(["system", "direction", "metric"], sort=False)}
    return {key: table for key, table in tables.items() if len(table)}
