"""Quality beside cost: what the exemplar methods scored on a database, and what an image took."""

from __future__ import annotations

import pandas as pd

from lib import paths, rivals, runs, systems
from lib.errors import StudyError

COST = ("cpu_seconds_fit", "cpu_seconds_per_image", "peak_memory_mb")  # as Rival.measurements names them


def quality_and_cost(profile: str, database: str) -> pd.DataFrame:
    """One row per direction and exemplar method, from ``scores.csv`` and the run folders.

    Columns: direction, system, label, images, ssim, ssim_sd, fsim, fsim_sd (per cent, standard deviation
    over images), cpu_seconds_fit, cpu_seconds_per_image, peak_memory_mb.  Raises StudyError naming the
    command that makes what is missing.
    """
    file = paths.study_folder(profile, database) / "scores.csv"
    if not file.exists():
        raise StudyError(f"{file}: missing. Make it with `./run_all.sh --profile {profile} --database {database}`.")
    scores = pd.read_csv(file)
    scores = scores[scores.system.isin(rivals.NAMES) & scores.metric.isin(["ssim", "fsim"])]
    rows = []
    for (direction, system), part in scores.groupby(["direction", "system"]):
        record = runs.read_json(paths.run_folder(profile, database, system, int(part.seed.min())) / "run.json")
        values = 100 * part.pivot(index="image", columns="metric", values="value")
        rows.append({
            "direction": direction, "system": system, "label": systems.get(system).label, "images": len(values),
            "ssim": values.ssim.mean(), "ssim_sd": values.ssim.std(), "fsim": values.fsim.mean(),
            "fsim_sd": values.fsim.std(), **{name: record[direction][name] for name in COST}})
    if not rows:
        raise StudyError(f"{file}: holds no exemplar method. Make them with `python -m lib train --database {database} "
                         f"--profile {profile} --system {' --system '.join(rivals.NAMES)}` and score the study again.")
    table = pd.DataFrame(rows)
    order = {name: place for place, name in enumerate([*paths.DIRECTIONS, *rivals.NAMES])}
    return table.sort_values(["direction", "system"], key=lambda column: column.map(order), ignore_index=True)
