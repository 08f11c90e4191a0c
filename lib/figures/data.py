"""Figures of the data notebook: galleries, alignment, pairing check, resize ceiling."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.databases import PairedFaces, geometry
from lib.figures.style import COLOURS, TEXT_WIDTH, Pictures, face_grid

EYES = ((75, 125), (125, 125))  # x, y in the field's aligned geometry


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


def alignment(faces: PairedFaces) -> Figure:
    """Mean photo, mean sketch and the sketches' spread, with the places where the eyes should be."""
    spread = faces.sketches.astype(float).std(axis=0)
    panels = {"mean photo": faces.photos.mean(axis=0).round().astype(np.uint8),
              "mean sketch": faces.sketches.mean(axis=0), "sd of the sketches": 255 - 2 * spread}
    figure, axes = plt.subplots(1, 3, figsize=(6.3, 2.9), FigureClass=Pictures)
    for axis, (title, image) in zip(axes, panels.items()):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        for x, y in EYES:  # marks at the margin, so that the eyes stay visible
            axis.plot([x, x], [0, 16], [x, x], [234, 250], color=COLOURS["ours"], linewidth=1.4)
            axis.plot([0, 14], [y, y], [186, 200], [y, y], color=COLOURS["ours"], linewidth=1.4)
        axis.set_title(title)
        axis.set(xticks=[0, 75, 125, 200], yticks=[0, 125, 250], xlim=(0, 200), ylim=(250, 0))
        axis.grid(False)
    return figure


def pairing_scatter(table: pd.DataFrame) -> Figure:
    """Per sketch: correlation with its own photo (x) and with the best other one (y); one panel per order.

    table: ``findings.database_survey.pairing_by_sketch``.
    """
    orders = list(dict.fromkeys(table.sketches))
    figure, axes = plt.subplots(1, len(orders), figsize=(4.2 * len(orders), 4.2), sharex=True, sharey=True)
    for axis, order in zip(np.atleast_1d(axes), orders):
        here = table[table.sketches == order]
        for suspect, colour, label in ((False, COLOURS["published"], "no objection"), (True, COLOURS["ours"], "suspect")):
            part = here[here.suspect == suspect]
            axis.scatter(part.own, part.best_other, s=18, color=colour, alpha=0.75, label=label)
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


def through_sizes(face: np.ndarray, sizes: Sequence[int]) -> Figure:
    """One image as it is and after a way through squares of several sizes."""
    row = [face] + [geometry.through_square(face[None], size)[0] for size in sizes]
    return face_grid([row], column_labels=["as it is", *(f"through {size}" for size in sizes)], cell_width=1.5)
