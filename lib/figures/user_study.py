"""Figures of the user study: the plan, the page, shares, strengths, power and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

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


def plan_figure(plan: pd.DataFrame) -> Figure:
    """Who sees what: one row per rater, one cell per trial, coloured by database; attention checks dark."""
    databases = sorted(plan.database.unique())
    kind = np.where(plan.kind == "check", len(databases), plan.database.map(databases.index))
    grid = pd.Series(kind, index=[plan.rater, plan.trial]).unstack().reindex(plan.rater.unique())
    palette = [COLOURS[name] for name in ("second", "accent", "exemplar", "rival", "published")]
    colours = [*palette[:len(databases)], COLOURS["ink"]]
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 0.35 * grid.shape[1] + 0.8))
    axis.imshow(grid.to_numpy(float).T, cmap=ListedColormap(colours), vmin=0, vmax=len(colours) - 1, aspect="auto",
                interpolation="none")
    axis.set(xlabel="rater", ylabel="trial", title=f"{grid.shape[0]} raters × {grid.shape[1]} trials",
             xticks=range(0, grid.shape[0], 5), xticklabels=range(1, grid.shape[0] + 1, 5),
             yticks=range(0, grid.shape[1], 3), yticklabels=range(1, grid.shape[1] + 1, 3))
    axis.set_xticks(np.arange(grid.shape[0] + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(grid.shape[1] + 1) - 0.5, minor=True)
    axis.grid(False)
    axis.grid(True, which="minor", color="white", alpha=1, linewidth=1.5)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)
    names = [*databases, "attention check"]
    axis.legend(handles=[Patch(color=colour, label=name) for colour, name in zip(colours, names)],
                loc="lower right", bbox_to_anchor=(1, 1), ncols=len(colours))
    return figure


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


def shares_figure(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], *, title: str,
                  truth: Mapping[str, float] | None = None, ours: str = "msg-sarl") -> Figure:
    """Share of first choices by system with intervals, one mark per table (their names are the legend).

    tables: frames with system, share, low, high in [0, 1].  truth: known shares, drawn as open diamonds.
    """
    order = list(next(iter(tables.values())).system)
    figure, axis = _interval_axis([labels.get(name, name) for name in order])
    shifts = np.linspace(-0.16, 0.16, len(tables)) if len(tables) > 1 else [0.0]
    for shift, (name, table), alpha in zip(shifts, tables.items(), np.linspace(1, 0.45, len(tables)), strict=True):
        table = table.set_index("system").loc[order]
        for row, (system, line) in enumerate(table.iterrows()):
            colour = COLOURS["ours" if labels.get(system, system) == labels.get(ours, ours) else "published"]
            interval(axis, row + shift, (line.low, line.high), line.share, to_rgba(colour, alpha), size=6)
        axis.plot([], [], "o-", color=COLOURS["control"], alpha=alpha, label=name)
    if truth is not None:
        axis.plot([truth[name] for name in order], range(len(order)), "D", markersize=9, markerfacecolor="none",
                  markeredgecolor=COLOURS["ink"], label="known truth", zorder=3)
    axis.axvline(1 / len(order), color=COLOURS["control"], linestyle=":", linewidth=1, label="all alike")
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.set(xlim=(0, None), xlabel="share of first choices, 95 % interval", title=title)
    axis.legend(fontsize=9)
    return figure


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
    axis.legend(loc="lower right", fontsize=9)
    return figure


def strengths_figure(strengths: pd.DataFrame, labels: Mapping[str, str], *, title: str,
                     truth: Mapping[str, float] | None = None, ours: str = "msg-sarl") -> Figure:
    """Worths of the choice model on a logarithmic axis, 1 being the geometric mean of the systems.

    strengths: system, log_worth, low, high.  truth: known log worths, drawn as open diamonds.
    """
    figure, axis = _interval_axis([labels.get(name, name) for name in strengths.system])
    for row, line in enumerate(strengths.itertuples()):
        interval(axis, row, np.exp([line.low, line.high]), np.exp(line.log_worth),
                 COLOURS["ours" if line.system == ours else "published"])
    if truth is not None:
        axis.plot(np.exp([truth[name] for name in strengths.system]), range(len(strengths)), "D", markersize=10,
                  markerfacecolor="none", markeredgecolor=COLOURS["ink"], label="known truth")
        axis.legend(fontsize=9)
    axis.set_xscale("log")
    ticks = [tick for tick in (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)
             if np.exp(strengths.low.min()) / 1.6 < tick < np.exp(strengths.high.max()) * 1.6]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticklabels([f"{tick:g}×" for tick in ticks])
    axis.axvline(1, color=COLOURS["control"], linestyle=":", linewidth=1)
    axis.set(xlabel="worth relative to the mean system, 95 % interval", title=title)
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
        axis.errorbar(rows.spread + shift * table.spread.max(), rows.coverage, 1.96 * rows.error, color=colour,
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
