"""The small CSV files beside a copy: exclusions, a split, accepted pairings, pairs named by hand."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable
from pathlib import Path

from lib.base import files
from lib.base.errors import StudyError, listed


def write_rows(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Write a small CSV atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([files.as_text(cell) for cell in row] for row in rows)
    files.write_text(path, text.getvalue())


def not_utf_8(path: Path) -> StudyError:
    """The error for a CSV in another encoding: which line shows it, and how to save the file otherwise."""
    raw = path.read_bytes()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        where, encoding = "it is UTF-16, which Excel calls Unicode text", "UTF-16"
    else:
        lines = enumerate(raw.split(b"\n"), 1)
        number, line = next((number, line) for number, line in lines if "\ufffd" in line.decode("utf-8", "replace"))
        encoding = "LATIN1"
        where = f"first in line {number}, which in Latin-1 reads {line.decode('latin-1').strip()!r}"
    return StudyError(
        f"{path}: is not UTF-8 ({where}), so names with accents cannot be told. Save it as UTF-8: in Excel as 'CSV "
        "UTF-8', in LibreOffice with the character set 'Unicode (UTF-8)', or write a new file with "
        f"`iconv -f {encoding} -t UTF-8 {path.name}`.")


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV, none when there is no such file; see ``read_lines``."""
    return [row for _, row in read_lines(path, columns)]


def read_lines(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV, each with the number of the line on which it ends; empty rows, as spreadsheets leave, are none.

    Columns may be parted by commas, semicolons (as Excel does in half of the world) or tabs: by what parts the header,
    or by what a line ``sep=;`` above it says, which Excel reads as well.
    Raises StudyError when a column is absent or there twice, when a line has more cells than the header, and when the
    file is no text in UTF-8.
    """
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header = file.readline()
            said = re.fullmatch(r'"?sep=([,;\t])"?', header.rstrip("\r\n"))
            header = file.readline() if said else header
            parting = said[1] if said else max(",;\t", key=header.count)
            reader = csv.DictReader(itertools.chain([header], file), skipinitialspace=True, delimiter=parting)
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            found = [(reader.line_num + bool(said), row) for row in reader]
    except UnicodeDecodeError:
        raise not_utf_8(path) from None
    except (OSError, csv.Error) as error:
        cause = getattr(error, "strerror", None) or error
        raise StudyError(f"{path}: cannot be read as CSV ({cause}). Mend or remove it.") from None
    if missing := [c for c in columns if c not in names]:
        raise StudyError(f"{path}: needs the columns {','.join(columns)}, lacks {','.join(missing)}. Its first line is "
                         f"{header.strip() or 'empty'}. Name the columns there as here, in small letters.")
    if twice := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
        raise StudyError(f"{path}: has more than one column {' and '.join(twice)}. Keep one of each.")
    if surplus := [f"line {line}: {parting.join([*(row[name] for name in names), *row[None]])}" for line, row in found
                   if any(row.get(None, ()))]:
        raise StudyError(f"{path}: lines of more cells than the first, which has {len(names)}:\n{listed(surplus)}\n"
                         f"Put what has a '{parting}' in it in double quotes.")
    rows = [(line, {k: (v or "").strip() for k, v in row.items() if k}) for line, row in found]
    return [(line, row) for line, row in rows if any(row.values())]
