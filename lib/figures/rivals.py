"""Figures of the exemplar rivals: one node step by step, detail, scores beside ours, cost."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.figures.style import COLOURS, DIRECTION_COLOURS, TEXT_WIDTH, Pictures, interval, show_face
from lib.rivals.exemplar.walkthrough import NodeStory

_CORNERS = ((1, 1), (-1, 1), (1, -1), (-1, -1))  # of a dot, where its label may stand: right or left, up or down


def node_story(face: np.ndarray, story: NodeStory, truth: np.ndarray, shown: int = 5) -> Figure:
    """One node: where it lies, its nearest candidates with their weights, their partners, and the sum.

    face, truth: uint8 test image and its real target, (H, W[, 3]).  shown: candidates drawn.
    """
    shown = min(shown, len(story.weights))
    figure = plt.figure(figsize=(9, 2.9), FigureClass=Pictures)
    grid = figure.add_gridspec(2, shown + 4, width_ratios=[2.2, 1, *[1] * shown, 0.25, 1])
    size = story.query.shape[0]
    rows, columns = slice(story.row, story.row + size), slice(story.column, story.column + size)
    panels = [(grid[:, 0], face, "test image"), (grid[0, 1], story.query, "patch $t$"),
              *((grid[0, 2 + k], story.sources[k], f"$x_{k + 1}$") for k in range(shown)),
              *((grid[1, 2 + k], story.targets[k], f"$w$ = {story.weights[k]:.2f}") for k in range(shown)),
              (grid[0, -1], truth[rows, columns], "real"), (grid[1, -1], story.estimate, r"$\sum w_k s_k$")]
    for place, image, title in panels:
        show_face(figure.add_subplot(place), image, title, interpolation="nearest")
    corner = (story.column, story.row)
    figure.axes[0].add_patch(Rectangle(corner, size, size, fill=False, color=COLOURS["ours"], linewidth=2))
    return figure


def detail_kept(table: pd.DataFrame) -> Figure:
    """Share of the real target's fine detail that each system keeps, mean and one standard deviation over faces.

    table: ``fine_detail.csv`` of a study: direction, system, mean, sd (1 = as strong as in the real target).
    """
    names = list(dict.fromkeys(table.system))
    figure, axes = plt.subplots(1, 2, figsize=(TEXT_WIDTH, 0.34 * len(names) + 0.9), sharex=True, sharey=True)
    for axis, direction in zip(axes, DIRECTIONS):
        for row in table[table.direction == direction].itertuples():
            colour = COLOURS["ours" if row.system == "msg-sarl" else "exemplar"]
            limits = 100 * (row.mean - row.sd), 100 * (row.mean + row.sd)
            interval(axis, names.index(row.system), limits, 100 * row.mean, colour)
        axis.axvline(100, color=COLOURS["ink"], linewidth=1, linestyle=":")
        axis.set(title=labels.DIRECTION[direction], xlabel="fine detail kept (% of the real target's)",
                 ylim=(len(names) - 0.4, -0.6))
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(names)), [labels.label_of(name) for name in names])
    return figure


def minus_ours(table: pd.DataFrame) -> Figure:
    """Exemplar methods minus MSG-SARL, 95 % limits, filled where clear; table: ``exemplar_scores.against_ours``."""
    names = list(dict.fromkeys(table.system))
    figure, axes = plt.subplots(1, 2, figsize=(TEXT_WIDTH, 0.42 * len(names) + 1.2), sharey=True)
    for axis, (metric, part) in zip(axes, table.groupby("metric", sort=False)):
        for row in part.itertuples():
            place = names.index(row.system) + (-0.16 if row.direction == DIRECTIONS[0] else 0.16)
            interval(axis, place, (row.low, row.high), row.estimate, DIRECTION_COLOURS[row.direction],
                     filled=row.p_holm < 0.05, size=6)
        axis.axvline(0, color=COLOURS["ink"], linewidth=1)
        axis.set(title=labels.METRIC[metric], xlabel="minus MSG-SARL (percentage points)",
                 ylim=(len(names) - 0.4, -0.6))
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(names)), [labels.label_of(name) for name in names])
    marks = [plt.Line2D([], [], color=colour, marker="o", label=labels.DIRECTION[direction])
             for direction, colour in DIRECTION_COLOURS.items()]
    marks.append(plt.Line2D([], [], ls="", marker="o", mfc="white", color=COLOURS["control"],
                            label="not significant (Holm)"))
    figure.legend(handles=marks, loc="outside lower center", ncols=3, fontsize=9)
    return figure


def quality_against_cost(table: pd.DataFrame) -> Figure:
    """SSIM and FSIM against processor seconds per image; ``table``: ``findings.exemplar_scores``, one direction."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, metric in zip(axes, ("ssim", "fsim")):
        axis.plot(table.cpu_seconds_per_image, table[metric], "o", color=COLOURS["exemplar"])
        axis.set(xscale="log", xlabel="processor seconds per image", ylabel=f"{metric.upper()} (per cent)")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.margins(x=0.25, y=0.15)
    figure.draw_without_rendering()  # from here on dots have their places
    for axis, metric in zip(axes, ("ssim", "fsim")):
        _label_dots(axis, table.cpu_seconds_per_image, table[metric], table.label)
    return figure


def _label_dots(axis: Axes, x: Sequence[float], y: Sequence[float], texts: Sequence[str]) -> None:
    """Write a label beside every dot, in the first corner where it covers no dot and no other label."""
    reach = (plt.rcParams["lines.markersize"] / 2 + 1) * axis.figure.dpi / 72  # pixels
    centres = axis.transData.transform(np.column_stack([x, y]))
    taken = [Bbox([centre - reach, centre + reach]) for centre in centres]
    for *place, text in zip(x, y, texts):
        label = axis.annotate(text, place, xytext=(0, 0), textcoords="offset points", fontsize=9)
        for right, up in (*_CORNERS, _CORNERS[0]):
            label.set(position=(5 * right, 4 * up), ha="left" if right > 0 else "right",
                      va="baseline" if up > 0 else "top")
            box = label.get_window_extent()
            if all(axis.bbox.contains(*corner) for corner in box.corners()) and not box.count_overlaps(taken):
                break
        taken.append(box.padded(reach))
