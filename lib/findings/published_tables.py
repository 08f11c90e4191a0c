"""The paper's ablation tables looked at again, beside floors that it does not print."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lib.base import labels, systems
from lib.base.directions import DIRECTIONS
from lib.findings import ablations, tables


def beside_ours(profile: str, database: str, direction: str, names: Sequence[str]) -> pd.DataFrame:
    """Some systems of a study beside Tables I-III: label, system, metric, value, low, high, seeds, published (%).

    names: systems, in the order of the rows.
    """
    ours = tables.summary(profile, database).query("direction == @direction and system in @names")
    printed = tables.published().query("table in ('I', 'II', 'III') and database == @database and "
                                       "direction == @direction")
    printed = printed.assign(system=printed.system.map(systems.named)).rename(columns={"value": "published"})
    table = ours.merge(printed[["system", "metric", "published"]], on=["system", "metric"], how="left")
    table = table.sort_values("system", key=lambda column: column.map(list(names).index), kind="stable")
    return table.assign(label=table.system.map(labels.label_of)).reset_index(drop=True)


def below(profile: str, database: str, floor: str) -> pd.DataFrame:
    """Published values of Tables I-III below a floor of ours: task, metric, floor (ours, %), system, published."""
    ours = tables.summary(profile, database).query("system == @floor").set_index(["direction", "metric"]).value
    printed = tables.published().query("table in ('I', 'II', 'III') and database == @database")
    rows = [(labels.TASK[row.direction], labels.METRIC[row.metric], round(ours[row.direction, row.metric], 2),
             row.system, row.value) for row in printed.itertuples()
            if (row.direction, row.metric) in ours.index and row.value < ours[row.direction, row.metric]]
    return pd.DataFrame(rows, columns=["task", "metric", "floor", "system", "published"])


def msg_effects() -> pd.DataFrame:
    """What MSG changes in the printed SSIM of sketches (Tables I-III): database, added to, change of SSIM (points)."""
    rows = []
    for name in ("cuhk-student", "cufs", "cufsf"):
        effects = ablations.published_effects(name)
        chosen = effects[(effects.effect == "MSG") & (effects.metric == "ssim") & (effects.direction == DIRECTIONS[0])]
        rows += [(name, row.given, labels.signed(row.published)) for row in chosen.itertuples()]
    return pd.DataFrame(rows, columns=["database", "added to the backbone", "change of SSIM"])
