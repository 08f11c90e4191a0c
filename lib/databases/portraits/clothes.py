"""Shoulders and collar: crew neck, V-neck, shirt, jacket, turtleneck."""

from __future__ import annotations

import colorsys

import numpy as np

from lib.databases.portraits.curves import smooth_curve
from lib.databases.portraits.geometry import MIDDLE, Face
from lib.databases.portraits.raster import Grid, linear, over, step

KINDS = ("crew neck", "V-neck", "shirt", "jacket", "turtleneck")


def garment(face: Face) -> dict:
    """Kind, outline polygon of the cloth and the lines an artist would draw."""
    t, n = face.t, face.neck_half
    kind = KINDS[min(int(t.collar * len(KINDS)), len(KINDS) - 1)]
    slope = 243 - 5.0 * t.shoulders
    lines = []
    shoulder = {
        s: np.array(
            [(MIDDLE + s * (n + 5), slope - 9), (MIDDLE + s * (n + 30), slope + 1), (MIDDLE + s * (n + 80), slope + 14)]
        )
        for s in (-1, 1)
    }
    for s in (-1, 1):
        lines.append(smooth_curve(shoulder[s], 24))
    dip = {"crew neck": slope + 2.5, "V-neck": 262.0, "shirt": 262.0, "jacket": 262.0, "turtleneck": slope - 16}[kind]
    if kind in ("crew neck", "turtleneck"):
        high = slope - 9 if kind == "crew neck" else slope - 24
        neck = smooth_curve(
            [
                (MIDDLE - n - 4, high),
                (MIDDLE - 0.6 * n, dip - 3),
                (MIDDLE, dip),
                (MIDDLE + 0.6 * n, dip - 3),
                (MIDDLE + n + 4, high),
            ],
            30,
        )
        lines += [neck, neck + (0, 4.5 if kind == "crew neck" else 15)]
    else:
        neck = np.array(
            [(MIDDLE - n - 4, slope - 9), (MIDDLE - 2, dip), (MIDDLE + 2, dip), (MIDDLE + n + 4, slope - 9)]
        )
        lines += [neck[:2], neck[2:]]
    polygon = np.concatenate([[(-30, 262)], lines[0][::-1], neck, lines[1], [(230, 262)]])
    wings = []
    if kind in ("shirt", "jacket"):
        for s in (-1, 1):
            wings.append(
                np.array(
                    [
                        (MIDDLE + s * (n - 1), slope - 17),
                        (MIDDLE + s * (n + 10), slope - 7),
                        (MIDDLE + s * (n + 6 - 4), 252),
                        (MIDDLE + s * 9, 262),
                        (MIDDLE + s * (n - 10), slope + 2),
                    ]
                )
            )
    return {"kind": kind, "polygon": polygon, "lines": lines, "wings": wings, "slope": slope}


def cloth_colour(traits) -> np.ndarray:
    saturation = 0.12 + 0.40 * abs(np.sin(9 * traits.cloth_hue + 4 * traits.cloth_light))
    return linear(
        [255 * part for part in colorsys.hsv_to_rgb(traits.cloth_hue, saturation, 0.16 + 0.72 * traits.cloth_light)]
    )


def paint_clothes(canvas, face: Face, grid: Grid, light, rng) -> None:
    g = garment(face)
    window = grid.window(0, 205, 200, 250)
    x, y = grid.axes(window)
    part = grid.crop(window)
    mask = part.polygon(g["polygon"], 0.35)
    folds = (
        0.10
        * np.sin(0.16 * (x - MIDDLE) * np.sign(x - MIDDLE) + 0.22 * y + 4 * face.t.cloth_hue)
        * step(np.abs(x - MIDDLE), 30, 70)
    )
    across = np.clip((x - MIDDLE) / 130, -1, 1)
    shade = light.ambient + light.key * np.clip(
        0.80 + 0.45 * light.vector[0] * across - 0.35 * across**2 + folds, 0, 1.2
    )
    shade = shade * (0.72 + 0.28 * step(y, g["slope"] - 14, g["slope"] + 6))
    tone = cloth_colour(face.t)
    weave = 1 + 0.05 * rng.standard_normal(mask.shape, np.float32)
    over(canvas[window], tone * (shade * weave), mask)
    edge = np.zeros(part.shape, np.float32)
    for line in g["lines"][2:]:
        dense = np.stack(
            [np.interp(np.linspace(0, 1, 300), np.linspace(0, 1, len(line)), line[:, k]) for k in (0, 1)], -1
        )
        edge += part.splat(dense, np.full(300, 0.8))
    canvas[window] *= (1 - np.clip(0.5 * part.blur(edge, 0.6), 0, 0.4))
    if g["wings"]:
        pale = linear((238, 238, 240)) if g["kind"] == "jacket" else tone * 1.12 + 0.02
        for wing in g["wings"]:
            cover = part.polygon(wing, 0.35)
            canvas[window] *= (1 - 0.30 * part.blur(cover, 1.5) * (1 - cover))
            over(canvas[window], pale * shade, cover)
