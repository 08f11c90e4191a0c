"""Whether multi-scale gradients make training steadier, the paper's central claim (abstract, Sections III-B and V).

The measures stand here, with their reasons, since before the trainings that they judge; those are of seeds from
``FIRST_SEED`` on, and the logs of earlier seeds, which suggested the question, do not count.

The paper takes from MSG-GAN that training fails where the discriminator tells real from synthesised so easily that its
gradients say nothing, and that images at several scales prevent it.  So, for each training and direction, over the last
quarter of its epochs, when the rate has fallen and a steady training has settled:

- ``balance``      the discriminator's loss: 0.25 where it guesses, 0 where it has won.  MSG should keep it higher.
- ``oscillation``  standard deviation over an epoch's steps of the generator's adversarial loss, which lies between 0
                   and about 1 whatever the network.  MSG should lower it.
- ``gradient``     standard deviation over an epoch's steps of the norm of the generator's gradient, as a share of its
                   mean: bursts and droughts, whatever the network's size.  MSG should lower it.

and for each cell, direction and metric of Table I:

- ``spread``       standard deviation over seeds of the mean score over faces.  MSG should lower it.

The first three are compared as logarithms, seed by seed, between cells that differ in MSG alone, with Student's limits
from the spread of these differences within the pairs of cells; the last by the F ratio of variances pooled over cells.
Holm's correction is over all statements of the table.  A single training, or one seed, decides nothing.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from scipy import stats

from lib.base import labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.statistics import holm
from lib.evaluation.scoring import Scores, read_scores
from lib.findings import ablations, signs
from lib.findings.ablations import METRICS, SWITCHES, pairs_of
from lib.training import run_folders

FIRST_SEED = 2  # seeds 0 and 1 of profile quick, and 0 to 2 of profile cpu, were trained when the measures were chosen
CLAIMED = {"balance": 1, "oscillation": -1, "gradient": -1, "spread": -1}  # the sign that the claim gives MSG's effect
COLUMNS = ["direction", "measure", "metric", "ratio", "low", "high", "p_value", "p_holm", "trainings", "verdict"]


def measures(profile: str, database: str, first_seed: int = FIRST_SEED) -> pd.DataFrame:
    """One row per finished training of the eight cells and direction: system, seed, direction, balance, oscillation,
    gradient.  Reads the committed logs; those from before steps' spread was logged have no row."""
    rows = []
    for run, _, log in run_folders.finished_logs(paths.study_folder(profile, database), systems.ABLATIONS):
        if run.seed < first_seed or f"{DIRECTIONS[0]}/generator_gradient sd" not in log:
            continue
        end = log.tail(max(1, len(log) // 4))
        for d in DIRECTIONS:
            rows.append((run.system, run.seed, d, end[f"{d}/discriminator"].mean(), end[f"{d}/adversarial sd"].mean(),
                         (end[f"{d}/generator_gradient sd"] / end[f"{d}/generator_gradient"]).mean()))
    return pd.DataFrame(rows, columns=["system", "seed", "direction", "balance", "oscillation", "gradient"])


def effects_of_msg(profile: str, database: str, scores: Scores | None = None,
                   first_seed: int = FIRST_SEED) -> pd.DataFrame:
    """What MSG changes, as a factor: one row per measure and direction (``spread``: and metric), columns ``COLUMNS``.

    ratio with 95 % limits low and high: with MSG over without; trainings: how many it rests on, both sides together.
    Pairs of cells with fewer than two seeds in common are left out; empty where none is left.
    """
    found = measures(profile, database, first_seed)
    rows = [(direction, measure, "", *compared) for direction in DIRECTIONS for measure in list(CLAIMED)[:-1]
            if (compared := _difference(_differences(found[found.direction == direction], measure)))]
    if rows:
        scores = scores or read_scores(profile, database)
        for direction, metric in itertools.product(DIRECTIONS, METRICS):
            if compared := _spreads(ablations.cells_of(scores, direction, metric), first_seed):
                rows.append((direction, "spread", metric, *compared))
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in ("p_holm", "verdict")])
    table.insert(COLUMNS.index("p_holm"), "p_holm", holm(table.p_value))
    claimed = table.measure.map(CLAIMED)
    return table.assign(verdict=[signs.verdict(sign * np.log(row.ratio), row.p_holm < 0.05, profile)
                                 for sign, row in zip(claimed, table.itertuples())])


def _differences(found: pd.DataFrame, measure: str) -> list[np.ndarray]:
    """Logarithms with MSG minus without, (seeds in common,) for each pair of cells that has two of them."""
    table = np.log(found.pivot(index="seed", columns="system", values=measure))
    pairs = [(table[first] - table[second]).dropna().to_numpy() for first, second in pairs_of("MSG")
             if first in table and second in table]
    return [pair for pair in pairs if len(pair) > 1]


def _difference(pairs: list[np.ndarray]) -> tuple[float, float, float, float, int] | None:
    """Ratio, its limits, p-value and number of trainings, from the differences of ``_differences``."""
    if not pairs:
        return None
    freedom = sum(len(pair) - 1 for pair in pairs)
    variance = sum(pair.var(ddof=1) * (len(pair) - 1) for pair in pairs) / freedom
    error = np.sqrt(variance * sum(1 / len(pair) for pair in pairs)) / len(pairs)
    mean = np.mean([pair.mean() for pair in pairs])
    reach = stats.t.ppf(0.975, freedom) * error
    p_value = 2 * stats.t.sf(abs(mean) / error, freedom) if error else float(mean == 0)
    return *np.exp([mean, mean - reach, mean + reach]), p_value, 2 * sum(map(len, pairs))


def _spreads(cells: dict[str, pd.DataFrame], first_seed: int) -> tuple[float, float, float, float, int] | None:
    """As ``_difference`` for the spread of mean scores between seeds; cells: scores (images, seeds)."""
    means = {system: values.mean()[values.columns >= first_seed] for system, values in cells.items()}
    pairs = [pair for pair in pairs_of("MSG") if all(len(means.get(system, ())) > 1 for system in pair)]
    if not pairs:
        return None
    sides = [[means[system] for system in side] for side in zip(*pairs)]  # with MSG, without
    freedom = [sum(len(side) - 1 for side in cells) for cells in sides]
    variance = [sum(side.var(ddof=1) * (len(side) - 1) for side in cells) / df for cells, df in zip(sides, freedom)]
    f = variance[0] / variance[1]
    low, high = f / stats.f.ppf([0.975, 0.025], *freedom)
    p_value = 2 * min(stats.f.cdf(f, *freedom), stats.f.sf(f, *freedom))
    return *np.sqrt([f, low, high]), p_value, sum(len(side) for cells in sides for side in cells)


def account(profile: str, database: str, scores: Scores | None = None) -> str:
    """The verdict on the claim in a few sentences, numbers included."""
    table = effects_of_msg(profile, database, scores)
    if table.empty:
        return "Not examined here: it takes cells with and without MSG of at least two new seeds each."
    parts = [f"{labels.TASK[row.direction]} {row.measure}{' of ' + labels.METRIC[row.metric] if row.metric else ''} "
             f"×{row.ratio:.2f} [{row.low:.2f}, {row.high:.2f}] ({row.verdict})" for row in table.itertuples()]
    clear = set(table.verdict) - {signs.UNDECIDED}
    whole = ("undecided" if not clear else clear.pop() if len(clear) == 1 else "mixed: the measures disagree")
    trained = set(measures(profile, database).system)
    cells = [system for pair in pairs_of("MSG") if trained.issuperset(pair) for system in pair]
    return (f"**{whole.capitalize()}.** With MSG over without, {table.trainings.min()} trainings of "
            f"{', '.join(map(labels.label_of, cells))}: {'; '.join(parts)}. "
            f"Without MSG are {(~SWITCHES.MSG[list(cells)]).sum()} of these cells.")
