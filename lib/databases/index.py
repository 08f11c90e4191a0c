"""Which photo belongs to which sketch and which split: names become pairs, faults become a list.

Nothing is skipped silently.  A file without partner, a name that occurs twice, a pair without split, a file of
another database or of a kind that is not read is a ``Problem``; either the copy is mended or the pair's name stands
with its reason in ``exclusions.csv`` beside the data (``python -m lib prepare --exclude-broken`` writes it).

The split is given afterwards (``lib.databases.division``).
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.base.errors import StudyError, listed
from lib.base.files import as_text
from lib.databases import catalogue, division, layouts
from lib.databases.sheets import read_rows

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
    folders = layouts.image_folders(database, folder)
    found, strangers, foreign = _files_by_identity(database, folders)
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
    for (place, group), count in Counter((path.parent, group) for path, group in foreign).items():
        one = next(path.name for path, other in foreign if (path.parent, other) == (place, group))
        problems.append(Problem(f"{shown(place, folder)} ({group})", f"{count} images that by their names are {group}, "
                                f"another database ({one}); rename them, or move them elsewhere"))
    problems += [Problem(shown(file, folder), f"{file.suffix} images are not read; convert it to PNG, or move it")
                 for place in folders for file in place.unread]
    problems += [Problem(group, "no images of this sub-database found") for group in groups
                 if not any(group == key[0] for key in found)]
    return pairs, problems, hints


def _files_by_identity(database: str, folders: list[layouts.ImageFolder]
                       ) -> tuple[dict[tuple[str, str], list[tuple[str, Path, str | None]]], list[Path],
                                  list[tuple[Path, str]]]:
    """(group, identity) → [(domain, file, split hint)]; files of no known sub-database; files of another database."""
    groups = catalogue.DATABASES[database]
    entries, strangers, foreign = [], [], []
    for folder in folders:
        for file in folder.files:
            group = folder.group or catalogue.group_of_stem(file.stem, tuple(catalogue.GROUPS))
            if group is None and len(groups) == 1:
                group = groups[0]
            if group is None:
                strangers.append(file)
            elif group in groups:
                entries.append((group, folder, file))
            else:
                foreign.append((file, group))
    from_zero = _series_from_zero(entries)
    # Re-packagings that number each split from 1 have a train/001 and a test/001: two persons.
    first = {(group, folder.split) for group, folder, file in entries if _number(file) == 1}
    restarting = {group for group in groups if all((group, split) in first for split in catalogue.SPLITS)}
    found = defaultdict(list)
    for group, folder, file in entries:
        identity = catalogue.identity(group, as_text(file.stem), (group, folder.split, folder.domain) in from_zero)
        if group in restarting and folder.split and _number(file) is not None:
            identity = f"{folder.split}-{catalogue.bare_stem(as_text(file.stem))}"
        found[group, identity].append((folder.domain, file, folder.split))
    return found, strangers, foreign


def _number(file: Path) -> int | None:
    """The number that is the whole name of a file, if it is one."""
    bare = catalogue.bare_stem(file.stem)
    return int(bare) if bare.isdigit() else None


def _series_from_zero(entries: list[tuple[str, layouts.ImageFolder, Path]]) -> set[tuple[str, str | None, str]]:
    """The series of numbered files, (group, split, domain), whose numbers count from 0.

    A 0 anywhere says so for the whole sub-database, also where the other domain lacks its file 0 or the other split
    goes on at 88: equal names belong together.  The frozen list may prove the opposite of a series: sketches 1 to
    188 beside photos 0 to 187 count from 1.  Photos and sketches of a split without any 0 are judged as one.  Where
    they fit both ways they count from 1 if their first number then is the first person of the split (SC-Lmser:
    training 0 to 87, testing 89 to 188).
    """
    series = defaultdict(set)
    for group, folder, file in entries:
        if _number(file) is not None:
            series[group, folder.split, folder.domain].add(_number(file))
    found = set()
    for group, split, domain in series:
        if not any(0 in numbers for (other, _, _), numbers in series.items() if other == group):
            continue
        both = set().union(*(series.get((group, split, d), ()) for d in layouts.DOMAINS))
        judged = series[group, split, domain] if 0 in both else both
        people = catalogue.numbers_of(group, split)
        by_one, by_zero = judged <= set(people), {number + 1 for number in judged} <= set(people)
        begins = 0 not in both and split is not None and min(both) == min(people, default=None)
        if not by_one or (by_zero and not begins):
            found.add((group, split, domain))
    return found


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
