"""The cache: what can be fetched or computed again.  Where it cannot be written only time is lost.

A cache may be read-only (a shared or packed installation), full, or impossible; what it holds is used all the same.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock

from lib.base import files, paths
from lib.base.errors import StudyError

_said: set[Path] = set()  # folders of which it was said that nothing is kept in them


def file(*parts: str) -> Path:
    """Where a file of the cache is or is to be made, from its path below the cache's folder.

    Where neither is possible: its place in a temporary folder that goes with this process.
    """
    wanted = paths.cache_root().joinpath(*parts)
    if os.path.isfile(wanted) or _can_be_written(wanted.parent):
        return wanted
    return _substitute(paths.cache_root()).joinpath(*parts)


def keep(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file of the cache atomically; says so once, and goes on, where that fails.

    write: is given the temporary file to fill.
    """
    try:
        with files.atomic_file(path) as temporary:
            write(temporary)
    except StudyError as error:
        _say_once(path.parent, f"not kept for the next time: {error}")


def keep_arrays(path: Path, *arrays: np.ndarray) -> None:
    """Write arrays one after the other, as ``keep`` does; ``np.load`` of an open file reads them back."""
    def write(temporary: Path) -> None:
        with open(temporary, "wb") as stream:
            for array in arrays:
                np.save(stream, array)

    keep(path, write)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from making the same file of the cache meanwhile, where the cache can be written."""
    lock = FileLock(path.with_name(f"{path.name}.lock"), fallback_to_soft=False)  # a mark outlives a killed process
    try:
        lock.acquire()
    except (OSError, NotImplementedError):  # read-only, or a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, tried because permissions alone do not tell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@functools.cache
def _substitute(root: Path) -> Path:
    """A temporary folder in place of a cache that cannot be written, or that cache where nothing can."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="msg-sarl-"))
    except OSError:
        return root
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _say_once(root, f"the cache {root} cannot be written; what belongs there is made again by every process. "
                    "Set MSGSARL_CACHE to a folder that can be written.")
    return folder


def _say_once(place: Path, message: str) -> None:
    if place not in _said:
        _said.add(place)
        print(message, file=sys.stderr)
