"""Curves through points, and curves kept once they have been computed."""

from __future__ import annotations

from functools import wraps

import numpy as np


def smooth_curve(points, n: int = 40) -> np.ndarray:
    """Curve (n, 2) through the points (k, 2): natural cubic spline in chord length."""
    points = np.asarray(points, float)
    step = np.hypot(*(points[1:] - points[:-1]).T)
    slope = (points[1:] - points[:-1]) / step[:, None]
    matrix = (
        np.diag(np.r_[1, 2 * (step[1:] + step[:-1]), 1])
        + np.diag(np.r_[0, step[1:]], 1)
        + np.diag(np.r_[step[:-1], 0], -1)
    )
    bend = np.linalg.solve(
        matrix, np.concatenate([[(0, 0)], 6 * (slope[1:] - slope[:-1]), [(0, 0)]])
    )  # second derivatives
    knots = np.concatenate([[0], np.cumsum(step)])
    at = np.linspace(0, knots[-1], n)
    k = np.searchsorted(knots[1:-1], at, side="right")
    h, b = step[k][:, None], (at - knots[k])[:, None]
    a = h - b
    return (points[k] * a + points[k + 1] * b) / h + (
        bend[k] * (a**3 / h - a * h) + bend[k + 1] * (b**3 / h - b * h)
    ) / 6


def evenly(curve: np.ndarray, n: int) -> np.ndarray:
    """``n`` points along a polyline at equal distances, (n, 2)."""
    chord = np.concatenate([[0], np.cumsum(np.hypot(*(curve[1:] - curve[:-1]).T))])
    at = np.linspace(0, chord[-1], n)
    return np.stack([np.interp(at, chord, curve[:, k]) for k in (0, 1)], -1)


def once_per_side(method):
    """Keep the result of a method of one argument; curves are asked for many times."""
    name = method.__name__

    @wraps(method)
    def kept(self, side):
        if (name, side) not in self.kept:
            self.kept[name, side] = method(self, side)
        return self.kept[name, side]

    return kept
