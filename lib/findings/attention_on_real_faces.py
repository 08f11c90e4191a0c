"""What the attention of trained networks does, from ``attention.csv``: a table, its summary, what is left without it.

Means over faces and over the trainings of a reading of Eq. 9: its products divided by N (the default), or as printed.
"""

from __future__ import annotations

import pandas as pd

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.evaluation import attention

DIVIDED, PRINTED = "msg-sarl", "msg-sarl+channel_logits=raw"
# Columns of ``by_sarb`` → their titles in a figure.
TITLES = {"position_entropy": "position:\nentropy", "position_effective": "position: places\na row amounts to",
          "position_dependence": "position: rows\ndiffer by", "channel_entropy": "channel: entropy,\ndivided",
          "channel_self_raw": "channel: own\nweight, as printed"}


def by_sarb(profile: str, database: str) -> pd.DataFrame:
    """A row per task and SARB, a column per key of ``TITLES``; as in ``lib.evaluation.attention.quantities``.

    NaN where no network of a reading was measured.  Raises StudyError without ``attention.csv``.
    """
    rows = attention.read_attention(profile, database).query("sarb != 'all'")
    rows = rows.assign(task=rows.direction.map(labels.TASK))
    divided, printed = (rows[rows.system == name].pivot_table(index=["task", "sarb"], columns="quantity", values="mean")
                        for name in (DIVIDED, PRINTED))
    table = divided.assign(channel_self_raw=printed.get("channel_self", float("nan")))
    return table[list(TITLES)].rename_axis(columns=None)


def account(profile: str, database: str) -> pd.DataFrame:
    """What ``by_sarb`` says in a few numbers: smallest, median and largest over SARBs and tasks; networks measured."""
    table = by_sarb(profile, database)
    found = table.agg(["min", "median", "max"]).T.round(2)
    rows = attention.read_attention(profile, database)
    trainings = rows.groupby("system").seed.nunique()
    readings = [PRINTED if name == "channel_self_raw" else DIVIDED for name in found.index]
    return found.assign(networks=trainings.reindex(readings, fill_value=0).to_numpy())


def final_scales(profile: str, database: str, system: str = DIVIDED) -> pd.DataFrame:
    """Smallest and largest α and β at the end of training: rows by scale, columns (task, lowest or highest)."""
    scales = attention.read_scales(profile, database, system)
    last = scales[scales.epoch == scales.epoch.max()]
    found = last.assign(task=last.direction.map(labels.TASK)).groupby(["scale", "task"]).value.agg(["min", "max"])
    return found.unstack("task").round(3)


def without(profile: str, database: str) -> pd.DataFrame:
    """Mean change of the output, grey levels of 255, when α = β = 0: rows by system, columns by task, the smallest and
    the largest over trainings."""
    rows = attention.read_attention(profile, database).query("quantity == 'off' and sarb == 'all'")
    rows = rows[rows.system.isin([DIVIDED, PRINTED, "msg-sarl-no-msg"])]
    found = rows.groupby(["system", "direction"], sort=False)["mean"].agg(["min", "max"]).unstack("direction")
    columns = [(kind, direction) for direction in DIRECTIONS for kind in ("min", "max")]
    return found[columns].set_axis([f"{labels.TASK[d]} {kind}" for kind, d in columns], axis=1)
