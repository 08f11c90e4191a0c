"""Paired faces: CUHK Student, CUFS, CUFSF as people have them, and the embedded portraits.

``load("cuhk-student", "train")`` is all the rest of the study needs.  Inside: what is known of the
databases (``catalogue``), finding folders (``layouts``), pairing names (``index``), splitting
(``division``), reading, checking and caching (``reading``), checking the pairing by pixels (``pairing``),
the way to the network's square and back (``geometry``), small CSV files beside a copy (``sheets``); and
anybody's own portraits brought to the field's geometry (``alignment``).
"""

from __future__ import annotations

from pathlib import Path

from lib.base.errors import StudyError, unknown_name
from lib.databases import catalogue, index, layouts, reading
from lib.databases.paired_faces import PairedFaces, data_hash

EMBEDDED = ("portraits", "portraits-wild")
NAMES = (*EMBEDDED, *catalogue.DATABASES)
SPLITS = catalogue.SPLITS

__all__ = ["EMBEDDED", "NAMES", "SPLITS", "PairedFaces", "data_hash", "load"]


def load(name: str, split: str, root: Path | None = None, limit: int | None = None) -> PairedFaces:
    """Load one split (``train`` or ``test``) of a database, or its first ``limit`` pairs.

    root: the folder that holds the database's folder, or that folder itself; by default
    ``lib.base.paths.data_root()`` (``MSGSARL_DATA``).  The embedded databases need none.  The whole split is
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
        from lib.databases import portraits
        return portraits.generate(name, split, limit)
    found = index.build(name, layouts.database_folder(name, root))
    pairs, (photos, sketches) = reading.read_split(found, split)
    pairs = pairs[:limit]
    return PairedFaces(name, split, photos[:limit], sketches[:limit],
                       tuple(p.name for p in pairs), tuple(p.group for p in pairs))
