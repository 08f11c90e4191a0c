"""What the exemplar methods scored on a database, against ours, and what an image took."""

from __future__ import annotations

import pandas as pd

from lib.base import files, labels, paths, tables_on_disk
from lib.base.errors import StudyError
from lib.evaluation.scoring import read_scores
from lib.findings import rival_scores
from lib.rivals import exemplar

COST = ("cpu_seconds_fit", "cpu_seconds_per_image", "peak_memory_mb")  # as Rival.measurements names them


def against_ours(profile: str, database: str, ours: str = "msg-sarl") -> pd.DataFrame:
    """The exemplar methods minus a trained system: ``lib.findings.rival_scores``."""
    return rival_scores.against_ours(profile, database, exemplar.NAMES, ours)


def quality_and_cost(profile: str, database: str) -> pd.DataFrame:
    """One row per direction and exemplar method, from ``scores.csv`` and the run folders.

    Columns: direction, system, label, images, ssim, ssim_sd, fsim, fsim_sd (per cent, standard deviation
    over images), cpu_seconds_fit, cpu_seconds_per_image, peak_memory_mb.  Raises StudyError naming the
    command that makes what is missing.
    """
    scores = read_scores(profile, database).images
    scores = scores[scores.system.isin(exemplar.NAMES) & scores.metric.isin(["ssim", "fsim"])]
    rows = []
    for (direction, system), part in scores.groupby(["direction", "system"]):
        record = files.read_json(paths.run_folder(profile, database, system, int(part.seed.min())) / "run.json")
        values = 100 * part.pivot_table(index="image", columns="metric", values="value")  # over random draws
        rows.append({"direction": direction, "system": system, "label": labels.label_of(system), "images": len(values),
                     "ssim": values.ssim.mean(), "ssim_sd": values.ssim.std(), "fsim": values.fsim.mean(),
                     "fsim_sd": values.fsim.std(), **{name: record[direction][name] for name in COST}})
    if not rows:
        raise StudyError(f"{paths.study_folder(profile, database)}: no scores of an exemplar method. Make them with "
                         f"`python -m lib train --database {database} --profile {profile} --system "
                         f"{' --system '.join(exemplar.NAMES)}` and score the study again.")
    return tables_on_disk.in_order(pd.DataFrame(rows), ["direction", "system"])
