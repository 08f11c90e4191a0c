"""Shoulders and collar: crew neck, V-neck, shirt, jacket, turtleneck."""

from __future__ import annotations

import colorsys

import numpy as np

from lib.databases.portraits.curves import interpolate, smooth_curve
from lib.databases.portraits.geometry import MIDDLE, SIDES, Face
from lib.databases.portraits.raster import Grid, linear, over, step
from lib.databases.portraits.traits import Traits
from lib.databases.portraits.wild import Light

KINDS = ("crew neck", "V-neck", "shirt", "jacket", "turtleneck")


def garment(face: Face) -> dict:
    """Kind, outline ``polygon`` of the cloth, ``lines`` to draw and ``wings`` of a collar (curves), ``slope`` (y)."""
    t, n = face.t, face.neck_half
    kind = KINDS[min(int(t.collar * len(KINDS)), len(KINDS) - 1)]
    slope = 243 - 5.0 * t.shoulders
    lines = [smooth_curve([(MIDDLE + s * (n + 5), slope - 9), (MIDDLE + s * (n + 30), slope + 1),
                           (MIDDLE + s * (n + 80), slope + 14)], 24) for s in SIDES]
    dip = {"crew neck": slope + 2.5, "V-neck": 262.0, "shirt": 262.0, "jacket": 262.0, "turtleneck": slope - 16}[kind]
    if kind in ("crew neck", "turtleneck"):
        high = slope - 9 if kind == "crew neck" else slope - 24
        neck = smooth_curve([(MIDDLE - n - 4, high), (MIDDLE - 0.6 * n, dip - 3), (MIDDLE, dip),
                             (MIDDLE + 0.6 * n, dip - 3), (MIDDLE + n + 4, high)], 30)
        lines += [neck, neck + (0, 4.5 if kind == "crew neck" else 15)]
    else:
        neck = np.array([(MIDDLE - n - 4, slope - 9), (MIDDLE - 2, dip), (MIDDLE + 2, dip),
                         (MIDDLE + n + 4, slope - 9)])
        lines += [neck[:2], neck[2:]]
    polygon = np.concatenate([[(-30, 262)], lines[0][::-1], neck, lines[1], [(230, 262)]])
    wings = [np.array([(MIDDLE + s * (n - 1), slope - 17), (MIDDLE + s * (n + 10), slope - 7),
                       (MIDDLE + s * (n + 6 - 4), 252), (MIDDLE + s * 9, 262), (MIDDLE + s * (n - 10), slope + 2)])
             for s in SIDES if kind in ("shirt", "jacket")]
    return {"kind": kind, "polygon": polygon, "lines": lines, "wings": wings, "slope": slope}


def cloth_colour(traits: Traits) -> np.ndarray:
    """Linear-light colour (3, 1, 1) of the cloth."""
    saturation = 0.12 + 0.40 * abs(np.sin(9 * traits.cloth_hue + 4 * traits.cloth_light))
    colour = colorsys.hsv_to_rgb(traits.cloth_hue, saturation, 0.16 + 0.72 * traits.cloth_light)
    return linear([255 * part for part in colour])


def paint_clothes(canvas: np.ndarray, face: Face, grid: Grid, light: Light, rng: np.random.Generator) -> None:
    """Paint neckline, cloth and collar on a canvas (3, H, W) in place."""
    g = garment(face)
    part = grid.part(0, 205, 200, 250)
    here, x, y = canvas[part.index], part.x, part.y
    mask = part.polygon(g["polygon"], 0.35)
    folds = (0.10 * np.sin(0.16 * (x - MIDDLE) * np.sign(x - MIDDLE) + 0.22 * y + 4 * face.t.cloth_hue)
             * step(np.abs(x - MIDDLE), 30, 70))
    across = np.clip((x - MIDDLE) / 130, -1, 1)
    bright = 0.80 + 0.45 * light.vector[0] * across - 0.35 * across**2 + folds
    shade = light.ambient + light.key * np.clip(bright, 0, 1.2)
    shade = shade * (0.72 + 0.28 * step(y, g["slope"] - 14, g["slope"] + 6))
    tone = cloth_colour(face.t)
    weave = 1 + 0.05 * rng.standard_normal(mask.shape, np.float32)
    over(here, tone * (shade * weave), mask)
    edge = np.zeros(part.shape, np.float32)
    for line in g["lines"][2:]:
        dense = interpolate(line, np.linspace(0, 1, len(line)), np.linspace(0, 1, 300))
        edge += part.splat(dense, np.full(300, 0.8))
    here *= 1 - np.clip(0.5 * part.blur(edge, 0.6), 0, 0.4)
    if g["wings"]:
        pale = linear((238, 238, 240)) if g["kind"] == "jacket" else tone * 1.12 + 0.02
        for wing in g["wings"]:
            cover = part.polygon(wing, 0.35)
            here *= 1 - 0.30 * part.blur(cover, 1.5) * (1 - cover)
            over(here, pale * shade, cover)
