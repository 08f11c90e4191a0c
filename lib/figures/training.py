"""Figures of training: losses over epochs, pictures on the way, and what makes it stable."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.base import images, labels
from lib.base.directions import DIRECTIONS
from lib.figures.style import COLOURS, DIRECTION_COLOURS, PART_COLOURS, TEXT_WIDTH, face_grid
from lib.findings.stability_probes import COLLAPSED


def all_trainings(logs: pd.DataFrame) -> Figure:
    """Losses over every training of the ablation: a line per training, those drawn bold that a discriminator won.

    logs: ``findings.training_outcomes.logs``.
    """
    panels = {"perceptual": "perceptual loss (Eq. 13)", "discriminator": "discriminator's loss"}
    figure, axes = plt.subplots(len(DIRECTIONS), len(panels), figsize=(TEXT_WIDTH, 5.2), sharex=True)
    for row, direction in zip(axes, DIRECTIONS):
        for axis, (term, title) in zip(row, panels.items()):
            for (msg, won), lines in logs[logs.direction == direction].groupby(["msg", "won"]):
                for _, line in lines.groupby(["system", "seed"]):
                    axis.plot(line.epoch, line[term], color=PART_COLOURS["MSG"] if msg else COLOURS["control"],
                              linewidth=2.4 if won else 0.9, alpha=1 if won else 0.7, zorder=3 if won else 2)
            axis.set_title(f"{labels.DIRECTION[direction]}: {title}", fontsize=10)
            axis.set_ylim(0, None)
        row[1].axhline(0.25, color=COLOURS["ink"], linewidth=0.8, linestyle=":")
        row[1].annotate("a draw", (1, 0.25), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9)
    for axis in axes[-1]:
        axis.set(xlabel="epoch", xlim=(1, logs.epoch.max()))
    marks = [plt.Line2D([], [], color=PART_COLOURS["MSG"], label="with MSG"),
             plt.Line2D([], [], color=COLOURS["control"], label="without MSG"),
             plt.Line2D([], [], color=PART_COLOURS["MSG"], linewidth=2.4, label="the discriminator has won")]
    figure.legend(handles=marks, loc="outside upper right", ncols=3, fontsize=9)
    return figure


def film(sources: np.ndarray, stages: Mapping[int, np.ndarray], targets: np.ndarray) -> Figure:
    """A row per training pair: source, its translations after some epochs, target; all uint8 faces (k, H, W[, 3])."""
    columns = [sources, *stages.values(), targets]
    rows = [[images.to_rgb(column[i]) for column in columns] for i in range(len(sources))]
    return face_grid(rows, column_labels=["source", *(f"epoch {epoch}" for epoch in stages), "target"],
                     cell_width=min(1.3, TEXT_WIDTH / len(columns)))


def stability(probes: pd.DataFrame) -> Figure:
    """First-epoch perceptual loss of probe runs by variant; a dot per run and direction.

    probes: columns variant, direction, perceptual.  The dotted line is ``COLLAPSED``.
    """
    variants = list(dict.fromkeys(probes["variant"]))
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 0.42 * len(variants) + 1.0))
    rng = np.random.default_rng(0)  # vertical scatter only
    for direction in DIRECTIONS:
        part = probes[probes["direction"] == direction]
        y = part["variant"].map(variants.index) + rng.uniform(-0.12, 0.12, len(part))
        axis.plot(part["perceptual"], y, "o", color=DIRECTION_COLOURS[direction], alpha=0.8,
                  label=labels.TASK[direction])
    axis.axvline(COLLAPSED, color=COLOURS["control"], linestyle=":", label=f"above {COLLAPSED:g}: collapsed")
    axis.set(xscale="log", xlabel="perceptual loss, mean over the first epoch", ylim=(len(variants) - 0.5, -0.5))
    axis.set_yticks(range(len(variants)), [textwrap.fill(variant, 48) for variant in variants], fontsize=9)
    axis.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axis.set_xticks([], minor=True)
    axis.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return figure
