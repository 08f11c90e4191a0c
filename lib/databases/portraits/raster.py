"""Small drawing kit on a supersampled float32 canvas: parts, polygons, soft shapes, point splats.

A canvas has ``scale`` × 250 rows and ``scale`` × 200 columns; shapes are given in image pixels.
Colours are linear light; pictures become sRGB-like (square root) only at the end.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter1d

HEIGHT, WIDTH = 250, 200


class Grid:
    """Pixel coordinates of a canvas, or of a part of it, in image pixels.

    ``x`` is a row (1, W), ``y`` a column (H, 1); H, W count the cells of the grid.  scale: cells per px.  top, left: of
    a part, in cells of the canvas.  ``index`` picks a part from fields (H, W) and pictures (3, H, W) of the grid that
    it was taken from.
    """

    def __init__(self, scale: int, top: int = 0, left: int = 0, shape: tuple[int, int] | None = None,
                 index: tuple = (..., slice(None), slice(None))):
        self.scale, self.top, self.left, self.index = scale, top, left, index
        self.shape = shape or (HEIGHT * scale, WIDTH * scale)
        self.x = ((np.arange(left, left + self.shape[1], dtype=np.float32) + 0.5) / scale - 0.5)[None, :]
        self.y = ((np.arange(top, top + self.shape[0], dtype=np.float32) + 0.5) / scale - 0.5)[:, None]

    def part(self, left: float, top: float, right: float, bottom: float) -> "Grid":
        """The grid of the cells that cover a rectangle (px)."""
        s, (height, width) = self.scale, self.shape
        rows = ((top + 0.5) * s - self.top, (bottom + 0.5) * s - self.top + 1)
        columns = ((left + 0.5) * s - self.left, (right + 0.5) * s - self.left + 1)
        rows = slice(*(int(min(max(place, 0), height)) for place in rows))
        columns = slice(*(int(min(max(place, 0), width)) for place in columns))
        return Grid(s, self.top + rows.start, self.left + columns.start,
                    (rows.stop - rows.start, columns.stop - columns.start), (..., rows, columns))

    def place(self, part: "Grid", field: np.ndarray, outside: float = 0.0) -> np.ndarray:
        """A field of a cropped grid put back into a field of this one."""
        whole = np.full(self.shape, outside, np.float32)
        top, left = part.top - self.top, part.left - self.left
        whole[top:top + part.shape[0], left:left + part.shape[1]] = field
        return whole

    def _cells(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        column = np.floor((points[..., 0] + np.float32(0.5)) * self.scale).astype(np.int32) - self.left
        row = np.floor((points[..., 1] + np.float32(0.5)) * self.scale).astype(np.int32) - self.top
        return row, column

    def cells(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flat cell index of points (..., 2) and whether they lie on the grid."""
        row, column = self._cells(points)
        inside = (row >= 0) & (column >= 0) & (column < self.shape[1]) & (row < self.shape[0])
        return row * self.shape[1] + column, inside

    def splat(self, points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sum of the weights of the points that fall into each cell, float32, (H, W)."""
        index, inside = self.cells(points)
        return self.total(index[inside], weights[inside])

    def total(self, index: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sum of the weights (n,) of each cell, by flat index (n,): float32, (H, W)."""
        total = np.bincount(index, weights=weights, minlength=self.shape[0] * self.shape[1])
        return total.reshape(self.shape).astype(np.float32)

    def sample(self, field: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Value of a field (H, W) at points (..., 2): nearest cell, clamped at the border."""
        row, column = self._cells(points)
        return field[np.clip(row, 0, self.shape[0] - 1), np.clip(column, 0, self.shape[1] - 1)]

    def polygon(self, points: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Coverage 0 … 1 of a polygon, its edge softened by a Gaussian of ``soft`` px."""
        image = Image.new("L", (self.shape[1], self.shape[0]))
        corners = (np.asarray(points) + 0.5) * self.scale - (self.left + 0.5, self.top + 0.5)
        ImageDraw.Draw(image).polygon([tuple(corner) for corner in corners], fill=255)
        mask = np.asarray(image, np.float32) / 255
        return self.blur(mask, soft) if soft else mask

    def blur(self, field: np.ndarray, sigma: float) -> np.ndarray:
        """Gaussian blur by ``sigma`` image px."""
        return blur(field, sigma * self.scale)

    def below(self, curve: np.ndarray) -> np.ndarray:
        """Vertical distance (px, positive below) of every cell from a curve y(x), (H, W) float32."""
        order = 1 if curve[-1, 0] > curve[0, 0] else -1
        return self.y - np.interp(self.x[0], curve[::order, 0], curve[::order, 1])[None].astype(np.float32)

    def between(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Anti-aliased coverage of the area between two curves y(x), (H, W) in 0 … 1."""
        inside = np.minimum(self.below(upper), -self.below(lower)) * self.scale + np.float32(0.5)
        within = (self.x >= min(upper[0, 0], upper[-1, 0])) & (self.x <= max(upper[0, 0], upper[-1, 0]))
        return np.clip(inside, 0, 1) * within


def blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur by ``sigma`` cells, cut at 2.5 sigma; wide blurs work on every second cell."""
    if sigma > 5:
        half = blur(half_size(field), sigma / 2)
        return double_size(half)[: field.shape[0], : field.shape[1]]
    radius = max(1, int(2.5 * sigma + 0.5))
    field = gaussian_filter1d(field, sigma, axis=0, mode="nearest", radius=radius)
    return gaussian_filter1d(field, sigma, axis=1, mode="nearest", radius=radius)


def half_size(field: np.ndarray) -> np.ndarray:
    """Mean of 2×2 cells over the last two axes (an odd border row or column is repeated)."""
    odd = [(0, 0)] * (field.ndim - 2) + [(0, field.shape[-2] % 2), (0, field.shape[-1] % 2)]
    if odd[-2][1] or odd[-1][1]:
        field = np.pad(field, odd, mode="edge")
    rows = field[..., ::2, :] + field[..., 1::2, :]
    return np.float32(0.25) * (rows[..., ::2] + rows[..., 1::2])


def double_size(field: np.ndarray) -> np.ndarray:
    """Twice the size of the last two axes by linear interpolation, the inverse geometry of ``half_size``."""
    far, near = np.float32(0.25), np.float32(0.75)
    out = np.empty((*field.shape[:-2], 2 * field.shape[-2], field.shape[-1]), field.dtype)
    padded = np.concatenate([field[..., :1, :], field, field[..., -1:, :]], -2)
    out[..., ::2, :] = near * field + far * padded[..., :-2, :]
    out[..., 1::2, :] = near * field + far * padded[..., 2:, :]
    field, padded = out, np.concatenate([out[..., :1], out, out[..., -1:]], -1)
    out = np.empty((*field.shape[:-1], 2 * field.shape[-1]), field.dtype)
    out[..., ::2] = near * field + far * padded[..., :-2]
    out[..., 1::2] = near * field + far * padded[..., 2:]
    return out


def bell(grid_axis: np.ndarray, centre: float, sigma: float) -> np.ndarray:
    """Gaussian along one axis of the grid (a row or a column vector)."""
    return np.exp(-0.5 * ((grid_axis - np.float32(centre)) / np.float32(sigma)) ** 2)


def step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    u = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return u * u * (3 - 2 * u)


def over(canvas: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> None:
    """Lay a colour (3, 1, 1) or picture (3, H, W) over a canvas (3, H, W) in place, where alpha (H, W)."""
    canvas += alpha * (colour - canvas)


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    """A colour or tint as (3, 1, 1) float32."""
    return np.array([red, green, blue], np.float32).reshape(3, 1, 1)


def linear(display) -> np.ndarray:
    """Linear light of a display colour (0 … 255 each), (3, 1, 1); the display's gamma is taken as 2."""
    return (np.asarray(display, np.float32).reshape(3, 1, 1) / 255) ** 2
