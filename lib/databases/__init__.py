"""Paired faces: CUHK Student, CUFS, CUFSF, FS2K and others as people have them, and the embedded portraits.

``load("cuhk-student", "train")`` is all the rest of the study needs.  Inside: what is known of the
databases (``catalogue``), finding folders (``layouts``), pairing names (``index``, ``pairs``), splitting
(``division``), databases that say it all themselves (``general``, ``listed_pairs``), reading, checking and caching
(``reading``), checking the pairing by pixels (``pairing``), which is the photo by colours (``exchange``) and what
lies on its side (``proportions``), the way to the network's square and back (``geometry``),
small CSV files beside a copy (``sheets``); and anybody's own portraits brought to the
field's geometry (``alignment``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lib.base.errors import StudyError, unknown_name
from lib.databases import catalogue, index, layouts, reading
from lib.databases.paired_faces import PairedFaces, data_hash

EMBEDDED = ("portraits", "portraits-wild")
NAMES = (*EMBEDDED, *catalogue.DATABASES, *catalogue.GENERAL)
SPLITS = catalogue.SPLITS

__all__ = ["EMBEDDED", "NAMES", "SPLITS", "PairedFaces", "contents", "data_hash", "load", "name_of"]


def load(name: str, split: str, root: Path | None = None, limit: int | None = None) -> PairedFaces:
    """Load one split (``train`` or ``test``) of a database, or its first ``limit`` pairs, of every group alike.

    root: the folder that holds the database's folder, or that folder itself; by default
    ``lib.base.paths.data_root()`` (``MSGSARL_DATA``).  The embedded databases need none.  The whole split is
    checked whatever the limit; the second call is fast (a cache that knows files by their contents).

    Raises StudyError when the database is not there, when images are missing, unreadable, of another size
    or without partner (all of them in one message, with the remedy), when sketches fit other persons'
    photos than their own or stand in the place of photos, or when a face trains and is tested.
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
    if limit is not None:
        rows = _in_turn([pair.group for pair in pairs], limit)
        pairs, photos, sketches = [pairs[row] for row in rows], photos[rows], sketches[rows]
    return PairedFaces(name, split, photos, sketches, tuple(p.name for p in pairs), tuple(p.group for p in pairs),
                       tuple(p.attributes for p in pairs))


def _in_turn(groups: Sequence[str], limit: int) -> list[int]:
    """Rows, ascending, of at most ``limit`` pairs that the groups give in turn, each its first ones.

    So each group that is tested also trains: an exemplar method has a dictionary for each.

    >>> _in_turn(["ar", "ar", "ar", "cuhk", "cuhk", "xm2vts"], 4)
    [0, 1, 3, 5]
    """
    given: Counter[str] = Counter()
    turns = []
    for row, group in enumerate(groups):
        turns.append((given[group], row))
        given[group] += 1
    return sorted(row for _, row in sorted(turns)[:limit])


def contents(name: str, root: Path | None = None) -> str:
    """Hash of all that a copy's pairs, splits and pixels depend on; empty for what this project draws.

    Raises StudyError when the database is not there.
    """
    return "" if name in EMBEDDED else reading.contents(index.build(name, layouts.database_folder(name, root)))


def name_of(database: str, stem: str) -> str:
    """The pair that a file belongs to by its name without suffix, as scores call it.

    >>> name_of("cuhk-student", "F2-005-01-sz1"), name_of("cufs", "AR_Mp-002-1"), name_of("fs2k", "photo1-image0110")
    ('f-005-01', 'ar-m-002-1', 'photo1-image0110')
    """
    groups = catalogue.DATABASES.get(database, ())
    group = catalogue.group_of_stem(stem, groups) or (groups[0] if len(groups) == 1 else None)
    return index.full_name(database, group, catalogue.identity(group, stem)) if group else stem
