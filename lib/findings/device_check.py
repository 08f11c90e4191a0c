"""Whether the effects of the parts depend on where trainings ran: on processors or graphics cards, under which torch.

Trainings of the eight cells need not have run on the same machines; then a difference of machines can pass for one of
parts.  Three readings stand side by side: all trainings as they are; the device as a factor (``run_models``); and only
the trainings of the device that made most of them.
"""

from __future__ import annotations

import pandas as pd

from lib.evaluation.scoring import Scores, read_scores
from lib.findings import ablations
from lib.findings.contrasts import Effect, with_holm
from lib.findings.run_models import RunModel
from lib.training import run_folders

AS_RUN, MODELLED, ONE_DEVICE = "as run", "device modelled", "one device"


def devices(profile: str, database: str) -> dict[tuple[str, int], str]:
    """(system, seed) → device and torch of the trainings of the eight cells, by their records."""
    places = run_folders.by_device(profile, database, ablations.SWITCHES.index)
    return {(system, seed): f"{row.device}, torch {row.torch}" for row in places.itertuples()
            for system, seeds in row.which.items() for seed in seeds}


def effects(profile: str, database: str, scores: Scores | None = None,
            where: dict[tuple[str, int], str] | None = None) -> pd.DataFrame:
    """The seven effects on every score of ``ablations.CLAIMED``, once in each reading.

    where: as of ``devices``, by default those.  Columns: reading, direction, metric, effect, as ``Effect`` and
    ``with_holm`` (over the effects of a reading), trainings.  ``one device`` is that of most trainings; NaN where an
    effect cannot be told from the device.  Raises StudyError as ``ablations.effects`` does.
    """
    scores = scores or read_scores(profile, database)
    where = where or devices(profile, database)
    ablations.effects(profile, database, scores)  # complains of missing cells
    main = pd.Series(list(where.values())).mode()[0]
    has = set(zip(scores.images.direction, scores.images.metric))
    rows = {AS_RUN: [], MODELLED: [], ONE_DEVICE: []}
    for direction, metric in (score for score in ablations.CLAIMED if score in has):
        cells = ablations.cells_of(scores, direction, metric)
        there = {system: cell[[seed for seed in cell if where.get((system, seed)) == main]]
                 for system, cell in cells.items()}
        models = {AS_RUN: RunModel(cells), MODELLED: RunModel(cells, where)}
        if all(cell.shape[1] for cell in there.values()):
            models[ONE_DEVICE] = RunModel(there)
        for reading, model in models.items():
            rows[reading] += [(reading, direction, metric, name, *model.contrast(weights), sum(model.counts))
                              for name, weights in ablations.WEIGHTS.items()]
    columns = ["reading", "direction", "metric", "effect", *Effect._fields, "trainings"]
    return pd.concat([with_holm(pd.DataFrame(part, columns=columns)) for part in rows.values() if part],
                     ignore_index=True)


def what_changes(found: pd.DataFrame) -> pd.DataFrame:
    """Effects that are clear in one reading and not in another, or of another sign; found: of ``effects``.

    Columns: direction, metric, effect, then a column per reading: 1, −1 where clear, else 0.
    """
    clear = found.assign(sign=((found.p_holm < 0.05) * found.estimate.transform("sign")).fillna(0).astype(int))
    table = clear.pivot(index=["direction", "metric", "effect"], columns="reading", values="sign")
    return table[table.nunique(axis=1) > 1].reset_index().rename_axis(columns=None)
