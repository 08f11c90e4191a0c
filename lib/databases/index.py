"""Which photo belongs to which sketch and which split: names become pairs, faults become a list.

Nothing is skipped silently.  A file without partner, a name that occurs twice, a pair without split is a
``Problem``; either the copy is mended or the pair's name stands with its reason in ``exclusions.csv``
beside the data (``python -m lib prepare --exclude-broken`` writes it).

The split is given afterwards (``lib.databases.division``).
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.databases import catalogue, division, layouts
from lib.databases.sheets import read_rows
from lib.errors import StudyError, listed

EXCLUSIONS, PAIRS = "exclusions.csv", "pairs.csv"


@dataclass(frozen=True)
class Pair:
    """One person: the two files; ``split`` is empty while unknown."""

    name: str
    group: str
    split: str
    photo: Path
    sketch: Path


@dataclass(frozen=True)
class Problem:
    """A fault, under the name by which ``exclusions.csv`` can excuse it."""

    name: str
    reason: str


@dataclass(frozen=True)
class Index:
    """All pairs of a copy in table order, what is wrong with it, what its owner excluded, and remarks."""

    database: str
    folder: Path
    pairs: tuple[Pair, ...]
    problems: tuple[Problem, ...]
    excluded: dict[str, str]
    notes: tuple[str, ...]
    by_rule: bool  # the split of some pairs comes from the rule, not from a list or a folder

    def of_split(self, split: str) -> tuple[Pair, ...]:
        """The pairs of ``train`` or ``test``, without the excluded ones."""
        return tuple(p for p in self.pairs if p.split == split and p.name not in self.excluded)


def build(database: str, folder: Path) -> Index:
    """Index the copy of ``database`` in ``folder`` by its file names; no image is opened.

    Raises StudyError when no photos or no sketches are found, or a CSV beside them cannot be used.
    """
    folder = Path(folder)
    excluded = {row["name"]: row["reason"] for row in read_rows(folder / EXCLUSIONS, ("name", "reason"))}
    by_hand = (folder / PAIRS).exists()
    pairs, problems, hints = (_pairs_as_listed if by_hand else _pairs_by_name)(database, folder)
    pairs = _in_table_order(database, pairs)
    names = {group: [p.name for p in pairs if p.group == group] for group in catalogue.DATABASES[database]}
    known = {} if by_hand else {g: _frozen_list(database, g, names[g]) for g in names}
    divided = division.divide(names, known, hints, division.read_own(folder))
    pairs = [replace(pair, split=divided.split_of.get(pair.name, "")) for pair in pairs]
    problems += [Problem(p.name, f"in neither split: name it in {folder / division.SPLIT} (name,split)")
                 for p in pairs if not p.split]
    notes = divided.notes + _absent(names, known, excluded.keys() | {problem.name for problem in problems})
    return Index(database, folder, tuple(pairs), tuple(p for p in problems if p.name not in excluded), excluded,
                 tuple(notes), divided.by_rule)


def require_sound(index: Index, problems: Iterable[Problem]) -> None:
    """Raise one StudyError that lists every problem, with the ways to mend or excuse them."""
    problems = list(problems)
    if not problems:
        return
    lines = listed([f"{problem.name}: {problem.reason}" for problem in problems], limit=200)
    raise StudyError(
        f"{index.folder}: {len(problems)} fault{'s' * (len(problems) > 1)} in this copy of {index.database}:\n{lines}\n"
        f"Mend the files, or leave these pairs out with `python -m lib prepare --database {index.database} "
        f"--data {index.folder} --exclude-broken`, which records them in {index.folder / EXCLUSIONS}.")


def full_name(database: str, group: str, identity: str) -> str:
    """The pair's name in scores and files; CUFS needs the sub-database to tell its 1.jpg apart."""
    return f"{catalogue.GROUPS[group].prefix}-{identity}" if database == "cufs" else identity


def shown(path: Path, folder: Path) -> str:
    """A file as messages name it: relative to the database's folder."""
    return os.path.relpath(path, folder)


def _pairs_by_name(database: str, folder: Path) -> tuple[list[Pair], list[Problem], dict[str, str]]:
    """Pairs by the identity in their file names; also split hints of the folders (name → split)."""
    groups = catalogue.DATABASES[database]
    found, strangers = _files_by_identity(database, layouts.image_folders(database, folder))
    pairs, problems, hints = [], [], {}
    for (group, identity), files in found.items():
        name = full_name(database, group, identity)
        photos, sketches = ([path for domain, path, _ in files if domain == d] for d in layouts.DOMAINS)
        if len(photos) > 1 or len(sketches) > 1:
            problems.append(Problem(name, "more than one file of this name: " + ", ".join(
                shown(path, folder) for path in (photos if len(photos) > 1 else sketches))))
        elif not (photos and sketches):
            only, missing = (photos, "sketch") if photos else (sketches, "photo")
            problems.append(Problem(name, f"{shown(only[0], folder)} has no {missing}"))
        else:
            pairs.append(Pair(name, group, "", photos[0], sketches[0]))
            said = {split for _, _, split in files if split}
            if len(said) > 1:
                problems.append(Problem(name, "photo and sketch lie in folders of different splits"))
            hints.update({name: split for split in said})
    for place, count in Counter(path.parent for path in strangers).items():
        problems.append(Problem(shown(place, folder), f"{count} images of which cannot be told whether they are CUHK, "
                                "AR or XM2VTS; put them in a folder cuhk/, ar/ or xm2vts/"))
    problems += [Problem(group, "no images of this sub-database found") for group in groups
                 if not any(group == key[0] for key in found)]
    return pairs, problems, hints


def _files_by_identity(database: str, folders: list[layouts.ImageFolder]
                       ) -> tuple[dict[tuple[str, str], list[tuple[str, Path, str | None]]], list[Path]]:
    """(group, identity) → [(domain, file, split hint)]; and the files of no known sub-database."""
    groups = catalogue.DATABASES[database]
    entries, strangers = [], []
    for folder in folders:
        numbers = [int(b) for b in (catalogue.bare_stem(f.stem) for f in folder.files) if b.isdigit()]
        for file in folder.files:
            group = folder.group or catalogue.group_of_stem(file.stem, tuple(catalogue.GROUPS))
            if group is None and len(groups) == 1:
                group = groups[0]
            if group is None:
                strangers.append(file)
            elif group in groups:
                entries.append((group, folder, file, 0 in numbers))
    # Re-packagings that number each split from 1 have a train/001 and a test/001: two persons.
    first = {(group, folder.split) for group, folder, file, _ in entries
             if catalogue.bare_stem(file.stem).isdigit() and int(catalogue.bare_stem(file.stem)) == 1}
    restarting = {group for group in groups if all((group, split) in first for split in catalogue.SPLITS)}
    found = defaultdict(list)
    for group, folder, file, from_zero in entries:
        identity = catalogue.identity(group, file.stem, from_zero)
        if group in restarting and folder.split and catalogue.bare_stem(file.stem).isdigit():
            identity = f"{folder.split}-{catalogue.bare_stem(file.stem)}"
        found[group, identity].append((folder.domain, file, folder.split))
    return found, strangers


def _pairs_as_listed(database: str, folder: Path) -> tuple[list[Pair], list[Problem], dict[str, str]]:
    """Pairs as the owner's ``pairs.csv`` says: photo,sketch,split[,group], paths relative to the CSV."""
    groups = catalogue.DATABASES[database]
    pairs, problems, hints = [], [], {}
    for row in read_rows(folder / PAIRS, ("photo", "sketch", "split")):
        group = row.get("group") or groups[0]
        if group not in groups or row["split"] not in catalogue.SPLITS:
            raise StudyError(f"{folder / PAIRS}: row {row}: group must be one of {groups}, split train or test.")
        name = full_name(database, group, catalogue.bare_stem(Path(row["photo"]).stem))
        pair = Pair(name, group, "", folder / row["photo"], folder / row["sketch"])
        problems += [Problem(name, f"{file}: no such file") for file in (pair.photo, pair.sketch) if not file.exists()]
        pairs.append(pair)
        hints[name] = row["split"]
    for name, count in Counter(pair.name for pair in pairs).items():
        if count > 1:
            problems.append(Problem(name, f"{count} rows of {PAIRS} have this name"))
    return pairs, problems, hints


def _frozen_list(database: str, group: str, names: list[str]) -> dict[str, str]:
    """The frozen list under this database's names; empty when the copy's names are others."""
    known = {full_name(database, group, n): s for n, s in catalogue.known_split(group).items()}
    # FERET's subject numbers have gaps: a CUFSF copy that fills them is numbered in its own way.
    own_numbers = group == "cufsf" and any(n.isdigit() and n not in known for n in names)
    return {} if own_numbers or not any(n in known for n in names) else known


def _absent(names: dict[str, list[str]], known: dict[str, dict[str, str]], accounted: set[str]) -> list[str]:
    """Remarks on pairs of the frozen lists that the copy lacks and nothing else accounts for."""
    notes = []
    for group, listed_names in known.items():
        absent = [n for n in listed_names if n not in accounted and n not in set(names[group])]
        if absent:
            notes.append(f"{group}: {len(absent)} of {len(listed_names)} pairs are not in this copy: "
                         + ", ".join(absent[:5]) + (", …" if len(absent) > 5 else ""))
    return notes


def _in_table_order(database: str, pairs: list[Pair]) -> list[Pair]:
    """By sub-database, there in the order of the frozen list, names outside it after that."""
    groups = catalogue.DATABASES[database]
    place = {full_name(database, g, name): i for g in groups for i, name in enumerate(catalogue.known_split(g))}
    return sorted(pairs, key=lambda p: (groups.index(p.group), place.get(p.name, len(place)), _natural(p.name)))


def _natural(name: str) -> tuple:
    """Sort key: numbers in names by value, so that 2 comes before 10."""
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", name))
