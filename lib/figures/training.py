"""Figures of training: losses over epochs, attention scales, samples, schedules, and what makes it stable."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.base import images, labels
from lib.base.directions import DIRECTIONS
from lib.figures.style import COLOURS, DIRECTION_COLOURS, TEXT_WIDTH, face_grid
from lib.findings.stability_probes import COLLAPSED
from lib.model.settings import MsgSarlSettings

_TERMS = {"perceptual": "perceptual (Eq. 13)", "cycle": "cycle, L1 (Eq. 14)",
          "adversarial": "generator's\nadversarial (Eq. 12)", "discriminator": "discriminator's\nadversarial"}


def loss_curves(log: pd.DataFrame) -> Figure:
    """Epoch means of each loss in both directions; log: a run's ``log.csv``."""
    terms = [term for term in _TERMS if f"{DIRECTIONS[0]}/{term}" in log]
    figure, axes = plt.subplots(1, len(terms), figsize=(TEXT_WIDTH, 2.6), sharex=True)
    for axis, term in zip(axes, terms):
        for direction in DIRECTIONS:
            axis.plot(log["epoch"], log[f"{direction}/{term}"], ".-", markersize=4,
                      color=DIRECTION_COLOURS[direction], label=labels.TASK[direction])
        axis.set(xlabel="epoch")
        axis.set_title(_TERMS[term], fontsize=9)
    for term, level, text in (("adversarial", 1.0, "D certain"), ("discriminator", 0.25, "D guessing")):
        if term in terms:
            axis = axes[terms.index(term)]
            axis.axhline(level, color=COLOURS["control"], linewidth=0.8, linestyle=":")
            axis.annotate(text, (1, level), xycoords=("axes fraction", "data"), fontsize=7, ha="right", va="bottom",
                          color=COLOURS["control"])
    for axis in axes:
        axis.set_ylim(0, 1.1 * axis.dataLim.y1)
    axes[0].legend(fontsize=7)
    return figure


def samples_over_epochs(folder: Path, direction: str, sources: np.ndarray, targets: np.ndarray,
                        names: tuple[str, ...]) -> Figure:
    """A row per training pair: source, translations after the epochs kept in ``samples/``, target.

    sources, targets: uint8 faces (k, H, W[, 3]) of the first k names.
    """
    kept = sorted((folder / "samples").iterdir())
    rows = []
    for source, target, name in zip(sources, targets, names):
        made = [images.read_image(part / direction / f"{name}.png") for part in kept]
        rows.append([images.to_rgb(image) for image in (source, *made, target)])
    return face_grid(rows, column_labels=["source", *(f"epoch {int(part.name[5:])}" for part in kept), "target"])


def schedules(settings: dict[str, MsgSarlSettings]) -> Figure:
    """Learning rate over the share of training done, for several settings by label."""
    figure, axis = plt.subplots(figsize=(0.6 * TEXT_WIDTH, 2.6))
    for (label, s), colour in zip(settings.items(), ("published", "ours", "exemplar")):
        rates = [s.learning_rate_at(epoch) for epoch in range(s.epochs)]
        axis.step(np.arange(s.epochs + 1) / s.epochs, [*rates, rates[-1]], where="post",  # the last epoch to its end
                  color=COLOURS[colour], label=label)
    axis.set(yscale="log", xlabel="share of the epochs", ylabel="learning rate")
    axis.legend(fontsize=8)
    return figure


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
