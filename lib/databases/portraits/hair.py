"""Hair as thousands of strands on a ruled surface between hairline and silhouette.

The hair of a head is a surface R(u, v): u runs along the hairline from the left sideburn (-1) over the
forehead (0) to the right sideburn (1) and, for long hair, beyond down to the tips; v runs from the hairline
(0) to the silhouette (1).  A cut is a rule that sends strands over this surface: along it from a parting,
across it from the forehead back, forward over the forehead, in short steps, or in coils.  Photo and sketch
use the same rules; the photo draws every strand, the artist some of them.
"""

from __future__ import annotations

import numpy as np

from lib.databases.portraits.cuts import FEMALE_CUTS, MALE_CUTS
from lib.databases.portraits.geometry import EYE_LEVEL, MIDDLE, SIDES, Face
from lib.databases.portraits.strands import Strands

RIM_DEGREES = 92.0  # angle of the silhouette at u = 1
TABLE = 1024


class Hair:
    """The hair of one face: ``back`` hangs behind neck and ears, ``front`` lies on the head (layers of strands).

    front_mass, back_mass: outlines (n, 2) of what they fill.  Tables over u, (TABLE, 2): ``inner`` and ``outer`` edge
    of the surface and its ``outward`` direction.
    """

    def __init__(self, face: Face):
        self.face, t = face, face.t
        cuts = MALE_CUTS if t.masculinity > 0 else FEMALE_CUTS
        names = list(cuts)
        if t.masculinity > 0:  # baldness comes with recession, not by lot
            names.remove("wreath")
        self.name = names[min(int(t.cut * len(names)), len(names) - 1)]
        if t.masculinity > 0.1 and t.recession > 0.90 - 0.12 * t.age:
            self.name = "wreath"
        if t.hair_curl > 0.72 and self.name in ("crop", "quiff", "mop", "combed"):
            self.name = "cropped coils" if t.hair_length < 0 else "curls"
        self.cut = cuts[self.name]
        self.rng = np.random.default_rng(int(t.hair_part * 1e6 + t.hair_volume * 1e5) % 2**31)
        self._tables()
        self.front = self._front()
        self.back = self._back()
        lower = np.abs(np.linspace(-self.limit, self.limit, TABLE)) < 0.97 * self.limit
        self.front_mass = np.concatenate([self.inner[lower], (self.outer - 0.8 * self.outward)[lower][::-1]])
        self.back_mass = np.zeros((0, 2))
        if self.hang:
            fall = slice(TABLE * 3 // 4, int(0.985 * TABLE))
            right = self.outer[fall] - (2.0, 0.0)
            self.back_mass = np.concatenate([right, (right * (-1, 1) + (2 * MIDDLE, 0))[::-1]])

    def _tables(self) -> None:
        f, t, c, k = self.face, self.face.t, self.cut, self.face.scale
        volume = 1 + 0.28 * t.hair_volume
        reach = c.reach + (10 * t.hair_length if c.reach else 0)
        self.reach = reach
        self.hang = reach > EYE_LEVEL + 20
        self.limit = 2.0 if self.hang else 1.0
        u = np.linspace(-self.limit, self.limit, TABLE)
        inner = f.hairline(np.clip(u, -1, 1))
        degrees = RIM_DEGREES * np.clip(u, -1, 1)
        top, side = c.top * volume, c.side * volume * (1 + 0.1 * t.hair_length)
        share = np.sin(np.radians(degrees)) ** 2
        wobble = 0.5 * c.rough * np.interp(u, np.linspace(-2, 2, 41), self.rng.standard_normal(41))
        outer = f.rim(degrees, top * (1 - share) + side * share + wobble)
        if self.name == "wreath":
            inner, outer = self._wreath(u, inner, outer)
        if "along" in c.flows:
            inner = self._parted(u, inner)
        beyond = np.abs(u) > 1
        if not self.hang:  # the sideburn ends narrow in front of the ear
            taper = np.clip((np.abs(u) - 0.80) / 0.2, 0, 1)[:, None] ** 1.5
            outer = outer + taper * (inner + np.sign(u)[:, None] * (2.6, 0.0) - outer)
        if self.hang:
            s, d = np.sign(u[beyond]), np.abs(u[beyond]) - 1
            w, neck = f.half_widths(), f.neck_half + 3
            y = (EYE_LEVEL + 7) + d * (reach - EYE_LEVEL - 7)
            fall = np.clip(d * (reach - EYE_LEVEL) / 110, 0, 1.3)
            lean = 1 - 1.2 * t.hair_length * 0.3
            bow = np.sin(np.pi / 2 * np.clip(fall, 0, 1)) ** 1.5
            inner_x = w["cheek"] - 2.5 + (neck - w["cheek"] - 1.0) * bow * lean
            outer_x = (w["cheek"] + side + 1 + c.spread * np.sin(np.pi * np.clip(fall * 0.62, 0, 1)) * k
                       - 2.0 * (1 - np.clip(fall, 0, 1)))
            if c.reach < 215:  # a bob turns in at its end
                outer_x -= (24 if "coils" in c.flows else 12) * np.clip(d - 0.6, 0, 1) ** 1.5 * 2.5
                inner_x -= 1.5 * np.clip(d - 0.7, 0, 1) * 3.3
            inner[beyond] = np.stack([MIDDLE + s * inner_x, y], -1)
            outer[beyond] = np.stack([MIDDLE + s * outer_x, y - (EYE_LEVEL + 7 - outer[~beyond][-1, 1]) * (1 - d)], -1)
        self.inner, self.outer = inner.astype(np.float32), outer.astype(np.float32)
        a = np.radians(np.clip(degrees, -90, 90))
        self.outward = np.stack([np.sin(a), -np.cos(a)], -1).astype(np.float32)

    def _parted(self, u: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """Edge of hair that falls from a parting: high at the parting, an arch over temples and cheeks."""
        f, t = self.face, self.face.t
        part = 0.34 * t.hair_part
        away = np.clip(np.abs(u - part) / 0.62, 0, 1)
        w = f.half_widths()["temple"]
        top = f.hairline(0.0)[1] - 3.0
        y = top + (EYE_LEVEL - 22 - top) * away**1.7
        side = np.where(u > part, 1, -1)
        x_part = f.hairline(part)[0]
        x = x_part + side * (MIDDLE + side * 0.90 * w - x_part) * side * np.sin(0.5 * np.pi * away) ** 0.9
        blend = np.clip((np.abs(u) - 0.60) / 0.3, 0, 1)[:, None]
        arch = np.stack([x, y], -1)
        return arch + blend * blend * (3 - 2 * blend) * (inner - arch)

    def _wreath(self, u: np.ndarray, inner: np.ndarray, outer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Only the sides are left: the hairline climbs steeply to the silhouette at |u| about 0.55."""
        rise = np.clip((0.75 - np.abs(u)) / 0.2, 0, 1)[:, None]
        rim = self.face.rim(RIM_DEGREES * np.clip(u, -1, 1), -0.5)
        return inner + rise * (rim - inner), np.where(np.abs(u)[:, None] < 0.5, rim, outer)

    def on_surface(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points and outward directions, each (..., 2), of surface coordinates."""
        index = ((u + self.limit) * ((TABLE - 1) / (2 * self.limit)) + 0.5).astype(np.int32).clip(0, TABLE - 1)
        inner, outer = self.inner[index], self.outer[index]
        across = outer - inner
        points = inner + np.maximum(v, 0)[..., None] * across
        # On the forehead hair hangs down instead of following the skull, and ends above the eyes.
        fringe, room = np.abs(across).sum(-1) * np.maximum(-v, 0), np.maximum(EYE_LEVEL - 8 - inner[..., 1], 3)
        points[..., 0] += 0.35 * across[..., 0] * np.minimum(v, 0)
        points[..., 1] += room * (1 - np.exp(-1.25 * fringe / room))
        return points, self.outward[index] * (0.22 + 0.72 * np.clip(v, 0, 1))[..., None]

    def _front(self) -> list[Strands]:
        rules = {"along": self._along, "down": self._down, "sweep": self._sweep, "back": self._backwards,
                 "forward": self._forward, "stubble": self._stubble, "coils": self._coils}
        layers = [layer for flow in self.cut.flows for layer in rules[flow]()]
        if self.cut.bun:
            layers = self._bun() + layers
        return layers

    def _strands(self, u: np.ndarray, v: np.ndarray, opacity: float = 1.0, locks: float = 26.0,
                 frizz: float = 1.0) -> Strands:
        """Strands along surface paths (n, m); locks share a tone and a wave, frizz bends each a little."""
        t, c, rng = self.face.t, self.cut, self.rng
        points, outward = self.on_surface(u.astype(np.float32), v.astype(np.float32))
        n, m = u.shape
        lock = np.sin(locks * v[:, 0] + 9 * u[:, 0]) + np.sin(2.3 * locks * v[:, 0] - 17 * u[:, m // 2])
        tone = 1 + 0.10 * lock + 0.22 * rng.standard_normal(n)
        wave = (0.25 + t.hair_wave) * c.wave * 3.2
        if wave > 0.1:
            length = np.cumsum(np.hypot(*np.moveaxis(np.diff(points, axis=1, prepend=points[:, :1]), -1, 0)), 1)
            phase = length / (5.5 + 3 * (1 - t.hair_wave)) + 0.7 * lock[:, None] + 0.5 * rng.standard_normal((n, 1))
            grow = np.clip(length / 60, 0, 1)
            points[..., 0] += wave * grow * np.sin(phase)
            points[..., 1] += 0.35 * wave * grow * np.cos(phase)
        bend = frizz * c.rough * rng.standard_normal((n, 2)).astype(np.float32)
        along = np.linspace(0, 1, m, dtype=np.float32)[None, :, None] ** 2
        points += 1.1 * along * bend[:, None] + 0.35 * rng.standard_normal((n, 1, 2)).astype(np.float32)
        return Strands(points, outward, np.clip(tone, 0.45, 1.7).astype(np.float32), opacity)

    def _along(self) -> list[Strands]:
        """From a parting along the surface to the tips, on both sides."""
        t, c, rng = self.face.t, self.cut, self.rng
        part = 0.34 * t.hair_part
        layers = []
        for side in SIDES:
            n = 430
            v = (np.arange(n) + rng.random(n)) / n
            ragged = (0.05 if c.reach > 180 else 0.12) * c.rough
            end = side * self.limit * (1 - ragged * rng.random(n) ** 2)
            m = int(50 + 0.8 * (self.reach - 30))
            s = (np.arange(m)[None] + rng.random((n, 1))) / m  # out of step, lest the samples line up
            start = side * (0.38 + 0.16 * rng.random((n, 1))) if "forward" in c.flows else part
            u = start + (end[:, None] - start) * s
            drift = 0.10 * rng.standard_normal((n, 1)) * s
            # Front strands of the wide side sag over the forehead.
            sag = (-0.30 * max(0.0, -side * t.hair_part + 0.3) * np.exp(-(((u - part - 0.35 * side) / 0.22) ** 2))
                   * (1 - v[:, None]) ** 2)
            layers.append(self._strands(u, np.clip(v[:, None] + drift, 0, 1) + sag))
        return layers

    def _down(self) -> list[Strands]:
        """Short hair of the sides, combed down towards the ear."""
        rng, n = self.rng, 420
        side = np.where(rng.random(n) < 0.5, -1, 1)[:, None]
        start = rng.uniform(0.42, 0.99, n)[:, None]
        s = np.linspace(0, 1, 16)[None]
        u = side * (start + np.minimum(0.17, 1.0 - start) * s)
        v = rng.random((n, 1)) * (1 - 0.10 * s) + 0.02
        return [self._strands(u, v, locks=15)]

    def _sweep(self) -> list[Strands]:
        """From a low side parting over the crown to the other side, and down on the near one."""
        t, rng = self.face.t, self.rng
        side = 1 if t.hair_part > 0 else -1
        part = side * (0.36 + 0.14 * abs(t.hair_part))
        n = 760
        v = rng.random((n, 1)) ** 0.9
        s = np.linspace(0, 1, 90)[None]
        start = part - side * 0.45 * rng.random((n, 1)) ** 2
        u = start + (-side * (0.50 + 0.22 * rng.random((n, 1))) - start) * s
        lift = v + (0.22 + self.cut.fringe * -1.4) * np.sin(np.pi * s) * (1 - v) + 0.10 * s * (1 - v)
        far = self._strands(u, lift, locks=22)
        n = 160
        start = part + side * 0.03 * rng.random((n, 1))
        s = np.linspace(0, 1, 30)[None]
        near = self._strands(start + side * 0.30 * s, rng.random((n, 1)) * np.ones_like(s), locks=18)
        return [near, far]

    def _backwards(self) -> list[Strands]:
        """From the hairline back over the crown."""
        t, c, rng = self.face.t, self.cut, self.rng
        n = 820
        width = 0.98 if c.bun or self.name == "tied back" else 0.62
        u0 = rng.uniform(-width, width, (n, 1))
        s = np.linspace(0, 1, 60)[None]
        lean = 0.12 * t.hair_part - 0.30 * u0 * (0.6 if width > 0.9 else 0.3)
        u = u0 + lean * s**1.3
        start = 0.75 * rng.random((n, 1)) ** 1.6
        v = start + (1.0 + 0.05 * c.rough * rng.random((n, 1)) - start) * s
        return [self._strands(u, v, locks=3, frizz=0.8)]

    def _forward(self) -> list[Strands]:
        """From the crown forward; the last of it lies on the forehead as a fringe of uneven locks."""
        t, c, rng = self.face.t, self.cut, self.rng
        n = 760
        wide = 0.60 if c.fringe > 0.5 else 0.68
        u0 = rng.uniform(-wide, wide, (n, 1))
        s = np.linspace(0, 1, 60)[None]
        lean = 0.22 * t.hair_part + 0.10 * np.sin(23 * u0 + 5 * t.hair_part) * c.rough * 0.5
        edge = 1 - np.abs(u0 / 0.8) ** 3 * (0.9 if c.fringe > 0.3 else 0.2)
        uneven = 1 + 0.12 * c.rough * np.sin(31 * u0 + 3) + 0.12 * c.rough * rng.standard_normal((n, 1))
        tip = -c.fringe * edge * uneven
        start = np.where(rng.random((n, 1)) < 0.62, rng.uniform(0.3, 1.0, (n, 1)), rng.uniform(0, 0.45, (n, 1)))
        v = start + (tip - start) * s
        u = u0 + lean * s**1.5 * (1 - 0.5 * np.abs(u0))
        return [self._strands(u, v, locks=2, frizz=0.7)]

    def _stubble(self) -> list[Strands]:
        rng, n = self.rng, 2600
        u = rng.uniform(-1, 1, (n, 1))
        v = rng.random((n, 1))
        s = np.linspace(0, 1, 6)[None]
        u = u + 0.012 * rng.standard_normal((n, 1)) * s
        return [self._strands(u, v + 0.09 * s - 0.02, opacity=0.7, locks=5, frizz=1.2)]

    def _coils(self) -> list[Strands]:
        """Small loops all over the surface."""
        t, c, rng = self.face.t, self.cut, self.rng
        n = 1500 if self.hang or c.top > 12 else 1000
        u = rng.uniform(-self.limit * 0.985, self.limit * 0.985, (n, 1))
        if self.hang:
            u *= 1 - 0.10 * (np.abs(u) > 1.7) * rng.random((n, 1))
        v = rng.random((n, 1)) ** 0.85
        layer = self._strands(np.repeat(u, 26, 1), np.repeat(v, 26, 1), locks=40, frizz=0)
        turn = np.where(rng.random((n, 1)) < 0.5, 1, -1)
        a = np.linspace(0, 2.6 * np.pi, 26)[None] * turn + rng.uniform(0, 6.3, (n, 1))
        size = (1.3 + 2.4 * (1 - t.hair_curl) + 0.5 * c.rough * rng.random((n, 1))) * np.linspace(1, 0.55, 26)[None]
        layer.points[..., 0] += size * np.cos(a)
        layer.points[..., 1] += size * np.sin(a) + 1.5 * np.linspace(-1, 1, 26)[None] * (1 if self.hang else 0.3)
        shade = 0.75 + 0.35 * np.sin(a)  # light catches the upper side of each loop
        layer.tone = layer.tone[:, None] * (1 - 0.55 * shade * np.where(np.sin(a) > 0, 1, -0.6))
        return [layer]

    def _bun(self) -> list[Strands]:
        """A knot above the crown."""
        t, rng, n = self.face.t, self.rng, 260
        top = self.face.rim([0.0], 0)[0]
        wide, high = 23 + 3 * t.hair_volume, 15 + 2.5 * t.hair_length
        a = rng.random((n, 1)) ** 0.6
        s = np.linspace(-1, 1, 40)[None]
        angle = 2.6 * s + 0.4 * rng.standard_normal((n, 1))
        x = MIDDLE + 3 * t.hair_part + wide * a * np.sin(angle)
        y = top[1] - 7 - high * (a * np.cos(angle) + 0.15)
        points = np.stack([x, y], -1).astype(np.float32)
        outward = 0.8 * np.stack([a * np.sin(angle), -a * np.cos(angle)], -1).astype(np.float32)
        tone = 0.92 + 0.15 * np.sin(17 * a[:, 0]) + 0.2 * rng.standard_normal(n)
        return [Strands(points, outward, np.clip(tone, 0.4, 1.6).astype(np.float32))]

    def _back(self) -> list[Strands]:
        """Hair hanging behind the neck, in the head's shadow."""
        if not self.hang:
            return []
        rng, n, m = self.rng, 380, 130
        y0, y1 = EYE_LEVEL - 10, self.reach - 2
        edge = self.outer[TABLE * 3 // 4 :]
        half = np.interp(np.linspace(y0, y1, m), edge[:, 1], edge[:, 0]) - MIDDLE - 1.5
        across = rng.uniform(-1, 1, (n, 1))
        x = MIDDLE + across * half[None] + 0.8 * rng.standard_normal((n, 1))
        y = (np.arange(m)[None] + rng.random((n, 1))) / m * (y1 - y0 - 4 * rng.random((n, 1)) * self.cut.rough) + y0
        points = np.stack([x, np.broadcast_to(y, x.shape)], -1).astype(np.float32)
        outward = np.zeros_like(points)
        outward[..., 0] = 0.7 * across
        depth = 0.42 + 0.30 * np.abs(across[:, 0]) ** 2
        tone = depth * np.clip(1 + 0.22 * rng.standard_normal(n), 0.5, 1.5)
        return [Strands(points, outward, tone.astype(np.float32))]
