"""From recognition tables to statements: accuracies with intervals, differences with corrected p-values.

The units are people and, of what is trained, trainings.  Each face is tested in about half of the splits, always
against others drawn from the same hundred; splits are therefore no independent repetitions, and their spread is not the
uncertainty of the accuracy.  A person's tests stay together; differences between systems are paired by person, all
systems having met the same splits.  A system that was trained once has the limits of its people alone, and no verdict:
another training of it could as well be better or worse.  What no limit shows is that another gallery would be easier or
harder for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from lib.base import labels, statistics, systems
from lib.base.errors import unknown_name
from lib.evaluation.recognition.recognise_runs import Tables
from lib.evaluation.regions import REGIONS

# The name people read; the mean face is here that of the tested people, not of those that systems were trained on.
label = partial(labels.label_of, names={"random-pairing": "random pairing", "mean-face": "one face for all"})


def kind(system: str) -> str:
    """The system's kind, as in ``lib.base.systems``; what is no system of the study is a control."""
    return systems.kind_of(system) or "control"


def accuracy_interval(tests: np.ndarray, recognised: np.ndarray) -> statistics.Interval:
    """Accuracy over all tests, 95 % interval over people.

    tests: (n,) how often each person was tested.  recognised: (n,) share of these tests recognised, or (n, m)
    for m systems, whose limits (m,) then come from the same resamples.  Where everybody was always recognised, or
    nobody ever, resamples are all alike and the limits are Wilson's for one test of each person.
    """
    accuracy, low, high = _over_people(tests, recognised)
    people = np.sum(np.asarray(tests) > 0)
    low = np.where(np.isclose(accuracy, 1, rtol=0, atol=1e-12), statistics.wilson_interval(people, people)[0], low)
    high = np.where(np.isclose(accuracy, 0, rtol=0, atol=1e-12), statistics.wilson_interval(0, people)[1], high)
    return statistics.Interval(*(float(x) if np.ndim(x) == 0 else x for x in (accuracy, low, high)))


def _over_people(tests: np.ndarray, recognised: np.ndarray) -> statistics.Interval:
    """As ``accuracy_interval`` by resampling alone, for differences of accuracies, too."""
    tests, recognised = np.asarray(tests, dtype=float), np.asarray(recognised, dtype=float)
    seen = tests > 0
    tests, recognised = tests[seen], recognised[seen]
    counts = np.column_stack([(recognised.T * tests).T, tests])  # (n, m + 1)
    interval = statistics.cluster_bootstrap(counts, np.arange(len(counts)), statistic=_share)
    return statistics.Interval(*(float(x[0]) if recognised.ndim == 1 else x for x in interval))


def _share(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """counts (n, m + 1), weights (repeats, n) → weighted sums of the first m columns over that of the last."""
    sums = weights @ counts
    return sums[:, :-1] / sums[:, -1:]


def summary(tables: Tables) -> pd.DataFrame:
    """One row per direction and system, in the order of the tables; accuracies in [0, 1].

    seeds; accuracy with all dimensions and its limits low, high (95 %, over people and over several trainings);
    spread (standard deviation over splits and seeds); best_of_mean at best_dimension, mean_of_best: both choose the
    dimension on the tested faces; face_only: accuracy from the inner face (NaN where not computed).
    """
    rows = []
    for direction, curves in tables.curves.groupby("direction", sort=False):
        tests, shares = _by_person(tables, direction)
        limits = dict(zip(shares, np.transpose(accuracy_interval(tests, shares))))
        for system, (accuracy, low, high) in limits.items():
            reach = _reach_of_trainings(_trainings(tables, direction, system))
            limits[system] = (accuracy, max(accuracy - np.hypot(accuracy - low, reach), 0.0),
                              min(accuracy + np.hypot(high - accuracy, reach), 1.0))
        for system, curve in curves.groupby("system", sort=False):
            grid = curve.pivot_table(index=["seed", "split"], columns="dimension", values="accuracy")
            mean = grid.mean()
            rows.append({"direction": direction, "system": system, "label": label(system),
                         "seeds": curve.seed.nunique(), **dict(zip(("accuracy", "low", "high"), limits[system])),
                         "spread": grid[grid.columns[-1]].std(), "best_of_mean": mean.max(),
                         "best_dimension": int(mean.idxmax()), "mean_of_best": grid.max(axis=1).mean(),
                         "face_only": limits.get(f"{system}@face", [np.nan])[0]})
    return pd.DataFrame(rows)


def comparisons(tables: Tables, direction: str, reference: str, others: Sequence[str] | None = None) -> pd.DataFrame:
    """Differences in accuracy, reference minus other, paired by person, over people and trainings.

    others: systems (default: all of the direction, regions left out).  Columns: system, label, difference with limits
    low, high (95 %), p_value, holm (corrected over the rows), repeated: whether both have at least two trainings, or
    need none; where not, limits and p hold for these trainings alone and decide nothing.
    Raises StudyError when a system has no rows.
    """
    tests, shares = _by_person(tables, direction)
    if others is None:
        others = [name for name in shares if "@" not in name and name != reference]
    for name in (reference, *others):
        if name not in shares:
            raise unknown_name("system in the recognition tables", name, shares)
    rows = [(name, label(name), *_difference(tests, shares[reference] - shares[name],
                                             [_trainings(tables, direction, system) for system in (reference, name)]))
            for name in others]
    table = pd.DataFrame(rows, columns=["system", "label", "difference", "low", "high", "p_value", "repeated"])
    table.insert(6, "holm", statistics.holm(table.p_value))
    return table


def _difference(tests: np.ndarray, gains: pd.Series,
                trainings: Sequence[np.ndarray]) -> tuple[float, float, float, float, bool]:
    """Difference, limits, p-value and whether trainings were repeated; gains: of each person, trainings averaged.

    A person tested more often weighs more, as in the accuracy itself.
    """
    weights, people = tests / tests.sum(), len(tests)
    mean = float(weights @ gains)
    parts = [(people / (people - 1) * float(np.sum((weights * (gains - mean)) ** 2)), people - 1)]
    sources = [(runs.var(ddof=1) / len(runs), len(runs) - 1) for runs in trainings if len(runs) > 1]
    if total := sum(variance for variance, _ in sources):
        parts.append((total, total**2 / sum(variance**2 / freedom for variance, freedom in sources)))  # Welch's
    return mean, *statistics.limits_and_p(mean, parts), all(len(runs) != 1 for runs in trainings)


def _trainings(tables: Tables, direction: str, system: str) -> np.ndarray:
    """Accuracy of each training of a system; none of what is not trained."""
    if not systems.is_trained(system):
        return np.empty(0)
    rows = tables.identities[(tables.identities.direction == direction) & (tables.identities.system == system)]
    return rows.groupby("seed")[["recognised", "tests"]].apply(
        lambda run: np.average(run.recognised.fillna(0), weights=run.tests)).to_numpy()


def _reach_of_trainings(runs: np.ndarray) -> float:
    """Half of the t interval over trainings; nothing where fewer than two tell."""
    return float(np.subtract(*statistics.student_interval(runs)[:0:-1]) / 2) if len(runs) > 1 else 0.0


def _by_person(tables: Tables, direction: str) -> tuple[np.ndarray, pd.DataFrame]:
    """How often each person was tested (n,), and the share recognised: people × systems, seeds averaged.

    All systems meet the same splits, hence one number of tests.  People never drawn for testing are left out.
    """
    rows = tables.identities[(tables.identities.direction == direction) & (tables.identities.tests > 0)]
    shares = rows.pivot_table(index="image", columns="system", values="recognised")[list(dict.fromkeys(rows.system))]
    return rows.groupby("image").tests.first().loc[shares.index].to_numpy(), shares


def findings(tables: Tables, reference: str = "msg-sarl") -> list[str]:
    """What the tables say, one sentence each, numbers and tests included; for the end of a notebook."""
    rows = summary(tables).set_index(["direction", "system"])
    people, trained = tables.protocol.identities, tables.protocol.train
    sentences = [f"Protocol: {people} test people, {trained} train the classifier, {people - trained} are recognised, "
                 f"{tables.protocol.repeats} random splits; guessing gives {100 / (people - trained):.1f} %."]
    for direction in rows.index.unique("direction"):
        pairs = comparisons(tables, direction, reference).set_index("system")
        pair = pairs.loc["grey-input"]
        sentences.append(
            f"{labels.TASK[direction]}: {label(reference)} is recognised in "
            f"{_share_with_limits(rows.loc[direction, reference])} of the tests, its input as it is in "
            f"{_share_with_limits(rows.loc[direction, 'grey-input'])}; difference in percentage points "
            f"{_points(pair)}, Holm-corrected p: {labels.p_value(pair.holm)}.")
        others = _told_apart(pairs[[kind(name) != "control" for name in pairs.index]], "better recognised than")
        sentences.append(f"{labels.TASK[direction]}: {label(reference)} is {others}; the rest cannot be told apart "
                         "with these people and trainings.")
        if face := _inner_face(tables, direction, reference):
            sentences.append(face)
    parts = ", ".join(f"{region} {_share_with_limits(rows.loc['photo-to-sketch', f'grey-input@{region}'])}"
                      for region in REGIONS)
    sentences.append(f"Where the untranslated input is recognised from: {parts}.")
    chance = rows.loc["photo-to-sketch", "random-pairing"]
    sentences.append("Choosing the dimension on the tested faces lifts even the random pairing from "
                     f"{100 * chance.accuracy:.1f} to {100 * chance.mean_of_best:.1f} %.")
    return sentences


def _inner_face(tables: Tables, direction: str, reference: str) -> str | None:
    """The reference against the untranslated input and the other systems, by the inner face alone."""
    names = [name for name in dict.fromkeys(tables.identities[tables.identities.direction == direction].system)
             if name.endswith("@face") and kind(name) != "control"]
    mine, untranslated = f"{reference}@face", "grey-input@face"
    if mine not in names:
        return None
    pairs = comparisons(tables, direction, mine, [untranslated, *(name for name in names if name != mine)])
    pairs = pairs.set_index("system")
    pair = pairs.loc[untranslated]
    return (f"{labels.TASK[direction]}, inner face alone: {label(reference)} against its input {_points(pair)} points, "
            f"Holm-corrected p: {labels.p_value(pair.holm)}; {_told_apart(pairs.drop(untranslated), 'better than')}.")


def _share_with_limits(row: pd.Series) -> str:
    return f"{100 * row.accuracy:.1f} % [{100 * row.low:.1f}, {100 * row.high:.1f}]"


def _points(pair: pd.Series) -> str:
    """A difference with its limits, in percentage points."""
    return labels.with_limits(*(100 * pair[name] for name in ("difference", "low", "high")), digits=1)


def _told_apart(pairs: pd.DataFrame, better: str) -> str:
    """From how many systems the reference differs at 5 % after correction; those trained once are counted apart."""
    judged = pairs[pairs.repeated.astype(bool)]
    clear = judged[judged.holm <= 0.05].difference
    text = (f"significantly {better} {(clear > 0).sum()} and worse than {(clear <= 0).sum()} of {len(judged)} other "
            "systems")
    if not (once := len(pairs) - len(judged)):
        return text
    return f"{text} ({once} more {'was' if once == 1 else 'were'} trained once, which decides nothing)"
