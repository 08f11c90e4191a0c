"""Figures of image quality: what the metrics mind, and where systems, floors and published numbers stand."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.base import labels, systems
from lib.figures.style import COLOURS, METRIC_COLOURS, TEXT_WIDTH, face_grid, interval


def sensitivity(table: pd.DataFrame) -> Figure:
    """Mean score in % of each change per metric; table: ``lib.metrics.sensitivity.sensitivity``."""
    changes = list(dict.fromkeys(table.change))
    means = 100 * table.groupby(["change", "metric"]).value.mean().unstack().loc[changes]
    figure, axis = plt.subplots(figsize=(0.75 * TEXT_WIDTH, 0.38 * len(changes) + 1))
    places = np.arange(len(changes))[::-1]
    for metric, marker, shift in (("ssim", "o", 0.22), ("fsim", "s", 0), ("scoot", "^", -0.22)):  # none hides another
        axis.plot(means[metric], places + shift, marker, color=METRIC_COLOURS[metric], label=labels.METRIC[metric])
    axis.set_yticks(places, changes)
    axis.set(xlim=(None, 101), xlabel="mean score of a real face, changed, against itself (%)")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def guess(real: np.ndarray, changed: Mapping[str, np.ndarray]) -> Figure:
    """The first face and its changed copies, below each its left eye, enlarged; uint8 stacks (n, 250, 200)."""
    shown = {"unchanged": real, **changed}
    eyes = [np.kron(faces[0][100:150, 50:90], np.ones((5, 5), np.uint8)) for faces in shown.values()]  # 250 × 200
    return face_grid([[faces[0] for faces in shown.values()], eyes],
                     column_labels=[textwrap.fill(name, 12) for name in shown], cell_width=TEXT_WIDTH / len(shown))


def blur_response(table: pd.DataFrame) -> Figure:
    """SSIM, FSIM and Scoot in % against the blur; table: ``lib.metrics.sensitivity.blur_response``."""
    figure, axis = plt.subplots(figsize=(0.7 * TEXT_WIDTH, 3))
    for metric, part in table.groupby("metric"):
        axis.plot(part.sigma, 100 * part.value, ".-", color=METRIC_COLOURS[metric], label=labels.METRIC[metric])
        best = part.loc[part.value.idxmax()]
        axis.plot(best.sigma, 100 * best.value, "o", mfc="none", ms=9, color=METRIC_COLOURS[metric])
    axis.set(xlabel="blur σ (pixels)", ylabel="mean score (%)")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), title="○ highest")
    return figure


def standing(tables: Mapping[str, pd.DataFrame], metrics: Sequence[str] = ("ssim", "fsim")) -> Figure:
    """Every system's mean and 95 % interval, coloured by kind, published values as diamonds; the legend is below.

    The ceiling is far above all others and stands as a number at the edge.  tables: by direction, as
    ``lib.findings.tables`` and ``published_tables`` make them.
    """
    kept = {direction: table[table.metric.isin(metrics) & (table.value.notna() | table.published.notna())]
            for direction, table in tables.items()}
    heights = [max(table.label.nunique(), 1) for table in kept.values()]
    figure, axes = plt.subplots(len(kept), len(metrics), squeeze=False, sharey="row",
                                figsize=(TEXT_WIDTH, 0.27 * sum(heights) + 1.1 * len(kept) + 0.3),
                                gridspec_kw={"height_ratios": heights})
    for row, (direction, table) in zip(axes, kept.items(), strict=True):
        rows = list(dict.fromkeys(table.label))
        for axis, metric in zip(row, metrics, strict=True):
            _dots(axis, table[table.metric == metric], rows)
            name = labels.METRIC[metric]
            axis.set(title=f"{labels.DIRECTION[direction]}, {name}", xlabel=f"{name} (%)")
        row[0].set_yticks(range(len(rows)), rows)
        row[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.legend(handles=_marks(pd.concat(kept.values())), loc="outside lower center", ncols=5, fontsize=9)
    return figure


def _marks(table: pd.DataFrame) -> list[plt.Line2D]:
    """What each mark in ``standing`` means, for those that occur."""
    shown = {_colour(system) for system in table.system[table.value.notna()]}
    named = {"control": "floors, ceiling", "exemplar": "exemplar rivals", "deep": "deep rivals",
             "ours": "MSG-SARL and ablations", "rival": "others"}
    marks = [plt.Line2D([], [], marker="o", ms=4, lw=2, color=COLOURS[kind], label=text)
             for kind, text in named.items() if COLOURS[kind] in shown]
    if table.published.notna().any():
        marks.append(plt.Line2D([], [], ls="", marker="D", ms=6, mfc="none", color=COLOURS["published"],
                                label="published"))
    if (table.system == "pixel-regression").any():
        marks.append(plt.Line2D([], [], lw=0.8, ls=":", color=COLOURS["control"], label="per-pixel regression"))
    return marks


def _dots(axis: Axes, table: pd.DataFrame, rows: list[str]) -> None:
    for entry in table.itertuples():
        place = rows.index(entry.label)
        if entry.system == "resized-target":  # far to the right of all others: a number at the edge
            axis.annotate(f"{entry.value:.1f} ▸", (1, place), xycoords=("axes fraction", "data"), ha="right",
                          va="center", color=COLOURS["control"])
        elif entry.value == entry.value:  # not NaN: we have run it
            interval(axis, place, (entry.low, entry.high), entry.value, _colour(entry.system), size=4)
        if entry.published == entry.published:
            axis.plot(entry.published, place, "D", ms=6, mfc="none", color=COLOURS["published"])
    for floor in table[table.system == "pixel-regression"].value.dropna():
        axis.axvline(floor, color=COLOURS["control"], lw=0.8, ls=":")


def _colour(system: str) -> str:
    return COLOURS[{"ablation": "ours", "deep": "deep", None: "rival"}.get(kind := systems.kind_of(system), kind)]
