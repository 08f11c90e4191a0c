"""Figures of self-attention: Fig. 5, and what it leaves out: rows of μ, α and β over training, entropies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from lib.base import images, labels
from lib.base.directions import DIRECTIONS
from lib.evaluation.attention.measures import normalised_entropy
from lib.evaluation.attention.observing import POINTS, SARBS, Observation
from lib.figures.style import COLOURS, DIRECTION_COLOURS, TEXT_WIDTH, show_face

_OCTAVES = 4  # weights are coloured from 1/16 to 16 times the uniform weight
_ENTROPY = {"position_entropy": "entropy of μ (position)\n1 uniform, 0 one-hot",
            "position_dependence": "difference of the rows of μ\n0 all equal, 1 each its own",
            "channel_entropy": "entropy of x (channel)\n1 uniform, 0 one-hot"}
_INFLUENCE = {"position_share": "position attention beside\nits input, ‖α·attended‖ / ‖M‖",
              "channel_share": "channel attention beside\nits input, ‖β·attended‖ / ‖M‖",
              "off": "change of the output at\nα = β = 0 (grey levels of 255)"}


def feature_maps(observations: Mapping[str, Observation], how: str = "mean-absolute", part: str = "features") -> Figure:
    """Fig. 5: a row per observation, by label: input, the map after each SARB on the grey input, output.

    how, part: as ``Block.map``.  Every map has its own scale, dark its least and bright its greatest value.
    """
    figure, grid = plt.subplots(len(observations), 6, figsize=(TEXT_WIDTH, 2.05 * len(observations)), squeeze=False)
    for axes, (label, seen) in zip(grid, observations.items()):
        show_face(axes[0], seen.source, "input")
        axes[0].set_ylabel(label, fontsize=9)
        for axis, i, block in zip(axes[1:], SARBS, seen.blocks):
            show_face(axis, images.to_grey(seen.source), f"SARB {i}")
            axis.imshow(seen.on_face(block.map(how, part)), cmap="inferno", alpha=0.75, interpolation="nearest")
        show_face(axes[5], seen.output, "output")
    return figure


def rows(seen: Observation, points: Mapping[str, tuple[int, int]] = POINTS, softmax: str | None = None) -> Figure:
    """Where chosen pixels look: the input with the pixel marked, then its row of μ in each SARB.

    points: label → (x, y) in the face.  softmax: ``single`` or ``double`` instead of the network's own.
    """
    return _rows([(label, seen, point, softmax) for label, point in points.items()])


def softmaxes(compared: Sequence[tuple[str, Observation, str | None]],
              point: tuple[int, int] = POINTS["eye"]) -> Figure:
    """One pixel's row of μ under several softmaxes; compared: label, observation, softmax (None: its own)."""
    return _rows([(label, seen, point, softmax) for label, seen, softmax in compared])


def _rows(lines: Sequence[tuple[str, Observation, tuple[int, int], str | None]]) -> Figure:
    figure, grid = plt.subplots(len(lines), 5, figsize=(TEXT_WIDTH, 2.4 * len(lines) + 0.75), squeeze=False)
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


def entropy(table: pd.DataFrame, systems: Mapping[str, str]) -> Figure:
    """Entropy of both attentions over its maximum, and how much the rows of μ differ, per SARB and direction.

    table: ``attention.csv``.  systems: name → label of those shown.  A dot is the mean over the faces of one
    seed, its line ± their standard deviation.
    """
    figure, grid = _by_sarb(table, systems, _ENTROPY, sharey=True)
    grid[0, 0].set_ylim(-0.04, 1.04)
    return figure


def influence(table: pd.DataFrame, systems: Mapping[str, str]) -> Figure:
    """What attention adds to its input, and by how much the output changes without; arguments as ``entropy``."""
    figure, grid = _by_sarb(table, systems, _INFLUENCE, sharey="col")
    for axis in grid[0]:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=20))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())
    return figure


def _by_sarb(table: pd.DataFrame, systems: Mapping[str, str], panels: Mapping[str, str],
             sharey: bool | str) -> tuple[Figure, np.ndarray]:
    """A row per direction, a column per quantity, SARB 1 to 4 across, systems and seeds side by side."""
    figure, grid = plt.subplots(2, len(panels), figsize=(TEXT_WIDTH, 4.6), sharex=True, sharey=sharey)
    colours = dict(zip(systems, itertools.cycle(("ours", "published", "exemplar", "rival", "accent", "second"))))
    for axes, direction in zip(grid, DIRECTIONS):
        for axis, quantity in zip(axes, panels):
            chosen = (table.direction == direction) & (table.quantity == quantity) & (table.sarb != "all")
            for place, (system, label) in enumerate(systems.items()):
                part = table[chosen & (table.system == system)]
                rank = part.seed.rank(method="dense") - (part.seed.nunique() + 1) / 2  # seeds side by side
                aside = 0.2 * (place - (len(systems) - 1) / 2) + 0.06 * rank
                axis.errorbar(part.sarb.astype(int) + aside, part["mean"], part.sd, fmt="o", markersize=3.5,
                              linewidth=1, label=f"{label}; a dot per seed, ± sd over its faces",
                              color=COLOURS[colours[system]])
        axes[0].set_ylabel(labels.DIRECTION[direction])
    for axis, title in zip(grid[0], panels.values()):
        axis.set_title(title, fontsize=9)
    for axis in grid[1]:
        axis.set(xlabel="SARB", xticks=SARBS)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure, grid
