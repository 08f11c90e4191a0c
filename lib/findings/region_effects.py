"""What MSG changes at the chin, and self-attention at eyes and mouth and in smooth places: Section IV-C, Figs 6 and 7.

The paper says that multi-scale gradients clear the border of the chin, and that without self-attention there is noise
and eyes and mouth blur.  ``STATEMENTS`` puts this into the measures of ``lib.evaluation.region_scores``, with the sign
that the claim gives each; both were fixed before any training was looked at.

Compared is the backbone with a part against the backbone, trainings of equal seed, differences over faces and seeds
both taken as samples (``lib.findings.contrasts.contrast``); Holm's correction is over all statements in both
directions.  Detail counts as clearer only while the backbone has less of it than the target: more is no clarity.

What stands beside and decides nothing: the same differences over the whole image, and the same statements with the
controls of ``lib.findings.part_or_size``, which have the part's weights without the part.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pandas as pd

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.evaluation import region_scores
from lib.evaluation.region_scores import WHOLE
from lib.findings import part_or_size, signs
from lib.findings.contrasts import Effect, by_image_and_seed, contrast, with_holm

AS_COMPARED, AT_EQUAL_WEIGHTS = "as the paper compares", "at equal weights"
UNIT = {"ssim": 100, "detail": 100, "noise": 1}  # percentage points; of noise grey levels


class Statement(NamedTuple):
    """A part raises (sign 1) or lowers (−1) a measure of a region."""

    part: str
    region: str
    measure: str
    sign: int


STATEMENTS = (
    Statement("MSG", "chin", "ssim", 1),
    Statement("MSG", "chin", "detail", 1),
    Statement("self-attention", "eyes", "ssim", 1),
    Statement("self-attention", "eyes", "detail", 1),
    Statement("self-attention", "mouth", "ssim", 1),
    Statement("self-attention", "mouth", "detail", 1),
    Statement("self-attention", "smooth", "noise", -1),
)
SYSTEMS = part_or_size.SYSTEMS  # whose faces are scored by region


def effects(profile: str, database: str, asks: str = AS_COMPARED, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Each of ``STATEMENTS`` in each direction, as far as two systems have two seeds in common.

    asks: as in ``part_or_size.QUESTIONS``.  table: instead of the committed one.  Columns: direction, those of
    ``Statement``, first, second (systems), level (mean of second, in the effect's unit), whole (difference over the
    whole image, NaN for noise), as ``Effect`` (percentage points, of noise grey levels) and ``with_holm``, verdict.
    """
    table = region_scores.read(profile, database) if table is None else table
    pairs = {question.part: question[2:] for question in part_or_size.QUESTIONS if question.asks == asks}
    rows = []
    for direction, statement in itertools.product(DIRECTIONS, STATEMENTS):
        first, second = pairs[statement.part]
        both = _both(table, direction, first, second, statement.region, statement.measure)
        if both is None:
            continue
        beside = _both(table, direction, first, second, WHOLE, statement.measure)
        whole = float((beside[0] - beside[1]).to_numpy().mean()) if beside else float("nan")
        rows.append((direction, *statement, first, second, both[1].to_numpy().mean(), whole,
                     *contrast((both[0] - both[1]).to_numpy())))
    names = ["direction", *Statement._fields, "first", "second", "level", "whole", *Effect._fields]
    found = with_holm(pd.DataFrame(rows, columns=names))
    return found.assign(verdict=[_verdict(row, profile) for row in found.itertuples()])


def _both(table: pd.DataFrame, direction: str, first: str, second: str, region: str,
          measure: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """One measure of two systems, (images, seeds in common) each; None with fewer than two, or without the measure."""
    column = region_scores.column(region, measure)
    if column not in table:
        return None
    cells = []
    for system in (first, second):
        rows = table[(table.direction == direction) & (table.system == system)]
        if rows.empty:
            return None
        cells.append(by_image_and_seed(rows.assign(metric=column, value=rows[column]), UNIT[measure]))
    seeds = cells[0].columns.intersection(cells[1].columns)
    if len(seeds) < 2:
        return None
    return cells[0][seeds], cells[1].loc[cells[0].index, seeds]


def _verdict(row, profile: str) -> str:
    beyond = row.measure == "detail" and row.level >= 100
    return signs.verdict(row.sign * row.estimate, row.p_holm < 0.05 and not beyond, profile)


def account(profile: str, database: str, part: str, table: pd.DataFrame | None = None) -> str:
    """What was found of a part in a few sentences with all numbers; empty where nothing was compared."""
    found, controlled = (_of(effects(profile, database, asks, table), part)
                         for asks in (AS_COMPARED, AT_EQUAL_WEIGHTS))
    if found.empty:
        return ""
    said = [f"{_numbers(row)} ({row.verdict}{_beside(row)})" for row in found.itertuples()]
    unit = "points (noise: grey levels)" if (found.measure == "noise").any() else "points"
    text = (f"Backbone with {part} minus without, {found.seeds.min()} pairs of trainings of equal seed, {unit}: "
            f"{'; '.join(said)}.")
    if controlled.empty:
        return text
    said = [f"{_numbers(row)}{'*' if row.p_holm < 0.05 else ''}" for row in controlled.itertuples()]
    return (f"{text} Against the backbone with as many weights ({controlled.seeds.min()} pairs, * after Holm's "
            f"correction): {'; '.join(said)}.")


def _of(found: pd.DataFrame, part: str) -> pd.DataFrame:
    return found[found.part == part]


def _numbers(row) -> str:
    measure = labels.METRIC.get(row.measure, row.measure)
    where = measure if row.measure == "noise" else f"{row.region} {measure}"
    return f"{labels.TASK[row.direction]} {where} {labels.with_limits(row.estimate, row.low, row.high)}"


def _beside(row) -> str:
    """The level without the part for what has no whole image to stand beside, else the whole image's difference."""
    return f"; {row.level:.2f} without" if pd.isna(row.whole) else f"; whole image {labels.signed(row.whole)}"
