"""From deep recognition tables to statements: rates with limits over people and trainings, paired tests.

The unit is a person, and a training where a system was trained several times: both are resampled, crossed.  Thresholds
are those of the whole test set and stay as they are in a resample.  Differences are paired by person, trainings
averaged first; a system that was trained once has no verdict.  Limits of rates at 0 or 1 are Wilson's, since resamples
of equal values are all alike.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from lib.base import labels, statistics, systems
from lib.base.errors import unknown_name
from lib.evaluation.recognition.deep_runs import DeepTables
from lib.evaluation.recognition.verification import within

label = partial(labels.label_of, names={
    "mean-face": "one face for all", "colour-input": "input, in colour", "recompressed-target": "target, recompressed",
    "grey-input": "input, in grey"})
RANKS = (1, 5, 10)
_FLOOR, _CEILING = "grey-input", "recompressed-target"


def measures(probes: pd.DataFrame) -> pd.DataFrame:
    """One row per probe of a table: the rates of which every number here is a mean.

    Columns rank-1, rank-5, rank-10, tar (at FAR 1 %), and eer, the mean of both kinds of error at equal error.
    """
    found = {f"rank-{rank}": within(probes.nearer, probes.tied, rank) for rank in RANKS}
    return pd.DataFrame({**found, "tar": probes.accepted.to_numpy(),
                         "eer": (probes.rejected.to_numpy() + probes.falsely_accepted.to_numpy()) / 2})


def summary(tables: DeepTables) -> pd.DataFrame:
    """One row per direction and system: label, seeds, and each measure in [0, 1] with ``<measure>_low``, ``_high``."""
    rows = []
    for (direction, system), probes in tables.probes.groupby(["direction", "system"], sort=False):
        row = {"direction": direction, "system": system, "label": label(system), "seeds": probes.seed.nunique()}
        for name, values in measures(probes).items():
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), _limits(values.to_numpy(), probes)))
        rows.append(row)
    return pd.DataFrame(rows)


def comparisons(tables: DeepTables, direction: str, reference: str = _FLOOR,
                measure: str = "rank-1") -> pd.DataFrame:
    """Every other system of a direction minus the reference, paired by person, in [-1, 1].

    Columns system, label, difference, low, high (95 %), p_value, holm (over the rows), repeated: whether the system
    has at least two trainings or needs none; where not, limits and p hold for that training alone and decide nothing.
    Limits and p-values are over people (BCa bootstrap, sign flips), of several trainings over both (t intervals whose
    variances add).  Raises StudyError where the reference has no rows.
    """
    people = _by_person(tables, direction, measure)
    if reference not in people:
        raise unknown_name("system in the deep recognition tables", reference, people.columns)
    rows = []
    for name in people.columns.drop(reference):
        runs = _trainings(tables, direction, name, measure)
        rows.append((name, label(name), *_difference(people[name] - people[reference], runs), len(runs) != 1))
    table = pd.DataFrame(rows, columns=["system", "label", "difference", "low", "high", "p_value", "repeated"])
    table.insert(6, "holm", statistics.holm(table.p_value))
    return table


def _difference(gains: pd.Series, runs: np.ndarray) -> tuple[float, float, float, float]:
    """Mean gain over people, limits, p; runs: the measure in each training, empty for what is not trained."""
    if len(runs) < 2:
        return tuple(statistics.paired_difference(gains, np.zeros(len(gains)))[:4])
    parts = [(gains.var(ddof=1) / len(gains), len(gains) - 1), (runs.var(ddof=1) / len(runs), len(runs) - 1)]
    return float(gains.mean()), *statistics.limits_and_p(float(gains.mean()), parts)


def _trainings(tables: DeepTables, direction: str, system: str, measure: str) -> np.ndarray:
    """The measure in each training of a system; empty for what is not trained."""
    if not systems.is_trained(system):
        return np.empty(0)
    probes = tables.probes[(tables.probes.direction == direction) & (tables.probes.system == system)]
    return np.array([measures(run)[measure].mean() for _, run in probes.groupby("seed")])


def gains(tables: DeepTables, measure: str = "rank-1") -> pd.DataFrame:
    """What translation by each system brings, for people: task, system, gain (points, 95 % limits), p (Holm), verdict.

    verdict: ``helps`` or ``harms`` where p ≤ 0.05, else ``undecided``; ``one training`` for what was trained once.
    """
    rows = []
    for direction in tables.probes.direction.unique():
        for row in _of_systems(tables, direction, measure).itertuples():
            verdict = ("one training" if not row.repeated else "undecided" if row.holm > 0.05 else
                       "helps" if row.difference > 0 else "harms")
            rows.append((labels.TASK[direction], row.label, labels.with_limits(
                100 * row.difference, 100 * row.low, 100 * row.high, digits=0), labels.p_value(row.holm), verdict))
    return pd.DataFrame(rows, columns=["task", "system", "gain", "p (Holm)", "verdict"])


def _of_systems(tables: DeepTables, direction: str, measure: str) -> pd.DataFrame:
    """``comparisons`` with the untranslated input, of systems that translate."""
    pairs = comparisons(tables, direction, measure=measure)
    return pairs[[systems.kind_of(name) not in (None, "control") for name in pairs.system]]


def _by_person(tables: DeepTables, direction: str, measure: str) -> pd.DataFrame:
    """People × systems: a measure, trainings averaged."""
    probes = tables.probes[tables.probes.direction == direction].reset_index(drop=True)
    values = measures(probes)
    if measure not in values:
        raise unknown_name("measure", measure, values)
    wide = probes.assign(value=values[measure]).pivot_table(index="image", columns="system", values="value")
    return wide[list(dict.fromkeys(probes.system))]


def _limits(values: np.ndarray, probes: pd.DataFrame) -> statistics.Interval:
    seeds = (probes.seed,) if probes.seed.nunique() > 1 else ()
    mean, low, high = statistics.cluster_bootstrap(values, probes.image, *seeds)
    people = probes.image.nunique()
    if low == high and np.isclose(mean, (0, 1)).any():
        low, high = statistics.wilson_interval(round(mean) * people, people)
    return statistics.Interval(float(mean), float(low), float(high))
