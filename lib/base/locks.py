"""Locks between processes: held by one at a time, freed by the system at any death of the holder."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from lib.base import files

# What a file system says that has no locks: Lustre without its option, NFS without its lock service, some FUSE.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


class HeldElsewhere(Exception):
    """Another process has the lock."""


@contextlib.contextmanager
def held(file: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock ``file``, whose folder is made; wait for it, or raise HeldElsewhere at once.

    Where the file system has no locks none is held: a mark in a file would outlive a killed process and stop the next
    one.  Runs of a cluster do not need them (``lib.evaluation.cluster``).  Raises StudyError when the folder cannot be
    made.
    """
    files.make_folder(file.parent)
    lock = FileLock(file, timeout=-1 if wait else 0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise HeldElsewhere(str(file)) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
