"""Figures of the deep rivals: Tables IV-VII as pictures, differences with limits, learning curves, attention."""

from __future__ import annotations

import itertools
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.base import labels, systems
from lib.base.directions import DIRECTIONS
from lib.figures.style import COLOURS, TEXT_WIDTH, interval

# One colour a system, the same in every figure of them.
SYSTEM_COLOURS = dict(zip(("msg-sarl", *systems.of_kind("deep")), (
    COLOURS["ours"], COLOURS["control"], COLOURS["rival"], COLOURS["exemplar"], COLOURS["published"], COLOURS["second"],
    COLOURS["deep"])))


def published_trade_off(table: pd.DataFrame, metric: str = "ssim") -> Figure:
    """Tables IV-VII: a panel per table, a metric against FID, both better towards the upper right.

    table: ``findings.deep_rivals.scatter_of_print``.
    """
    parts = list(table.groupby("table", sort=False))
    figure, axes = plt.subplots(1, len(parts), figsize=(TEXT_WIDTH, 2.9))
    for axis, (name, part) in zip(axes, parts):
        for row in part.itertuples():
            colour = SYSTEM_COLOURS.get(systems.named(row.label), COLOURS["ink"])
            axis.plot(row.fid, getattr(row, metric), "o", color=colour, markersize=7, label=row.label)
        axis.invert_xaxis()
        axis.margins(x=0.15, y=0.15)
        axis.set_title(f"Table {name}: {part.database.iloc[0].upper()}\n{labels.DIRECTION[part.direction.iloc[0]]}",
                       fontsize=9)
        axis.set_xlabel("FID, smaller to the right")
    axes[0].set_ylabel(f"{labels.METRIC[metric]}, per cent")
    handles = dict(zip(*axes[0].get_legend_handles_labels()[::-1]))  # Table IV has all of them
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), fontsize=8)
    return figure


def ahead_of(table: pd.DataFrame) -> Figure:
    """MSG-SARL minus each rival with 95 % limits, beside the two printed differences; a panel per direction and metric.

    table: ``findings.deep_rivals.against_msg_sarl``.
    """
    panels = list(table.groupby(["metric", "direction"], sort=False))
    names = list(dict.fromkeys(table.system))
    figure, axes = plt.subplots(1, len(panels), figsize=(TEXT_WIDTH, 0.38 * len(names) + 1.3), sharey=True)
    for axis, ((metric, direction), part) in zip(np.atleast_1d(axes), panels):
        for row in part.itertuples():
            place = names.index(row.system)
            known = row.verdict in ("ahead", "behind")
            interval(axis, place, (row.low, row.high), row.estimate, COLOURS["ours"], filled=known)
            for mark, value in (("s", row.published_cufs), ("^", row.published_cufsf)):
                axis.plot(value, place + 0.22, mark, color=COLOURS["published"], markersize=4)
        axis.axvline(0, color=COLOURS["ink"], linewidth=0.8)
        axis.set_title(f"{labels.TASK[direction]}, {labels.METRIC[metric]}", fontsize=10)
        axis.grid(axis="y", visible=False)
        axis.set_xlabel("points ahead")
    first = np.atleast_1d(axes)[0]
    first.set(yticks=range(len(names)), yticklabels=[labels.label_of(name) for name in names],
              ylim=(len(names) - 0.5, -0.5))
    marks = [("o", COLOURS["ours"], "ours, CUHK Student"), ("s", COLOURS["published"], "printed, CUFS"),
             ("^", COLOURS["published"], "printed, CUFSF")]
    handles = [plt.Line2D([], [], marker=mark, color=colour, linestyle="") for mark, colour, _ in marks]
    figure.legend(handles, [text for *_, text in marks], loc="outside lower center", ncols=3, fontsize=8)
    return figure


def learning_curves(table: pd.DataFrame) -> Figure:
    """Scores of held-out training pairs after each epoch: a row per metric, a column per direction, a line per run.

    table: ``findings.learning_curves.of_study``.
    """
    metrics = [metric for metric in labels.METRIC if metric in set(table.metric)]
    figure, axes = plt.subplots(len(metrics), 2, squeeze=False, sharex=True, figsize=(TEXT_WIDTH, 2.5 * len(metrics)))
    for (row, metric), (column, direction) in itertools.product(enumerate(metrics), enumerate(DIRECTIONS)):
        axis, part = axes[row, column], table[(table.direction == direction) & (table.metric == metric)]
        for (system, run, seed), line in part.groupby(["system", "run", "seed"], sort=False):
            axis.plot(line.epoch, line["mean"], "-", color=SYSTEM_COLOURS.get(system, COLOURS["ink"]),
                      linewidth=2 if system == "msg-sarl" else 1.4, label=labels.label_of(system))
        axis.set(title=f"{labels.DIRECTION[direction]}, {labels.METRIC[metric]} (%)")
    for axis in axes[-1]:
        axis.set_xscale("log", base=2)  # most is learnt early, and some trainings are longer
        axis.xaxis.set_major_formatter(lambda epoch, _: f"{epoch:.0f}")
        axis.set_xlabel("epoch")
    named = dict(zip(*axes[0, 0].get_legend_handles_labels()[::-1]))
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=min(7, len(named)), fontsize=8)
    return figure


def work_and_score(work: pd.DataFrame, scores: pd.Series, label: str) -> Figure:
    """A score against the operations that the training took: a dot per system, other marks in its colour for other forms.

    work: ``findings.deep_rivals.work``.  scores: system → value.  label: the score's name.
    """
    figure, axis = plt.subplots(figsize=(0.8 * TEXT_WIDTH, 2.8))
    shown = Counter()  # of each system
    for name in work.index.intersection(scores.index):
        base = systems.base_name(name)
        axis.plot(work.tera_operations[name], scores[name], "oDs^"[shown[base] % 4], markersize=8,
                  color=SYSTEM_COLOURS.get(base, COLOURS["ink"]),
                  label=f"{labels.label_of(name)}, {work.generator_updates[name]:,} updates")
        shown[base] += 1
    axis.set(xscale="log", xlabel="operations of the whole training, 10¹²", ylabel=label)
    axis.margins(x=0.1, y=0.1)
    figure.legend(loc="outside right center", fontsize=8)
    return figure


def looking(table: pd.DataFrame) -> Figure:
    """How much each system looks at face, hair and background, beside the image's mean; a panel per direction.

    table: rows of ``looking.csv``; the whiskers are one standard deviation over faces.
    """
    regions = list(dict.fromkeys(table.region))
    figure, axes = plt.subplots(1, 2, figsize=(0.8 * TEXT_WIDTH, 2.6), sharey=True)
    names = list(dict.fromkeys(table.system))
    for axis, direction in zip(axes, DIRECTIONS):
        for offset, name in zip(np.linspace(-0.2, 0.2, len(names)), names):
            part = table[(table.direction == direction) & (table.system == name)].groupby("region", sort=False)
            means, spread = part.ratio.mean(), part.sd.mean()
            colour = SYSTEM_COLOURS.get(systems.base_name(name), COLOURS["ink"])
            axis.errorbar(np.arange(len(regions)) + offset, means[regions], spread[regions], fmt="o", capsize=3,
                          color=colour, label=labels.label_of(name))
        axis.axhline(1, color=COLOURS["control"], linewidth=0.8, linestyle=":")
        axis.set(title=labels.DIRECTION[direction], xticks=range(len(regions)), xticklabels=regions,
                 xlim=(-0.5, len(regions) - 0.5))
    axes[0].set_ylabel("attention, image's mean = 1")
    axes[0].legend(fontsize=8)
    return figure


