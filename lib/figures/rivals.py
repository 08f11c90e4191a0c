"""Figures of the exemplar rivals: one node step by step, the comparison of Fig. 1, detail, cost."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lib.base.images import to_rgb
from lib.base.labels import label_of
from lib.figures.style import COLOURS, face_grid, show_face
from lib.rivals.exemplar.walkthrough import NodeStory


def node_story(face: np.ndarray, story: NodeStory, truth: np.ndarray, shown: int = 5) -> Figure:
    """One node: where it lies, its nearest candidates with their weights, their partners, and the sum.

    face, truth: uint8 test image and its real target, (H, W[, 3]).  shown: candidates drawn.
    """
    shown = min(shown, len(story.weights))
    figure = plt.figure(figsize=(9, 2.9))
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


def comparison(columns: dict[str, np.ndarray], people: Sequence[int], cell_width: float = 1.08) -> Figure:
    """Fig. 1: one row per person, one column per method; ``columns`` maps labels to uint8 stacks (n, H, W[, 3])."""
    colour = any(faces.ndim == 4 for faces in columns.values())
    rows = [[to_rgb(faces[i]) if colour else faces[i] for faces in columns.values()] for i in people]
    return face_grid(rows, column_labels=list(columns), cell_width=cell_width)


def detail_kept(table: pd.DataFrame) -> Figure:
    """Share of the real target's fine strokes that each method keeps: dots per image, a bar at the mean.

    table: columns label, kept (1 = as strong as in the real target), one row per image, methods in order.
    """
    names = list(dict.fromkeys(table.label))
    figure, axis = plt.subplots(figsize=(6.5, 0.36 * len(names) + 0.8))
    for place, label in enumerate(names):
        values = 100 * table.kept[table.label == label]
        jitter = np.linspace(-0.22, 0.22, len(values))
        axis.plot(values, place + jitter, ".", alpha=0.35, markersize=4,
                  color=COLOURS["ours" if label == label_of("msg-sarl") else "exemplar"])
        axis.plot([values.mean()] * 2, [place - 0.32, place + 0.32], color=COLOURS["ink"], linewidth=2)
    axis.axvline(100, color=COLOURS["published"], linewidth=1)
    axis.annotate("real target", (100, 0), xycoords=("data", "axes fraction"), xytext=(3, 3),
                  textcoords="offset points", color=COLOURS["published"], fontsize=9)
    axis.set(yticks=range(len(names)), yticklabels=names, xlim=(0, None), ylim=(len(names) - 0.5, -0.5),
             xlabel="fine detail kept (per cent of the real target's, per image)")
    axis.grid(axis="y", visible=False)
    return figure


def quality_against_cost(table: pd.DataFrame) -> Figure:
    """SSIM and FSIM against processor seconds per image; ``table``: ``findings.exemplar_scores``, one direction."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, metric in zip(axes, ("ssim", "fsim")):
        axis.plot(table.cpu_seconds_per_image, table[metric], "o", color=COLOURS["exemplar"])
        for row in table.itertuples():
            axis.annotate(row.label, (row.cpu_seconds_per_image, getattr(row, metric)), xytext=(5, 4),
                          textcoords="offset points", fontsize=9)
        axis.set(xscale="log", xlabel="processor seconds per image", ylabel=f"{metric.upper()} (per cent)")
        axis.margins(x=0.25, y=0.15)
    return figure


def choices(table: pd.DataFrame, label: str) -> Figure:
    """Change of SSIM and FSIM by one changed option, on held-out training pairs.

    table: rows of ``exemplar_choices.csv`` for one system and direction; label: the system's name.
    """
    default = table[table.change == "default"].iloc[0]
    changes = table[table.change != "default"]
    figure, axis = plt.subplots(figsize=(6.5, 0.27 * len(changes) + 0.9))
    for offset, metric, colour in ((-0.15, "ssim", COLOURS["ours"]), (0.15, "fsim", COLOURS["published"])):
        axis.barh(np.arange(len(changes)) + offset, 100 * (changes[metric] - default[metric]), height=0.3, color=colour,
                  label=metric.upper())
    axis.axvline(0, color=COLOURS["ink"], linewidth=0.8)
    axis.set(yticks=range(len(changes)), yticklabels=changes.change, ylim=(len(changes) - 0.5, -0.5),
             xlabel="change in percentage points", title=f"{label}: one choice changed")
    axis.grid(axis="y", visible=False)
    axis.legend()
    return figure


def growth(table: pd.DataFrame) -> Figure:
    """Cost against the number of training pairs: fitting, an image, memory (``exemplar_growth.csv``)."""
    panels = (("cpu_seconds_fit", "fitting (processor s)"), ("cpu_seconds_per_image", "one image (processor s)"),
              ("peak_memory_mb", "peak memory (MB)"))
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.9))
    for axis, (column, label) in zip(axes, panels):
        for system, part in table.groupby("system", sort=False):
            axis.plot(part.pairs, part[column], "o-", markersize=4, label=system)
        axis.set(xlabel="training pairs", ylabel=label, ylim=(0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure
