"""What each part brings: the 2×2×2 design MSG × self-attention × cycle (Duan et al. 2020, Section IV-C).

``effects``         the seven factorial effects from all eight cells, each with limits and p-value
``effects_given``   a part's effect with and without another part
``simple_effects``  single pairs of cells, as the paper compares them, beside the published differences
``seed_spread``     how far runs of one cell lie apart; ``published_against_luck`` puts the paper's differences to it

Scores are per cent, as in the paper.  Limits take images and training runs as samples, the seed as a block
(``lib.findings.run_models``).

Coding (Box, Hunter and Hunter 2005, Statistics for Experimenters, ch. 5): a main effect is the mean of the four cells
with a part minus the mean of the four without; the interaction A × B is *half* of (effect of A where B is present −
effect of A where B is absent), so that the effect of A is main + A × B with B and main − A × B without; the
three-way interaction is half the same difference of two-way ones.  All seven have one and the same precision.
In a regression with switches coded ±½ the interactions' coefficients are 2 and 4 times these.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from lib.base import labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, counted, listed
from lib.evaluation.scoring import Scores, read_scores
from lib.findings import tables
from lib.findings.contrasts import (
    LEVEL,
    Effect,
    RunSpread,
    by_image_and_seed,
    pooled_spread,
    with_holm,
)
from lib.findings.run_models import RunModel
from lib.training.plans import plan

METRICS = ("ssim", "fsim")  # those of Tables I-III
# What this study claims effects of, and corrects for together: Tables I-III, and Scoot, which speaks of strokes.
CLAIMED = (*itertools.product(DIRECTIONS, METRICS), (DIRECTIONS[0], "scoot"))
PARTS = {"msg": "MSG", "attention": "self-attention", "cycle": "cycle"}  # setting → name
PAIRS = (  # part, system with it, system without it: what Section IV-C compares, and the cell that it lacks
    ("MSG", "backbone-msg", "backbone"),
    ("self-attention", "backbone-attention", "backbone"),
    ("cycle", "backbone-cycle", "backbone"),
    ("MSG", "msg-sarl", "msg-sarl-no-msg"),
    ("self-attention", "msg-sarl", "msg-sarl-no-attention"),
    ("cycle", "msg-sarl", "msg-sarl-no-cycle"),
    ("all three", "msg-sarl", "backbone"),
)


# Which cell has which part: (8 cells, 3 parts) of bool.
SWITCHES = pd.DataFrame(
    [[getattr(plan("paper", system).settings, part) for part in PARTS] for system in systems.ABLATIONS],
    index=systems.ABLATIONS, columns=list(PARTS.values()))
# Weight of each cell in each of the seven effects: ±1/4.
WEIGHTS = {" × ".join(parts): (2 * SWITCHES[list(parts)] - 1).prod(axis=1) / 4
           for size in (1, 2, 3) for parts in itertools.combinations(PARTS.values(), size)}
EFFECTS = tuple(WEIGHTS)
_NOT_RUN = Effect(np.nan, np.nan, np.nan, np.nan, 0, 0, None)


def pairs_of(part: str) -> list[tuple[str, str]]:
    """The four pairs of cells (with the part, without it) that share the other two parts; part: as in ``SWITCHES``."""
    others = SWITCHES.drop(columns=part)
    return [tuple(cells.sort_values(part, ascending=False).index) for _, cells in SWITCHES.groupby(list(others))]


def cells_of(scores: Scores, direction: str, metric: str, more: Sequence[str] = ()) -> dict[str, pd.DataFrame]:
    """Scores (images, seeds) in per cent of the cells that have any, in table order; more: further systems to add.

    Raises StudyError when the cells were not scored on the same images.
    """
    rows = scores.images.query("direction == @direction and metric == @metric")
    cells = {system: by_image_and_seed(part) for system in dict.fromkeys((*systems.ABLATIONS, *more))
             if len(part := rows[rows.system == system])}
    images = {system: frozenset(cell.index) for system, cell in cells.items()}
    if len(set(images.values())) > 1:
        counts = listed([f"{system}: {counted(len(names), 'image')}" for system, names in images.items()])
        raise StudyError(f"{direction}, {metric}: the cells of the design were scored on different images and cannot "
                         f"be paired\n{counts}\nMake the odd ones again with `python -m lib train … --force`.")
    return cells


def effects(profile: str, database: str, scores: Scores | None = None, metrics: Sequence[str] = METRICS,
            directions: Sequence[str] = DIRECTIONS) -> pd.DataFrame:
    """The seven effects of the design, in percentage points.

    Columns: direction, metric, effect, then as ``Effect`` and ``with_holm``: the family is all seven effects on every
    score of ``CLAIMED`` that the study has (35 with Scoot), and on those asked for besides.  Raises StudyError naming
    the cells that are missing and the command that makes them.
    """
    scores = scores or read_scores(profile, database)
    asked = list(itertools.product(directions, metrics))
    has = set(zip(scores.images.direction, scores.images.metric))
    missing, rows = {}, []
    for direction, metric in dict.fromkeys([*asked, *(score for score in CLAIMED if score in has)]):
        cells = cells_of(scores, direction, metric)
        if absent := [system for system in systems.ABLATIONS if system not in cells]:
            for system in absent:
                missing.setdefault(system, []).append(f"{direction} {metric.upper()}")
            continue
        model = RunModel(cells)
        rows += [(direction, metric, name, *model.contrast(weights)) for name, weights in WEIGHTS.items()]
    if missing:
        cells = listed([f"{system}: {', '.join(missing[system])}" for system in systems.ABLATIONS if system in missing])
        raise StudyError(f"{paths.study_folder(profile, database)}: the design needs all eight cells; no scores of\n"
                         f"{cells}\nMake them with {_commands(profile, database)}.")
    table = with_holm(pd.DataFrame(rows, columns=["direction", "metric", "effect", *Effect._fields]))
    return table[[score in asked for score in zip(table.direction, table.metric)]].reset_index(drop=True)


def effects_given(profile: str, database: str, part: str, other: str, scores: Scores | None = None) -> pd.DataFrame:
    """The effect of ``part`` where ``other`` is present and where it is not: the mean of two pairs of cells each.

    part, other: as in ``SWITCHES``.  Columns: direction, metric (``CLAIMED``), given (bool: with ``other``), as
    ``Effect`` and ``with_holm``, over the whole table.  Raises StudyError as ``effects`` does.
    """
    scores = scores or read_scores(profile, database)
    effects(profile, database, scores)  # complains of missing cells
    has, rows = set(zip(scores.images.direction, scores.images.metric)), []
    for direction, metric in (score for score in CLAIMED if score in has):
        model = RunModel(cells_of(scores, direction, metric))
        for given in (True, False):
            weights = (2.0 * SWITCHES[part] - 1).where(SWITCHES[other] == given, 0.0) / 2
            rows.append((direction, metric, given, *model.contrast(weights)))
    return with_holm(pd.DataFrame(rows, columns=["direction", "metric", "given", *Effect._fields]))


def simple_effects(profile: str, database: str, scores: Scores | None = None,
                   metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """The paper's own comparisons (``PAIRS``), ours beside the published difference.

    Columns: direction, metric, part, with_part, without_part (labels), as ``Effect`` and ``with_holm``, published
    (difference of two printed values), same_sign (of ours and published), compatible (|published − estimate| ≤
    √(half² + two_runs²): our limits, and by how much two single runs such as the paper's differ if they spread like
    ours; no contradiction, and no support either where both are wide).  Percentage points.  A pair with a cell that
    was not run has NaN and seeds 0.
    Raises StudyError when there is no pair at all.
    """
    scores = scores or read_scores(profile, database)
    rows = []
    for direction, metric in itertools.product(DIRECTIONS, metrics):
        cells = cells_of(scores, direction, metric)
        spread = pooled_spread(cells.values())
        model = RunModel(cells) if cells else None
        for part, first, second in PAIRS:
            effect = model.difference(first, second) if model and {first, second} <= cells.keys() else _NOT_RUN
            rows.append((direction, metric, part, labels.label_of(first), labels.label_of(second), *effect,
                         _two_runs(spread) if spread else 0.0))
    pair = ["direction", "metric", "with_part", "without_part"]
    table = pd.DataFrame(rows, columns=[*pair[:2], "part", *pair[2:], *Effect._fields, "two_runs"])
    if not table.seeds.any():
        raise StudyError(f"{paths.study_folder(profile, database)}: no two cells that differ in one part have scores. "
                         f"Make them with {_commands(profile, database)}.")
    table = with_holm(table).join(published_differences(database).set_index(pair).published, on=pair)
    both = table.published.notna() & table.estimate.notna()
    table["same_sign"] = (np.sign(table.published) == np.sign(table.estimate)).astype("boolean").where(both)
    reach = np.hypot((table.high - table.low) / 2, table.pop("two_runs"))
    table["compatible"] = ((table.published - table.estimate).abs() <= reach).astype("boolean").where(both)
    return table


def published_differences(database: str) -> pd.DataFrame:
    """Differences of the printed values of Tables I-III for ``PAIRS``; no row where the paper printed only one.

    Columns: direction, metric, part, with_part, without_part, published (percentage points).
    """
    rows = []
    for direction, metric, values in _printed(database):
        for part, first, second in PAIRS:
            if not np.isnan(difference := values[first] - values[second]):
                rows.append((direction, metric, part, labels.label_of(first), labels.label_of(second),
                             round(difference, 2)))
    table = pd.DataFrame(rows, columns=["direction", "metric", "part", "with_part", "without_part", "published"])
    return table.astype({"published": float})  # also when there is no row


def published_effects(database: str) -> pd.DataFrame:
    """Every effect that the printed cells of Tables I-III allow, the other parts held as ``given`` says.

    Columns: direction, metric, effect, given, published (percentage points, coded as ``effects``).  With seven of
    the eight cells (three in sketch to photo) the paper has a part's effect in some settings of the others only,
    and no three-way interaction.
    """
    rows = []
    for direction, metric, values in _printed(database):
        for effect in EFFECTS[:-1]:
            others = [part for part in SWITCHES if part not in effect.split(" × ")]
            for states, cells in SWITCHES.groupby(others):
                contrast_of_cells = (WEIGHTS[effect] * values)[cells.index] * 2**len(others)
                if contrast_of_cells.notna().all():
                    given = ", ".join(f"{'with' if on else 'without'} {part}" for on, part in zip(states, others))
                    rows.append((direction, metric, effect, given, round(contrast_of_cells.sum(), 3)))
    return pd.DataFrame(rows, columns=["direction", "metric", "effect", "given", "published"])


def _printed(database: str) -> Iterable[tuple[str, str, pd.Series]]:
    """Printed values by cell, NaN where the paper has none, for each direction and metric."""
    printed = tables.published().query("table in ('I', 'II', 'III') and database == @database")
    values = printed.pivot(index="system", columns=["direction", "metric"], values="value")
    for direction, metric in values:
        column = values[direction, metric].reindex([labels.label_of(system) for system in systems.ABLATIONS])
        yield direction, metric, column.set_axis(systems.ABLATIONS)


def seed_spread(profile: str, database: str, scores: Scores | None = None,
                metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """How far the mean scores of runs lie apart that differ in nothing but the seed, percentage points.

    Columns: direction, metric, system (``pooled`` last), runs, sd, low, high (95 %, chi-squared), two_runs: 95 % of
    pairs of runs of one and the same system differ by less (the repeatability limit of ISO 5725-6, t · √2 · sd), and
    typical: the same from the median of the cells' variances, each over the median of chi-squared over its degrees of
    freedom, which one unsteady cell does not move.  Raises StudyError when no cell has two seeds.
    """
    scores = scores or read_scores(profile, database)
    rows = []
    for direction, metric in itertools.product(DIRECTIONS, metrics):
        cells = {system: cell for system, cell in cells_of(scores, direction, metric).items() if cell.shape[1] > 1}
        for system, group in [*((name, [cell]) for name, cell in cells.items()), ("pooled", list(cells.values()))]:
            if (spread := pooled_spread(group)) is not None:
                tails = stats.chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], spread.freedom)
                limits = spread.sd * np.sqrt(spread.freedom / tails)
                count = sum(cell.shape[1] for cell in group)
                typical = RunSpread(_median_sd(group), spread.freedom)
                rows.append((direction, metric, system, count, spread.sd, *limits, _two_runs(spread),
                             _two_runs(typical)))
    if not rows:
        raise StudyError(f"{paths.study_folder(profile, database)}: no cell of the design has scores of two seeds. "
                         f"Make them with {_commands(profile, database)}.")
    return pd.DataFrame(rows, columns=["direction", "metric", "system", "runs", "sd", "low", "high", "two_runs",
                                       "typical"])


def _median_sd(cells: Sequence[pd.DataFrame]) -> float:
    """Standard deviation of run means over seeds, from the median cell; cells: (images, seeds), two seeds or more."""
    freedom = np.array([cell.shape[1] - 1 for cell in cells])
    variances = np.array([cell.mean().var(ddof=1) for cell in cells])
    return float(np.sqrt(np.median(variances * freedom / stats.chi2.median(freedom))))


def _two_runs(spread: RunSpread) -> float:
    """By how much two single runs of one system differ at most, in 95 % of pairs (ISO 5725-6)."""
    return float(stats.t.ppf((1 + LEVEL) / 2, spread.freedom) * np.sqrt(2) * spread.sd)


def published_against_luck(profile: str, database: str, scores: Scores | None = None) -> pd.DataFrame:
    """The published differences in units of our run-to-run spread: would two runs of one system differ as much?

    Columns of ``published_differences`` and sd, in_sds (|published| / sd), two_runs, beyond_luck (|published| >
    two_runs).  The spread is that of our runs at this profile; the paper reports none.  Empty where the paper
    has no table of the database.  Raises StudyError as ``seed_spread`` does.
    """
    pooled = seed_spread(profile, database, scores).query("system == 'pooled'")
    table = published_differences(database).merge(pooled[["direction", "metric", "sd", "two_runs"]])
    size = table.published.abs()
    return table.assign(in_sds=size / table.sd, beyond_luck=size > table.two_runs)


def _commands(profile: str, database: str) -> str:
    study = f"--profile {profile} --database {database}"
    return f"`python -m lib train --grid ablations {study}`, then `python -m lib score {study}`"
