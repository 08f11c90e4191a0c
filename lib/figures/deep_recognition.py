"""Figures of recognition by a network that never saw a sketch: who helps, curves, whom it helps; rates in per cent."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.evaluation.recognition.deep_runs import DeepTables
from lib.evaluation.recognition.deep_statements import label
from lib.evaluation.recognition.statements import kind
from lib.evaluation.recognition.verification import within
from lib.figures.style import COLOURS, TEXT_WIDTH, interval

_FLOOR = "grey-input"
_LOOKS = ({"linewidth": 2}, {"linewidth": 1.4, "linestyle": "--"}, {"linewidth": 1.4, "linestyle": ":"})


def rates(summary: pd.DataFrame, reference: str = "msg-sarl", measure: str = "rank-1") -> Figure:
    """One measure of every system with its 95 % limits, the untranslated input as a line; one panel per direction."""
    directions = [name for name in DIRECTIONS if name in set(summary.direction)]
    rows = max(sum(summary.direction == name) for name in directions)
    figure, axes = plt.subplots(1, len(directions), squeeze=False, figsize=(TEXT_WIDTH, 0.9 + 0.24 * rows))
    for axis, direction in zip(axes[0], directions):
        part = summary[summary.direction == direction].sort_values(measure, kind="stable")
        for place, (_, row) in enumerate(part.iterrows()):
            interval(axis, place, (100 * row[f"{measure}_low"], 100 * row[f"{measure}_high"]), 100 * row[measure],
                     _colour(row.system, reference), size=5)
        floor = 100 * part.set_index("system")[measure].get(_FLOOR, np.nan)
        axis.axvline(floor, color=COLOURS["control"], linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(part)), part.label, fontsize=8)
        axis.set(title=labels.DIRECTION[direction], xlim=(-1, 101), xlabel=f"{measure} (%)")
    return figure


def curves(tables: DeepTables, systems: tuple[str, ...], ranks: int = 20) -> Figure:
    """Cumulative match curves above, ROC below, of some systems, trainings averaged; one column per direction."""
    figure, axes = plt.subplots(2, len(DIRECTIONS), sharey="row", squeeze=False, figsize=(TEXT_WIDTH, 6.2))
    for column, direction in enumerate(DIRECTIONS):
        match, roc = axes[:, column]
        for place, system in enumerate(systems):
            probes, points = (table[(table.direction == direction) & (table.system == system)]
                              for table in (tables.probes, tables.roc))
            if len(probes):
                style = {"color": list(COLOURS.values())[place % len(COLOURS)], "label": label(system),
                         **_LOOKS[place // 3 % len(_LOOKS)]}
                found = [100 * within(probes.nearer, probes.tied, rank).mean() for rank in range(1, ranks + 1)]
                match.plot(range(1, ranks + 1), found, **style)
                mean = 100 * points.groupby("far").tar.mean()
                roc.plot(100 * mean.index[1:], mean.iloc[1:], **style)
        match.set(title=labels.DIRECTION[direction], xlabel="rank", ylim=(0, 101),
                  xticks=[1, *range(5, ranks + 1, 5)])
        roc.set(xlabel="false accept rate (%)", xscale="log", ylim=(0, 101))
        roc.axvline(1, color=COLOURS["ink"], linewidth=0.5)
    axes[0, 0].set_ylabel("found among the nearest (%)")
    axes[1, 0].set_ylabel("true accept rate (%)")
    handles = {text: handle for axis in axes[0] for handle, text in zip(*axis.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def gains(table: pd.DataFrame, direction: str, measure: str = "rank-5") -> Figure:
    """``deep_statements.by_error``: gain over the grey input, thirds of people by the size of the error."""
    names, thirds = list(dict.fromkeys(table.system)), list(dict.fromkeys(table.third))
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 1.2 + 0.5 * len(names)))
    for place, system in enumerate(names):
        for step, third in enumerate(thirds):
            row = table[(table.system == system) & (table.third == third)].iloc[0]
            interval(axis, place + 0.22 * (step - 1), (100 * row.low, 100 * row.high), 100 * row.gain,
                     list(COLOURS.values())[step], size=5)
    axis.axvline(0, color=COLOURS["ink"], linewidth=0.7)
    axis.set_yticks(range(len(names)), [label(name) for name in names])
    axis.invert_yaxis()
    axis.set(title=labels.DIRECTION[direction], xlabel=f"{measure}, system minus untranslated input (points)")
    handles = [plt.Line2D([], [], marker="o", color=colour, label=third)
               for third, colour in zip(thirds, COLOURS.values())]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _colour(system: str, reference: str) -> str:
    return COLOURS["ours" if system == reference else {"ablation": "published"}.get(kind(system), kind(system))]
