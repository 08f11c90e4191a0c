"""Identification and verification from distances alone: ranks, ROC, TAR at FAR 1 %, equal error rate, per person.

Row i of a matrix of distances is probe i, column i the same person in the gallery.  *Identification* asks how many
wrong faces are nearer than the right one.  *Verification* accepts a pair whose distance is below a threshold: the true
accept rate (TAR) is the share of the n right pairs, the false accept rate (FAR) that of the n (n − 1) wrong ones.
Between two thresholds the ROC is a straight line: pairs at one and the same distance are accepted by lot.  A system
that gives everybody the same face then has TAR = FAR, and an equal error rate of one half, as it should.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.base.errors import StudyError

FAR = 0.01
# False accept rates at which ROC curves are kept: a pair of 100 people's 9,900 is 0.0001.
GRID = tuple(float(rate) for rate in np.unique(np.round([0.0, *np.geomspace(1e-3, 1, 37)], 5)))


@dataclass(frozen=True)
class Outcome:
    """What became of n probes.

    nearer, tied: (n,) wrong faces nearer than the right one, and faces at its distance, itself included.
    distance: (n,) to the right face.  accepted: (n,) probability that the right pair is accepted at FAR 1 %.
    rejected, falsely_accepted: (n,) at the threshold of equal error: probability that the right pair is rejected, and
    share of the probe's wrong pairs that are accepted; both means are the equal error rate.
    roc: (len(GRID),) true accept rate at each false accept rate of ``GRID``.
    """

    nearer: np.ndarray
    tied: np.ndarray
    distance: np.ndarray
    accepted: np.ndarray
    rejected: np.ndarray
    falsely_accepted: np.ndarray
    roc: np.ndarray


def distances(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, n) between vectors (n, d); raises StudyError for other shapes or fewer than two."""
    if probes.shape != gallery.shape or probes.ndim != 2 or len(probes) < 2:
        raise StudyError(f"Recognition needs at least two people, one probe and one gallery face of each; got vectors "
                         f"{probes.shape} and {gallery.shape}.")
    return np.stack([np.sqrt(np.square(gallery - probe).sum(axis=1)) for probe in probes])


def judge(distance: np.ndarray) -> Outcome:
    """Outcome from a matrix of distances (n, n)."""
    n = len(distance)
    own, wrong = np.diag(distance), ~np.eye(n, dtype=bool)
    at_far = _threshold(distance, lambda far, tar: far - FAR)
    equal = _threshold(distance, lambda far, tar: far - (1 - tar))
    levels, far, tar = _rates(distance)
    return Outcome(nearer=np.sum((distance < own[:, None]) & wrong, axis=1),
                   tied=1 + np.sum((distance == own[:, None]) & wrong, axis=1), distance=own,
                   accepted=_accepted(own, *at_far), rejected=1 - _accepted(own, *equal),
                   falsely_accepted=np.sum(_accepted(distance, *equal) * wrong, axis=1) / (n - 1),
                   roc=_interpolated(far, tar))


def within(nearer: np.ndarray, tied: np.ndarray, rank: int) -> np.ndarray:
    """Probability (n,) that the right face is among the ``rank`` nearest; ties are broken by lot."""
    return np.clip((rank - np.asarray(nearer)) / np.asarray(tied), 0.0, 1.0)


def _rates(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every distance that occurs, ascending, and FAR and TAR when pairs up to it are accepted; before them (0, 0)."""
    own, wrong = np.sort(np.diag(distance)), np.sort(distance[~np.eye(len(distance), dtype=bool)])
    levels = np.unique(distance)
    far = np.searchsorted(wrong, levels, side="right") / len(wrong)
    tar = np.searchsorted(own, levels, side="right") / len(own)
    return levels, np.concatenate([[0.0], far]), np.concatenate([[0.0], tar])


def _threshold(distance: np.ndarray, excess) -> tuple[float, float]:
    """Distance at which ``excess(far, tar)``, which grows, crosses zero, and the share of pairs there that is taken."""
    levels, far, tar = _rates(distance)
    values = excess(far, tar)
    last = int(np.searchsorted(values, 0.0, side="left"))  # values[0] < 0 ≤ values[last]
    return float(levels[last - 1]), float(-values[last - 1] / (values[last] - values[last - 1]))


def _accepted(distance: np.ndarray, threshold: float, share: float) -> np.ndarray:
    return (distance < threshold) + share * (distance == threshold)


def _interpolated(far: np.ndarray, tar: np.ndarray) -> np.ndarray:
    """TAR at ``GRID``; where the curve rises at one FAR, its upper end."""
    keep = np.append(far[1:] > far[:-1], True)  # the last point at each rate
    return np.interp(GRID, far[keep], tar[keep])
