"""Committed tables of a study (``scores.csv``, ``attention.csv``, …): read with checks, renew by run, write whole.

Rows stand in the order of the systems in ``lib.base.systems``, whatever was computed first, so that a table changes
only where its numbers do.  Only what is new is computed: a run's record says what its rows were made from
(``is_made_from``), and a lock keeps two processes from writing over each other (``locked``, ``renew``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd

from lib.base import files, locks, paths, systems
from lib.base.errors import StudyError

# Columns of names that people give.  001, NA, nan and None are names there, no numbers and no gaps.
NAMES = ("image", "system", "label", "database", "sub-database", "direction", "metric", "change")
_REMEDY = "Restore it (`git checkout` where it is committed), or remove it and let the program make it anew."


def read_csv(file: Path, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read any table with its names (columns ``NAMES`` and ``text``) as they were written; numbers may be missing.

    Raises StudyError naming file and cause for a damaged file, and the line where something else stands among numbers.
    """
    names = {*NAMES, *text}
    try:
        numbers = [column for column in pd.read_csv(file, nrows=0, encoding="utf-8").columns if column not in names]
        table = pd.read_csv(file, dtype=dict.fromkeys(names, str), keep_default_na=False,
                            na_values=dict.fromkeys(numbers, ["", "nan"]), encoding="utf-8")
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise StudyError(f"{file}: cannot be read as a table ({str(error).strip()}). {_REMEDY}") from None
    for column in numbers:
        strange = pd.to_numeric(table[column], errors="coerce").isna() & table[column].notna()
        if strange.any() and not strange[table[column].notna()].all():  # where no value is a number, they are words
            row = strange.idxmax()
            raise StudyError(f"{file}, line {row + 2}: '{table[column][row]}' stands in the column {column}, among "
                             f"numbers. {_REMEDY}")
    return table


def read(file: Path, columns: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table of exactly these columns, or an empty one where there is no file.

    text: columns to keep as text even where they look like numbers, beside ``NAMES``.  Raises StudyError as
    ``read_csv`` does, and for other columns.
    """
    if not file.exists():
        return pd.DataFrame(columns=list(columns))
    table = read_csv(file, text)
    if list(table.columns) != list(columns):
        raise StudyError(f"{file}: has the columns {', '.join(table.columns)}, expected {', '.join(columns)}. "
                         f"{_REMEDY}")
    return table


def write(file: Path, table: pd.DataFrame, digits: int | None = None) -> None:
    """Write a table atomically, numbers with this many significant digits, or as they are."""
    files.write_csv(file, table, f"%.{digits}g" if digits else None)


def locked(study: Path, name: str) -> AbstractContextManager[None]:
    """The lock of a study's tables called ``name``, for a ``with`` statement: other processes wait."""
    return locks.held(study / "private" / name)


def renew(file: Path, rows: pd.DataFrame, key: dict, order: Sequence[str], *, text: Sequence[str] = (),
          digits: int | None = None) -> pd.DataFrame:
    """Put ``rows`` in place of those with ``key`` in a table on disk, beside what other processes wrote; return it all.

    Columns as those of ``rows``; key and order as of ``replace``, text as of ``read``, digits as of ``write``.
    """
    with locked(file.parent, file.stem):
        table = replace(read(file, rows.columns, text), rows, key, order)
        write(file, table, digits)
    return table


def is_made_from(record: Path, stamp: dict) -> bool:
    """Whether a run's JSON record says that its rows were computed from what ``stamp`` says."""
    return record.exists() and stamp.items() <= files.read_json(record).items()


def keep(name: str, table: pd.DataFrame, profile: str, database: str) -> Path:
    """Write a notebook's table as ``results/<profile>/<database>/<name>.csv``, six decimals, and return the file."""
    file = paths.study_folder(profile, database) / f"{name}.csv"
    files.write_csv(file, table, "%.6f")
    return file


def known(name: str) -> pd.DataFrame:
    """The tables that ``keep`` wrote under a name for all studies, with the columns profile and database in front.

    Raises StudyError where there is none.
    """
    files = sorted(paths.results_root().glob(f"*/*/{name}.csv"))
    if not files:
        raise StudyError(f"{paths.results_root()}: no study has a {name}.csv.")
    tables = [read_csv(file).drop(columns=["profile", "database"], errors="ignore") for file in files]
    for file, table in zip(files, tables):
        table.insert(0, "profile", file.parts[-3])
        table.insert(1, "database", file.parts[-2])
    return pd.concat(tables, ignore_index=True)


def rows_of(table: pd.DataFrame, key: dict) -> pd.Series:
    """Which rows have the values of ``key`` (column → value)."""
    return (table[list(key)] == pd.Series(key)).all(axis=1)


def replace(table: pd.DataFrame, rows: pd.DataFrame, key: dict, order: Sequence[str]) -> pd.DataFrame:
    """Put ``rows`` in place of the rows that have ``key``; the result is ordered as ``in_order`` does."""
    kept = table[~rows_of(table, key)]
    return in_order(pd.concat([kept, rows], ignore_index=True) if len(kept) else rows, order)


def in_order(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Sort by ``columns``, systems as in ``lib.base.systems``, variants beside their base, unknown names last."""
    places = {name: place for place, name in enumerate(systems.SYSTEMS)}

    def place(column: pd.Series) -> pd.Series:
        if column.name != "system":
            return column
        bases = {name: systems.base_name(name) for name in column.unique()}
        return column.map({name: (places.get(base, len(places)), name) for name, base in bases.items()})

    return table.sort_values(list(columns), key=place, kind="stable", ignore_index=True)
