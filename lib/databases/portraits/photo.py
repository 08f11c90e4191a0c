"""The photograph: the relief lit by a soft key light, with eyes, lips, brows, hair, clothes and a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.databases.portraits import beards, details, strands
from lib.databases.portraits.clothes import paint_clothes
from lib.databases.portraits.geometry import EYE_LEVEL, MIDDLE, SIDES, Face
from lib.databases.portraits.hair import Hair
from lib.databases.portraits.raster import Grid, bell, blur, double_size, half_size, linear, over, rgb, step
from lib.databases.portraits.surface import Relief
from lib.databases.portraits.traits import Traits
from lib.databases.portraits.wild import Light

SKIN = [linear(tone) for tone in (
    (246, 222, 208), (238, 204, 184), (226, 186, 160), (204, 160, 130), (172, 128, 99), (128, 92, 70), (92, 66, 53))]


@dataclass(frozen=True)
class Sitter:
    """What the artist knows of the person: face, relief and hair, and of the picture only where hair is and shines.

    coverage, shine: (H, W), share of hair and its brightness.
    """

    face: Face
    relief: Relief
    hair: Hair
    coverage: np.ndarray
    shine: np.ndarray


def skin_tone(traits: Traits) -> np.ndarray:
    """Linear-light colour (3, 1, 1) of the skin."""
    place = traits.complexion * (len(SKIN) - 1.001)
    k = int(place)
    tone = SKIN[k] + (place - k) * (SKIN[k + 1] - SKIN[k])
    return tone * (1 + rgb(0.02, 0.012, -0.07) * traits.undertone)


def albedo(face: Face, relief: Relief, rng: np.random.Generator) -> np.ndarray:
    """Skin colour map (3, H, W): blood in cheeks, nose and ears, freckles, moles, shadow of a shaven beard."""
    t, grid = face.t, relief.grid
    h, w = grid.shape
    red = np.zeros(grid.shape, np.float32)
    for side in SIDES:
        red += 0.9 * bell(grid.y, EYE_LEVEL + 28, 13) * bell(grid.x, MIDDLE + side * 37, 13)
        red += 0.35 * bell(grid.y, EYE_LEVEL + 5, 8) * bell(grid.x, MIDDLE + side * 22, 11)
    red += 0.8 * bell(grid.y, face.nose["tip"], 7) * bell(grid.x, MIDDLE, 9)
    red += 0.35 * bell(grid.y, face.chin_y - 10, 8) * bell(grid.x, MIDDLE, 12)
    red *= 0.25 + 0.75 * t.ruddiness
    mottle = double_size(blur(rng.standard_normal((h // 2 + 1, w // 2 + 1), np.float32), 1.0 * grid.scale))
    red += 0.6 * mottle[:h, :w]
    dark = np.zeros(grid.shape, np.float32)
    for side in SIDES:  # thin skin around the eyes
        dark += (0.10 + 0.12 * t.eye_bags) * bell(grid.y, EYE_LEVEL + 9, 5) * bell(grid.x, MIDDLE + side * 22, 10)
        dark += 0.10 * bell(grid.y, EYE_LEVEL - 6, 6) * bell(grid.x, MIDDLE + side * 22, 13)
    if t.masculinity > 0:
        beard = step(grid.y, face.nose["base"] - 6, face.nose["base"] + 22) * np.ones_like(grid.x)
        dark += 0.11 * t.masculinity * (0.3 + 0.7 * t.hair_dark) * beard
    count = int(160 * max(0, t.freckles - 0.45))
    if count:
        place = np.stack([rng.normal(MIDDLE, 30, count), rng.normal(EYE_LEVEL + 20, 12, count)], -1)
        dark += grid.blur(grid.splat(place, rng.uniform(0.3, 1.0, count)), 0.55) * (1.1 * grid.scale**2)
    for x, y, size in details.moles(face):
        dark += 1.5 * bell(grid.y, y, size) * bell(grid.x, x, size)
    base = skin_tone(t)
    tint = rgb(0.10, -0.26, -0.24) * (0.55 if t.complexion > 0.6 else 1.0)
    shade = rgb(-0.42, -0.52, -0.55)
    return base * np.clip(1 + red * tint + np.clip(dark, 0, 1.6) * shade, 0.12, 1.6)


def lit(light: Light, normal: tuple[np.ndarray, np.ndarray, np.ndarray], occlusion: np.ndarray,
        wrap: tuple[float, float, float] = (0.30, 0.20, 0.16)) -> np.ndarray:
    """Light (3, H, W) that reaches a surface; wrapped, more so in red, as light bleeds through skin.

    normal: x, y, z, each (H, W).  occlusion: (H, W), share of the surroundings in view.
    """
    nx, ny, nz = normal
    d = nx * light.vector[0] + ny * light.vector[1] + nz * light.vector[2]
    sky = light.ambient * (0.80 - 0.20 * ny) * occlusion
    out = np.empty((3, *d.shape), np.float32)
    for c in range(3):
        key = np.maximum((d + wrap[c]) / (1 + wrap[c]), 0)
        out[c] = light.key * light.colour[c] * key * (0.45 + 0.55 * occlusion) + light.shadow[c] * sky
    return out


def paint_neck(canvas: np.ndarray, face: Face, grid: Grid, light: Light) -> None:
    """Paint the neck on a canvas (3, H, W) in place, in the shadow of the head."""
    t = face.t
    left, right = face.neck_edge(-1), face.neck_edge(1)
    part = grid.part(0, 160, 200, 250)
    mask, x, y = part.polygon(np.concatenate([left, right[::-1]]), 0.4), part.x, part.y
    half = face.neck_half
    across = np.clip((x - MIDDLE) / (half * 1.08), -1, 1)
    nx = 0.92 * across * np.ones_like(y)
    nz = np.sqrt(np.maximum(1 - nx * nx, 0))
    shade = lit(light, (nx, np.full_like(nx, -0.05), nz), np.ones_like(nx))
    # The head's soft shadow falls on the neck, longest below the chin.
    edge = np.interp(x[0], *face.rim(np.linspace(250, 110, 60)).T)[None].astype(np.float32)
    shadow = 1 - 0.62 * (1 - step(y - edge, 2.0, 26.0))
    # Tendons and the notch between the collar bones.
    for side in SIDES:
        line = MIDDLE + side * (half * 0.72 - (y - 205) * 0.42)
        shadow = shadow - (0.05 + 0.06 * t.age) * np.exp(-0.5 * ((x - line) / 2.4) ** 2) * step(y, 205, 225)
    shadow = shadow - 0.10 * bell(y, 244, 6) * bell(x, MIDDLE, 6)
    tone = skin_tone(t) * rgb(0.97, 0.94, 0.93)
    over(canvas[part.index], tone * shade * np.maximum(shadow, 0.1), mask)


def paint_ears(canvas: np.ndarray, face: Face, grid: Grid, light: Light) -> None:
    """Paint both ears on a canvas (3, H, W) in place."""
    tone = skin_tone(face.t) * rgb(1.02, 0.88, 0.86)
    for side in SIDES:
        ear = face.ear(side)
        lo, hi = ear["rim"].min(0) - 3, ear["rim"].max(0) + 3
        part = grid.part(*lo, *hi)
        mask, x, y = part.polygon(ear["rim"]), part.x, part.y
        soft = part.blur(mask, 1.8)
        nx = np.gradient(soft, axis=1) * -3.2 * grid.scale
        ny = np.gradient(soft, axis=0) * -3.2 * grid.scale
        norm = np.sqrt(1 + nx * nx + ny * ny)
        shade = lit(light, (nx / norm, ny / norm, 1 / norm), np.ones_like(nx))
        hollow = np.zeros_like(mask)
        for p in ear["ridge"][::2]:
            hollow += 0.16 * bell(y, p[1] + 1, 3.0) * bell(x, p[0] - side * 0.6, 1.5)
        canal = ear["ridge"][-1]
        hollow += 0.35 * bell(y, canal[1] - 3, 3.4) * bell(x, canal[0] - side * 1.0, 1.8)
        over(canvas[part.index], tone * shade * (0.92 - np.clip(hollow, 0, 0.7)), part.blur(mask, 0.35))


def take(face: Face, light: Light, backdrop: np.ndarray, rng: np.random.Generator,
         grid: Grid) -> tuple[np.ndarray, Sitter]:
    """Photograph a face: the picture, uint8 (250, 200, 3), and what the artist needs.

    backdrop: linear-light picture (3, H, W) at the grid's size; it is painted over.
    """
    canvas, whole = backdrop, grid
    rim = face.outline
    grid = whole.part(*rim.min(0) - 2, *rim.max(0) + 2)  # most of the work is done where the head is
    relief = Relief(face, grid)
    style = Hair(face)
    strands.paint(canvas, style.back, style.back_mass, face, whole, light, rng)
    paint_neck(canvas, face, whole, light)
    paint_clothes(canvas, face, whole, light, rng)
    paint_ears(canvas, face, whole, light)
    normal = relief.normals
    occlusion = np.clip(1 + 0.085 * np.minimum(relief.hollow, 0.8), 0.35, 1.06)
    colour = albedo(face, relief, rng)
    skin = colour * lit(light, normal, occlusion)
    half = light.vector + np.array((0, 0, 1), np.float32)
    half = half / np.linalg.norm(half)
    gleam = np.maximum(normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2], 0)
    gleam2 = gleam * gleam
    gleam8 = (gleam2 * gleam2) ** 2
    oily = 0.35 + 0.65 * (bell(grid.x, MIDDLE, 13) + 0.5 * bell(grid.y, EYE_LEVEL + 19, 9))
    skin += light.gloss * gleam8 * gleam8 * oily
    texture = rng.standard_normal(grid.shape, np.float32)
    skin *= (1 + (0.012 + 0.02 * face.t.pores) * blur(texture, 0.5 * grid.scale) * 2)
    mask = np.clip(relief.inside * grid.scale * 0.8 + 0.5, 0, 1)
    details.paint_nostrils(skin, face, grid)
    details.paint_mouth(skin, face, grid)
    details.paint_eyes(skin, face, grid, light)
    details.paint_brows(skin, face, grid, rng)
    beards.paint_facial_hair(skin, face, grid, rng)
    over(canvas[grid.index], skin, mask)
    coverage, shine = strands.paint(canvas, style.front, style.front_mass, face, whole, light, rng, relief)
    details.paint_glasses(canvas, face, whole)
    return develop(canvas * light.exposure, rng), Sitter(face, relief, style, coverage, shine)


def develop(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The camera: soft shoulder, reduction of (3, H, W) to (250, 200, 3), sensor noise, 8 bits."""
    picture = half_size(canvas).transpose(1, 2, 0)
    picture = np.where(picture > 0.6, 0.6 + (1 - np.exp(-(picture - 0.6) / 0.4)) * 0.4, picture)
    picture = 255 * np.sqrt(np.maximum(picture, 0))
    picture += 1.6 * rng.standard_normal((250, 200, 1), np.float32)
    picture += 0.9 * rng.standard_normal((250, 200, 3), np.float32)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)
