"""Figure of the ambiguity ledger: what each alternative changes, with its limits."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.figures.style import COLOURS, DIRECTION_COLOURS, TEXT_WIDTH, interval
from lib.findings.contrasts import FACES
from lib.findings.ledger.written_ledger import SHOWN


def effects(frame: pd.DataFrame) -> Figure:
    """Differences and 95 % limits of each alternative, SSIM and FSIM side by side, both directions.

    frame: ``findings.ledger.effects``; rows keep its order, and alternatives of one entry share a band.  Filled: clear
    after Holm's correction.  Squares: the limits hold for these trainings alone.  An empty frame gives a figure that
    says so.
    """
    shown = frame[frame.metric.isin(SHOWN)]
    rows = list(dict.fromkeys(zip(shown.id, shown.alternative)))
    if not rows:
        figure = plt.figure(figsize=(TEXT_WIDTH, 0.6))
        figure.text(0, 0.5, "No alternative has been run here.", color=COLOURS["control"])
        return figure
    figure, axes = plt.subplots(1, len(SHOWN), sharex=True, sharey=True, figsize=(TEXT_WIDTH, 0.34 * len(rows) + 1.3))
    for axis, metric in zip(axes, SHOWN):
        _bands(axis, [entry for entry, _ in rows])
        for row in shown[shown.metric == metric].itertuples():
            _dot(axis, row, rows.index((row.id, row.alternative)))
        axis.axvline(0, color=COLOURS["ink"], linewidth=0.8)
        axis.set(title=labels.METRIC[metric], xlabel="alternative − default (percentage points)",
                 ylim=(len(rows) - 0.5, -0.5))
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(rows)), [alternative.replace("=", " = ") for _, alternative in rows])
    figure.legend(handles=_marks((shown.limits == FACES).any()), loc="outside lower center", ncols=5, fontsize=9,
                  columnspacing=1.3)
    return figure


def _dot(axis: Axes, row, place: int) -> None:
    height = place + (-0.16 if row.direction == DIRECTIONS[0] else 0.16)
    interval(axis, height, (row.low, row.high), row.difference, DIRECTION_COLOURS[row.direction],
             marker="s" if row.limits == FACES else "o", size=5, width=1.6, filled=row.clear)


def _bands(axis: Axes, entries: list[str]) -> None:
    """Shade every second entry, so that alternatives of one choice are seen together."""
    for number, entry in enumerate(dict.fromkeys(entries)):
        first = entries.index(entry)
        if number % 2:
            last = first + entries.count(entry) - 1
            axis.axhspan(first - 0.5, last + 0.5, color=COLOURS["control"], alpha=0.1, linewidth=0)


def _marks(squares: bool) -> list[plt.Line2D]:
    marks = [plt.Line2D([], [], color=colour, linewidth=1.6, label=labels.DIRECTION[direction])
             for direction, colour in DIRECTION_COLOURS.items()]
    marks += [plt.Line2D([], [], color=COLOURS["control"], linewidth=0, marker="o", markersize=5, label=label,
                         markerfacecolor=fill) for label, fill in (("p < 0.05 (Holm)", COLOURS["control"]),
                                                                   ("not significant", "white"))]
    if squares:
        marks.append(plt.Line2D([], [], color=COLOURS["control"], linewidth=0, marker="s", markersize=5,
                                label="limits for these trainings alone"))
    return marks
