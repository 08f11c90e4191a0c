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
# Rank-1 of networks that were not adapted to sketches, in per cent (T. de Freitas Pereira, A. Anjos and S. Marcel,
# Heterogeneous face recognition using domain specific units, IEEE TIFS 14, 2019).  Protocol, as in the authors' own
# database packages: five splits, photos as gallery and sketches as probes, of the people who do not train.
PUBLISHED = pd.DataFrame([("CUFS", 202, 81.5), ("CUFSF", 494, 33.0)],
                         columns=["database", "people in the gallery", "rank-1 (%)"])


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


def by_error(tables: DeepTables, scores: pd.DataFrame, direction: str, names: tuple[str, ...],
             measure: str = "rank-5") -> pd.DataFrame:
    """Whom translation helps: gain over the grey input in thirds of people, by the size of a system's error.

    scores: rows of ``scores.csv``; the error is 1 − SSIM, averaged over trainings.
    Columns system, label, third (small, middle, large error), people, gain with low, high (95 % over people).
    """
    people = _by_person(tables, direction, measure)
    ssim = scores[(scores.direction == direction) & (scores.metric == "ssim")]
    rows = []
    for system in names:
        if system not in people or system not in set(ssim.system):
            continue
        error = 1 - ssim[ssim.system == system].groupby("image").value.mean()
        gains = (people[system] - people[_FLOOR]).loc[error.sort_values().index]
        for third, part in zip(("small error", "middle error", "large error"), np.array_split(gains.to_numpy(), 3)):
            rows.append((system, label(system), third, len(part), *statistics.bootstrap_interval(part)))
    return pd.DataFrame(rows, columns=["system", "label", "third", "people", "gain", "low", "high"])


def findings(tables: DeepTables) -> list[str]:
    """What the tables say, one sentence each; for the end of a notebook."""
    rows = summary(tables).set_index(["direction", "system"])
    sentences = []
    for direction in rows.index.unique("direction"):
        task, floor, ceiling = labels.TASK[direction], *(rows.loc[direction, name] for name in (_FLOOR, _CEILING))
        sentences.append(f"{task}: untranslated, {_percent(floor, 'rank-1')} are found at rank 1 of {tables.people} "
                         f"and {_percent(floor, 'tar')} accepted at FAR 1 %; the real target, recompressed, "
                         f"{_percent(ceiling, 'rank-1')} and {_percent(ceiling, 'tar')}.")
        for measure, text in (("rank-1", "at rank 1"), ("tar", "at FAR 1 %")):
            sentences += _told_apart(tables, direction, measure, f"{task}, {text}")
    return sentences


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


def _told_apart(tables: DeepTables, direction: str, measure: str, where: str) -> list[str]:
    """Which translations help, harm, do neither beyond the limits, or were trained once; controls are left out."""
    pairs = _of_systems(tables, direction, measure)
    clear, repeated = pairs.holm <= 0.05, pairs.repeated.astype(bool)
    parts = {"helps (Holm-corrected p ≤ 0.05)": pairs[repeated & clear & (pairs.difference > 0)],
             "harms (Holm-corrected p ≤ 0.05)": pairs[repeated & clear & (pairs.difference < 0)],
             "is not told apart from none": pairs[repeated & ~clear],
             "by what was trained once, which decides nothing": pairs[~repeated]}
    return [f"{where}, translation {verb}: {', '.join(map(_with_points, some.itertuples()))}."
            for verb, some in parts.items() if len(some)]


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


def _percent(row: pd.Series, measure: str) -> str:
    return f"{100 * row[measure]:.0f} % [{100 * row[f'{measure}_low']:.0f}, {100 * row[f'{measure}_high']:.0f}]"


def _with_points(row) -> str:
    return f"{row.label} {labels.with_limits(100 * row.difference, 100 * row.low, 100 * row.high, digits=0)}"
