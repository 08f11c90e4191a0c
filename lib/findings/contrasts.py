"""Contrasts of systems over test images and training runs, both of which are samples.

A study asks about other faces and about another training of the same system.  A score of run s of cell c
on image i is  μ_c + a_ci + b_cs + e_cis:  every cell sees the same images (a_ci is paired across cells),
while each run b_cs is a draw of its own.  For a contrast Σ w_c μ_c with Σ over cells,

    V_images = Var_i(Σ w_c mean_s y_cis) / I              on I − 1 degrees of freedom
    V_runs   = Σ w_c² Var_s(mean_i y_cis) / S_c           on Welch's (1947, Biometrika 34) degrees of freedom

Their sum holds the residual twice, as Clark's min F' does (1973, J. Verbal Learn. Verbal Behav. 12): never
negative, a little too large.  The limits add the half-widths of the two t intervals as variances add,

    half² = (t_images)² V_images + (t_runs)² V_runs,

as Cameron, Gelbach and Miller's two-way intervals do in ``lib.evaluation.user_study.analysis``.  Satterthwaite's single
number of degrees of freedom gives shorter limits but rejects a true null in up to 7 % of studies with 3 matched
seeds and 12 % with 2, because a run variance that comes out small also makes itself look well known; this
rule stays at or below 5 % there and pays with power (tests/test_contrasts.py simulates both).
The bootstrap over images alone calls three trainings the truth: it rejects a true null in up to 70 %.

Here seeds are not matched between cells.  Trainings of equal seed see the faces in the same order, though, and those of
one shape begin with the same weights: ``lib.findings.run_models`` takes the seed as a block where a whole design is at
hand, ``lib.findings.ledger`` compares an alternative with its default seed by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.base import systems
from lib.base.errors import StudyError, listed, some_of
from lib.base.statistics import holm, limits_and_p

LEVEL = 0.95
FACES, FACES_AND_TRAININGS = "faces", "faces and trainings"  # what limits and p-value hold for
OWN_FROM = 3  # from this many seeds on a cell's own spread is used where one or two cells are compared
Key = tuple[str, str, str]  # direction, system, metric


class Effect(NamedTuple):
    """Estimate with limits and two-sided p-value, in the unit of the scores; ``seeds``: the fewest of any cell.

    ``limits``: whether they and p hold for other ``faces and trainings``, as where every cell has several seeds or a
    spread was borrowed, or for other ``faces`` alone: then a training's luck passes for an effect.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    images: int
    seeds: int
    limits: str = FACES


class RunSpread(NamedTuple):
    """Standard deviation of a run's mean score over seeds, and the degrees of freedom that it was measured with."""

    sd: float
    freedom: int


def by_image_and_seed(rows: pd.DataFrame, unit: float = 100) -> pd.DataFrame:
    """Scores of one system, direction and metric as a table (images, seeds), in per cent.

    rows: as ``lib.evaluation.scoring`` keeps them.  Raises StudyError naming seeds that lack images or have some twice.
    """
    first = rows.iloc[0]
    if rows.duplicated(["image", "seed"]).any():
        twice = ", ".join(map(str, sorted(rows.seed[rows.duplicated(["image", "seed"])].unique())))
        raise StudyError(f"{first.system}, {first.direction}, {first.metric}: some images of seed {twice} have two "
                         "scores. Restore scores.csv, or remove it and score again.")
    table = unit * rows.pivot(index="image", columns="seed", values="value")
    lacking = table.isna().sum()
    if lacking.any():
        problems = [f"seed {seed}: {some_of(count, len(table), 'image', 'has/have')} no {first.metric}"
                    for seed, count in lacking[lacking > 0].items()]
        raise StudyError(f"{first.system}, {first.direction}: scores are incomplete\n{listed(problems)}\n"
                         "Score the study again with `python -m lib score --profile … --database … --force`.")
    return table


def cells_of(rows: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    """Scores as ``lib.evaluation.scoring`` keeps them → ``by_image_and_seed`` of each direction, system and metric."""
    return {key: by_image_and_seed(part) for key, part in rows.groupby(["direction", "system", "metric"], sort=False)}


def contrast(differences: np.ndarray, level: float = LEVEL) -> Effect:
    """Mean of paired differences (or of anything else) over images and over seeds, both taken as samples.

    differences: (images, seeds), at least two images; column s may be system A's seed s minus B's.  With one
    seed the limits and the p-value hold for these trainings only.  Raises StudyError for NaN or a wrong shape.
    """
    return compare([differences], [1.0], level=level)


def difference(first: pd.DataFrame, second: pd.DataFrame, spread: RunSpread | None = None) -> Effect:
    """One system minus another, tables (images, seeds) over the same images; their own spread from ``OWN_FROM`` on."""
    return compare([first.to_numpy(), second.loc[first.index].to_numpy()], [1, -1], spread, own_from=OWN_FROM)


def of_equal_seed(first: pd.DataFrame, second: pd.DataFrame) -> Effect | None:
    """One system minus another, trainings of equal seed compared; tables (images, seeds) over the same images.

    None with fewer than two seeds in common.
    """
    seeds = first.columns.intersection(second.columns)
    return contrast((first[seeds] - second.loc[first.index, seeds]).to_numpy()) if len(seeds) > 1 else None


def compare(cells: Sequence[np.ndarray], weights: Sequence[float], spread: RunSpread | None = None,
            level: float = LEVEL, *, own_from: float = 2) -> Effect:
    """Estimate Σ w_c · mean(cell c) with the limits of the module's head.

    cells: one array (images, seeds) per cell, row i being the same image in all; the numbers of seeds may
    differ.  spread: run-to-run spread known from elsewhere, used for cells of fewer than ``own_from`` seeds; without
    it a cell of one seed counts as if another training gave the same mean.  ``own_from=OWN_FROM`` is for contrasts of
    one or two cells, where two seeds say next to nothing about their own spread; borrowing supposes that the cells
    spread alike, and rejects too many true nulls where they do not (tests/test_contrasts.py simulates how many).
    ``seeds`` of the result is the smallest number.
    Raises StudyError for NaN, unequal images, fewer than two images, or weights that do not fit.
    """
    cells = [_checked(cell) for cell in cells]
    images = len(cells[0])
    if any(len(cell) != images for cell in cells) or len(weights) != len(cells):
        raise StudyError(f"compare: {len(weights)} weights for cells of {[cell.shape for cell in cells]} "
                         "(images, seeds); give one weight per cell and the same images in every cell.")
    per_image = sum(weight * cell.mean(axis=1) for weight, cell in zip(weights, cells))
    parts = [(per_image.var(ddof=1) / images, images - 1)]
    parts += _run_part(cells, weights, spread, own_from)
    seeds = min(cell.shape[1] for cell in cells)
    return Effect(float(per_image.mean()), *limits_and_p(per_image.mean(), parts, level), images, seeds,
                  FACES_AND_TRAININGS if seeds > 1 or spread is not None else FACES)


def with_holm(table: pd.DataFrame) -> pd.DataFrame:
    """Comparisons with ``p_holm`` beside ``p_value``: corrected (Holm 1979) over all rows, which are claimed together.

    A row without a p-value belongs to no family and gets none.
    """
    known = table.p_value[table.p_value.notna()].astype(float)
    corrected = pd.Series(holm(known), index=known.index)
    table.insert(table.columns.get_loc("p_value") + 1, "p_holm", corrected)
    return table


def pooled_spread(cells: Iterable[pd.DataFrame]) -> RunSpread | None:
    """Standard deviation of run means over seeds, pooled over cells (images, seeds); None with one seed everywhere."""
    variances = [(cell.mean().var(ddof=1), cell.shape[1] - 1) for cell in cells if cell.shape[1] > 1]
    freedom = sum(degrees for _, degrees in variances)
    if not freedom:
        return None
    return RunSpread(float(np.sqrt(sum(variance * degrees for variance, degrees in variances) / freedom)), freedom)


def pooled_spreads(cells: Mapping[Key, pd.DataFrame], pool: Callable[[str], str | None]) -> dict[Key, RunSpread | None]:
    """(direction, pool, metric) → spread between runs of all systems of a pool; pool: system → its pool, or None."""
    groups: dict[Key, list[pd.DataFrame]] = {}
    for (direction, system, metric), cell in cells.items():
        if name := pool(system):
            groups.setdefault((direction, name, metric), []).append(cell)
    return {key: pooled_spread(group) for key, group in groups.items()}


def trained_kind(system: str) -> str | None:
    """The pool of most tables: the kind of a trained system.  Systems with changed settings belong to none; they only
    borrow."""
    return systems.kind_of(system) if systems.is_trained(system) and system in systems.SYSTEMS else None


def _run_part(cells: Sequence[np.ndarray], weights: Sequence[float], spread: RunSpread | None,
              own_from: float) -> list[tuple[float, float]]:
    """V_runs with Welch's degrees of freedom; nothing where no cell can tell how far its runs spread."""
    own = [spread is None or cell.shape[1] >= own_from for cell in cells]
    sources = [(weight**2 * cell.mean(axis=0).var(ddof=1) / cell.shape[1], cell.shape[1] - 1)
               for weight, cell, has_own in zip(weights, cells, own) if has_own and cell.shape[1] > 1]
    borrowed = sum(weight**2 / cell.shape[1] for weight, cell, has_own in zip(weights, cells, own) if not has_own)
    if spread is not None and borrowed:
        sources.append((borrowed * spread.sd**2, spread.freedom))
    total = sum(variance for variance, _ in sources)
    if not total:
        return []
    return [(total, total**2 / sum(variance**2 / freedom for variance, freedom in sources))]


def _checked(cell: np.ndarray) -> np.ndarray:
    cell = np.asarray(cell, dtype=float)
    if cell.ndim != 2 or len(cell) < 2 or cell.shape[1] < 1:
        raise StudyError(f"A contrast needs scores (images, seeds) of at least two images, got shape {cell.shape}.")
    if not np.all(np.isfinite(cell)):
        raise StudyError(f"A contrast got {np.sum(~np.isfinite(cell))} values that are NaN or infinite; "
                         "every image needs a score for every seed.")
    return cell
