"""Facial hair: what is worn, where every hair grows, and how the photograph shows it."""

from __future__ import annotations

import numpy as np

from lib.databases.portraits.geometry import EYE_LEVEL, MIDDLE, Face
from lib.databases.portraits.raster import Grid, linear, over
from lib.databases.portraits.strands import COLOURS, colour


def beard_kind(face: Face) -> str:
    """What the trait says: none, stubble, moustache, goatee or full."""
    t = face.t
    if t.masculinity < 0.12 or t.beard < 0.64:
        return "none"
    return ("stubble", "moustache", "goatee", "full")[np.searchsorted((0.73, 0.78, 0.84), t.beard, side="right")]


def beard_hairs(face: Face, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """Hairs of the beard, (n, 10, 2), and the opacity of each; None for a shaven face."""
    kind, t, m, n = beard_kind(face), face.t, face.mouth, face.nose
    if kind == "none":
        return None
    count = {"stubble": 2600, "moustache": 700, "goatee": 1500, "full": 4200}[kind]
    length = {"stubble": 1.3, "moustache": 4.0, "goatee": 4.5, "full": 4.0 + 6.0 * t.beard_length}[kind]
    w = face.half_widths()
    x = rng.uniform(-w["cheek"], w["cheek"], 6 * count)
    y = rng.uniform(EYE_LEVEL + 2, face.chin_y + 2, 6 * count)
    mouth_y, half = m["line"][20, 1], (m["line"][-1, 0] - m["line"][0, 0]) / 2
    rim_angle = np.degrees(np.arctan2(x, -(y - 133)))
    rim = np.hypot(*(face.rim(rim_angle) - (MIDDLE, 133)).T)
    inside = np.hypot(x, y - 133) < rim - 0.4
    a = np.abs(x)
    upper_edge = np.interp(a, [0, half, 0.8 * w["jaw"], w["jaw"] + 4, w["cheek"]], [
        n["base"] + 3.5, mouth_y - 9, mouth_y - 12, EYE_LEVEL + 24, EYE_LEVEL + 5]) + 1.2 * np.sin(0.7 * x)
    lip_top = np.interp(x + MIDDLE, m["upper"][:, 0], m["upper"][:, 1], left=mouth_y, right=mouth_y)
    lip_low = np.interp(x + MIDDLE, m["lower"][:, 0], m["lower"][:, 1], left=mouth_y, right=mouth_y)
    lips = (y > lip_top - 0.6) & (y < lip_low + 1.2) & (a < half + 0.5)
    moustache = ((y < lip_top + 0.8) & (y > n["base"] + 2.6 + 0.055 * a) & (a < half + 4)
                 | (a > half - 1) & (a < half + 6) & (abs(y - mouth_y + 1) < 4))
    soul = (a < 5.5) & (y > lip_low + 2.2) & (y < lip_low + 9)
    chin = (y > lip_low + 6.5 + 0.010 * a**2) & (a < half + 3)
    around = (a > half) & (a < half + 7) & (y > mouth_y - 6)
    keep = {"stubble": (y > upper_edge), "moustache": moustache, "goatee": moustache | chin | around | soul,
            "full": (y > upper_edge) & (moustache | (y > lip_low - 2) & ((a > half - 1) | (y > lip_low + 5.5))
                                        | (a > half + 2) | soul)}[kind]
    chosen = np.flatnonzero(keep & inside & ~lips)[:count]
    x, y = x[chosen], y[chosen]
    edge = np.clip((y - upper_edge[chosen]) / 9, 0.12, 1) if kind in ("stubble", "full") else np.ones(len(x))
    over_lip = y < mouth_y - 1
    way_x = np.where(over_lip, np.sign(x) * np.clip(np.abs(x) / 12, 0.25, 0.95),
                     0.30 * x / 40 + 0.18 * rng.standard_normal(len(x)))
    way_y = np.where(over_lip, 0.75, 1.0)
    reach = length * rng.uniform(0.6, 1.15, len(x)) * np.where(over_lip, min(1, 4.2 / length), 1.0)
    s = np.linspace(0, 1, 10)[None]
    bend = 0.25 * rng.standard_normal((len(x), 1)) * length / 4
    px = MIDDLE + x[:, None] + reach[:, None] * way_x[:, None] * s + bend * s**2
    py = y[:, None] + reach[:, None] * way_y[:, None] * s
    return np.stack([px, py], -1), edge


def paint_facial_hair(skin: np.ndarray, face: Face, grid: Grid, rng: np.random.Generator) -> None:
    """Paint the beard on the skin, a linear-light picture (3, H, W), in place."""
    hairs = beard_hairs(face, rng)
    if hairs is None:
        return
    points, edge = hairs
    base, grey = colour(face.t)
    base = base + min(1, 1.2 * grey) * (linear(COLOURS["grey"]) - base)
    stubble = beard_kind(face) == "stubble"
    n = len(points)
    tone = np.clip(1 + 0.4 * rng.standard_normal(n), 0.4, 2.2)
    weight = np.repeat(edge[:, None], 10, 1)
    part = grid.part(MIDDLE - 75, EYE_LEVEL, MIDDLE + 75, 240)
    here = skin[part.index]
    ink = part.blur(part.splat(points, weight), 0.42)
    bright = part.blur(part.splat(points, weight * tone[:, None]), 0.42)
    cover = 1 - np.exp(-(0.13 if stubble else 0.34) * grid.scale * ink)
    shade = bright / np.maximum(ink, 1e-4)
    lightness = np.clip(0.75 + 0.5 * (here.mean(0) / max(float(here.mean()), 1e-3) - 1), 0.35, 1.3)
    over(here, base * (0.8 * shade * lightness), np.clip(cover, 0, 0.6 if stubble else 0.96))
