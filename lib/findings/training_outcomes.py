"""How the trainings of the eight cells ended: losses of the last epoch, and whether the players stayed in balance."""

from __future__ import annotations

import pandas as pd

from lib.base import paths, systems, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.findings.ablations import SWITCHES
from lib.training import run_folders

WON = 0.02  # a discriminator whose loss ends below has won: in a draw it is 0.25
_TERMS = ("perceptual", "adversarial", "discriminator")


def final_losses(profile: str, database: str) -> pd.DataFrame:
    """Mean losses of the last epoch over the training pairs, a row per run.

    Columns: system, seed, device, then ``<direction>/perceptual``, ``/adversarial`` (of the generator) and
    ``/discriminator``.  Reads the committed logs; a run that is not finished, or is being made again, has no row.
    """
    columns = [f"{direction}/{term}" for direction in DIRECTIONS for term in _TERMS]
    rows = [(run.system, run.seed, record["device"], *log[columns].iloc[-1]) for run, record, log
            in run_folders.finished_logs(paths.study_folder(profile, database), systems.ABLATIONS)]
    return pd.DataFrame(rows, columns=["system", "seed", "device", *columns])


def logs(profile: str, database: str) -> pd.DataFrame:
    """Losses of every finished training of the eight cells: system, msg (bool), seed, direction, epoch, perceptual,
    adversarial, discriminator, and whether the discriminator of that direction has won in the end."""
    ends = final_losses(profile, database)
    won = set(won_outright(ends).itertuples(index=False, name=None))
    parts = []
    for run in ends.itertuples():
        log = tables_on_disk.read_csv(paths.run_folder(profile, database, run.system, run.seed) / "log.csv")
        for direction in DIRECTIONS:
            terms = {term: log[f"{direction}/{term}"] for term in _TERMS}
            parts.append(pd.DataFrame({"system": run.system, "msg": SWITCHES.loc[run.system, "MSG"], "seed": run.seed,
                                       "direction": direction, "epoch": log.epoch, **terms,
                                       "won": (run.system, run.seed, direction) in won}))
    return pd.concat(parts, ignore_index=True)


def won_outright(ends: pd.DataFrame) -> pd.DataFrame:
    """Runs and directions in which the discriminator judged nearly every patch right in the end (loss below ``WON``).

    ends: ``final_losses``.  Columns: system, seed, direction.
    """
    return pd.DataFrame([(row["system"], row["seed"], direction) for _, row in ends.iterrows()
                         for direction in DIRECTIONS if row[f"{direction}/discriminator"] < WON],
                        columns=["system", "seed", "direction"])


def won_with_and_without(ends: pd.DataFrame) -> pd.DataFrame:
    """Trainings in which a discriminator won outright, with MSG (first row) and without: columns won, trainings.

    The bound was chosen when these trainings were known, so this suggests and decides nothing; what decides is
    ``training_stability``.
    """
    won = won_outright(ends).drop_duplicates(["system", "seed"])
    counts = {name: table.system.map(SWITCHES["MSG"]).astype(bool).value_counts().reindex([True, False], fill_value=0)
              for name, table in (("won", won), ("trainings", ends))}
    return pd.DataFrame(counts).set_axis(["with MSG", "without MSG"])


def discriminators_by(ends: pd.DataFrame, part: str, other: str, direction: str = DIRECTIONS[0]) -> pd.DataFrame:
    """Smallest and largest final loss of a direction's discriminators for each state of two parts.

    part, other: as in ``SWITCHES``, the columns' names, bool.  Further columns: smallest, largest, trainings.
    """
    states = SWITCHES.loc[ends.system, [part, other]].reset_index(drop=True)
    table = states.assign(loss=ends[f"{direction}/discriminator"].to_numpy()).groupby([part, other]).loss
    return table.agg(smallest="min", largest="max", trainings="size").reset_index()
