"""Whether attention attends to the face and leaves the background out (Section IV-C, Fig. 5).

Read from every study's ``looking.csv``. What counts is how much weight a position receives in the position attention of
a network, as a multiple of the image's mean (``lib.evaluation.attention.looking``): above 1 in the face, below 1 in the
background, if the claim holds. A network is one training in one direction; limits are Student's over the trainings of a
study, a training being the unit and the faces it was measured on being averaged. Counted are networks of MSG-SARL and
its cells as we read the paper, on real faces; readings with another attention are not it, only the precision may
differ.
"""

from __future__ import annotations

import pandas as pd

from lib import databases
from lib.base import labels, systems, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.statistics import limits_and_p
from lib.evaluation.attention import looking
from lib.findings import signs
from lib.findings.contrasts import with_holm

CLAIMED = {"face": 1, "background": -1}  # the sign of (weight − 1) that the claim gives
COLUMNS = ["profile", "database", "direction", "region", "ratio", "low", "high", "p_value", "networks"]


def networks() -> pd.DataFrame:
    """The rows of all studies' ``looking.csv`` that count; empty where no study has any.

    Columns: profile, database and those of ``looking.csv``.
    """
    table = tables_on_disk.known(looking.NAME.removesuffix(".csv"))
    counts = {name: systems.kind_of(name) == "ablation" and set(systems.changes_of(name)) <= {"precision"}
              for name in table.system.unique()}
    return table[table.system.map(counts).astype(bool) & ~table.database.isin(databases.EMBEDDED)]


def weights(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Mean weight of each region over trainings: a row per profile, database, direction and region.

    table: instead of ``networks()``.  Columns ``COLUMNS``, ``p_holm`` and ``verdict``: ratio with 95 % limits and the
    p-value that it is 1, NaN for one training.  Holm's correction is over what the claim speaks of (``CLAIMED``); the
    other regions have neither p-values nor a verdict.
    """
    table = networks() if table is None else table
    rows = []
    for key, part in table.groupby(["profile", "database", "direction", "region"], sort=False):
        limits = (float("nan"),) * 3
        if len(part) > 1:
            low, high, p = limits_and_p(part.ratio.mean() - 1, [(part.ratio.var() / len(part), len(part) - 1)])
            low = max(low, -1.0)  # no weight is negative
            limits = low + 1, high + 1, p if key[-1] in CLAIMED else float("nan")
        rows.append((*key, part.ratio.mean(), *limits, len(part)))
    found = with_holm(pd.DataFrame(rows, columns=COLUMNS))
    return found.assign(verdict=[
        signs.verdict(CLAIMED[row.region] * (row.ratio - 1), row.p_holm < 0.05, row.profile)
        if row.region in CLAIMED else "" for row in found.itertuples()])


def account(found: pd.DataFrame, table: pd.DataFrame) -> str:
    """What ``weights`` says, a sentence per study; table: the networks that it was made of."""
    said = []
    for (profile, database), study in found.groupby(["profile", "database"], sort=False):
        tasks = [f"{labels.TASK[direction]} {', '.join(map(_weight, part.itertuples()))}"
                 for direction in DIRECTIONS if len(part := study[study.direction == direction])]
        count = study.networks.max()
        said.append(f"Profile {profile}, {database}, {count} training{'' if count == 1 else 's'}: {'; '.join(tasks)}.")
    wide = table.pivot_table(index=["profile", "database", "system", "seed", "direction"], columns="region",
                             values="ratio")
    return (f"Position attention gives the face more weight than the background in "
            f"{(wide.face > wide.background).sum()} of {len(wide)} networks. Weight that a place receives, as a "
            f"multiple of the image's mean: {' '.join(said)}")


def _weight(row) -> str:
    """A row of ``weights`` in words: ``face 2.21 [1.80, 2.62] (same sign here)``."""
    limits = "" if pd.isna(row.low) else f" [{row.low:.2f}, {row.high:.2f}]"
    return f"{row.region} {row.ratio:.2f}{limits}" + (f" ({row.verdict})" if row.verdict and limits else "")
