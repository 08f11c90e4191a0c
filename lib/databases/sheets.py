"""The small CSV files beside a copy: exclusions, a split, accepted pairings, pairs named by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from lib.base import files
from lib.base.errors import StudyError


def write_rows(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Write a small CSV atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([files.as_text(cell) for cell in row] for row in rows)
    files.write_text(path, text.getvalue())


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV, none when there is no such file; raises StudyError when it lacks a column or is no text.

    Columns may be parted by commas, semicolons (as Excel does in half of the world) or tabs: by what parts the header.
    """
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header = file.readline()
            file.seek(0)
            parting = max(",;\t", key=header.count)
            reader = csv.DictReader(file, skipinitialspace=True, delimiter=parting)
            rows = [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in reader]
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{path}: cannot be read as CSV ({error}). Mend or remove it.") from None
    if missing:
        raise StudyError(f"{path}: needs the columns {','.join(columns)}, lacks {','.join(missing)}.")
    return rows
