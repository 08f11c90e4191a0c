"""Curves through points, and points along them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def smooth_curve(points: Sequence, n: int = 40) -> np.ndarray:
    """Curve (n, 2) through the points (k, 2): natural cubic spline in chord length."""
    points = np.asarray(points, float)
    step = np.hypot(*(points[1:] - points[:-1]).T)
    slope = (points[1:] - points[:-1]) / step[:, None]
    matrix = (np.diag(np.r_[1, 2 * (step[1:] + step[:-1]), 1]) + np.diag(np.r_[0, step[1:]], 1)
              + np.diag(np.r_[step[:-1], 0], -1))
    second = np.linalg.solve(matrix, np.concatenate([[(0, 0)], 6 * (slope[1:] - slope[:-1]), [(0, 0)]]))  # derivatives
    knots = np.concatenate([[0], np.cumsum(step)])
    at = np.linspace(0, knots[-1], n)
    k = np.searchsorted(knots[1:-1], at, side="right")
    h, b = step[k][:, None], (at - knots[k])[:, None]
    a = h - b
    straight = (points[k] * a + points[k + 1] * b) / h
    return straight + (second[k] * (a**3 / h - a * h) + second[k + 1] * (b**3 / h - b * h)) / 6


def evenly(curve: np.ndarray, n: int) -> np.ndarray:
    """``n`` points along a polyline at equal distances, (n, 2)."""
    chord = np.concatenate([[0], np.cumsum(np.hypot(*(curve[1:] - curve[:-1]).T))])
    return interpolate(curve, chord, np.linspace(0, chord[-1], n))


def interpolate(curve: np.ndarray, known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Points (..., 2) of a polyline (k, 2) at parameters ``at`` (...); known: (k,) those of its corners, ascending."""
    return np.stack([np.interp(at, known, curve[:, k]) for k in (0, 1)], -1)
