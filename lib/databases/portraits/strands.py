"""Drawing hair in the photograph: every strand shaded as a fibre, summed over the canvas.

Kajiya and Kay, "Rendering fur with three dimensional textures" (1989): a fibre reflects by the angle between
its tangent and the light.  Deviations: the mass of hair darkens strands by its outward normal, and instead of
a depth buffer each strand has a random priority.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.databases.portraits.geometry import Face
from lib.databases.portraits.raster import Grid, blur, linear, over
from lib.databases.portraits.surface import Relief
from lib.databases.portraits.traits import Traits
from lib.databases.portraits.wild import Light

COLOURS = {"black": (34, 28, 27), "brown": (92, 62, 43), "blond": (205, 168, 112), "red": (150, 76, 40),
           "grey": (188, 186, 184)}


@dataclass
class Strands:
    """One layer: paths (n, m, 2) px, outward normals (n, m, 2), brightness (n,) or (n, m), opacity of all strands."""

    points: np.ndarray
    outward: np.ndarray
    tone: np.ndarray
    opacity: float = 1.0


def colour(traits: Traits) -> tuple[np.ndarray, float]:
    """Linear-light colour (3, 1, 1) of pigmented hair and the share of grey strands."""
    c = {name: linear(rgb) for name, rgb in COLOURS.items()}
    dark = min(1.0, traits.hair_dark + 1.3 * max(0.0, traits.complexion - 0.42))
    base = c["blond"] + (c["brown"] - c["blond"]) * min(1, dark / 0.42)
    base = base + (c["black"] - base) * np.clip((dark - 0.34) / 0.42, 0, 1)
    base = base + (c["red"] - base) * np.clip((traits.hair_red - 0.72) / 0.2, 0, 1) * np.clip(1.6 - 1.6 * dark, 0, 1)
    return base, float(np.clip((traits.hair_grey - 0.55) / 0.4, 0, 1))


def _fibre_light(layer: Strands, light: Light, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse and glossy light on every sample, each (n, m); computed at every fourth and repeated."""
    m = layer.points.shape[1]
    every = 4 if m > 40 else 1
    p, outward = layer.points[:, ::every], layer.outward[:, ::every]
    tx, ty = (np.diff(p[..., k], axis=1, append=2 * p[:, -1:, k] - p[:, -2:-1, k]) for k in (0, 1))
    nx, ny = outward[..., 0], outward[..., 1]
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0.05))
    tz = -(tx * nx + ty * ny) / nz
    th = (tx * half[0] + ty * half[1] + tz * half[2]) / np.sqrt(tx * tx + ty * ty + tz * tz + 1e-6)
    facing = nx * light.vector[0] + ny * light.vector[1] + nz * light.vector[2]
    tone = layer.tone[:, ::every] if layer.tone.ndim == 2 else layer.tone[:, None]
    diffuse = (light.ambient * 1.1 + light.key * np.clip(0.25 + 0.75 * facing, 0.05, 1)) * tone
    sine = np.maximum(1 - th * th, 0)
    gloss = (sine * sine * sine) ** 4 * np.clip(facing + 0.15, 0, 1) * tone
    return tuple(np.repeat(part, every, 1)[:, :m] for part in (diffuse, gloss))


def paint(canvas: np.ndarray, layers: list[Strands], mass: np.ndarray, face: Face, grid: Grid, light: Light,
          rng: np.random.Generator, relief: Relief | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draw strands on a linear-light canvas (3, H, W); return their coverage and brightness, each (H, W), about 0 … 1.

    mass: outline (n, 2) of the rounded mass of hair, on which every sample is shaded as a fibre.  A strand's random
    priority decides who is seen where several cross.  relief: of the head, on which hair throws a shadow.
    """
    if not layers:
        return np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    low = [min(layer.points[..., k].min() for layer in layers) - 3 for k in (0, 1)]
    high = [max(layer.points[..., k].max() for layer in layers) + 3 for k in (0, 1)]
    part = grid.part(*low, *high)
    base, grey_share = colour(face.t)
    half = light.vector + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    opacity = layers[0].opacity
    samples = []  # of each layer: cells, opacity, priority, diffuse light, gloss, grey
    for layer in layers:
        n, m = layer.points.shape[:2]
        index, inside = part.cells(layer.points)
        priority = np.exp(1.6 * rng.standard_normal((n, 1), np.float32))
        diffuse, gloss = _fibre_light(layer, light, half)
        is_grey = (0.5 * grey_share + 0.5 * (rng.random((n, 1)) < grey_share)) * priority
        weights = (np.float32(layer.opacity), priority, diffuse * priority, gloss * priority, is_grey)
        samples.append([index[inside], *(np.broadcast_to(weight, (n, m))[inside] for weight in weights)])
    index, *weights = (np.concatenate(column) for column in zip(*samples, strict=True))
    fine = 0.45 * grid.scale
    sums = [blur(part.total(index, weight), fine) for weight in (weights if grey_share else weights[:-1])]
    # Between the strands one sees deeper, darker hair, not the wall behind.
    solid = (0.45 if opacity < 1 else 0.97) * part.polygon(mass, 1.0) if len(mass) else np.float32(0)
    coverage = 1 - np.exp(-1.15 * sums[0]) * (1 - solid)
    depth = np.float32(0.08)
    diffuse = (sums[2] + depth * np.float32(0.55 * (0.5 if relief is None else 1.0))) / (sums[1] + depth)
    gloss, *grey = (field / (sums[1] + depth) for field in sums[3:])
    tint = base + np.clip(grey[0], 0, 1) * (linear(COLOURS["grey"]) - base) if grey else base
    picture = tint * diffuse + gloss * (0.10 + 0.30 * face.t.hair_shine) * (0.35 * tint + 0.09)
    if relief is not None:  # hair throws a soft shadow on the skin
        skin = grid.place(relief.grid, np.clip(relief.inside, 0, 1))[part.index]
        drop = int(2.5 * grid.scale)
        shadow = np.zeros_like(coverage)
        shadow[drop:] = coverage[:-drop]
        canvas[part.index] *= 1 - 0.42 * blur(shadow, 2.2 * grid.scale) * skin
    over(canvas[part.index], picture, coverage)
    brightness = 0.75 * diffuse / (light.key + light.ambient) + 0.9 * gloss
    return grid.place(part, coverage), grid.place(part, brightness)
