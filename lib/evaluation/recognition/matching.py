"""Nearest-neighbour matching for every number of dimensions, with ties shared fairly.

Row i of probes and gallery is the same person; each probe is matched to all of the gallery by Euclidean
distance.  Ties matter: with one mean face for everybody all distances are equal; counting only nearer
faces would call that perfect, and taking the first of the smallest, as the published program does, would
score by the order of the files.  A probe tied with m − 1 wrong faces counts 1/m, the expectation over
random order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Equal distances computed in different order differ in their last digits, about 1e-12 of their size.
_TIE = 1e-9
_CACHE = 32_768  # distances held at once: two such arrays of float64 stay in a core's cache


class Matches(NamedTuple):
    """What became of t probes.

    first: (t, dimensions) probability that the nearest face is the right one: 0 or 1, unless tied.
    nearer, tied: (t,) at the last dimension, the number of wrong faces nearer than the right one, and of
    faces at its distance, itself included.
    """

    first: np.ndarray
    nearer: np.ndarray
    tied: np.ndarray

    def within(self, rank: int) -> np.ndarray:
        """Probability (t,) that the right face is among the ``rank`` nearest, at the last dimension."""
        return np.clip((rank - self.nearer) / self.tied, 0.0, 1.0)

    def cumulative(self) -> np.ndarray:
        """Cumulative match curve (t,): mean of ``within`` for rank 1, 2, …, t."""
        return np.array([self.within(rank).mean() for rank in range(1, len(self.nearer) + 1)])


def match(probes: np.ndarray, gallery: np.ndarray, length: int | None = None) -> Matches:
    """Match features (t, d) to features (t, d) in their first 1, 2, …, ``length`` dimensions.

    Squared distances grow by one term per dimension, so all dimensions together cost what the last does.
    Dimensions beyond d carry nothing: the curve stays flat (with d = 0, at chance).
    """
    count, available = probes.shape
    length = available if length is None else length
    probes, gallery = probes[:, :length], gallery[:, :length]
    first = np.full((count, length), 1 / count)
    nearer, tied = np.zeros(count, int), np.full(count, count)
    rows = max(1, _CACHE // count)
    for start in range(0, count, rows):
        block = slice(start, start + rows)
        _match_block(probes[block], gallery, start, first[block], nearer[block], tied[block])
    if available:
        first[:, available:] = first[:, available - 1:available]
    return Matches(first, nearer, tied)


def _match_block(probes: np.ndarray, gallery: np.ndarray, start: int, first: np.ndarray, nearer: np.ndarray,
                 tied: np.ndarray) -> None:
    """Fill in the probes start, start + 1, …; the right face of the block's row i is gallery[start + i]."""
    rows = np.arange(len(probes))
    mates = rows + start
    right = np.zeros(len(probes))
    wrong = np.zeros((len(probes), len(gallery)))
    wrong[rows, mates] = np.inf  # stays infinite: the minimum is over wrong faces
    step = np.empty_like(wrong)
    for k in range(probes.shape[1]):
        np.subtract(probes[:, k, None], gallery[:, k], out=step)
        np.multiply(step, step, out=step)
        wrong += step
        right += step[rows, mates]
        nearest = wrong.min(axis=1)
        first[:, k] = nearest > right * (1 + _TIE)
        close = np.flatnonzero((nearest <= right * (1 + _TIE)) & (nearest >= right * (1 - _TIE)))
        if len(close):
            first[close, k] = 1 / (1 + np.sum(wrong[close] <= right[close, None] * (1 + _TIE), axis=1))
    if probes.shape[1]:
        nearer[:] = np.sum(wrong < right[:, None] * (1 - _TIE), axis=1)
        tied[:] = 1 + np.sum(wrong <= right[:, None] * (1 + _TIE), axis=1) - nearer
