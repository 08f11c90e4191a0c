"""Small drawing kit on a supersampled float32 canvas: windows, polygons, soft shapes, point splats.

A canvas has ``scale`` × 250 rows and ``scale`` × 200 columns; shapes are given in image pixels.
Colours are linear light; pictures become sRGB-like (square root) only at the end.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter1d

HEIGHT, WIDTH = 250, 200


class Grid:
    """Pixel coordinates of a canvas, in image pixels."""

    def __init__(self, scale: int):
        self.scale = scale
        self.shape = (HEIGHT * scale, WIDTH * scale)
        self.x = ((np.arange(self.shape[1], dtype=np.float32) + 0.5) / scale - 0.5)[None, :]
        self.y = ((np.arange(self.shape[0], dtype=np.float32) + 0.5) / scale - 0.5)[:, None]

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        """Slices of the canvas rows and columns that cover a rectangle."""
        s = self.scale
        rows = slice(max(0, int((top + 0.5) * s)), min(self.shape[0], int((bottom + 0.5) * s) + 1))
        columns = slice(max(0, int((left + 0.5) * s)), min(self.shape[1], int((right + 0.5) * s) + 1))
        return rows, columns

    def cells(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flat cell index of points (..., 2) and whether they lie on the canvas."""
        column = ((points[..., 0] + 0.5) * self.scale).astype(np.int32)
        row = ((points[..., 1] + 0.5) * self.scale).astype(np.int32)
        inside = (points[..., 0] > -0.5) & (points[..., 1] > -0.5) & (column < self.shape[1]) & (row < self.shape[0])
        return row * self.shape[1] + column, inside

    def splat(self, points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sum of the weights of the points that fall into each cell, float32, canvas shape."""
        index, inside = self.cells(points)
        total = np.bincount(index[inside], weights=weights[inside], minlength=self.shape[0] * self.shape[1])
        return total.reshape(self.shape).astype(np.float32)

    def sample(self, field: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Value of a canvas field at points (..., 2), nearest cell, clamped at the border."""
        column = np.clip(((points[..., 0] + 0.5) * self.scale).astype(np.int32), 0, self.shape[1] - 1)
        row = np.clip(((points[..., 1] + 0.5) * self.scale).astype(np.int32), 0, self.shape[0] - 1)
        return field[row, column]

    def polygon(self, points: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Coverage 0 … 1 of a polygon, its edge softened by a Gaussian of ``soft`` px."""
        image = Image.new("L", (self.shape[1], self.shape[0]))
        ImageDraw.Draw(image).polygon([tuple(p) for p in (np.asarray(points) + 0.5) * self.scale - 0.5], fill=255)
        mask = np.asarray(image, np.float32) / 255
        return self.blur(mask, soft) if soft else mask

    def blur(self, field: np.ndarray, sigma: float) -> np.ndarray:
        """Gaussian blur by ``sigma`` image px."""
        return blur(field, sigma * self.scale)


def blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur by ``sigma`` cells, cut at 2.5 sigma; wide blurs work on every second cell."""
    if sigma > 5:
        half = blur(half_size(field), sigma / 2)
        return double_size(half)[: field.shape[0], : field.shape[1]]
    radius = max(1, int(2.5 * sigma + 0.5))
    field = gaussian_filter1d(field, sigma, axis=0, mode="nearest", radius=radius)
    return gaussian_filter1d(field, sigma, axis=1, mode="nearest", radius=radius)


def half_size(field: np.ndarray) -> np.ndarray:
    """Mean of 2×2 cells (an odd border row or column is repeated)."""
    pad = [(0, field.shape[0] % 2), (0, field.shape[1] % 2)] + [(0, 0)] * (field.ndim - 2)
    if pad[0][1] or pad[1][1]:
        field = np.pad(field, pad, mode="edge")
    return 0.25 * (field[::2, ::2] + field[1::2, ::2] + field[::2, 1::2] + field[1::2, 1::2])


def double_size(field: np.ndarray) -> np.ndarray:
    """Twice the size by linear interpolation, the inverse geometry of ``half_size``."""
    for axis in (0, 1):
        before = np.concatenate([field.take([0], axis), field.take(range(field.shape[axis] - 1), axis)], axis)
        after = np.concatenate([field.take(range(1, field.shape[axis]), axis), field.take([-1], axis)], axis)
        pair = np.stack([0.75 * field + 0.25 * before, 0.75 * field + 0.25 * after], axis + 1)
        shape = list(field.shape)
        shape[axis] *= 2
        field = pair.reshape(shape)
    return field


def bell(grid_axis: np.ndarray, centre: float, sigma: float) -> np.ndarray:
    """Gaussian along one axis of the grid (a row or a column vector)."""
    return np.exp(-0.5 * ((grid_axis - np.float32(centre)) / np.float32(sigma)) ** 2)


def step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    u = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return u * u * (3 - 2 * u)


def over(canvas: np.ndarray, colour, alpha: np.ndarray) -> None:
    """Lay a colour (3,) or picture (H, W, 3) over a canvas (H, W, 3) in place, where alpha (H, W)."""
    canvas += alpha[..., None] * (np.asarray(colour, np.float32) - canvas)


def linear(rgb) -> np.ndarray:
    """Linear light of display values 0 … 255 (gamma 2)."""
    return (np.asarray(rgb, np.float32) / 255) ** 2


def fill_between(grid: Grid, rows_columns, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Anti-aliased coverage of the area between two curves y(x) in a window, (h, w) in 0 … 1."""
    rows, columns = rows_columns
    x, y = grid.x[0, columns], grid.y[rows]
    order = 1 if upper[-1, 0] > upper[0, 0] else -1
    top = np.interp(x, upper[::order, 0], upper[::order, 1])[None].astype(np.float32)
    bottom = np.interp(x, lower[::order, 0], lower[::order, 1])[None].astype(np.float32)
    inside = np.minimum(y - top, bottom - y) * grid.scale + 0.5
    within = (x >= min(upper[0, 0], upper[-1, 0])) & (x <= max(upper[0, 0], upper[-1, 0]))
    return np.clip(inside, 0, 1) * within[None]


def curve_distance(grid: Grid, rows_columns, curve: np.ndarray) -> np.ndarray:
    """Vertical distance (px, signed, positive below) of a window's cells from a curve y(x)."""
    rows, columns = rows_columns
    order = 1 if curve[-1, 0] > curve[0, 0] else -1
    return grid.y[rows] - np.interp(grid.x[0, columns], curve[::order, 0], curve[::order, 1])[None].astype(np.float32)
