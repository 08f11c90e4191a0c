"""Files written whole or not at all, folders, and JSON records; all text is UTF-8 on every system."""

from __future__ import annotations

import json
import os
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from lib.base.errors import StudyError

if TYPE_CHECKING:  # commands that write no table do not wait for pandas
    import pandas as pd


def as_text(name: str) -> str:
    """A file's name as text: accents composed as on most systems, bytes that are no UTF-8 spelt ``\\udc…``."""
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace").decode("utf-8")


def make_folder(folder: Path) -> Path:
    """Make a folder and those above it, if need be; raises StudyError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{folder}: this folder cannot be made ({error.strerror or error}). "
                         "Free space or choose another place.") from None
    return folder


class atomic_file:
    """Context manager: yields a temporary path beside ``path`` and renames it on success.

    A crash, a full disk or an interruption leaves the earlier file as it was.  An OSError becomes a
    StudyError that names the file; one that names another file, read or written meanwhile, stays as it is.
    """

    def __init__(self, path: Path):
        self.path = Path(path)

    def __enter__(self) -> Path:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name[:40]}.", dir=self.path.parent)
        except OSError as error:
            in_the_way = isinstance(error, (FileExistsError, NotADirectoryError))
            cause = f"{error.filename} is not a folder" if in_the_way else error.strerror or error
            raise StudyError(f"{self.path}: cannot be written ({cause}). Free space or choose another place.") from None
        os.close(handle)
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                # mkstemp makes private files; results are to be read by others.
                umask = os.umask(0)
                os.umask(umask)
                self.temporary.chmod(0o666 & ~umask)
                os.replace(self.temporary, self.path)
        except OSError as failure:
            kind, error = OSError, failure
        finally:
            self.temporary.unlink(missing_ok=True)
        if kind is not None and issubclass(kind, OSError) and not self._of_another_file(error):
            raise StudyError(
                f"{self.path}: cannot be written ({error.strerror or error}). Free space or choose another place; "
                "earlier results are untouched.") from None

    def _of_another_file(self, error: OSError) -> bool:
        """Whether an error names a file, and not this one; writing into an open file fails without a name."""
        named = isinstance(error.filename, (str, bytes, os.PathLike))
        return named and Path(os.fsdecode(error.filename)) not in (self.temporary, self.path)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, its line ends as they are."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_csv(path: Path, table: pd.DataFrame, number: str | None = None, errors: str = "strict") -> None:
    """Write a table atomically, without its index; lines end the same way on every system.

    number: format of floating-point numbers, e.g. ``%.6g``.  errors: what becomes of characters that are no text
    (bytes of a file name in another encoding), as for ``str.encode``.
    """
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format=number, encoding="utf-8", errors=errors, lineterminator="\n")


def write_json(path: Path, record: dict) -> None:
    """Write a JSON record atomically, keys in the given order."""
    write_text(path, json.dumps(record, indent=2) + "\n")


def read_json(path: Path, remedy: str = "") -> dict:
    """Read a JSON record; raises StudyError naming the file when it is missing or damaged.

    remedy: a sentence for files that no run makes anew.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file. {remedy}".rstrip()) from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        if isinstance(error, UnicodeDecodeError):
            cause = "it is not UTF-8"
        raise StudyError(f"{path}: cannot be read as JSON ({cause}). {remedy or 'Remove it and run again.'}") from None
