"""Figures of the method: the data flow with true sizes, attention rows, what the loss terms see."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lib.figures.style import COLOURS, TEXT_WIDTH
from lib.model.settings import MsgSarlSettings

_FILL = {"image": "#F3E3C8", "generator": "#D8E6F3", "attention": "#F6D7C4", "judge": "#E4E0EE"}


def data_flow(settings: MsgSarlSettings) -> Figure:
    """Draw generator and discriminator as boxes at their scale: H on top, H/8 at the bottom."""
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, 4.6))
    axis.set(xlim=(-0.2, 15.2), ylim=(-0.75, 4.3))
    axis.axis("off")
    size, widths = settings.size, [settings.width * int(m) for m in settings.widths.split("-")]
    rows = {level: 3 - level for level in range(4)}  # y of H, H/2, H/4, H/8
    for level, y in rows.items():
        axis.text(-0.2, y + 0.47, f"H/{2 ** level} = {size // 2 ** level}" if level else f"H = {size}",
                  fontsize=8, color=COLOURS["control"], va="bottom")

    _box(axis, 0.3, 3, "photo", "image")
    encoder = [(1.9 + 1.0 * level, rows[level]) for level in range(4)]
    for level, (x, y) in enumerate(encoder):
        _box(axis, x, y, f"{'down' if level else 'conv 7×7'}\n{widths[level]}", "generator")
    sarb = [(6.0 + 0.95 * i, 0) for i in range(4)]
    for i, (x, y) in enumerate(sarb):
        _box(axis, x, y, f"SARB {i + 1}\n{widths[3]}", "attention" if settings.attention else "generator", width=0.85)
    decoder = [(9.4, 1), (10.0, 2), (10.6, 3)]
    for (x, y), level in zip(decoder, (2, 1, 0)):
        _box(axis, x, y, f"up, + skip\n{widths[level]}", "generator", width=1.1)
    judge = [(13.9, rows[level]) for level in range(4)]
    for stage, (x, y) in enumerate(judge, start=1):
        _box(axis, x, y, f"D stage {stage}\n{settings.width * 2 ** (stage - 1)}", "judge", width=1.05)

    _arrow(axis, (1.2, 3), (1.9, 3))
    for (x0, y0), (x1, y1) in zip(encoder, encoder[1:]):
        _arrow(axis, (x0 + 0.45, y0 - 0.25), (x1 + 0.2, y1 + 0.25))
    _arrow(axis, (encoder[3][0] + 0.9, 0), (6.0, 0))
    _arrow(axis, (sarb[3][0] + 0.85, 0.1), (9.75, 0.75))
    for (x0, y0), (x1, y1) in zip(decoder, decoder[1:]):
        _arrow(axis, (x0 + 0.5, y0 + 0.25), (x1 + 0.3, y1 - 0.25))
    for (x0, y0), (x1, _) in zip(encoder[:3], reversed(decoder)):
        _arrow(axis, (x0 + 0.9, y0), (x1, y0), dashed=True)
    axis.text(6.4, 3.08, "skip connections: element-wise sum", fontsize=8, color=COLOURS["control"])

    sources = {0: (decoder[2][0] + 1.1, 3), 1: (decoder[1][0] + 1.1, 2), 2: (decoder[0][0] + 1.1, 1), 3: (9.7, 0)}
    for level, (x, y) in sources.items():
        if level and not settings.msg:
            continue
        _box(axis, 12.0, y, "sketch" if level == 0 else f"$O_{3 - level}$", "image", width=0.8)
        _arrow(axis, (x, y), (12.0, y))
        _arrow(axis, (12.8, y), (13.9, y))
    for (x0, y0), (x1, y1) in zip(judge, judge[1:]):
        _arrow(axis, (x0 + 0.52, y0 - 0.25), (x1 + 0.52, y1 + 0.25))
    axis.text(14.42, -0.45, "patch map", fontsize=8, ha="center", color=COLOURS["control"])
    axis.text(7.85, -0.5, "SARM: residual block → 5×5 → self-attention, four times" if settings.attention
              else "SARM without attention", fontsize=8, ha="center", color=COLOURS["control"])
    return figure


def _box(axis: Axes, x: float, y: float, text: str, kind: str, width: float = 0.9) -> None:
    axis.add_patch(FancyBboxPatch((x, y - 0.25), width, 0.5, boxstyle="round,pad=0,rounding_size=0.07",
                                  facecolor=_FILL[kind], edgecolor="#555555", linewidth=0.7))
    axis.text(x + width / 2, y, text, ha="center", va="center", fontsize=7.5)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], dashed: bool = False) -> None:
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, linewidth=0.8, shrinkA=1, shrinkB=1,
                                   color="#999999" if dashed else "#333333", linestyle="--" if dashed else "-"))


def attention_rows(single: np.ndarray, double: np.ndarray) -> Figure:
    """Weights of one position over all positions, sorted, after one softmax and after two.

    single, double: (N,) weights that sum to one.
    """
    figure, axis = plt.subplots(figsize=(0.6 * TEXT_WIDTH, 2.8))
    for weights, label, colour in ((single, "one softmax (default)", "ours"),
                                   (double, "two, as printed in Eq. 6 and 7", "published")):
        ranked = np.sort(weights)[::-1] * len(weights)
        axis.plot(np.arange(1, len(weights) + 1), ranked, label=label, color=COLOURS[colour])
    axis.axhline(1, color=COLOURS["control"], linewidth=0.8)
    axis.text(len(weights), 1, "uniform", ha="right", va="bottom", fontsize=8, color=COLOURS["control"])
    axis.set(yscale="log", xlabel="position, by weight", ylabel="weight × N", title="What one position attends to")
    axis.legend(fontsize=8)
    return figure


def printed_against_used_gan_loss() -> Figure:
    """Discriminator objectives over its output on real (x) and synthesised (y) patches: as printed, and as used.

    As printed, y is real too: the generator does not occur.
    The dot is the best point shown: the optimum where there is one, else a corner.
    """
    grid = np.linspace(-3, 4, 141)
    real, fake = np.meshgrid(grid, grid)
    printed, used = real ** 2 + (1 - fake) ** 2, (real - 1) ** 2 + fake ** 2
    panels = (("printed: maximise $D(x)^2 + (1-D(y))^2$", printed, printed.argmax()),
              ("used: minimise $(D(x)-1)^2 + D(y)^2$", used, used.argmin()))
    figure, axes = plt.subplots(1, 2, figsize=(0.9 * TEXT_WIDTH, 3.2), sharey=True)
    for axis, (title, objective, best) in zip(axes, panels):
        scale = axis.contourf(grid, grid, objective, levels=np.arange(0, 34, 2), cmap="cividis")
        row, column = np.unravel_index(best, objective.shape)
        axis.plot(grid[column], grid[row], "o", color=COLOURS["ours"], clip_on=False, zorder=3)
        axis.set(title=title, xlabel="D on a real patch", aspect="equal")
        axis.grid(False)
    figure.colorbar(scale, ax=axes, label="value of the objective", shrink=0.85)
    axes[0].set_ylabel("D(y) on a synthesised patch\n(printed: on a real one)")
    return figure
