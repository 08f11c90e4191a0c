"""Figures of the data notebook: galleries, pairing check, resize ceiling."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.databases import PairedFaces
from lib.figures.style import COLOURS, TEXT_WIDTH, face_grid


def gallery(faces: PairedFaces, count: int = 24, columns: int = 12) -> Figure:
    """The first ``count`` persons: a row of photos, below it the row of their sketches, and so on."""
    rows, labels = [], []
    count = min(count, len(faces))
    for start in range(0, count, columns):
        for label, images in (("photo", faces.photos), ("sketch", faces.sketches)):
            row = list(images[start:min(start + columns, count)])
            rows.append(row + [np.full_like(row[0], 255)] * (min(columns, count) - len(row)))
            labels.append(label)
    return face_grid(rows, row_labels=labels, cell_width=(TEXT_WIDTH - 0.6) / columns)


def pairing_scatter(table: pd.DataFrame) -> Figure:
    """Per sketch: correlation with its own photo (x) and with the best other one (y); one panel per order.

    table: ``findings.database_survey.pairing_by_sketch``.
    """
    orders = list(dict.fromkeys(table.sketches))
    figure, axes = plt.subplots(1, len(orders), figsize=(4.2 * len(orders), 4.2), sharex=True, sharey=True)
    for axis, order in zip(np.atleast_1d(axes), orders):
        here = table[table.sketches == order]
        for suspect, kind, label in ((False, "published", "no objection"), (True, "ours", "suspect")):
            part = here[here.suspect == suspect]
            axis.scatter(part.own, part.best_other, s=18, color=COLOURS[kind], alpha=0.75, label=label)
        axis.axline((0, 0), slope=1, color=COLOURS["control"], linewidth=0.8)
        axis.set(title=order, xlabel="correlation with the photo stored beside it", xlim=(-0.75, 1), ylim=(-0.75, 1),
                 aspect="equal")
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("correlation with the best other photo")
    first.annotate("another photo\nfits better", (-0.7, 0.95), va="top", color=COLOURS["control"])
    first.annotate("its own photo\nfits best", (0.95, -0.7), ha="right", color=COLOURS["control"])
    np.atleast_1d(axes)[-1].legend(loc="lower left")
    return figure


def ceiling_curves(table: pd.DataFrame) -> Figure:
    """Mean SSIM of sketches through each size: one line per interpolation, and padding; bars are one sd."""
    table = table[(table.domain == "sketch") & (table.metric == "ssim")]
    figure, axis = plt.subplots(figsize=(6.2, 3.4))
    others = iter(("control", "second", "exemplar", "rival", "published"))
    for (fit, resampling), line in table.groupby(["fit", "resampling"], sort=False):
        chosen = fit == "resize" and resampling == "bicubic"
        axis.errorbar(line["size"], 100 * line["mean"], 100 * line["sd"] if chosen else None, marker="o", ms=3.5,
                      linestyle="--" if fit == "pad" else "-", linewidth=2 if chosen else 1.2,
                      color=COLOURS["ours" if chosen else next(others)], zorder=3 if chosen else 2,
                      label=f"{resampling}, padded" if fit == "pad" else resampling)
    axis.set_xscale("log", base=2)
    axis.set(xlabel="side of the square (pixels)", ylabel="SSIM of the real sketch (%)",
             xticks=sorted(table["size"].unique()), xticklabels=sorted(table["size"].unique()))
    axis.legend(ncols=2, fontsize=9)
    return figure
