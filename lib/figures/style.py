"""The one look of every figure: fonts, sizes, one colour per system and metric; faces without axes, values with limits.

In a notebook, figures are PNG at twice the screen's resolution; figures made of faces (``Pictures``) are JPEG, since
PNG would be five times as large.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib_inline.config import InlineBackend

from lib.base.directions import DIRECTIONS

# Okabe-Ito colours: told apart with any colour vision.
COLOURS = {"ours": "#D55E00", "published": "#0072B2", "control": "#7A7A7A", "exemplar": "#009E73", "deep": "#CC79A7",
           "rival": "#8C6D46", "accent": "#E69F00", "second": "#56B4E9", "ink": "#222222"}
DIRECTION_COLOURS = dict(zip(DIRECTIONS, ("#222222", "#E69F00")))  # sketches as graphite, photos in colour
METRIC_COLOURS = {"ssim": "#332288", "fsim": "#AA4499", "scoot": "#117733"}  # Tol's; no system has these
PART_COLOURS = {"MSG": "#D55E00", "self-attention": "#0072B2", "cycle": "#009E73"}
TEXT_WIDTH = 9.0  # inches; a notebook column at 100 dpi


class Pictures(Figure):
    """A figure made of faces: ``plt.subplots(..., FigureClass=Pictures)``."""


def use_style() -> None:
    """Set matplotlib's defaults for the study; call once per notebook."""
    plt.rcParams.update({"figure.dpi": 100, "savefig.dpi": 150, "figure.constrained_layout.use": True, "font.size": 10,
                         "axes.titlesize": 11, "axes.titleweight": "normal", "axes.titlelocation": "left",
                         "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25,
                         "grid.linewidth": 0.6, "legend.frameon": False, "image.cmap": "gray",
                         "image.interpolation": "antialiased", "svg.hashsalt": "msg-sarl",
                         "axes.prop_cycle": plt.cycler(color=list(COLOURS.values()))})
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    InlineBackend.instance(parent=shell).figure_formats = {"retina"}
    formatters = shell.display_formatter.formatters
    formatters["image/png"].for_type(Pictures, lambda figure: None)
    formatters["image/jpeg"].for_type(Pictures, _as_jpeg)


def _as_jpeg(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="jpeg", dpi=150, bbox_inches="tight", pil_kwargs={"quality": 85})
    return data.getvalue()


def face_grid(rows: Sequence[Sequence[np.ndarray]], *, row_labels: Sequence[str] = (),
              column_labels: Sequence[str] = (), cell_width: float = 0.9) -> Figure:
    """Show uint8 images in a grid, rows of equal length, never stretched.

    rows: images (H, W) or (H, W, 3), all of one size.  cell_width: inches per image.
    """
    height, width = np.shape(rows[0][0])[:2]
    label_space = 0.09 * max((len(text) for text in row_labels), default=0)
    size = cell_width * len(rows[0]) + label_space, cell_width * height / width * len(rows) + 0.25 * bool(column_labels)
    figure, axes = plt.subplots(len(rows), len(rows[0]), squeeze=False, figsize=size, FigureClass=Pictures,
                                gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            show_face(axes[i, j], image, column_labels[j] if i == 0 and column_labels else None)
            if j == 0 and row_labels:
                axes[i, j].set_ylabel(row_labels[i], rotation=0, ha="right", va="center", fontsize=9)
    return figure


def show_face(axis: Axes, image: np.ndarray, title: str | None = None, **options) -> None:
    """A uint8 image (H, W[, 3]) without any axes; options: of ``imshow``."""
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, **options)
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(False)
    if title is not None:
        axis.set_title(title, fontsize=9, loc="center")


def interval(axis: Axes, row: float, limits: tuple[float, float], value: float, colour: str, *, marker: str = "o",
             size: float = 7, width: float = 2, filled: bool = True) -> None:
    """A value with its limits in a row of the axis; hollow where it says little."""
    axis.plot(limits, [row, row], color=colour, linewidth=width, solid_capstyle="butt", zorder=2)
    face = colour if filled else "white"
    axis.plot(value, row, marker, markersize=size, color=colour, markerfacecolor=face, zorder=3)

