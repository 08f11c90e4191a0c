"""The face as a height field: a skull-like dome plus smooth bumps and hollows for every feature.

Heights are in pixels towards the viewer.  Everything is separable Gaussians, so a bump costs one outer
product in its own window.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from lib.databases.portraits.geometry import CENTRE, EYE_LEVEL, MIDDLE, SIDES, Face
from lib.databases.portraits.raster import Grid, bell, blur, double_size, half_size, step

DEPTH = 62.0  # of the dome


class Relief:
    """Height field of a face.

    height: (H, W) px.  inside: (H, W) signed distance to the outline, px, positive inside.
    """

    def __init__(self, face: Face, grid: Grid):
        self.face, self.grid = face, grid
        self._dome()
        self._features()

    def bump(self, x: float, y: float, sx: float, sy: float, amount: float) -> None:
        """Add a Gaussian bump (negative: a hollow)."""
        reach = 4.0
        part = self.grid.part(x - reach * sx, y - reach * sy, x + reach * sx, y + reach * sy)
        self.height[part.index] += (np.float32(amount) * bell(part.y, y, sy)) * bell(part.x, x, sx)

    def _dome(self) -> None:
        # The dome is smooth: at half resolution and doubled it looks the same for a quarter of the work.
        grid, (angle, radius) = self.grid, self.face.radius
        x, y = half_size(np.broadcast_to(grid.x, grid.shape)), half_size(np.broadcast_to(grid.y, grid.shape))
        dx, dy = x - np.float32(CENTRE[0]), y - np.float32(CENTRE[1])
        place = (np.arctan2(dx, dy) + np.float32(np.pi)) * np.float32((len(angle) - 1) / (2 * np.pi)) + 0.5
        edge = radius.astype(np.float32)[place.astype(np.int32)]
        distance = np.sqrt(dx * dx + dy * dy)
        relative = distance / edge
        dome = DEPTH * np.sqrt(np.maximum(1 - relative**3.0, 0.0))
        dome = blur(dome, 1.2 * grid.scale / 2)
        self.height, self.inside = (double_size(part)[: grid.shape[0], : grid.shape[1]].copy()
                                    for part in (dome, edge - distance))

    def _features(self) -> None:
        f, t, n = self.face, self.face.t, self.face.nose
        fuller, age = t.cheek_fullness, t.age
        k = f.scale
        for side in SIDES:
            s = side * f.side_scale(side)
            brow = f.brow(side)[0]
            self.bump(brow[10, 0], brow[10, 1] + 2, 13, 4.5, 2.0 + 1.0 * max(t.masculinity, -0.6))
            self.bump(MIDDLE + side * 25, EYE_LEVEL - 2, 13, 7.5, -5.2 - 1.3 * t.eye_depth)
            self.bump(MIDDLE + side * 13.5, EYE_LEVEL - 4, 4.5, 6.0, -3.6 - 0.8 * t.eye_depth)
            self.bump(MIDDLE + side * 25, EYE_LEVEL, 8.5, 5.0, 3.6)
            self.bump(MIDDLE + side * 25, EYE_LEVEL + 12, 10, 3.5, -0.9 - 1.2 * t.eye_bags)
            self.bump(MIDDLE + side * 25, EYE_LEVEL + 8, 9, 2.6, 0.5 + 1.8 * t.eye_bags)
            self.bump(MIDDLE + s * 38 * k, EYE_LEVEL + 19, 13, 9, 3.4 + 1.2 * t.cheekbone_width)
            self.bump(MIDDLE + s * 37 * k, EYE_LEVEL + 44, 11, 13, 0.2 + 3.4 * fuller - 1.2 * age)
            self.bump(MIDDLE + s * 50 * k, EYE_LEVEL - 20, 9, 12, -1.8)
            self.bump(MIDDLE + s * 9 * k, f.chin_y - 9, 7, 6.5, 1.8 - 0.8 * t.chin_cleft)
        self._nose(n)
        self._mouth()
        for side in SIDES:
            fold = f.nasolabial(side)
            for point in fold[1::3]:
                self.bump(point[0], point[1], 2.6, 3.4, -0.35 - 1.15 * t.nasolabial)
                self.bump(point[0] + side * 5, point[1] - 1, 4.0, 4.5, 0.2 + 0.5 * t.nasolabial)
        self.bump(MIDDLE, f.chin_y - 10, 13, 7, 2.6)
        self.bump(MIDDLE, f.chin_y - 8, 1.6, 5, -2.2 * max(0, t.chin_cleft - 0.55))
        if age > 0.3:
            for line in range(3):
                for point in f.forehead_line(line)[2:-2:2]:
                    self.bump(point[0], point[1], 3.0, 1.1, -0.85 * max(0, t.forehead_lines - 0.25))

    def _nose(self, n: dict[str, float]) -> None:
        """Ridge growing towards the tip and cut off below it; ball and wings."""
        tall = 1.0 + 0.16 * self.face.t.nose_height
        part = self.grid.part(MIDDLE - 42, n["nasion"] - 15, MIDDLE + 42, n["base"] + 11)
        x, y, height = part.x, part.y, self.height[part.index]
        along = np.clip((y - n["nasion"] + 8) / (n["tip"] - n["nasion"] + 8), 0, 1.15)
        centre = MIDDLE + np.float32(n["bend"]) * np.sin(np.float32(np.pi) * np.clip(along, 0, 1))
        width = n["bridge"] * (1.0 + 0.45 * along**2)
        rise = tall * (1.8 + 7.6 * along**1.5) * step(y, n["nasion"] - 14, n["nasion"] + 4)
        cut = 1 - step(y, n["tip"] - 1.0, n["base"] + 4.0)
        height += (rise * cut) * np.exp(-0.5 * ((x - centre) / width) ** 2)
        # A broad foot carries the ridge into the cheeks and fades towards the base.
        foot = 3.6 * step(y, n["nasion"], n["tip"] - 6) * (1 - step(y, n["tip"] - 4, n["base"] + 9))
        height += foot * bell(x, MIDDLE, 0.78 * n["half"])
        self.bump(MIDDLE + 0.3 * n["bend"], n["tip"] - 1.2, n["ball"], n["ball"] * 0.82, 4.6 * tall)
        for side in SIDES:
            x0 = MIDDLE + 0.3 * n["bend"] + side * 0.70 * n["half"]
            self.bump(x0, n["base"] - 5.2, 0.26 * n["half"], 3.9, 4.8)
            self.bump(MIDDLE + side * (n["half"] + 2.6), n["base"] - 4, 2.4, 4.5, -1.6)

    def _mouth(self) -> None:
        f = self.face
        m = f.mouth
        y = float(m["line"][20, 1])
        half = float(m["line"][-1, 0] - m["line"][0, 0]) / 2
        up, low = float(y - m["upper"][14, 1]), float(m["lower"][20, 1] - y)
        self.bump(MIDDLE, y, half * 0.62, 11, 3.0)
        self.bump(MIDDLE, f.nose["base"] + 6, 1.9, 4.5, -1.1)
        for side in SIDES:
            self.bump(MIDDLE + side * 0.24 * half, y - 0.5 * up - 0.4, 0.34 * half, 0.42 * up + 0.6, 1.5)
            self.bump(MIDDLE + side * 0.30 * half, y + 0.52 * low, 0.34 * half, 0.36 * low + 0.5, 1.7)
            self.bump(MIDDLE + side * (half + 1.5), y + 0.5, 3.0, 3.2, -1.5)
        self.bump(MIDDLE, y + low + 4.2, 10, 3.0, -2.4)

    @cached_property
    def normals(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit normals (x, y, z), each (H, W) float32; y points down."""
        gx, gy = np.zeros_like(self.height), np.zeros_like(self.height)
        gx[:, 1:-1] = (self.height[:, 2:] - self.height[:, :-2]) * np.float32(0.5 * self.grid.scale)
        gy[1:-1] = (self.height[2:] - self.height[:-2]) * np.float32(0.5 * self.grid.scale)
        nz = 1 / np.sqrt(1 + gx * gx + gy * gy)
        return -gx * nz, -gy * nz, nz

    @cached_property
    def hollow(self) -> np.ndarray:
        """Height above the surroundings, (H, W) px: negative where little light gets in."""
        quarter = half_size(half_size(self.height))
        around = double_size(double_size(blur(quarter, 6.0 * self.grid.scale / 4)))
        return self.height - around[: self.grid.shape[0], : self.grid.shape[1]]
