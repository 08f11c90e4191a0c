"""The paper's own numbers looked at again: beside floors that it does not print, and metric against metric."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lib.base import labels, systems
from lib.findings import tables

_RIVALS = ("IV", "V", "VI", "VII")
_NAMES = {"IV": "CUFS, sketches", "V": "CUFSF, sketches", "VI": "CUFS, photos", "VII": "CUFSF, photos"}


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
    """Published values of Tables I-III that a floor of ours exceeds: task, metric, floor (ours, %), system, published."""
    ours = tables.summary(profile, database).query("system == @floor").set_index(["direction", "metric"]).value
    printed = tables.published().query("table in ('I', 'II', 'III') and database == @database")
    rows = [(labels.TASK[row.direction], labels.METRIC[row.metric], round(ours[row.direction, row.metric], 2),
             row.system, row.value) for row in printed.itertuples()
            if (row.direction, row.metric) in ours.index and row.value < ours[row.direction, row.metric]]
    return pd.DataFrame(rows, columns=["task", "metric", "floor", "system", "published"])


def ssim_and_fid() -> pd.DataFrame:
    """Tables IV-VII: table (its database and images), system, ssim, fid, and the places by each, 1 being the best."""
    printed = tables.published().query("table in @_RIVALS and metric in ('ssim', 'fid')")
    wide = printed.pivot(index=["table", "system"], columns="metric", values="value").reset_index()
    places = wide.groupby("table")
    wide["place_ssim"] = places.ssim.rank(ascending=False).astype(int)
    wide["place_fid"] = places.fid.rank().astype(int)
    return wide.assign(table=wide.table.map(lambda number: f"{number}: {_NAMES[number]}"))


def places(system: str) -> pd.DataFrame:
    """Where a system stands in Tables IV-VII: table, systems, place by SSIM, place by FID."""
    table = ssim_and_fid()
    mine = table[table.system == system].assign(systems=table.groupby("table").system.transform("size"))
    names = {"table": "table", "systems": "systems", "place_ssim": "place by SSIM", "place_fid": "place by FID"}
    return mine[list(names)].rename(columns=names)
