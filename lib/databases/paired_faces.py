"""Photo-sketch pairs as the study holds them, whatever database they come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from lib.base.directions import PHOTO_TO_SKETCH


@dataclass(frozen=True)
class PairedFaces:
    """Photo-sketch pairs of one split of one database; row i of everything is the same person.

    photos: (n, 250, 200, 3) uint8 RGB.  sketches: (n, 250, 200) uint8 grey.
    names: the database's name of each person, unique, usable as a file name (``f-039-01``; in CUFS headed
    by the sub-database: ``ar-m-002-1``).  groups: sub-database of each pair (one dictionary each for the
    exemplar rivals on CUFS; the database's own name elsewhere).  attributes: what is noted of each pair (``style``,
    ``gender``, …), or none at all.
    """

    database: str
    split: str
    photos: np.ndarray
    sketches: np.ndarray
    names: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: tuple[dict[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def sources_and_targets(self, direction: str) -> tuple[np.ndarray, np.ndarray]:
        """(photos, sketches) for photo-to-sketch, (sketches, photos) for sketch-to-photo."""
        both = (self.photos, self.sketches)
        return both if direction == PHOTO_TO_SKETCH else both[::-1]


def data_hash(faces: PairedFaces) -> str:
    """SHA-256 (hexadecimal) of names and pixels: equal for equal data, wherever and however stored."""
    digest = hashlib.sha256()
    for part in (faces.database, faces.split, *faces.names, *faces.groups):
        digest.update(part.encode() + b"\0")
    for pixels in (faces.photos, faces.sketches):
        digest.update(repr(pixels.shape).encode())
        digest.update(np.ascontiguousarray(pixels))
    return digest.hexdigest()
