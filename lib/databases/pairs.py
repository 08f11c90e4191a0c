"""Pairs of a copy, its faults, and the index of both that every later step of reading takes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lib.base.errors import StudyError, counted, listed
from lib.base.files import as_text

EXCLUSIONS = "exclusions.csv"


@dataclass(frozen=True)
class Pair:
    """One photo and one sketch of a person; ``split`` is empty while unknown.

    attributes: what is noted of the pair, name → value (``style``, ``gender``, …).
    """

    name: str
    group: str
    split: str
    photo: Path
    sketch: Path
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A fault, under the name by which ``exclusions.csv`` can excuse it."""

    name: str
    reason: str


@dataclass(frozen=True)
class Index:
    """All pairs of a copy in table order, what is wrong with it, what its owner excluded, and remarks.

    any_size: whether images of other sizes than 200×250 are resized when read, both sides by themselves.
    """

    database: str
    folder: Path
    pairs: tuple[Pair, ...]
    problems: tuple[Problem, ...]
    excluded: dict[str, str]
    notes: tuple[str, ...]
    by_rule: bool  # the split of some pairs comes from the rule, not from a list or a folder
    any_size: bool = False

    def of_split(self, split: str) -> tuple[Pair, ...]:
        """The pairs of ``train`` or ``test``, without the excluded ones."""
        return tuple(p for p in self.pairs if p.split == split and p.name not in self.excluded)


def require_sound(index: Index, problems: Iterable[Problem]) -> None:
    """Raise one StudyError that lists every problem, with the ways to mend or excuse them."""
    problems = list(problems)
    if not problems:
        return
    lines = listed([f"{problem.name}: {problem.reason}" for problem in problems], limit=200)
    raise StudyError(
        f"{index.folder}: {counted(len(problems), 'fault')} in this copy of {index.database}:\n{lines}\n"
        + "".join(f"note: {note}\n" for note in index.notes)
        + f"Mend the files, or leave these pairs out with `python -m lib prepare --database {index.database} "
        f"--data {index.folder} --exclude-broken`, which records them in {index.folder / EXCLUSIONS}.")


def one_file(folder: Path, pairs: Iterable[Pair]) -> list[Problem]:
    """A fault for each pair whose name only its letter case tells from an earlier pair's of its split.

    The pictures that systems make of a split are stored under the pairs' names in one folder, where macOS and Windows
    would put one in the place of the other.
    """
    first: dict[tuple[str, str], Pair] = {}
    problems = []
    for pair in pairs:
        other = first.setdefault((pair.split, as_text(pair.name.casefold())), pair)
        if other.name != pair.name:
            rows = " and ".join(f"{one.name} ({shown(one.photo, folder)} with {shown(one.sketch, folder)})"
                                for one in (other, pair))
            problems.append(Problem(pair.name, f"{rows} would be one file on macOS and Windows; rename the files of "
                                               "one, or call it otherwise in a column called name of pairs.csv"))
    return problems


def shown(path: Path, folder: Path) -> str:
    """A file as messages name it: relative to the database's folder."""
    return os.path.relpath(path, folder)


def natural(name: str) -> tuple:
    """Sort key: numbers in names by value, so that 2 comes before 10."""
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", name))
