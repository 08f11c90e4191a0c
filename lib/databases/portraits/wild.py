"""What surrounds the face: light and backdrop of the two databases.

``portraits`` is photographed like CUFS: even light, a plain backdrop.  ``portraits-wild`` is like CUFSF:
light from anywhere, of any colour, mixed backdrops.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lib.databases.portraits.raster import Grid, blur, double_size, linear

BACKDROPS = [linear(tone) for tone in (
    (122, 172, 202), (150, 176, 188), (168, 172, 172), (190, 188, 180), (134, 152, 170))]


@dataclass
class Light:
    """Key light (direction towards it: x right, y down, z to the viewer), its strength, and the surroundings."""

    direction: tuple[float, float, float] = (-0.30, -0.50, 0.81)
    key: float = 0.80
    ambient: float = 0.30
    colour: tuple[float, float, float] = (1.0, 0.985, 0.96)
    shadow: tuple[float, float, float] = (0.97, 1.0, 1.04)
    gloss: float = 0.10
    exposure: float = 1.0
    vector: np.ndarray = field(init=False)

    def __post_init__(self):
        v = np.asarray(self.direction, np.float32)
        self.vector = v / np.linalg.norm(v)


def studio_light(rng: np.random.Generator) -> Light:
    """Soft light from the front, a little above and to the left, nearly the same for everyone."""
    x, y = -0.34 + 0.06 * rng.standard_normal(), -0.24 + 0.05 * rng.standard_normal()
    return Light(direction=(x, y, 0.86), key=0.78, ambient=0.36, exposure=float(np.exp(0.04 * rng.standard_normal())))


def wild_light(rng: np.random.Generator) -> Light:
    """Light from anywhere in front, hard or soft, warm or cold, over- or under-exposed."""
    side = rng.uniform(-0.85, 0.85)
    height = rng.uniform(-0.85, 0.10)
    ambient = rng.uniform(0.14, 0.42)
    warm = rng.uniform(-1, 1)
    return Light(direction=(side, height, 0.75), key=1.12 - ambient, ambient=ambient,
                 colour=(1 + 0.10 * warm, 1.0, 1 - 0.15 * warm), shadow=(1 - 0.05 * warm, 1.0, 1 + 0.10 * warm),
                 gloss=rng.uniform(0.05, 0.16), exposure=float(np.exp(0.22 * rng.standard_normal())))


def studio_backdrop(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """A plain wall with a soft fall-off of light, (3, H, W) linear."""
    chosen = BACKDROPS[rng.choice(len(BACKDROPS), p=[0.5, 0.2, 0.1, 0.1, 0.1])]
    tone = chosen * np.exp(0.06 * rng.standard_normal((3, 1, 1)))
    fall = 1.04 - 0.10 * ((grid.x - 80) / 100) ** 2 - 0.06 * ((grid.y - 90) / 125) ** 2
    return (fall * tone).astype(np.float32)


def wild_backdrop(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """A wall, blurred lights, a window with a frame, foliage or stripes, out of focus, (3, H, W) linear."""
    h, w = grid.shape[0] // 2, grid.shape[1] // 2
    first, second = (linear(rng.uniform(45, 215) + rng.uniform(-20, 20, 3)) for _ in range(2))
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    y, x = y / h, x / w
    kind = rng.integers(5)
    angle = rng.uniform(0, 2 * np.pi)
    share = 0.5 + 0.5 * np.clip(1.4 * ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)), -1, 1)
    if kind == 1:  # foliage or lights: blobs of several sizes
        share = sum(blur(rng.standard_normal((h, w)).astype(np.float32), s) * s for s in (3.0, 7.0, 14.0)) * 0.8 + 0.5
    elif kind == 2:  # window or door frame
        edge, wide = rng.uniform(0.05, 0.9), rng.uniform(0.04, 0.12)
        share = (np.where(x > edge, 1.0, 0.25) - 0.8 * (np.abs(x - edge) < wide / 2)
                 - 0.5 * (np.abs(y - rng.uniform(0.1, 0.5)) < 0.02))
    elif kind == 3:  # shelves or blinds
        share = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (y * rng.uniform(4, 9) + 0.1 * x) + rng.uniform(0, 6)))
    share = blur(np.clip(share, 0, 1).astype(np.float32), rng.uniform(1.5, 5.0) * grid.scale / 2)
    return double_size(np.clip(first + share * (second - first), 0.004, 1).astype(np.float32))
