"""Eyes, lips, nostrils, moles, brows and glasses of the photograph, each in its own window.

``paint_…`` change a linear-light picture (3, H, W) in place: the ``skin`` of the head's grid, or the whole ``canvas``.
"""

from __future__ import annotations

import numpy as np

from lib.databases.portraits.curves import evenly, interpolate, smooth_curve
from lib.databases.portraits.geometry import EYE_LEVEL, MIDDLE, SIDES, Face
from lib.databases.portraits.raster import Grid, bell, blur, linear, over, rgb, step
from lib.databases.portraits.strands import COLOURS, colour
from lib.databases.portraits.traits import Traits
from lib.databases.portraits.wild import Light

# brown, hazel, green, blue
IRIS = [linear(tone) for tone in ((46, 31, 24), (92, 66, 42), (118, 128, 92), (110, 140, 168))]


def iris_lightness(traits: Traits) -> float:
    """0 (dark brown) … 1 (pale); pale irises are rare in deep complexions."""
    return float(np.clip((traits.iris_light - 0.35 - 0.9 * max(0, traits.complexion - 0.4)) / 0.5, 0, 1))


def iris_colour(traits: Traits) -> np.ndarray:
    """Linear-light colour (3, 1, 1) of the iris."""
    light = iris_lightness(traits)
    pale = IRIS[2] + traits.iris_hue * (IRIS[3] - IRIS[2])
    hazel = IRIS[0] + min(1, 2 * light) * (IRIS[1] - IRIS[0])
    return hazel + max(0, 2 * light - 1) * (pale - hazel)


def moles(face: Face) -> list[tuple[float, float, float]]:
    """x, y and size (px) of up to three moles; a function of the traits, so that both domains agree."""
    t = face.t
    count = int(4 * max(0.0, t.moles - 0.45))
    seed = np.random.default_rng(int(1e9 * t.moles) % 2**31)
    spots = [(MIDDLE + seed.uniform(-42, 42), EYE_LEVEL + seed.uniform(14, 66), seed.uniform(0.55, 1.0))
             for _ in range(count)]
    return [s for s in spots if np.hypot((s[0] - MIDDLE) / 40, (s[1] - 170) / 48) < 1 and abs(s[0] - MIDDLE) > 13]


def shade_line(skin: np.ndarray, distance: np.ndarray, width: float, amount: np.ndarray | float,
               tint: tuple[float, float, float] = (0.9, 1.0, 1.0)) -> None:
    """Darken skin (3, h, w) along a curve: a Gaussian of the distance (h, w) to it, ``width`` px, ``amount`` strong."""
    line = np.exp(-0.5 * (distance / np.float32(width)) ** 2) * amount
    skin *= 1 - line * rgb(*tint)


def paint_eyes(skin: np.ndarray, face: Face, grid: Grid, light: Light) -> None:
    """Lids, eyeball, iris, catchlight and lashes of both eyes."""
    t = face.t
    for side in SIDES:
        eye, centre = face.eye(side), face.iris_centre(side)
        x0, x1 = sorted((eye["upper"][0, 0], eye["upper"][-1, 0]))
        part = grid.part(x0 - 4, EYE_LEVEL - 17, x1 + 4, EYE_LEVEL + 14)
        here, x, y = skin[part.index], part.x, part.y
        u = (x - (x0 + x1) / 2) / ((x1 - x0) / 2)
        along = np.clip(1.12 - u * u, 0, 1) ** 0.6
        outer = np.clip(0.5 + 0.5 * side * u, 0, 1)
        # Lids: crease above, soft fold below, pouch.
        crease = part.below(eye["crease"])
        depth = 0.42 + 0.12 * t.eye_depth
        shade_line(here, crease, 0.75, depth * along)
        shade_line(here, np.where(crease > 0, crease * 0.9, crease * 0.45), 1.6, 0.16 * along)
        bag = part.below(eye["bag"])
        shade_line(here, bag, 1.0, (0.05 + 0.22 * t.eye_bags) * along * (1 - 0.5 * outer))
        # Eyeball.
        open_eye = part.between(eye["upper"], eye["lower"])
        up, low = part.below(eye["upper"]), part.below(eye["lower"])
        dx, dy = x - centre[0], y - centre[1]
        ball = np.clip(1.02 - 0.0022 * dx * dx - 0.004 * dy * dy, 0.3, 1.1)
        lid_shadow = 1 - 0.55 * np.exp(-np.maximum(up, 0) / 1.9)
        white = linear((216, 208, 203)) * (ball * lid_shadow * (light.key * 0.72 + light.ambient))
        over(here, white, open_eye)
        inner = bell(x, x0 + 1.4 if side > 0 else x1 - 1.4, 1.5) * bell(y, EYE_LEVEL + 1.2, 1.4)
        over(here, linear((196, 128, 116)) * 0.9, 0.8 * inner * open_eye)
        # Iris, pupil, catchlight.
        r = np.sqrt(dx * dx + dy * dy)
        radius = face.iris_radius
        disc = np.clip((radius - r) * grid.scale + 0.5, 0, 1) * open_eye
        angle = np.arctan2(dy, dx)
        fibre = 1 + 0.16 * np.sin(23 * angle + 1.7 * np.sin(5 * angle)) + 0.30 * dy / radius
        rim = 1 - 0.62 * step(r, radius - 1.5, radius)
        iris = iris_colour(t) * (fibre * rim * (0.35 + 0.65 * lid_shadow) * (light.key + light.ambient) * 1.12)
        over(here, iris, disc)
        over(here, rgb(0.006, 0.005, 0.005), np.clip((0.42 * radius - r) * grid.scale + 0.5, 0, 1) * open_eye)
        glint = np.exp(-0.5 * (((dx - 1.7 * np.sign(light.vector[0])) / 0.85) ** 2 + ((dy + 1.7) / 0.8) ** 2))
        here += 0.95 * glint * open_eye
        here += 0.05 * np.exp(-0.5 * (((dx + 1.5) / 1.6) ** 2 + ((dy - 2.4) / 1.0) ** 2)) * disc
        # Lashes and lid edges.
        female = 0.5 - 0.5 * t.masculinity
        line = 0.62 + 0.34 * female + 0.16 * outer
        within = np.clip((1.03 - np.abs(u)) * 12, 0, 1)
        shade_line(here, up + 0.15, line * 0.95, 0.93 * within * (0.72 + 0.28 * outer), (0.96, 1.0, 1.0))
        shade_line(here, low - 0.2, 0.55, (0.40 + 0.18 * outer) * within, (0.8, 0.95, 1.0))
        _lashes(here, part, eye["upper"], side, female)


def _lashes(skin: np.ndarray, grid: Grid, upper: np.ndarray, side: int, female: float) -> None:
    root = interpolate(upper, np.arange(25), np.linspace(8, 24, 13))
    length = (1.2 + 2.2 * female) * np.linspace(0.4, 1, 13)
    s = np.linspace(0, 1, 10)[None, :, None]
    way = np.stack([side * np.linspace(0.1, 0.9, 13), -np.ones(13)], -1) * length[:, None]
    points = root[:, None] + way[:, None] * s - np.array([0, 0.25]) * length[:, None, None] * s**2
    ink = grid.splat(points.reshape(-1, 2), np.full(130, 0.30 * grid.scale))
    skin *= 1 - np.clip(grid.blur(ink, 0.3), 0, 0.85)


def nostril(part: Grid, face: Face, side: int) -> np.ndarray:
    """How much of each cell (H, W) a nostril hides, 0 … 1."""
    centre, wide, high = face.nostril(side)
    dx, dy = part.x - centre[0], part.y - centre[1]
    dy = dy + side * dx * 0.28
    return np.exp(-0.5 * ((dx / (0.72 * wide)) ** 2 + (dy / (0.72 * high)) ** 2) ** 1.4)


def paint_nostrils(skin: np.ndarray, face: Face, grid: Grid) -> None:
    """Nostrils, the edge of the wings and the shadow below."""
    for side in SIDES:
        x, y = face.nostril(side)[0]
        part = grid.part(x - 9, y - 7, x + 9, y + 6)
        here, hole = skin[part.index], nostril(part, face, side)
        over(here, here * rgb(0.16, 0.09, 0.08), np.clip(0.92 * hole, 0, 1))
        for p, amount in zip(face.wing(side)[2::2], np.linspace(0.05, 0.17, 9), strict=True):
            part = grid.part(p[0] - 4, p[1] - 5, p[0] + 4, p[1] + 5)
            skin[part.index] *= 1 - amount * bell(part.y, p[1], 1.6) * bell(part.x, p[0] + side * 0.4, 1.0)
    base = face.nose["base"]
    part = grid.part(MIDDLE - 12, base - 4, MIDDLE + 12, base + 8)
    shadow = 0.22 * bell(part.y, base + 1.5, 1.9) * bell(part.x, MIDDLE, 6.5)
    skin[part.index] *= 1 - shadow * rgb(0.85, 1, 1)


def paint_mouth(skin: np.ndarray, face: Face, grid: Grid) -> None:
    """Lips, their creases and gleam, the line between them and the shadow below."""
    t, m = face.t, face.mouth
    x0, x1, y = m["line"][0, 0], m["line"][-1, 0], m["line"][20, 1]
    part = grid.part(x0 - 6, y - 12, x1 + 6, y + 16)
    here, x, yy = skin[part.index], part.x, part.y
    u = (x - (x0 + x1) / 2) / ((x1 - x0) / 2)
    upper = part.blur(part.between(m["upper"], m["line"]), 0.45)
    lower = part.blur(part.between(m["line"], m["lower"]), 0.55)
    tint = rgb(0.93, 0.50, 0.52) if t.complexion < 0.62 else rgb(0.92, 0.62, 0.62)
    tint = 1 - (0.55 + 0.45 * t.lip_colour) * (1 - tint)
    here *= 1 - upper * (1 - 0.76 * tint)
    here *= 1 - lower * (1 - 0.97 * tint)
    here *= 1 + 0.05 * np.sin(2.1 * x + 0.6 * np.sin(0.9 * x)) * (upper + lower)
    below = yy - y - 0.42 * (m["lower"][20, 1] - y) - 0.4
    gleam = np.exp(-0.5 * (((u + 0.12) / 0.30) ** 2 + (below / 1.0) ** 2)) * lower
    here += 0.085 * gleam * (0.4 + 0.6 * t.lip_colour)
    line = part.below(m["line"])
    within = np.clip((1.06 - np.abs(u)) * 9, 0, 1)
    shade_line(here, line, 0.62 + 0.25 * (1 - np.clip(np.abs(u), 0, 1).mean()), 0.80 * within, (0.86, 1, 1))
    shade_line(here, np.where(line < 0, line * 0.5, line), 1.2, 0.22 * within)
    under = part.below(m["lower"])
    shade_line(here, under - 1.4, 1.5, 0.20 * np.clip(0.75 - u * u, 0, 1), (0.85, 1, 1))
    for cx in (x0, x1):
        here *= 1 - 0.34 * bell(x, cx, 1.6) * bell(yy, m["line"][0, 1], 1.4)


def strokes_of_brow(face: Face, side: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Hairs of a brow, (n, 12, 2): upwards near the nose, lying along it further out."""
    line, half = face.brow(side)
    place = np.sort(rng.random(n)) * 28.9
    k = place.astype(int)
    root = line[k] + (place - k)[:, None] * (line[k + 1] - line[k])
    root[:, 1] += half[k] * rng.uniform(-0.75, 0.95, n)
    share = place / 29
    angle = np.interp(share, [0, 0.2, 0.5, 1], [1.25, 0.75, 0.25, -0.30]) + 0.16 * rng.standard_normal(n)
    length = (3.0 + 2.4 * np.sin(np.pi * np.clip(share + 0.15, 0, 1))) * (1 + 0.15 * face.t.brow_thickness)
    s = np.linspace(-0.3, 0.7, 12)[None]
    x = root[:, :1] + side * length[:, None] * s * np.cos(angle)[:, None]
    y = root[:, 1:] - length[:, None] * s * np.sin(angle)[:, None] + 0.25 * s**2 * length[:, None]
    return np.stack([x, y], -1)


def paint_brows(skin: np.ndarray, face: Face, grid: Grid, rng: np.random.Generator) -> None:
    """Every hair of both brows."""
    t = face.t
    base, grey = colour(t)
    tone = (base + 0.55 * grey * (linear(COLOURS["grey"]) - base)) * 0.62
    for side in SIDES:
        line = face.brow(side)[0]
        x0, x1 = sorted((line[0, 0], line[-1, 0]))
        part = grid.part(x0 - 6, line[:, 1].min() - 9, x1 + 6, line[:, 1].max() + 9)
        hairs = strokes_of_brow(face, side, int(110 + 170 * t.brow_density), rng)
        weight = np.repeat(np.interp(np.linspace(0, 1, 12), [0, 0.3, 1], [0.7, 1, 0.25])[None], len(hairs), 0)
        ink = part.splat(hairs, weight) * (0.115 * grid.scale)
        cover = np.clip(1 - np.exp(-1.5 * part.blur(ink, 0.4) - 0.45 * part.blur(ink, 1.2)), 0, 0.93)
        over(skin[part.index], tone, cover)


def glasses_shape(face: Face) -> dict | None:
    """Curves of the rims (left, right), bridge and temples, and the frame's width (px); None when none are worn."""
    t = face.t
    if t.glasses < 0.78:
        return None
    wide, high = 18.2 + 2.0 * t.frame_size, 13.2 + 2.2 * t.frame_size - 2.2 * t.frame_shape
    power = 2.0 + 2.6 * t.frame_shape
    a = np.linspace(0, 2 * np.pi, 90)
    cx = np.sign(np.cos(a)) * np.abs(np.cos(a)) ** (2 / power)
    cy = np.sign(np.sin(a)) * np.abs(np.sin(a)) ** (2 / power)
    rims = [np.stack([MIDDLE + side * 25.6 + wide * cx,
                      EYE_LEVEL + 1.8 + high * cy * (1 - 0.10 * cx * side * t.frame_shape)], -1) for side in SIDES]
    gap = 25.6 - wide
    bridge = smooth_curve([(MIDDLE - gap, EYE_LEVEL - 1), (MIDDLE, EYE_LEVEL - 3.4), (MIDDLE + gap, EYE_LEVEL - 1)], 16)
    cheek = face.half_widths()["cheek"]
    temples = [np.linspace((MIDDLE + side * (25.6 + wide), EYE_LEVEL - 3),
                           (MIDDLE + side * (cheek + 0.5), EYE_LEVEL - 4.5), 12) for side in SIDES]
    return {"rims": rims, "bridge": bridge, "temples": temples, "width": 0.75 + 0.95 * t.frame_weight}


def paint_glasses(canvas: np.ndarray, face: Face, grid: Grid) -> None:
    """Frame, its shadow, and the reflections of the lenses."""
    shape = glasses_shape(face)
    if shape is None:
        return
    t = face.t
    part = grid.part(MIDDLE - 70, EYE_LEVEL - 24, MIDDLE + 70, EYE_LEVEL + 30)
    here = canvas[part.index]
    lines = [*shape["rims"], shape["bridge"], *shape["temples"]]
    dense = np.concatenate([evenly(line, 500) for line in lines])
    ink = part.splat(dense, np.ones(len(dense)))
    sigma = 0.42 * shape["width"] * grid.scale
    frame = np.clip(blur(np.minimum(ink, 1), sigma) * (2.4 * sigma) * 1.25 - 0.12, 0, 1)
    shadow = np.roll(part.blur(frame, 1.1), int(2.5 * grid.scale), 0)
    here *= 1 - 0.22 * np.clip(shadow, 0, 1)
    metal, tint = linear((150, 140, 125)), rgb(t.cloth_hue, 0.2, 1 - t.cloth_hue)
    tone = metal if t.frame_weight < 0.3 else linear((30, 24, 26)) + 0.05 * tint * (t.frame_size > 0)
    soft = part.blur(frame, 0.6)
    over(here, tone, frame)
    here += 0.12 * np.clip(soft - np.roll(soft, grid.scale, 0), 0, 1)
    for rim in shape["rims"]:
        across = part.x - rim[:, 0].mean() + 0.8 * (part.y - EYE_LEVEL)
        band = np.exp(-0.5 * ((across + 7) / 3.2) ** 2) + 0.5 * np.exp(-0.5 * ((across + 0.5) / 1.2) ** 2)
        here += 0.045 * band * part.polygon(rim)
