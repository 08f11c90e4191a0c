"""Figures of the user study: the published votes, the page, differences, power and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator, PercentFormatter

from lib.base import systems
from lib.base.images import resize
from lib.figures.deep_rivals import SYSTEM_COLOURS
from lib.figures.style import COLOURS, TEXT_WIDTH, Pictures, interval


def votes_figure(votes: Mapping[str, int], per_row: int = 50) -> Figure:
    """Every vote as a square, most chosen system first; votes: label → count."""
    order = sorted(votes, key=lambda name: -votes[name])
    colours = np.repeat([system_colour(name) for name in order], [votes[name] for name in order])
    places = np.arange(len(colours))
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 2.0))
    axis.scatter(places % per_row, places // per_row, marker="s", s=80, c=colours)
    axis.set(xlim=(-1, per_row), ylim=(-(-len(colours) // per_row) - 0.4, -0.6))
    axis.axis("off")
    marks = [Patch(color=system_colour(name), label=f"{name}: {votes[name]}") for name in order]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(order))
    return figure


def system_colour(label: str) -> str:
    """The colour of a deep system by the name that people read."""
    return SYSTEM_COLOURS.get(systems.named(label), COLOURS["control"])


def screens_figure(screens: Mapping[str, np.ndarray], rows: Sequence[Sequence[str]],
                   width: float = TEXT_WIDTH) -> Figure:
    """Pictures of the page (uint8 RGB) in rows of equal height, each with its name above.  width: inches."""
    heights = [width / sum(screens[name].shape[1] / screens[name].shape[0] for name in row) for row in rows]
    figure = plt.figure(figsize=(width, sum(heights) + 0.35 * len(rows)), FigureClass=Pictures)
    bands = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for band, row, band_height in zip(bands, rows, heights, strict=True):
        axes = band.subplots(1, len(row), squeeze=False, gridspec_kw={
            "width_ratios": [screens[name].shape[1] / screens[name].shape[0] for name in row]})[0]
        for axis, name in zip(axes, row, strict=True):
            # Shrunk to the size they are drawn at: fewer bytes in the notebook, and text stays legible.
            pixels = round(1.5 * band_height * figure.dpi)
            across = round(pixels * screens[name].shape[1] / screens[name].shape[0])
            axis.imshow(resize(screens[name], pixels, across, "lanczos"), interpolation="antialiased")
            axis.set_title(name, fontsize=9)
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            axis.spines[:].set(visible=True, color="#b5b8b5", linewidth=0.8)
    return figure


def _interval_axis(names: Sequence[str]) -> tuple[Figure, Axes]:
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 0.42 * len(names) + 0.9))
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    return figure, axis


def pairs_figure(pairs: pd.DataFrame, labels: Mapping[str, str], *, title: str) -> Figure:
    """Differences of shares with intervals; pairs that differ after Holm's correction are filled."""
    names = [f"{labels.get(a, a)} − {labels.get(b, b)}" for a, b in zip(pairs["first"], pairs["second"])]
    figure, axis = _interval_axis(names)
    for row, line in enumerate(pairs.itertuples()):
        clear = line.p_holm < 0.05
        interval(axis, row, (line.low, line.high), line.difference, COLOURS["published" if clear else "control"],
                 filled=clear)
    axis.plot([], [], "o", color=COLOURS["published"], label="significant (Holm, 5 %)")
    axis.plot([], [], "o", color=COLOURS["control"], markerfacecolor="white", label="not significant")
    axis.axvline(0, color=COLOURS["ink"], linewidth=1)
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axis.set(xlabel="difference in first choices, percentage points, 95 % interval", title=title)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def power_figure(curves: Mapping[str, pd.Series], *, raters_had: int, title: str) -> Figure:
    """Chance to tell two systems apart against the number of raters (index of each series, log axis)."""
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 3.2))
    for (name, curve), colour in zip(curves.items(), (COLOURS["published"], COLOURS["exemplar"], COLOURS["ours"])):
        axis.plot(curve.index, curve.to_numpy(), color=colour, linewidth=2, label=name)
    axis.axhline(0.8, color=COLOURS["control"], linestyle=":", linewidth=1)
    axis.axvline(raters_had, color=COLOURS["ink"], linewidth=1)
    axis.annotate(f"the paper's {raters_had}", (raters_had, 1.0), xytext=(-5, 0), textcoords="offset points",
                  fontsize=9, ha="right", va="top")
    axis.set_xscale("log")
    most = max(curve.index.max() for curve in curves.values())
    ticks = [tick for tick in (10, 30, 100, 300, 1000, 3000, 10_000) if tick <= most]
    axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.set(xlabel="raters", ylabel="power", ylim=(0, 1.02), title=title)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
    return figure


def coverage_figure(table: pd.DataFrame) -> Figure:
    """Coverage of 95 % intervals by method against how much tastes differ (columns of ``coverage_table``)."""
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 3.0))
    colours = (COLOURS["control"], COLOURS["second"], COLOURS["rival"], COLOURS["ours"])
    for shift, (method, rows), colour in zip((-0.03, -0.01, 0.01, 0.03), table.groupby("method", sort=False), colours):
        half = 1.96 * rows.error
        reach = half, np.minimum(half, 1 - rows.coverage)  # no share passes 1
        axis.errorbar(rows.spread + shift * table.spread.max(), rows.coverage, reach, color=colour,
                      marker="o", linewidth=1.5, capsize=2,
                      label=f"{method} (mean width {100 * rows.width.mean():.1f} %)")
    axis.axhline(0.95, color=COLOURS["ink"], linestyle=":", linewidth=1)
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.set(xlabel="standard deviation of raters' and faces' own tastes (log worth)",
             ylabel="intervals with the truth", xticks=sorted(table.spread.unique()),
             title="How often a 95 % interval contains the truth (simulated)")
    axis.set_ylim(None, 1.01)
    axis.legend(fontsize=9, loc="lower left")
    return figure
