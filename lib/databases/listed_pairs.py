"""``pairs.csv``: the owner says which photo and which sketch belong together, in any layout.

Columns photo, sketch and split; group where the database has several; and as many more as are known of a pair:
``style``, ``gender``, …, by which scores are then shown as well.  ``name`` says how the pair is called.  Paths count
from the file's folder and may be written with slashes or backslashes.  Exchanged columns are noticed by the colours
(``lib.databases.exchange``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.base import images, pairing
from lib.base.errors import StudyError, counted, listed
from lib.base.files import as_text
from lib.databases import catalogue
from lib.databases.pairs import Pair, Problem, shown
from lib.databases.sheets import read_lines

PAIRS = "pairs.csv"
_COLUMNS = ("photo", "sketch", "split")


@dataclass(frozen=True)
class Row:
    """One line of ``pairs.csv``; what it leaves out is empty."""

    photo: str
    sketch: str
    split: str
    group: str
    name: str
    attributes: dict[str, str]


def rows(file: Path) -> list[Row]:
    """The lines of a ``pairs.csv``; raises StudyError listing those that lack a file or a split."""
    found, problems = [], []
    for line, row in read_lines(file, _COLUMNS):
        photo, sketch = (row[domain].replace("\\", "/") for domain in ("photo", "sketch"))
        attributes = {name: value for name, value in row.items() if name not in (*_COLUMNS, "group", "name")}
        found.append(Row(photo, sketch, row["split"].lower(), row.get("group", ""), as_text(row.get("name", "")),
                         attributes))
        if not photo or not sketch:
            problems.append(f"line {line}: names no {'sketch' if photo else 'photo'}")
        if row["split"].lower() not in catalogue.SPLITS:
            problems.append(f"line {line}: split must be train or test, not '{row['split']}'")
        if set(row.get("name", "")) & set("/\\\0") or row.get("name") in (".", ".."):
            problems.append(f"line {line}: the name '{row['name']}' cannot be a file's; leave out / and \\")
    if not found:
        problems.append("it has no line below the header")
    if problems:
        raise StudyError(f"{file}: cannot be used:\n{listed(problems)}\n"
                         "Mend these lines; a line reads photos/1.jpg,sketches/1.jpg,train.")
    return found


def read(folder: Path, named: Callable[[Row], tuple[str, str]],
         groups: Iterable[str] | None = None) -> tuple[list[Pair], list[Problem]]:
    """Pairs of ``<folder>/pairs.csv`` and the faults of single ones.

    named: line → (group, name of the pair).  groups: those that exist, if not any may.  Pairs whose names would be
    equal are told apart by the photo's folder.
    """
    file = folder / PAIRS
    lines = rows(file)
    if wrong := {row.group for row in lines if groups is not None and row.group and row.group not in groups}:
        raise StudyError(f"{file}: {counted(len(wrong), 'unknown group')}: {', '.join(sorted(wrong))}. "
                         f"Known: {', '.join(groups)}.")
    return pairs_of(folder, [Pair(name, group, row.split, folder / row.photo, folder / row.sketch, row.attributes)
                             for row in lines for group, name in [named(row)]],
                    lambda _: f"keep one, or give each its own in a column called name of {PAIRS}")


def pairs_of(folder: Path, pairs: list[Pair], remedy: Callable[[list[Pair]], str]) -> tuple[list[Pair], list[Problem]]:
    """The pairs under names of their own, and a fault for each file that is absent and each name that stays common.

    remedy: pairs of one name → what to change where they are listed.
    """
    counts = Counter(pair.name for pair in pairs)
    pairs = [replace(pair, name=f"{pair.photo.parent.name}-{pair.name}")
             if counts[pair.name] > 1 and not pair.name.startswith(f"{pair.photo.parent.name}-") else pair
             for pair in pairs]
    problems = [Problem(pair.name, _absent(file, folder)) for pair in pairs for file in (pair.photo, pair.sketch)
                if not file.is_file()]
    for name, count in Counter(pair.name for pair in pairs).items():
        if count > 1:
            same = [pair for pair in pairs if pair.name == name]
            photos = dict.fromkeys(shown(pair.photo, folder) for pair in same)
            problems.append(Problem(name, f"{count} pairs have this name ({', '.join(photos)}); {remedy(same)}"))
    return pairs, problems


def _absent(file: Path, folder: Path) -> str:
    """That a file is not there, and which one may be meant."""
    text = f"{file.relative_to(folder) if file.is_relative_to(folder) else file}: no such file"
    if not file.parent.is_dir():
        return f"{text}, nor its folder"
    there = [path.name for path in file.parent.iterdir() if path.suffix.lower() in images.SUFFIXES]
    near = pairing.nearly(file.name, there)
    return f"{text}; {near} is there, which differs in {pairing.difference(file.name, near)}" if near else text
