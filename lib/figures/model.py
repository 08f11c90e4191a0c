"""Figures of the method: its parts as diagrams with true sizes, attention rows, the terms of the objective."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import nn

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.figures.style import COLOURS, TEXT_WIDTH
from lib.model.settings import MsgSarlSettings

_FILL = {"image": "#F3E3C8", "generator": "#D8E6F3", "attention": "#F6D7C4", "judge": "#E4E0EE"}


def data_flow(settings: MsgSarlSettings) -> Figure:
    """Fig. 2: generator and discriminator as boxes at their scale, H on top, H/8 at the bottom, with their channels."""
    figure, axis = _canvas((-0.9, 15.1), (-0.75, 3.45), 4.3)
    size, widths = settings.size, [settings.width * int(m) for m in settings.widths.split("-")]
    for level in range(4):
        axis.text(-0.9, 3 - level, f"H/{2 ** level}\n{size // 2 ** level} px" if level else f"H\n{size} px",
                  fontsize=9, color=COLOURS["control"], va="center")
    encoder = [(1.75 + 1.05 * level, 3 - level) for level in range(4)]
    sarb = [(6.1 + 0.95 * i, 0) for i in range(4)]
    decoder = [(9.3, 1), (9.9, 2), (10.5, 3)]
    judge = [(13.9, 3 - level) for level in range(4)]
    _box(axis, 0.3, 3, "photo", "image", 1.0)
    for level, (x, y) in enumerate(encoder):
        _box(axis, x, y, f"{'down' if level else '7×7'}\n{widths[level]}", "generator", 0.95)
    for i, (x, y) in enumerate(sarb):
        _box(axis, x, y, f"SARB\n{i + 1}", "attention" if settings.attention else "generator", 0.85)
    for (x, y), level in zip(decoder, (2, 1, 0)):
        _box(axis, x, y, f"up, +\n{widths[level]}", "generator", 1.1)
    for stage, (x, y) in enumerate(judge, start=1):
        _box(axis, x, y, f"D{stage}\n{settings.width * 2 ** (stage - 1)}", "judge", 1.0)
    _arrow(axis, (1.3, 3), (1.75, 3))
    for (x0, y0), (x1, y1) in zip(encoder, encoder[1:]):
        _arrow(axis, (x0 + 0.5, y0 - 0.3), (x1 + 0.3, y1 + 0.3))
    _arrow(axis, (encoder[3][0] + 0.95, 0), (6.1, 0))
    _arrow(axis, (sarb[3][0] + 0.75, 0.3), (9.6, 0.7))
    for (x0, y0), (x1, y1) in zip(decoder, decoder[1:]):
        _arrow(axis, (x0 + 0.55, y0 + 0.3), (x1 + 0.4, y1 - 0.3))
    for (x0, y0), (x1, _) in zip(encoder[:3], reversed(decoder)):
        _arrow(axis, (x0 + 0.95, y0), (x1, y0), dashed=True)
    axis.text(6.4, 3.08, "skips: summed, not joined", fontsize=9, color=COLOURS["control"])
    leaves = {0: (decoder[2][0] + 1.1, 3), 1: (decoder[1][0] + 1.1, 2), 2: (decoder[0][0] + 1.1, 1), 3: (9.8, 0)}
    for level, (x, y) in leaves.items():
        if level and not settings.msg:
            continue
        _box(axis, 12.0, y, "sketch" if level == 0 else f"$O_{3 - level}$", "image", 1.1)
        _arrow(axis, (x, y), (12.0, y))
        _arrow(axis, (13.1, y), (13.9, y))
    for (x0, y0), (x1, y1) in zip(judge, judge[1:]):
        _arrow(axis, (x0 + 0.5, y0 - 0.3), (x1 + 0.5, y1 + 0.3))
    axis.text(14.4, -0.55, "patches:\nreal?", fontsize=9, ha="center", va="center", color=COLOURS["control"])
    axis.text(7.85, -0.55, "self-attention residual module", fontsize=9, ha="center", color=COLOURS["control"])
    return figure


def players() -> Figure:
    """Both directions with the four networks and every loss; the cycle runs from an image to itself."""
    figure, axis = _canvas((0, 12.6), (-0.4, 4.2), 3.9)
    for y, (source, made, there, back, judge) in ((3.8, ("photo", "sketch", "$G_{ps}$", "$G_{sp}$", "$D_s$")),
                                                  (0, ("sketch", "photo", "$G_{sp}$", "$G_{ps}$", "$D_p$"))):
        _box(axis, 0.1, y, f"real\n{source}", "image", 1.2)
        _box(axis, 2.2, y, there, "generator", 1.2)
        _box(axis, 4.3, y, f"synthesised\n{made}", "image", 1.9)
        _box(axis, 7.1, y, back, "generator", 1.2)
        _box(axis, 9.2, y, f"the {source}\nagain", "image", 1.4)
        for start, end in ((1.3, 2.2), (3.4, 4.3), (6.2, 7.1), (8.3, 9.2)):
            _arrow(axis, (start, y), (end, y))
        inwards = -1 if y else 1
        inner = y + 1.25 * inwards
        _box(axis, 1.9, inner, f"real\n{made}", "image", 1.4)
        _box(axis, 4.9, inner, judge, "judge", 1.2)
        _arrow(axis, (5.5, y + 0.3 * inwards), (5.5, inner - 0.3 * inwards))
        _arrow(axis, (3.3, inner), (4.9, inner))
        axis.plot([2.9, 4.5], [inner - 0.3 * inwards, y + 0.3 * inwards], color="#999999", linewidth=1, linestyle="--")
        axis.text(3.2, y + 0.62 * inwards, "perceptual (13)", fontsize=9, ha="right", va="center")
        axis.text(6.2, inner, "adversarial (12)", fontsize=9, va="center")
        axis.text(5.65, y + 0.62 * inwards, "by itself: total variation (15)", fontsize=9, va="center")
        axis.text(10.7, y, f"cycle (14):\nlike the real {source}", fontsize=9, va="center")
    return figure


def sarb(block: nn.Module) -> Figure:
    """Fig. 3, read off a SARB: residual block, 5×5 convolution, attention unit, global skip."""
    kernels = {name: module.kernel_size[0] for name, module in block.named_modules() if isinstance(module, nn.Conv2d)}
    first, second = (kernel for name, kernel in kernels.items() if name.startswith("block."))
    five = next(kernel for name, kernel in kernels.items() if name.startswith("conv5"))
    figure, axis = _canvas((0, 12.4), (-0.7, 1.5), 1.9)
    parts = [(0.2, "$F_i$", "image", 0.9), (1.9, f"conv {first}×{first}\nnorm, PReLU", "generator", 1.7),
             (4.0, f"conv {second}×{second}\nnorm", "generator", 1.5),
             (6.6, f"conv {five}×{five}\nnorm, PReLU", "generator", 1.7),
             (8.8, "self-\nattention", "attention", 1.3), (11.3, "$F_{i+1}$", "image", 0.9)]
    for x, text, kind, width in parts:
        _box(axis, x, 0, text, kind, width)
    for start, end in ((1.1, 1.9), (3.6, 4.0), (5.5, 5.85), (6.2, 6.6), (8.3, 8.8), (10.1, 10.45), (10.8, 11.3)):
        _arrow(axis, (start, 0), (end, 0))
    for x in (6.02, 10.62):
        axis.text(x, 0, "+", fontsize=14, ha="center", va="center")
    _skip(axis, 1.45, 6.02, 0.6, "local skip")
    _skip(axis, 1.3, 10.62, 1.1, "global skip")
    return figure


def attention_unit(unit: nn.Module) -> Figure:
    """Fig. 4, read off an attention unit: channel attention above, position attention below, their fusion."""
    inner, kernel = unit.position.query.out_channels, unit.position_conv.kernel_size[0]
    channels = unit.position.value.out_channels
    figure, axis = _canvas((0, 13.4), (-1.6, 1.4), 3.0)
    _box(axis, 0.1, 0, f"$M$\n{channels} ch.", "image", 1.1)
    _box(axis, 2.2, 0.95, "$x$ = softmax($MM^T$)\n(9)", "attention", 2.8)
    _box(axis, 5.7, 0.95, "$H = β\\,xM + M$\n(10)", "attention", 2.4)
    _box(axis, 1.75, -0.95, f"$A$, $B$, $C'$: 1×1\n{inner}, {inner}, {channels} ch.", "generator", 1.75)
    _box(axis, 3.7, -0.95, "$μ$ = softmax\n$(B^TA)$ (6, 7)", "attention", 1.8)
    _box(axis, 5.8, -0.95, "$E = α\\,C'μ^T + M$\n(8)", "attention", 2.3)
    for y in (0.95, -0.95):
        _box(axis, 8.5, y, f"ε: {kernel}×{kernel}", "generator", 1.1)
        _arrow(axis, (8.1, y), (8.5, y))
        _arrow(axis, (9.6, y), (9.95, 0.15 if y > 0 else -0.15))
    _arrow(axis, (1.2, 0.2), (2.2, 0.8))
    _arrow(axis, (1.2, -0.2), (1.75, -0.8))
    for start, end, y in ((5.0, 5.7, 0.95), (3.5, 3.7, -0.95), (5.5, 5.8, -0.95), (10.2, 10.5, 0), (11.5, 11.8, 0),
                          (12.15, 12.45, 0)):
        _arrow(axis, (start, y), (end, y))
    for x in (10.05, 11.97):
        axis.text(x, 0, "+", fontsize=14, ha="center", va="center")
    _box(axis, 10.5, 0, "γ: 1×1", "generator", 1.0)
    _box(axis, 12.45, 0, "$N$\n(11)", "image", 0.85)
    axis.plot([0.65, 0.65, 11.97, 11.97], [-0.3, -1.5, -1.5, -0.25], color="#999999", linewidth=1, linestyle="--")
    return figure


def _canvas(across: tuple[float, float], up: tuple[float, float], height: float) -> tuple[Figure, Axes]:
    figure, axis = plt.subplots(figsize=(TEXT_WIDTH, height))
    axis.set(xlim=across, ylim=up)
    axis.axis("off")
    return figure, axis


def _skip(axis: Axes, start: float, end: float, height: float, text: str) -> None:
    """A path over the boxes from the line into the plus sign."""
    axis.plot([start, start, end, end], [0, height, height, 0.25], color="#999999", linewidth=1, linestyle="--")
    axis.text((start + end) / 2, height + 0.04, text, ha="center", va="bottom", fontsize=9, color=COLOURS["control"])


def _box(axis: Axes, x: float, y: float, text: str, kind: str, width: float = 0.9) -> None:
    axis.add_patch(FancyBboxPatch((x, y - 0.3), width, 0.6, boxstyle="round,pad=0,rounding_size=0.07",
                                  facecolor=_FILL[kind], edgecolor="#555555", linewidth=0.7))
    axis.text(x + width / 2, y, text, ha="center", va="center", fontsize=9)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], dashed: bool = False) -> None:
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, linewidth=0.9, shrinkA=1, shrinkB=1,
                                   color="#999999" if dashed else "#333333", linestyle="--" if dashed else "-"))


def objective(log: pd.DataFrame, settings: MsgSarlSettings) -> Figure:
    """Eq. 16 over training: each term times its weight, as it enters the sum; log: a run's ``log.csv``."""
    terms = {"perceptual": (settings.perceptual_weight, "#332288"), "cycle": (settings.cycle_weight, "#009E73"),
             "adversarial": (settings.adversarial_weight, "#AA4499"), "tv": (settings.tv_weight, "#7A7A7A")}
    figure, axes = plt.subplots(1, 2, figsize=(TEXT_WIDTH, 3.0), sharey=True)
    for axis, direction in zip(axes, DIRECTIONS):
        for term, (weight, colour) in terms.items():
            name = {"tv": "total variation"}.get(term, term)
            axis.plot(log.epoch, weight * log[f"{direction}/{term}"], color=colour, label=f"{weight:g} × {name}")
        axis.set(title=labels.DIRECTION[direction], xlabel="epoch", xlim=(1, log.epoch.max()))
    axes[0].set(ylabel="term of Eq. 16", ylim=(0, None))
    axes[1].legend(loc="upper right")
    return figure


def attention_rows(single: np.ndarray, double: np.ndarray) -> Figure:
    """Weights of one position over all positions, sorted, after one softmax and after two.

    single, double: (N,) weights that sum to one.
    """
    figure, axis = plt.subplots(figsize=(0.6 * TEXT_WIDTH, 2.8))
    for weights, label, colour in ((single, "one softmax (default)", "ours"),
                                   (double, "two, as printed", "published")):
        ranked = np.sort(weights)[::-1] * len(weights)
        axis.plot(np.arange(1, len(weights) + 1), ranked, label=label, color=COLOURS[colour])
    axis.axhline(1, color=COLOURS["control"], linewidth=0.8)
    axis.text(len(weights), 1, "uniform", ha="right", va="bottom", fontsize=8, color=COLOURS["control"])
    axis.set(yscale="log", xlabel="positions, heaviest first", ylabel="weight × N (1: uniform)",
             title="What one position attends to")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.legend(fontsize=8)
    return figure


def printed_against_used_gan_loss() -> Figure:
    """Discriminator objectives over its output on two patches: as printed, where both are real, and as used.

    The dot is the best point shown: the optimum where there is one, else a corner.
    """
    grid = np.linspace(-3, 4, 141)
    real, other = np.meshgrid(grid, grid)
    printed, used = real ** 2 + (1 - other) ** 2, (real - 1) ** 2 + other ** 2
    panels = (("as printed, to be maximised", "$D$ on a real source image", printed, printed.argmax()),
              ("as used, to be minimised", "$D$ on a synthesised patch", used, used.argmin()))
    figure, axes = plt.subplots(1, 2, figsize=(0.85 * TEXT_WIDTH, 3.6))
    for axis, (title, second, value, best) in zip(axes, panels):
        shades = axis.contourf(grid, grid, value, levels=np.arange(0, 34, 2), cmap="cividis")
        row, column = np.unravel_index(best, value.shape)
        axis.plot(grid[column], grid[row], "o", color=COLOURS["ours"], markersize=9, clip_on=False, zorder=3)
        axis.set(title=title, xlabel="$D$ on a real target patch", ylabel=second, aspect="equal")
        axis.grid(False)
    figure.colorbar(shades, ax=axes, label="value of the objective", shrink=0.85)
    return figure
