"""Figures of recognition: accuracy curves (the paper's Figs. 10 and 11), final accuracies, ranks, regions.

All take tables of ``lib.evaluation.recognition`` (``recognise_runs`` or ``statements``); accuracies are in per cent.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.base.images import to_grey
from lib.databases import PairedFaces
from lib.evaluation.recognition.recognise_runs import Tables
from lib.evaluation.recognition.statements import kind, label
from lib.evaluation.regions import REGIONS, mask
from lib.figures.style import COLOURS, TEXT_WIDTH, interval

TITLES = {"photo-to-sketch": "photo to sketch (cf. Fig. 10)", "sketch-to-photo": "sketch to photo (cf. Fig. 11)"}
# Many like curves: one entry in the legend.
_GROUPS = {"ablation": "ablations", "deep": "deep rivals", "exemplar": "exemplar rivals"}
_BLIND = ("mean-face", "wrong-person", "random-pairing")  # controls without the person: all are guessing
_DASHES = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 3)), (0, (4, 1, 1, 1))]
_REGION_COLOURS = {"face": "#D55E00", "hair": "#009E73", "background": "#0072B2"}


def accuracy_curves(tables: Tables, reference: str = "msg-sarl") -> Figure:
    """Mean accuracy over splits and seeds against the number of dimensions, one panel per direction.

    Bands show one standard deviation over splits, for the reference and the grey input; regions are left out.
    Ablations, exemplar rivals and the controls that must guess are thin lines under one name each:
    ``whole_and_face`` tells them apart.
    """
    chance = 100 / (tables.protocol.identities - tables.protocol.train)
    figure, axes = _panels(tables)
    for axis, direction in zip(axes, TITLES):
        rows = tables.curves[(tables.curves.direction == direction) & ~tables.curves.system.str.contains("@")]
        for (system, group), style in zip(rows.groupby("system", sort=False), _styles(rows, reference)):
            percent = 100 * group.pivot_table(index=["seed", "split"], columns="dimension", values="accuracy")
            mean = percent.mean()
            axis.plot(mean.index, mean, **style)
            if system in (reference, "grey-input"):
                sd = percent.std()
                axis.fill_between(mean.index, mean - sd, mean + sd, color=style["color"], alpha=0.15, linewidth=0)
        axis.axhline(chance, color=COLOURS["ink"], linewidth=0.6)
        axis.annotate("guessing", (1, chance), xycoords=("axes fraction", "data"), xytext=(0, 6), ha="right",
                      textcoords="offset points", fontsize=9)
        axis.set(title=TITLES[direction], xlabel="dimensions", xlim=(1, None), ylim=(0, 101))
    axes[0].set_ylabel("rank-1 accuracy (%)")
    _legend_below(figure, axes)
    return figure


def whole_and_face(summary: pd.DataFrame, reference: str = "msg-sarl") -> Figure:
    """Systems from the whole image (dot, limits over people) and from the inner face alone (cross), one panel per
    direction; controls that must guess and regions are left out.  summary: ``statements.summary``."""
    shown = summary[~summary.system.str.contains("@") & ~summary.system.isin(_BLIND)]
    shown = shown[shown.face_only.notna()]
    names = list(dict.fromkeys(shown.system))
    figure, axes = plt.subplots(1, 2, sharex=True, sharey=True, figsize=(TEXT_WIDTH, 0.28 * len(names) + 1.1))
    for axis, direction in zip(axes, TITLES):
        for row in shown[shown.direction == direction].itertuples():
            place, colour = names.index(row.system), colour_of(row.system, reference)
            interval(axis, place, (100 * row.low, 100 * row.high), 100 * row.accuracy, colour, size=6)
            axis.plot(100 * row.face_only, place, "x", color=colour, markersize=7, markeredgewidth=1.8)
        axis.set(title=TITLES[direction].split(" (")[0], xlabel="rank-1 accuracy (%)", ylim=(len(names) - 0.4, -0.6))
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(names)), [label(name) for name in names])
    marks = [plt.Line2D([], [], ls="", marker=mark, color=COLOURS["ink"], label=text)
             for mark, text in (("o", "whole image, 95 % limits"), ("x", "inner face alone"))]
    figure.legend(handles=marks, loc="outside lower center", ncols=2, fontsize=9)
    return figure


def mean_faces(faces: PairedFaces) -> tuple[np.ndarray, np.ndarray]:
    """Mean photo, grey, and mean sketch, uint8 (250, 200)."""
    return tuple(stack.mean(axis=0).round().astype(np.uint8) for stack in (to_grey(faces.photos), faces.sketches))


def regions(photo: np.ndarray, sketch: np.ndarray, summary: pd.DataFrame) -> Figure:
    """Where the regions lie, over two grey images (250, 200), and what the grey input gives from each alone."""
    figure, axes = plt.subplots(1, 3, figsize=(TEXT_WIDTH, 2.9), width_ratios=[1, 1, 2.4])
    for axis, image, title in zip(axes, (photo, sketch), ("drawn photos", "drawn sketches")):
        axis.imshow(_tinted(image))
        axis.set(title=title, xticks=[], yticks=[])
        axis.grid(False)
    whole = summary[summary.direction == "photo-to-sketch"].set_index("system")
    names = ["grey-input", *(f"grey-input@{region}" for region in REGIONS)]
    rows = 100 * whole.loc[names, ["accuracy", "low", "high"]]
    y = np.arange(len(names))
    axes[2].barh(y, rows.accuracy, height=0.6, color=[COLOURS["control"], *_REGION_COLOURS.values()],
                 xerr=np.abs(rows[["low", "high"]].sub(rows.accuracy, axis=0)).T, ecolor=COLOURS["ink"])
    axes[2].set_yticks(y, ["whole image", *(f"{region} only" for region in REGIONS)])
    axes[2].invert_yaxis()
    axes[2].set(xlabel="rank-1 accuracy of the untranslated input (%)", xlim=(0, 101))
    axes[2].grid(False, axis="y")
    return figure


def _tinted(image: np.ndarray) -> np.ndarray:
    """Grey image (H, W) uint8 → RGB in [0, 1] with the regions in their colours."""
    tinted = np.repeat(image[..., None] / 255, 3, axis=2)
    for region, colour in _REGION_COLOURS.items():
        inside = mask(region)
        tinted[inside] = 0.72 * tinted[inside] + 0.28 * np.array(plt.matplotlib.colors.to_rgb(colour))
    return tinted


def _panels(tables: Tables) -> tuple[Figure, np.ndarray]:
    """Two panels with room for a legend below; fewer entries than systems, since groups share one."""
    kinds = [kind(name) for name in tables.curves.system.unique() if "@" not in name]
    entries = kinds.count("control") + sum(group in kinds for group in _GROUPS) + 1
    return plt.subplots(1, 2, sharey=True, figsize=(TEXT_WIDTH, 3.4 + 0.19 * -(-entries // 3)))


def _legend_below(figure: Figure, axes: np.ndarray) -> None:
    handles: dict[str, object] = {}
    for axis in axes:
        for handle, text in zip(*axis.get_legend_handles_labels()):
            handles.setdefault(text, handle)
    legend = figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=9)
    for line in legend.get_lines():
        line.set_linewidth(max(line.get_linewidth(), 1.5))  # thin lines would not show their colour


def colour_of(system: str, reference: str) -> str:
    """Colour by kind; the reference, a system of ours, stands out from its ablations."""
    return COLOURS["ours" if system == reference else {"ablation": "published"}.get(kind(system), kind(system))]


def _styles(rows: pd.DataFrame, reference: str) -> list[dict]:
    """Colour by kind, dashes within the controls; groups thin under one name; the reference thick and on top."""
    names = list(dict.fromkeys(rows.system))
    controls = [name for name in names if kind(name) == "control" and name not in _BLIND]
    styles = []
    for system in names:
        alike = [name for name in names if kind(name) == kind(system) and name != reference]
        if system == reference:
            style = {"linewidth": 2.2, "zorder": 3, "label": label(system)}
        elif system in _BLIND:
            blind = [label(name) for name in names if name in _BLIND]
            style = {"linewidth": 0.9, "zorder": 2, "linestyle": ":", "label": ",\n".join(blind)}
        elif system in controls:
            dashes = _DASHES[controls.index(system) % len(_DASHES)]
            style = {"linewidth": 1.2, "zorder": 2, "linestyle": dashes, "label": label(system)}
        else:
            name = f"{_GROUPS[kind(system)]} ({len(alike)})" if len(alike) > 1 else label(system)
            style = {"linewidth": 0.7, "zorder": 2, "alpha": 0.8, "label": name}
        styles.append({"color": colour_of(system, reference), **style})
    return styles
