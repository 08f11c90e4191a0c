"""Figures of the ablations: effects with intervals, the eight cells run by run."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.base import labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation.scoring import Scores, read_scores
from lib.figures.style import COLOURS, PART_COLOURS, TEXT_WIDTH, interval
from lib.findings import tables
from lib.findings.ablations import EFFECTS, METRICS, SWITCHES, cells_of, published_effects
from lib.findings.contrasts import FACES, FACES_AND_TRAININGS
from lib.findings.training_outcomes import final_losses, won_outright
from lib.findings.verdicts import is_clear

FLOOR = "pixel-regression"


def effects(frame: pd.DataFrame, database: str) -> Figure:
    """The seven effects with 95 % intervals, a panel per direction and metric; filled: clear (``findings.verdicts``).

    frame: ``findings.ablations.effects``.  database: whose published effects stand beside ours as open diamonds, one
    for each setting of the other parts that the paper printed.
    """
    directions, metrics = (list(dict.fromkeys(frame[column])) for column in ("direction", "metric"))
    figure, axes = plt.subplots(len(directions), len(metrics), squeeze=False, sharex="col", sharey=True,
                                figsize=(TEXT_WIDTH, 2.5 * len(directions) + 0.8))
    printed = published_effects(database)
    for row, direction in zip(axes, directions, strict=True):
        for axis, metric in zip(row, metrics, strict=True):
            here = "direction == @direction and metric == @metric"
            _effect_dots(axis, frame.query(here), printed.query(here))
            axis.set(title=f"{labels.DIRECTION[direction]}, {labels.METRIC[metric]}")
    axes[0, 0].set_yticks(range(len(EFFECTS)), EFFECTS)
    axes[0, 0].set_ylim(len(EFFECTS) - 0.4, -0.6)
    for axis, metric in zip(axes[-1], metrics, strict=True):
        axis.set_xlabel(f"change of {labels.METRIC[metric]} (percentage points)")
    over = FACES if (frame.limits == FACES).any() else FACES_AND_TRAININGS
    marks = [_mark("o", COLOURS["ours"], f"ours, 95 % over {over}; p < 0.05 (Holm)"),
             _mark("o", COLOURS["ours"], "not significant", hollow=True)]
    if len(printed):
        marks.append(_mark("D", COLOURS["published"], "published, other parts fixed", hollow=True))
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), fontsize=9)
    return figure


def _effect_dots(axis: Axes, ours: pd.DataFrame, printed: pd.DataFrame) -> None:
    for entry in ours.itertuples():
        place = EFFECTS.index(entry.effect)
        interval(axis, place, (entry.low, entry.high), entry.estimate, COLOURS["ours"],
                 filled=is_clear(entry.p_holm, entry.limits))
    axis.plot(printed.published, [EFFECTS.index(effect) + 0.27 for effect in printed.effect], "D", ms=5, mfc="none",
              color=COLOURS["published"], zorder=3)
    axis.axvline(0, color=COLOURS["ink"], lw=1, zorder=1)
    axis.axhline(2.5, color=COLOURS["control"], lw=0.8, ls=":")  # main effects above, interactions below
    axis.grid(axis="y", visible=False)


def part_or_size(frame: pd.DataFrame) -> Figure:
    """What a part brings as the paper compares it, at equal weights, and the weights alone; a panel per score.

    frame: ``findings.part_or_size.effects``, filled where clear after Holm's correction.
    """
    panels = list(dict.fromkeys(zip(frame.direction, frame.metric)))
    rows = list(dict.fromkeys(zip(frame.part, frame.asks)))
    if not rows:
        figure = plt.figure(figsize=(TEXT_WIDTH, 0.6))
        figure.text(0, 0.5, "None of the controls has been trained here.", color=COLOURS["control"])
        return figure
    figure, axes = plt.subplots(1, len(panels), sharey=True, squeeze=False,
                                figsize=(TEXT_WIDTH, 0.33 * len(rows) + 0.9))
    for axis, (direction, metric) in zip(axes[0], panels, strict=True):
        for entry in frame.query("direction == @direction and metric == @metric").itertuples():
            interval(axis, rows.index((entry.part, entry.asks)), (entry.low, entry.high), entry.estimate,
                     PART_COLOURS[entry.part], filled=entry.p_holm < 0.05)
        axis.axvline(0, color=COLOURS["ink"], lw=1, zorder=1)
        axis.set(title=f"{labels.TASK[direction]} {labels.METRIC[metric]}", xlabel="points")
        axis.grid(axis="y", visible=False)
    axes[0, 0].set_yticks(range(len(rows)), [f"{part}: {asks}" for part, asks in rows])
    axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
    return figure


def cells(profile: str, database: str, scores: Scores | None = None) -> Figure:
    """Mean scores of the eight cells: a small mark per run, their mean as a bar, the paper's value as open diamond.

    The mark's shape is the device that trained the run; a ring is drawn around runs in which the discriminator of that
    direction won outright (``findings.training_outcomes``).  The dotted line is the per-pixel regression, the floor
    that needs no network.  Cells without scores stay empty; raises StudyError when there is none at all.
    """
    scores = scores or read_scores(profile, database)
    found = {(direction, metric): cells_of(scores, direction, metric) for direction in DIRECTIONS for metric in METRICS}
    if not any(found.values()):
        raise StudyError(f"{paths.study_folder(profile, database)}: none of the eight cells has scores. Make them with "
                         f"`python -m lib train --grid ablations --profile {profile} --database {database}`.")
    ends = final_losses(profile, database)
    markers = dict(zip(ends.device.unique(), "o^sv"))  # device → mark
    shapes = {(row.system, row.seed): markers[row.device] for row in ends.itertuples()}
    won = set(won_outright(ends).itertuples(index=False, name=None))
    order = sorted(systems.ABLATIONS, key=lambda system: SWITCHES.loc[system].sum())  # backbone first, all parts last
    figure, axes = plt.subplots(2, len(METRICS), sharey=True, figsize=(TEXT_WIDTH, 6.4))
    for axis, ((direction, metric), ours) in zip(axes.flat, found.items(), strict=True):
        for system, table in ours.items():
            _cell_dots(axis, order.index(system), table.mean(), [shapes.get((system, seed), "o") for seed in table],
                       [(system, seed, direction) in won for seed in table])
        printed = tables.published().query("table in ('I', 'II', 'III') and database == @database and "
                                           "direction == @direction and metric == @metric")
        places = [[labels.label_of(system) for system in order].index(label) for label in printed.system]
        axis.plot(printed.value, np.array(places) + 0.27, "D", ms=5, mfc="none", color=COLOURS["published"])
        floor = scores.images.query("direction == @direction and metric == @metric and system == @FLOOR").value
        if len(floor):
            axis.axvline(100 * floor.mean(), color=COLOURS["control"], lw=1.2, ls=":")
        axis.set(title=f"{labels.DIRECTION[direction]}, {labels.METRIC[metric]}",
                 xlabel=f"mean {labels.METRIC[metric]} (%)")
        axis.grid(axis="y", visible=False)
    axes[0, 0].set_yticks(range(len(order)), [labels.label_of(system) for system in order])
    axes[0, 0].set_ylim(len(order) - 0.4, -0.6)
    kinds = {f"one run, {device}": mark for device, mark in markers.items()} if len(markers) > 1 else {"one run": "o"}
    marks = [_mark(mark, COLOURS["ours"], label) for label, mark in kinds.items()]
    marks.append(_mark("|", COLOURS["ours"], "mean of the runs"))
    if won:
        marks.append(_mark("o", COLOURS["ink"], "discriminator won", hollow=True))
    if len(published_effects(database)):
        marks.append(_mark("D", COLOURS["published"], "published", hollow=True))
    marks.append(plt.Line2D([], [], ls=":", color=COLOURS["control"], label=labels.label_of(FLOOR)))
    figure.legend(handles=marks, loc="outside upper right", ncols=3, fontsize=9)
    return figure


def _cell_dots(axis: Axes, place: int, means: pd.Series, shapes: Sequence[str], ringed: Sequence[bool]) -> None:
    """The runs of one cell by their mean scores, in the row ``place``."""
    for value, shape, ring in zip(means, shapes, ringed, strict=True):
        axis.plot(value, place, shape, ms=5, alpha=0.55, mew=0, color=COLOURS["ours"])
        if ring:
            axis.plot(value, place, "o", ms=9, mfc="none", mew=0.9, color=COLOURS["ink"])
    axis.plot(means.mean(), place, "|", ms=15, mew=2, color=COLOURS["ours"])


def _mark(marker: str, colour: str, label: str, hollow: bool = False) -> plt.Line2D:
    return plt.Line2D([], [], ls="", marker=marker, ms=6 if marker != "|" else 12, mew=1.2 if marker != "|" else 2,
                      color=colour, mfc="white" if hollow else colour, label=label)
