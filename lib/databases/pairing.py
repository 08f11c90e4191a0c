"""Is each sketch with its own photo?  Asked of the pixels, because file names have lied before.

A copy of CUHK Student is in circulation whose names, put in alphabetical order, mis-pair 54 of the 100
test faces.  Both images of a person share what survives strong blurring: hair, face outline, collar.
So every sketch is compared with every photo of its sub-database as 25×20 thumbnails (grey, each image
standardised, the mean face subtracted) by correlation.

A pair is *suspect* when its sketch fits another photo clearly better than its own (by ``MARGIN`` of
correlation) and that photo fits no sketch better in turn.  Calibrated on the 88 CUHK Student training
pairs, as they are and with ever stronger warped sketches, uneven light and changed backgrounds:

* as they are, rank-1 is 0.97 and no pair is suspect; with 54 % mis-paired, at least 45 % are;
* mildly distorted (6 px, ±30 % light: rank-1 0.77) no pair is suspect either, against at least 27 %;
* strongly distorted (25 px, ±90 % light: rank-1 0.22) up to 9 % of right pairs become suspect.

Hence two thresholds: where the method sees well (``SEEING``), two suspects and 2 % of the pairs are a
fault; where it does not, three and 15 %.  Over random subsets of 8, 16 and 40 of those pairs, 60 each,
this objected to no right set of the first two kinds and missed no mis-sorted one of 16 or 40 pairs; of
the strongest kind it objected to 10 of 180 right sets and missed 82 of 180 mis-sorted ones.  So it is a
guard and no proof, weakest where sketches are exaggerated and few.  Under ``FEWEST`` pairs nothing is
concluded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib.base import images

THUMBNAIL = (25, 20)  # height, width; 10×8 loses rank-1 (0.84), 125×100 gains none (0.98)
MARGIN = 0.3
SEEING = 0.7
FEWEST = 8


@dataclass(frozen=True)
class Pairing:
    """What the check found in one sub-database of one split, (n,) arrays in the order of the pairs.

    own: correlation of each sketch with its own photo.  best: index of the photo it fits best.
    best_value: that correlation.  best_other: the highest with any other person's photo.
    suspect: booleans, see the module.
    """

    group: str
    own: np.ndarray
    best: np.ndarray
    best_value: np.ndarray
    best_other: np.ndarray
    suspect: np.ndarray

    @property
    def rank_1(self) -> float:
        """Share of sketches that fit their own photo best."""
        return float((self.best == np.arange(len(self.best))).mean())

    @property
    def mis_paired(self) -> bool:
        """Whether there are more suspects than right pairs would give."""
        n, suspects = len(self.own), int(self.suspect.sum())
        if n < FEWEST:
            return False
        others = ~self.suspect
        right = (self.best == np.arange(n))[others]
        seeing = len(right) > 0 and right.mean() >= SEEING
        return suspects >= max(2, 0.02 * n) if seeing else suspects >= max(3, 0.15 * n)


def check(photos: np.ndarray, sketches: np.ndarray, groups: tuple[str, ...]) -> list[Pairing]:
    """Check every sub-database by itself: photos (n, H, W, 3), sketches (n, H, W) uint8 → its ``Pairing``."""
    members = {group: np.flatnonzero(np.array(groups) == group) for group in dict.fromkeys(groups)}
    return [_judge(group, correlations(photos[rows], sketches[rows])) for group, rows in members.items()]


def correlations(photos: np.ndarray, sketches: np.ndarray) -> np.ndarray:
    """Correlation of every sketch (row) with every photo (column) as thumbnails: (n, n) in [-1, 1]."""
    return _features(sketches) @ _features(photos).T


def _judge(group: str, table: np.ndarray) -> Pairing:
    rows = np.arange(len(table))
    best = table.argmax(axis=1)
    mutual = table.argmax(axis=0)[best] == rows
    own, best_value = table[rows, rows], table[rows, best]
    best_other = np.where(np.eye(len(table), dtype=bool), -1.0, table).max(axis=1)
    suspect = mutual & (best != rows) & (best_value - own >= MARGIN)
    return Pairing(group, own, best, best_value, best_other, suspect)


def _features(faces: np.ndarray) -> np.ndarray:
    """Faces (n, H, W[, 3]) → (n, 500) rows of unit length; a blank image becomes zero."""
    height, width = THUMBNAIL
    rows = np.stack([np.asarray(Image.fromarray(images.to_grey(face)).resize((width, height), Image.Resampling.BOX),
                                dtype=np.float64).ravel() for face in faces])
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(rows.std(axis=1, keepdims=True), 1e-6)
    rows -= rows.mean(axis=0)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
