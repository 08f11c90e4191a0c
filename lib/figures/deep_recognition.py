"""Figure of recognition by a network that never saw a sketch: rates with limits, in per cent."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.figures.recognition import colour_of
from lib.figures.style import COLOURS, TEXT_WIDTH, interval

_FLOOR = "grey-input"


def rates(summary: pd.DataFrame, reference: str = "msg-sarl", measure: str = "rank-1") -> Figure:
    """One measure of every system with its 95 % limits, the untranslated input as a line; one panel per direction."""
    directions = [name for name in DIRECTIONS if name in set(summary.direction)]
    rows = max(sum(summary.direction == name) for name in directions)
    figure, axes = plt.subplots(1, len(directions), squeeze=False, figsize=(TEXT_WIDTH, 0.9 + 0.24 * rows))
    for axis, direction in zip(axes[0], directions):
        part = summary[summary.direction == direction].sort_values(measure, kind="stable")
        for place, (_, row) in enumerate(part.iterrows()):
            interval(axis, place, (100 * row[f"{measure}_low"], 100 * row[f"{measure}_high"]), 100 * row[measure],
                     colour_of(row.system, reference), size=5)
        floor = 100 * part.set_index("system")[measure].get(_FLOOR, np.nan)
        axis.axvline(floor, color=COLOURS["control"], linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(part)), part.label, fontsize=8)
        axis.set(title=labels.DIRECTION[direction], xlim=(-1, 101), xlabel=f"{measure} (%)")
    return figure
