"""The hands that draw: each artist's habits, and how faithfully the face arrives on the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.databases.portraits.geometry import EYE_LEVEL, MIDDLE, Face
from lib.databases.portraits.traits import Traits


@dataclass(frozen=True)
class Artist:
    """Habits of one artist.  Angles in degrees, lengths in px, pressures as optical density."""

    hatch_angle: float = 48.0
    hatch_gap: float = 2.1
    hatch: float = 0.62
    cross: float = 0.5  # share of shade above which strokes cross
    rub: float = 0.22  # tone rubbed in with the finger
    contour: float = 1.15
    width: float = 0.95
    passes: int = 2
    overshoot: float = 1.6
    wobble: float = 0.35
    hair: float = 1.0
    hair_strokes: float = 1.0
    accents: float = 1.0
    paper: float = 246.0
    grain: float = 0.30
    error: float = 0.55  # size of ``misses``, px


ARTISTS = (
    Artist(),
    Artist(hatch_angle=-52, hatch=0.75, rub=0.10, contour=1.3, width=0.85, hair=1.15, passes=2, paper=249, grain=0.25),
    Artist(hatch_angle=62, hatch=0.42, rub=0.42, contour=0.9, width=1.15, hair=0.95, wobble=0.25, paper=241,
           grain=0.36),
    Artist(hatch_angle=35, hatch_gap=2.9, hatch=0.8, cross=0.38, rub=0.08, contour=1.25, passes=3, overshoot=3.0,
           wobble=0.5, hair=0.9, hair_strokes=0.75, paper=244),
    Artist(hatch_angle=75, hatch_gap=1.8, hatch=0.5, rub=0.3, contour=1.05, width=1.0, hair=1.25, hair_strokes=1.2,
           accents=1.15, paper=238, grain=0.4))
AVERAGE = Face(Traits())


class Bend:
    """Smooth displacement of points, given at scattered places and spread by Gaussian weights.

    places, moves: (n, 2) px.  reach: standard deviation of the weights, px.  Called with points (..., 2) it moves them.
    """

    MARGIN, NODES = 10, 10  # px kept around the image; px between the nodes on which the displacement is computed

    def __init__(self, places: np.ndarray, moves: np.ndarray, reach: float):
        x, y = np.arange(-10, 221, self.NODES), np.arange(-10, 271, self.NODES)
        nodes = np.stack(np.meshgrid(x, y), -1)  # (rows, columns, 2)
        square = ((nodes[:, :, None] - places) ** 2).sum(-1)
        weight = np.exp(-0.5 * square / reach**2)
        coarse = (weight @ moves) / (weight.sum(-1, keepdims=True) + 0.15)
        down, right = _between(len(y), self.NODES), _between(len(x), self.NODES)
        self.field = np.stack([down @ coarse[..., k] @ right.T for k in (0, 1)], -1).astype(np.float32)  # one per px

    def __add__(self, other: "Bend") -> "Bend":
        result = object.__new__(Bend)
        result.field = self.field + other.field
        return result

    def __call__(self, points: np.ndarray) -> np.ndarray:
        rows, columns = self.field.shape[:2]
        near = (points + np.float32(self.MARGIN + 0.5)).astype(np.int32)
        np.clip(near, 0, (columns - 1, rows - 1), out=near)
        return points + self.field.reshape(-1, 2)[near[..., 1] * columns + near[..., 0]]


def _between(nodes: int, spacing: int) -> np.ndarray:
    """Matrix (pixels, nodes) of linear interpolation between nodes ``spacing`` px apart."""
    at = np.arange((nodes - 1) * spacing + 1) / spacing
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(nodes)))


def misses(rng: np.random.Generator, size: float) -> Bend:
    """An artist's inaccuracy: independent errors every 24 px, smooth in between, a little under ``size`` px (RMS)."""
    places = np.stack(np.meshgrid(np.arange(10, 200, 24.0), np.arange(20, 250, 24.0)), -1).reshape(-1, 2)
    moves = size * 1.6 * rng.standard_normal(places.shape)
    return Bend(places, moves, 17.0)


def exaggeration(face: Face, factor: float) -> Bend:
    """Caricature: every landmark moves ``factor`` times its deviation from the average face further out.

    The eyes stay, as the pairs are aligned on them.
    """
    places = face.landmarks
    moves = factor * (places - AVERAGE.landmarks)
    eyes = np.array([(MIDDLE - 25, EYE_LEVEL), (MIDDLE + 25, EYE_LEVEL)])
    return Bend(np.concatenate([places, eyes, eyes]), np.concatenate([moves, np.zeros((4, 2))]), 13.0)
