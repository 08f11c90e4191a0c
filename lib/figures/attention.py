"""Figures of self-attention: Fig. 5, and what it leaves out: rows of μ, α and β over training, what remains without."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.base import images, labels
from lib.evaluation.attention.measures import normalised_entropy
from lib.evaluation.attention.observing import POINTS, SARBS, Observation
from lib.figures.style import COLOURS, DIRECTION_COLOURS, TEXT_WIDTH, Pictures, show_face

_OCTAVES = 4  # weights are coloured from 1/16 to 16 times the uniform weight


def feature_maps(observations: Mapping[str, Observation], how: str = "mean-absolute", part: str = "features") -> Figure:
    """Fig. 5: a row per observation, by label: input, the map after each SARB on the grey input, output.

    how, part: as ``Block.map``.  Each map is divided by its largest value.
    """
    figure, grid = plt.subplots(len(observations), 6, figsize=(TEXT_WIDTH, 2.05 * len(observations) + 0.6),
                                squeeze=False, FigureClass=Pictures)
    for axes, (label, seen) in zip(grid, observations.items()):
        show_face(axes[0], seen.source, "input")
        axes[0].set_ylabel(label, fontsize=10)
        for axis, i, block in zip(axes[1:], SARBS, seen.blocks):
            strength = block.map(how, part)
            show_face(axis, images.to_grey(seen.source), f"SARB {i}")
            axis.imshow(seen.on_face(strength / strength.max()), cmap="inferno", alpha=0.75, vmin=0, vmax=1,
                        interpolation="nearest")
        show_face(axes[5], seen.output, "output")
    figure.colorbar(ScalarMappable(Normalize(0, 1), "inferno"), ax=grid, location="bottom", shrink=0.5, aspect=40,
                    label="mean absolute activation, share of the map's largest")
    return figure


def without(seen: Mapping[str, Observation], plain: Mapping[str, np.ndarray], factor: int = 50) -> Figure:
    """What attention adds to a picture: the output with it, without it, and their difference times ``factor``.

    seen: by label; plain: the outputs with α = β = 0, uint8, by the same labels.
    """
    figure, grid = plt.subplots(1, 3 * len(seen), figsize=(TEXT_WIDTH, 2.3), FigureClass=Pictures)
    for axes, (label, observation) in zip(np.split(grid, len(seen)), seen.items()):
        change = np.abs(observation.output.astype(float) - plain[label])
        for axis, image, title in zip(axes, (observation.output, plain[label],
                                             (255 - factor * change).clip(0, 255).astype(np.uint8)),
                                      (f"{label}: with", "without", f"difference × {factor}")):
            show_face(axis, image, title)
    return figure


def measures(table: pd.DataFrame, columns: Mapping[str, str]) -> Figure:
    """A number for each SARB and measure, shaded from 0 (white) to 1.

    table: index (task, SARB).  columns: column → title; one with a value above 1 is no share and stays unshaded.
    """
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 0.36 * len(table) + 0.9))
    values = table[list(columns)].to_numpy(float)
    shares = np.where((table[list(columns)].max() <= 1).to_numpy(), values, 0)
    axis.imshow(shares, cmap="Oranges", vmin=0, vmax=2, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axis.text(column, row, "–" if np.isnan(value) else f"{value:.2f}", ha="center", va="center")
    axis.set_xticks(range(len(columns)), columns.values())
    axis.set_yticks(range(len(table)), [f"{task}, SARB {sarb}" for task, sarb in table.index])
    axis.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    return figure


def rows(seen: Observation, points: Mapping[str, tuple[int, int]] = POINTS, softmax: str | None = None) -> Figure:
    """Where chosen pixels look: the input with the pixel marked, then its row of μ in each SARB.

    points: label → (x, y) in the face.  softmax: ``single`` or ``double`` instead of the network's own.
    """
    return _rows([(label, seen, point, softmax) for label, point in points.items()])


def _rows(lines: Sequence[tuple[str, Observation, tuple[int, int], str | None]]) -> Figure:
    figure, grid = plt.subplots(len(lines), 5, figsize=(TEXT_WIDTH, 2.4 * len(lines) + 0.75), squeeze=False,
                              FigureClass=Pictures)
    scale = Normalize(-_OCTAVES, _OCTAVES)
    for axes, (label, seen, (x, y), softmax) in zip(grid, lines):
        show_face(axes[0], seen.source)
        axes[0].set_ylabel(label, fontsize=9)
        for axis, i in zip(axes[1:], SARBS):
            weights = seen.row(i, (x, y), softmax)
            octaves = np.log2(np.maximum(weights * len(weights), 2.0 ** -_OCTAVES)).clip(-_OCTAVES, _OCTAVES)
            show_face(axis, images.to_grey(seen.source))
            # Transparent where the weight is uniform: a face without colour is one where nothing is singled out.
            octaves = seen.on_face(octaves)
            axis.imshow(octaves, cmap="coolwarm", norm=scale, interpolation="nearest",
                        alpha=np.where(octaves > 0, 0.9, 0.55) * np.abs(octaves) / _OCTAVES)
            axis.set_title(f"SARB {i}: entropy {normalised_entropy(weights):.2f}", fontsize=8, loc="center")
        for axis in axes:
            for colour, width in (("#111111", 2.2), ("#F0E442", 1.0)):
                axis.plot(x, y, "o", markersize=7, markerfacecolor="none", markeredgecolor=colour,
                          markeredgewidth=width)
    bar = figure.colorbar(ScalarMappable(scale, "coolwarm"), ax=grid, location="bottom", shrink=0.5, aspect=40,
                          label="weight × N (1: uniform)")
    bar.set_ticks([-4, -2, 0, 2, 4], labels=["≤ 1/16", "1/4", "1", "4", "≥ 16"])
    return figure


def scales(table: pd.DataFrame) -> Figure:
    """α and β over training, a column per SARB; table: ``lib.evaluation.attention.read_scales``, a line per seed."""
    figure, grid = plt.subplots(2, len(SARBS), figsize=(TEXT_WIDTH, 4.2), sharex=True, sharey="row")
    strokes = dict(zip(sorted(table.seed.unique()), itertools.cycle(["-", (0, (4, 1.5)), (0, (1, 1))])))
    for axes, (scale, symbol) in zip(grid, (("alpha", "α, position"), ("beta", "β, channel"))):
        for axis, i in zip(axes, SARBS):
            part = table[(table.scale == scale) & (table.sarb == i)]
            for (direction, seed), line in part.groupby(["direction", "seed"]):
                axis.plot(line.epoch, line.value, color=DIRECTION_COLOURS[direction], linewidth=1.1,
                          linestyle=strokes[seed])
            axis.axhline(0, color=COLOURS["control"], linewidth=0.8, zorder=0)
            axis.set_title(f"SARB {i}" if scale == "alpha" else "", fontsize=10)
        axes[0].set_ylabel(symbol)
    for axis in grid[1]:
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    marks = [plt.Line2D([], [], color=colour, label=labels.DIRECTION[direction])
             for direction, colour in DIRECTION_COLOURS.items()]
    marks += [plt.Line2D([], [], color=COLOURS["control"], linestyle=stroke, label=f"seed {seed}")
              for seed, stroke in strokes.items()]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), fontsize=8)
    return figure
