"""Pencil and paper: strokes of varying pressure leave graphite on a grained sheet; an eraser lifts it.

Graphite is kept as optical density per cell.  A stroke is a cloud of samples around its path, dense enough
to look continuous and rough enough to look like graphite; all samples are summed in one pass at the end.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lib.databases.portraits.curves import interpolate
from lib.databases.portraits.raster import Grid, blur, half_size

STEP = 0.42  # px between samples of a stroke
TRACES = 4  # samples side by side in a contour
DARKEST = 2.35  # optical density at which graphite saturates


@lru_cache(maxsize=2)
def paper_grain(rows: int, columns: int) -> np.ndarray:
    """Tooth of the paper, mean 0, standard deviation 1, (rows, columns); the same sheet for everyone."""
    rng = np.random.default_rng(1912)
    noise = rng.standard_normal((rows, columns)).astype(np.float32)
    tooth = blur(noise, 0.9) * 2.2 + blur(noise, 2.2) * 2.0 + 0.25 * noise
    return (tooth - tooth.mean()) / tooth.std()


class Sheet:
    """A sheet of paper on a canvas grid.  ``bend`` moves points from the face to the paper."""

    def __init__(self, grid: Grid, rng: np.random.Generator, bend=lambda points: points):
        self.grid, self.rng, self.bend = grid, rng, bend
        self.points: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        self.lifted = np.zeros(grid.shape, np.float32)

    def strokes(self, paths: np.ndarray, pressure: np.ndarray, width: float, hairs: int = 2) -> None:
        """Draw strokes (n, m, 2) whose samples lie about ``STEP`` apart, with pressure (n, m).

        width: px; hairs: how many parallel traces make up a stroke.
        """
        n, m = paths.shape[:2]
        length = np.hypot(*np.moveaxis(np.diff(paths[:, [0, m // 2, -1]], axis=1), -1, 0)).sum(1)
        amount = pressure * (length / m)[:, None] * width / hairs
        for _ in range(hairs):
            jitter = self.rng.standard_normal((n, m, 2), np.float32) * np.float32(0.36 * width)
            self.points.append((paths + jitter).reshape(-1, 2))
            self.weights.append(amount.reshape(-1))

    def line(self, curve: np.ndarray, pressure: float = 1.0, width: float = 0.9, *,
             taper: tuple[float, float] = (0.25, 0.25), passes: int = 2, overshoot: float = 1.2, wobble: float = 0.35,
             hidden: np.ndarray | None = None) -> None:
        """Draw a contour (n, 2): ``passes`` passes of the hand, each slightly off and slightly too long.

        taper: shares of the length over which pressure rises and falls.  overshoot, wobble: px.  hidden: coverage
        (H, W) of what lies in front.
        """
        curve, rng = np.asarray(curve, float), self.rng
        path = np.concatenate([curve[:1] + overshoot * _unit(curve[0] - curve[1]), curve,
                               curve[-1:] + overshoot * _unit(curve[-1] - curve[-2])])
        chord = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
        count, knots = max(6, int(chord[-1] / STEP)), max(3, int(chord[-1] / 14) + 2)
        s = np.linspace(0, 1, count)
        early, late = overshoot * rng.random((2, passes, 1))
        at = early + (chord[-1] - late - early) * s  # (passes, count)
        path = interpolate(path, chord, at)
        slow = np.maximum(0, 1 - np.abs(np.linspace(0, knots - 1, count) - np.arange(knots)[:, None]))  # (knots, count)
        path = path + np.moveaxis(wobble * rng.standard_normal((2, passes, knots)) @ slow, 0, -1)
        rise = np.clip(s / max(taper[0], 1e-3), 0.12, 1) * np.clip((1 - s) / max(taper[1], 1e-3), 0.12, 1)
        thick = width * (0.6 + 0.4 * rise)
        uneven = rng.uniform(0.75, 1.2, (passes, knots)) @ slow
        amount = pressure / passes * rise * thick * uneven * (chord[-1] / count / TRACES)
        if hidden is not None:
            amount = amount * (1 - self.grid.sample(hidden, path)) ** 2
        jitter = rng.standard_normal((TRACES, passes, count, 2), np.float32) * np.float32(0.34)
        jitter = jitter * thick[:, None].astype(np.float32)
        self.points.append((path.astype(np.float32) + jitter).reshape(-1, 2))
        self.weights.append(np.broadcast_to(amount.astype(np.float32), (TRACES, passes, count)).reshape(-1))

    def tone(self, density: np.ndarray, part: Grid | None = None) -> None:
        """Rub a tone in: density (H, W) over the grid or a part of it."""
        part = part or self.grid
        rows, columns = np.nonzero(density > 0.01)
        self.points.append(np.stack([part.x[0, columns], part.y[rows, 0]], -1))
        self.weights.append(density[rows, columns] / self.grid.scale**2)

    def lift(self, amount: np.ndarray, part: Grid) -> None:
        """Erase: a share (H, W) of the graphite over a part of the grid."""
        self.lifted[part.index] = np.maximum(self.lifted[part.index], amount)

    def finish(self, paper: float, grain: float) -> np.ndarray:
        """The sheet as uint8 (250, 200).  paper: its tone, 0 … 255; grain: contrast of the tooth."""
        grid, scale = self.grid, self.grid.scale
        graphite = grid.splat(self.bend(np.concatenate(self.points)), np.concatenate(self.weights)) * scale**2
        graphite = blur(graphite, 0.38 * scale)
        rows, columns = grid.shape
        tooth = paper_grain(rows + 64, columns + 64)
        dy, dx = self.rng.integers(0, 64, 2)
        tooth = tooth[dy:dy + rows, dx:dx + columns]
        graphite = graphite * np.clip(1 + grain * tooth, 0.15, 2.2) * (1 - self.lifted)
        graphite = DARKEST * (1 - np.exp(-graphite / DARKEST))
        sheet = paper * np.exp(-graphite) * (1 + 0.008 * tooth)
        sheet = half_size(sheet)
        sheet += 1.0 * self.rng.standard_normal((250, 200), np.float32)
        return np.clip(sheet + 0.5, 0, 255).astype(np.uint8)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.hypot(*vector)), 1e-6)
