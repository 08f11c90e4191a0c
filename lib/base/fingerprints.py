"""Whether files are as they were left: names, sizes and times in one hash, and the code that made them.

Cheap where thousands of files are asked about; a file that was only touched counts as changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from lib.base import paths

Files = dict[str, tuple[int, int]]  # path relative to a folder, with slashes → size in bytes, time of change in ns


def of_folder(folder: Path, leave_out: Iterable[str] = ()) -> Files:
    """All files in a folder and below, but hidden ones and those in folders whose names are left out."""
    left_out, found = set(leave_out), {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in left_out and not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                path = Path(place, name)
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue  # removed meanwhile
                found[path.relative_to(folder).as_posix()] = status.st_size, status.st_mtime_ns
    return found


def matching(files: Files, patterns: Iterable[str]) -> Files:
    """The files whose path matches one of the patterns; ``*`` stands for slashes too.

    >>> matching({"msg-sarl/seed0/run.json": (9, 1), "scores.csv": (9, 1)}, ["*/run.json"])
    {'msg-sarl/seed0/run.json': (9, 1)}
    """
    patterns = tuple(patterns)
    return {path: status for path, status in files.items() if any(fnmatch(path, pattern) for pattern in patterns)}


def of_code(places: Iterable[str]) -> str:
    """Hash of the program text in these files and folders of ``lib``."""
    digest = hashlib.sha256()
    for place in places:
        root = paths.ROOT / "lib" / place
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(file.relative_to(paths.ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def joined(*parts: object) -> str:
    """One hash for several files' and other values' representations, whatever the order of the files."""
    ordered = [sorted(part.items()) if isinstance(part, dict) else part for part in parts]
    return hashlib.sha256(repr(ordered).encode()).hexdigest()
