"""Paired faces: CUHK Student, CUFS, CUFSF as people have them, and the embedded portraits.

``load("cuhk-student", "train")`` is all the rest of the study needs.  Inside: what is known of the
databases (``catalogue``), finding folders (``layouts``), pairing names (``index``), splitting
(``division``), reading, checking and caching (``reading``), checking the pairing by pixels (``pairing``),
the way to the network's square and back (``geometry``), and numbers for notebook 01 (``survey``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.databases import catalogue, index, layouts, reading
from lib.errors import StudyError, unknown_name

EMBEDDED = ("portraits", "portraits-wild")
NAMES = (*EMBEDDED, *catalogue.DATABASES)
SPLITS = catalogue.SPLITS


@dataclass(frozen=True)
class PairedFaces:
    """Photo-sketch pairs of one split of one database; row i of everything is the same person.

    photos: (n, 250, 200, 3) uint8 RGB.  sketches: (n, 250, 200) uint8 grey.
    names: the database's name of each person, unique, usable as a file name (``f-039-01``; in CUFS headed
    by the sub-database: ``ar-m-002-1``).  groups: sub-database of each pair (one dictionary each for the
    exemplar rivals on CUFS; the database's own name elsewhere).
    """

    database: str
    split: str
    photos: np.ndarray
    sketches: np.ndarray
    names: tuple[str, ...]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def load(name: str, split: str, root: Path | None = None, limit: int | None = None) -> PairedFaces:
    """Load one split (``train`` or ``test``) of a database, or its first ``limit`` pairs.

    root: the folder that holds the database's folder, or that folder itself; by default
    ``lib.paths.data_root()`` (``MSGSARL_DATA``).  The embedded databases need none.  The whole split is
    checked whatever the limit; the second call is fast (a cache that notices changed files).

    Raises StudyError when the database is not there, when images are missing, unreadable, of another size
    or without partner (all of them in one message, with the remedy), or when sketches fit other persons'
    photos than their own.
    """
    if name not in NAMES:
        raise unknown_name("database", name, NAMES)
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    if limit is not None and limit < 1:
        raise StudyError(f"limit must be at least 1 pair, not {limit}.")
    if name in EMBEDDED:
        from lib import portraits
        return portraits.generate(name, split, limit)
    found = index.build(name, layouts.database_folder(name, root))
    pairs, (photos, sketches) = reading.read_split(found, split)
    pairs = pairs[:limit]
    return PairedFaces(name, split, photos[:limit], sketches[:limit],
                       tuple(p.name for p in pairs), tuple(p.group for p in pairs))


def data_hash(faces: PairedFaces) -> str:
    """SHA-256 (hexadecimal) of names and pixels: equal for equal data, wherever and however stored."""
    digest = hashlib.sha256()
    for part in (faces.database, faces.split, *faces.names, *faces.groups):
        digest.update(part.encode() + b"\0")
    for pixels in (faces.photos, faces.sketches):
        digest.update(repr(pixels.shape).encode())
        digest.update(np.ascontiguousarray(pixels))
    return digest.hexdigest()
