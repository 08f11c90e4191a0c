"""How a system does on a database that it was not trained on, beside one that was: the claim that it generalises.

Reads ``results/<profile>/transfer.csv`` (``lib.evaluation.transfer``; ``python -m lib transfer`` makes it).
"""

from __future__ import annotations

import pandas as pd

from lib.base import labels, paths, systems, tables_on_disk
from lib.evaluation.scoring import read_scores
from lib.evaluation.transfer import COLUMNS, file
from lib.findings import signs
from lib.findings.contrasts import Effect, by_image_and_seed, difference, with_holm


def losses(profile: str, database: str) -> pd.DataFrame:
    """Scores on ``database`` of systems trained elsewhere minus those of the same systems trained on it.

    Columns: trained_on, direction, metric, system, then as ``Effect`` and ``with_holm``, in percentage points.  Empty
    where nothing was transferred to this database, or nothing of it was trained here.
    """
    rows = []
    if file(profile).exists() and (paths.study_folder(profile, database) / "scores.csv").exists():
        moved = tables_on_disk.read(file(profile), COLUMNS, text=["trained_on"])
        home = read_scores(profile, database).images
        keys = ["trained_on", "direction", "metric", "system"]
        for key, part in moved[moved.database == database].groupby(keys, sort=False):
            own = home[(home.direction == key[1]) & (home.metric == key[2]) & (home.system == key[3])]
            if len(own):
                rows.append((*key, *difference(by_image_and_seed(part), by_image_and_seed(own))))
    return with_holm(pd.DataFrame(rows, columns=["trained_on", "direction", "metric", "system", *Effect._fields]))


def account(profile: str, database: str) -> tuple[str, str, str]:
    """Verdict, text and what it rests on: of MSG-SARL's loss beside that of its rivals, where both were transferred."""
    found = losses(profile, database)
    if found.empty:
        return ("not examined here", "It takes a second real database: `python -m lib transfer` trains on one and "
                "scores on another. Only CUHK Student was at hand, and drawn portraits are no evidence.", "—")
    text = "; ".join(f"{labels.label_of(row.system)} trained on {row.trained_on}, {labels.TASK[row.direction]} "
                     f"{labels.METRIC[row.metric]} {labels.with_limits(row.estimate, row.low, row.high)}"
                     for row in found.itertuples() if row.metric in ("ssim", "fsim"))
    rivals = [name for name in found.system.unique() if systems.kind_of(name) == "deep"]
    return (signs.UNDECIDED, f"On {database} instead of training there: {text}."
            + ("" if rivals else " No rival was transferred, so better or worse than whom is open."),
            f"{int(found.seeds.sum())} transfers at {signs.conditions(profile)}")
