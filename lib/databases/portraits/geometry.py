"""From traits to lines: the curves and landmarks that photo and sketch share.

Unit: pixels of the 200×250 image, x to the right, y down; the eye centres are at (75, 125) and (125, 125).
Curves are float arrays (n, 2).  ``side`` is -1 for the left half of the image and +1 for the right.
Letters: t traits, k scale of the head, w half widths of the head by place, s a side with its share of asymmetry,
n measures of the nose, m curves of the mouth, u a coordinate along a curve.
"""

from __future__ import annotations

from functools import cache, cached_property

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from lib.databases.portraits.curves import smooth_curve
from lib.databases.portraits.traits import Traits

MIDDLE, EYE_LEVEL, HALF_DISTANCE = 100.0, 125.0, 25.0
CENTRE = np.array([MIDDLE, 133.0])  # the head is star-shaped around it
SIDES = (-1, 1)


class Face:
    """All curves of one person.  ``t`` are the traits; attributes are computed on first use."""

    def __init__(self, traits: Traits):
        self.t = traits
        for method in ("eye", "iris_centre", "brow", "wing", "ear", "neck_edge", "nasolabial"):  # asked for many times
            setattr(self, method, cache(getattr(self, method)))

    @cached_property
    def scale(self) -> float:
        """Size of the head relative to the fixed eye distance."""
        return 1.0 - 0.055 * self.t.eye_distance

    def side_scale(self, side: int) -> float:
        """How much wider than the mean a side is."""
        return 1.0 + 0.022 * self.t.asymmetry * side

    @cached_property
    def chin_y(self) -> float:
        t = self.t
        return EYE_LEVEL + self.scale * (80.5 + 4.0 * t.chin_length + 2.5 * t.nose_length + 1.6 * t.masculinity)

    @cached_property
    def top_y(self) -> float:
        return EYE_LEVEL - self.scale * (86 + 5.0 * self.t.head_height)

    def half_widths(self) -> dict[str, float]:
        """Half the head's width at temple, cheek, jaw and chin."""
        t, k = self.t, self.scale
        width = 59.0 + 2.6 * t.head_width + 1.2 * t.fullness
        cheek = width - 0.4 + 2.0 * t.cheekbone_width + 1.0 * t.cheek_fullness
        jaw = width - 14.5 + 3.8 * t.jaw_width + 2.6 * t.fullness + 1.6 * t.masculinity
        chin = 15.0 + 2.8 * t.chin_width + 1.4 * t.masculinity + 1.0 * t.fullness
        return {"temple": k * (width - 1.5 + 1.8 * t.temple_width), "cheek": k * cheek,
                "jaw": k * min(jaw, cheek - 4), "chin": k * chin}

    @cached_property
    def outline(self) -> np.ndarray:
        """Closed outline of the bare head, (360, 2), from the chin over the right side and crown."""
        t, w, k = self.t, self.half_widths(), self.scale
        chin, top = self.chin_y, self.top_y
        jaw_y = chin - k * (25 - 4.0 * t.jaw_height)
        sides = []
        for side in (1, -1):
            s = self.side_scale(side) * side
            sides.append([
                (MIDDLE + s * w["chin"], chin - 2.6 * k), (MIDDLE + s * 0.80 * w["jaw"], chin - 12.0 * k),
                (MIDDLE + s * w["jaw"], jaw_y),
                (MIDDLE + s * (0.45 * w["jaw"] + 0.55 * w["cheek"] + 1.2), jaw_y - 20 * k),
                (MIDDLE + s * w["cheek"], 133.0), (MIDDLE + s * w["temple"], 96.0),
                (MIDDLE + s * 0.74 * w["temple"], top + 17 * k), (MIDDLE + s * 0.36 * w["temple"], top + 3.2 * k)])
        points = np.array([(MIDDLE, chin), *sides[0], (MIDDLE, top), *sides[1][::-1], (MIDDLE, chin)])
        chord = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
        return CubicSpline(chord, points, bc_type="periodic")(np.linspace(0, chord[-1], 360, endpoint=False))

    @cached_property
    def radius(self) -> tuple[np.ndarray, np.ndarray]:
        """Angles from straight down (towards the right), (721,) radians, and the outline's radius there, (721,) px."""
        offset = self.outline - CENTRE
        angle = np.arctan2(offset[:, 0], offset[:, 1])
        order = np.argsort(angle)
        angle, radius = angle[order], np.hypot(*offset.T)[order]
        even = np.linspace(-np.pi, np.pi, 721)
        return even, np.interp(even, angle, radius, period=2 * np.pi)

    def rim(self, degrees: np.ndarray | list[float], grow: np.ndarray | float = 0.0) -> np.ndarray:
        """Points (n, 2) of the outline at angles (n,) from straight up (clockwise), moved out by ``grow`` px."""
        degrees = np.asarray(degrees, float)
        even, radius = self.radius
        r = np.interp(np.pi - np.radians(degrees), even, radius, period=2 * np.pi) + grow
        a = np.radians(degrees)
        return CENTRE + np.stack([r * np.sin(a), -r * np.cos(a)], -1)

    def eye_centre(self, side: int) -> np.ndarray:
        return np.array([MIDDLE + side * HALF_DISTANCE, EYE_LEVEL])

    @cached_property
    def iris_radius(self) -> float:
        return 5.25 + 0.4 * self.t.iris_size

    def eye(self, side: int) -> dict[str, np.ndarray]:
        """Curves (25, 2) of one eye from the inner to the outer corner: upper and lower lid, crease, bag."""
        t, centre = self.t, self.eye_centre(side)
        half = 12.6 + 1.2 * t.eye_width
        up = 4.75 + 0.85 * t.eye_opening
        down = 3.5 + 0.45 * t.eye_opening
        tilt = 1.2 + 1.7 * t.eye_tilt
        u = np.linspace(-1, 1, 25)  # inner … outer
        base = 0.9 - tilt * (u + 1) / 2 * 1.15 + 0.2
        upper = base - up * (1 - np.abs(u) ** 2.3) ** 0.85 * (1 - 0.13 * u)
        lower = base + down * (1 - np.abs(u) ** 2.1) * (1 + 0.18 * u)
        fold = 2.9 + 1.5 * t.lid_fold
        crease = upper - np.maximum(0.25, fold * (1 - 0.30 * u**2) * (1 - 0.25 * (u < 0) * u**2)) - 0.4 * (u > 0) * u
        bag = lower + (4.6 + 1.0 * t.eye_bags) * (1 - 0.45 * u**2)
        x = centre[0] + side * half * u
        curves = {"upper": upper, "lower": lower, "crease": crease, "bag": bag}
        return {name: np.stack([x, centre[1] + y], -1) for name, y in curves.items()}

    def iris_centre(self, side: int) -> np.ndarray:
        """(x, y), halfway between the eye's centre and that of its opening."""
        eye = self.eye(side)
        opening = (eye["upper"][12, 1] + eye["lower"][12, 1]) / 2
        return np.array([self.eye_centre(side)[0], 0.5 * opening + 0.5 * EYE_LEVEL - 0.35])

    def brow(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Centre line of a brow from inner to outer end, (30, 2), and its half thickness, (30,)."""
        t = self.t
        u = np.linspace(0, 1, 30)
        inner, length = 11.0 - 0.8 * t.brow_density, 29.5 + 2.6 * t.brow_length
        y = EYE_LEVEL - (14.6 + 2.2 * t.brow_height) - (2.4 * t.brow_tilt + 1.6) * (u - 0.40)
        arch = 3.2 + 2.0 * t.brow_arch
        y -= arch * (np.sin(np.pi * np.clip(u, 0, 1) ** 1.25) - 0.45) * 0.9
        y += 1.6 * np.clip(u - 0.68, 0, 1) ** 1.5 * (3 + t.brow_arch) - 0.5 * t.asymmetry * side
        x = MIDDLE + side * (inner + length * u)
        half = ((2.35 + 0.85 * t.brow_thickness + 0.25 * t.masculinity) * np.minimum(1, 0.62 + 1.8 * u)
                * (1 - u**2.6) ** 0.8)
        return np.stack([x, y], -1), np.maximum(half, 0.35)

    @cached_property
    def nose(self) -> dict[str, float]:
        """Measures of the nose: levels (y) of nasion, tip and base, half widths, sideways bend."""
        t = self.t
        base = EYE_LEVEL + self.scale * (33.5 + 3.4 * t.nose_length)
        return {"nasion": EYE_LEVEL - 6.0, "base": base, "tip": base - 4.2 - 1.3 * t.nose_turn,
                "half": self.scale * (13.2 + 2.2 * t.nose_width),
                "bridge": 4.3 + 1.0 * t.nose_bridge + 0.3 * t.nose_width,
                "ball": 6.4 + 0.9 * t.nose_tip + 0.5 * t.nose_width, "bend": 0.9 * t.nose_bend}

    def nostril(self, side: int) -> tuple[np.ndarray, float, float]:
        """Centre, half width and half height of a nostril."""
        n, t = self.nose, self.t
        centre = np.array([MIDDLE + 0.3 * n["bend"] + side * 0.50 * n["half"], n["base"] - 1.0 - 0.3 * t.nose_turn])
        return centre, 0.235 * n["half"], 1.15 + 0.45 * t.nose_turn

    def wing(self, side: int) -> np.ndarray:
        """Outer edge of a nose wing, from above down to the base."""
        n, s = self.nose, side * self.side_scale(side)
        h, b, x = n["half"], n["base"], MIDDLE + 0.3 * n["bend"]
        return smooth_curve([(x + 0.72 * s * h, b - 10.5), (x + 0.97 * s * h, b - 6.5), (x + 0.99 * s * h, b - 2.6),
                             (x + 0.80 * s * h, b + 0.1), (x + 0.60 * s * h, b - 0.5)], 20)

    @cached_property
    def mouth(self) -> dict[str, np.ndarray]:
        """Curves (41, 2) from the left to the right corner: the line between the lips, upper and lower edge."""
        t, k, base = self.t, self.scale, self.nose["base"]
        y = base + 0.385 * (self.chin_y - base) + 0.9 * t.mouth_height
        half = k * (20.5 + 2.4 * t.mouth_width)
        u = np.linspace(-1, 1, 41)
        lift = 1.0 * t.mouth_curve + 0.7
        line = (y - 1.1 * lift * (u**2 * 1.9 - 0.6) + 0.9 * np.exp(-((u / 0.16) ** 2))
                - 0.55 * np.exp(-(((np.abs(u) - 0.42) / 0.22) ** 2)))
        taper = (1 - np.abs(u) ** 1.9) ** 0.9
        upper = 5.0 + 1.3 * t.upper_lip
        bow = 0.6 + 1.3 * t.cupids_bow
        peak = np.exp(-((np.abs(u) - 0.24) / 0.17) ** 2)
        top = line - taper * (upper * (1 - 0.32 * np.abs(u)) + 0.5 * bow * (peak - np.exp(-(u / 0.11) ** 2)))
        low = line + (1 - np.abs(u) ** 2.2) ** 0.95 * (6.8 + 1.6 * t.lower_lip)
        x = MIDDLE + half * u * np.where(u > 0, self.side_scale(1), self.side_scale(-1))
        return {"line": np.stack([x, line], -1), "upper": np.stack([x, top], -1), "lower": np.stack([x, low], -1)}

    def ear(self, side: int) -> dict[str, np.ndarray]:
        """Outer rim (36, 2) and inner ridge (16, 2) of an ear; the rim runs from its upper root to the lobe."""
        t, k = self.t, self.scale
        s = side * self.side_scale(side)
        w = self.half_widths()["cheek"]
        top, length = EYE_LEVEL - k * (8 + 2.5 * t.ear_height), k * (42 + 4.0 * t.ear_size)
        out = 9.5 + 2.6 * t.ear_spread + 0.9 * t.ear_size
        x = MIDDLE + s * (w - 1.6)
        rim = smooth_curve([(x, top + 0.10 * length), (x + s * 0.62 * out, top), (x + s * out, top + 0.20 * length),
                            (x + s * 0.86 * out, top + 0.55 * length), (x + s * 0.46 * out, top + 0.86 * length),
                            (x + s * 0.05 * out, top + length), (x - s * 3.5, top + 0.90 * length)], 36)
        ridge = smooth_curve([(x + s * 0.25 * out, top + 0.17 * length), (x + s * 0.64 * out, top + 0.20 * length),
                              (x + s * 0.60 * out, top + 0.45 * length), (x + s * 0.28 * out, top + 0.66 * length)], 16)
        return {"rim": rim, "ridge": ridge}

    @cached_property
    def neck_half(self) -> float:
        t = self.t
        jaw = self.half_widths()["jaw"]
        return min(self.scale * (38.0 + 3.0 * t.neck_width + 2.0 * t.masculinity + 2.2 * t.fullness), jaw - 3)

    def neck_edge(self, side: int) -> np.ndarray:
        """Side of the neck from under the jaw to the slope of the shoulder, leaving the image."""
        t, n = self.t, self.neck_half
        slope = 243 - 5.0 * t.shoulders
        return smooth_curve([(MIDDLE + side * n, 165), (MIDDLE + side * n, 195),
                             (MIDDLE + side * (n + 1.2), slope - 16), (MIDDLE + side * (n + 9), slope - 5),
                             (MIDDLE + side * (n + 30), slope + 4), (MIDDLE + side * (n + 75), slope + 16)], 40)

    def nasolabial(self, side: int) -> np.ndarray:
        """Fold from the wing of the nose past the corner of the mouth, (18, 2)."""
        n, m = self.nose, self.mouth["line"]
        corner = m[-1] if side > 0 else m[0]
        start = np.array([MIDDLE + side * (n["half"] + 1.5), n["base"] - 6.5])
        end = corner + (side * 4.0, 2.5)
        middle = (start + end) / 2 + (side * (3.0 + 1.5 * self.t.cheek_fullness), -1.0)
        return smooth_curve([start, middle, end], 18)

    def forehead_line(self, k: int) -> np.ndarray:
        """Line 0, 1 or 2 of the three that wave across the forehead, (24, 2)."""
        t = self.t
        y = EYE_LEVEL - 28 - 2.2 * t.brow_height - (7.5 + 1.5 * t.hairline) * k
        half = 31 - 3 * k * (1.5 + t.brow_length)
        u = np.linspace(-1, 1, 24)
        wave = ((0.7 + 0.7 * t.brow_arch) * np.cos((1.9 + 0.4 * t.nose_bend) * np.pi * u)
                + 0.7 * np.sin(4 * u + 2 * k + 6 * t.line_phase))
        x = MIDDLE + 3 * t.asymmetry * (k - 1) + half * u
        return np.stack([x, y + wave + (2.0 + 1.5 * t.brow_tilt) * u**2], -1)

    @cached_property
    def hairline(self) -> PchipInterpolator:
        """Edge of the hair as x, y over u: -1 left sideburn, 0 middle of the forehead, 1 right sideburn."""
        t, k, w = self.t, self.scale, self.half_widths()
        y = EYE_LEVEL - k * (51.0 + 4.5 * t.hairline + 2.0 * t.head_height)
        y = max(y, self.top_y + 14)
        back = 9.0 * max(0.0, t.recession - 0.35) * (1 if t.masculinity > 0 else 0.35)
        temple, cheek = w["temple"], w["cheek"]
        half = np.array([  # u, x, y
            (0.0, 0.0, y - 2.5 * t.recession), (0.16, 13.0, y + 0.4 - 2.5 * t.recession),
            (0.34, 0.53 * temple - 0.1 * back, y - 0.8 * back + 1.5), (0.52, 0.745 * temple, y + 7 - 0.75 * back),
            (0.64, 0.86 * temple, y + 17 - 0.2 * back), (0.76, 0.885 * temple, y + 31),
            (0.88, cheek - 5.5, EYE_LEVEL - 13), (1.0, cheek - 2.5, EYE_LEVEL + 7)])
        whole = np.concatenate([half[:0:-1] * (-1, -1, 1), half]) + (0, MIDDLE, 0)
        return PchipInterpolator(whole[:, 0], whole[:, 1:])

    @cached_property
    def landmarks(self) -> np.ndarray:
        """About 60 points (n, 2) that describe the shape of the face, for warps between faces."""
        parts = [self.outline[::15]]
        for side in SIDES:
            eye = self.eye(side)
            parts += [eye["upper"][::6], eye["lower"][6:-6:6], self.brow(side)[0][::7], self.wing(side)[::6],
                      self.ear(side)["rim"][::9]]
        m = self.mouth
        parts += [m["line"][::8], m["upper"][8:-8:6], m["lower"][8:-8:6]]
        parts.append(np.array([(MIDDLE + self.nose["bend"], self.nose["tip"]), (MIDDLE, self.nose["base"])]))
        return np.concatenate(parts)
