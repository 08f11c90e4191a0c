"""Which photo belongs to which sketch and which split: names become pairs, faults become a list.

Nothing is skipped silently.  A file without partner, a name that occurs twice, a pair without split, a file of
another database or of a kind that is not read is a ``Problem``; either the copy is mended or the pair's name stands
with its reason in ``exclusions.csv`` beside the data (``python -m lib prepare --exclude-broken`` writes it).  A
sub-database that is absent as a whole is no ``Problem``, because nothing excuses it (``require_parts``).

The split is given afterwards (``lib.databases.division``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from lib.base.errors import StudyError, counted, listed, some_of
from lib.base.files import as_text
from lib.databases import catalogue, division, general, layouts, listed_pairs
from lib.databases.pairs import EXCLUSIONS, Index, Pair, Problem, natural, one_file, shown
from lib.databases.sheets import read_rows


def build(database: str, folder: Path) -> Index:
    """Index the copy of ``database`` in ``folder`` by its file names; no image is opened.

    Raises StudyError when no photos or no sketches are found, when a sub-database is absent, or when a CSV beside them
    cannot be used.
    """
    folder = Path(folder)
    if database in catalogue.GENERAL:
        return general.build(database, folder)
    excluded = {row["name"]: row["reason"] for row in read_rows(folder / EXCLUSIONS, ("name", "reason"))}
    by_hand = (folder / listed_pairs.PAIRS).exists()
    pairs, problems, hints = (_pairs_as_listed if by_hand else _pairs_by_name)(database, folder)
    left_out = [Problem(name, f"left out by {EXCLUSIONS} ({reason})") for name, reason in excluded.items()]
    require_parts(database, folder, [p for p in pairs if p.name not in excluded], [*problems, *left_out])
    pairs = _in_table_order(database, pairs)
    names = {group: [p.name for p in pairs if p.group == group] for group in catalogue.DATABASES[database]}
    known = {} if by_hand else {g: _frozen_list(database, g, names[g]) for g in names}
    own = division.read_own(folder)
    divided = division.divide(names, known, hints, own)
    pairs = [replace(pair, split=divided.split_of.get(pair.name, "")) for pair in pairs]
    problems += division.without_split(folder, [p.name for p in pairs if not p.split], own)
    problems += one_file(folder, [pair for pair in pairs if pair.name not in excluded])
    accounted = excluded.keys() | {problem.name for problem in problems}
    notes = (divided.notes + _absent(names, known, accounted)
             + division.unmatched(own, accounted.union(p.name for p in pairs)))
    return Index(database, folder, tuple(pairs), tuple(p for p in problems if p.name not in excluded), excluded,
                 tuple(notes), divided.by_rule)


def require_parts(database: str, folder: Path, pairs: list[Pair], problems: list[Problem]) -> None:
    """Raise StudyError when a sub-database has none of ``pairs``: scores of the others are no scores of the whole.

    problems: what may be the reason, told with it.  A database of one part is judged by its splits alone.
    """
    groups = catalogue.DATABASES[database]
    missing = [group for group in groups if not any(pair.group == group for pair in pairs)]
    if len(groups) == 1 or not missing:
        return
    parts = {group: catalogue.GROUPS[group] for group in groups}
    by_hand = (folder / listed_pairs.PAIRS).exists()
    place = {group: f"{folder / listed_pairs.PAIRS}, with {group} in the column group" if by_hand else
             " and ".join(f"{folder / part.words[0] / domain}/" for domain in ("photos", "sketches"))
             for group, part in parts.items()}
    expected = [f"{group} ({parts[group].train + parts[group].test} pairs): expected in {place[group]}"
                for group in missing]
    present = tuple(f"{parts[group].prefix}-" for group in groups if group not in missing)
    causes = [f"{p.name}: {p.reason}" for p in problems if not (present and p.name.startswith(present))]
    alone = [group for group in groups if group not in missing and (group,) in catalogue.DATABASES.values()]
    raise StudyError(
        f"{folder}: {database} is {', '.join(groups[:-1])} and {groups[-1]}. This copy has no sound pair of "
        f"{' or '.join(missing)}:\n{listed(expected)}\n"
        + (f"What was found instead:\n{listed(causes)}\n" if causes else "")
        + "Add what is missing, or point to another copy with --data DIR. --exclude-broken leaves single pairs out, "
        f"never a whole part: scores of the rest are no scores of {database}."
        + "".join(f" For {group} alone give --database {group}." for group in alone))


def full_name(database: str, group: str, identity: str) -> str:
    """The pair's name in scores and files; CUFS needs the sub-database to tell its 1.jpg apart."""
    return f"{catalogue.GROUPS[group].prefix}-{identity}" if database == "cufs" else identity


def _pairs_by_name(database: str, folder: Path) -> tuple[list[Pair], list[Problem], dict[str, str]]:
    """Pairs by the identity in their file names; also split hints of the folders (name → split)."""
    folders = layouts.image_folders(database, folder)
    found, strangers, foreign = _files_by_identity(database, folders)
    pairs, problems, hints = [], [], {}
    for (group, identity), files in found.items():
        name = full_name(database, group, identity)
        photos, sketches = ([path for domain, path, _ in files if domain == d] for d in layouts.DOMAINS)
        photos = _drawn(photos, sketches)
        if len(photos) > 1 or len(sketches) > 1:
            several = photos if len(photos) > 1 else sketches
            poses = ["; they are several photos of one person: keep the one that was drawn, or say so in "
                     f"{listed_pairs.PAIRS}"] if all(catalogue.feret_shot(path.stem) for path in several) else []
            problems.append(Problem(name, "more than one file of this name: "
                                    + ", ".join(shown(path, folder) for path in several) + "".join(poses)))
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
        problems.append(Problem(shown(place, folder), f"{counted(count, 'image')} of which cannot be told whether "
                                "CUHK's, AR's or XM2VTS's; put them in a folder cuhk/, ar/ or xm2vts/"))
    for (place, group), count in Counter((path.parent, group) for path, group in foreign).items():
        one = next(path.name for path, other in foreign if (path.parent, other) == (place, group))
        problems.append(Problem(f"{shown(place, folder)} ({group})", f"{counted(count, 'image')} by name of {group}, "
                                f"another database ({one}); rename them, or move them elsewhere"))
    problems += [Problem(shown(file, folder), f"{file.suffix} images are not read; convert it to PNG, or move it")
                 for place in folders for file in place.unread]
    return pairs, problems, hints


def _drawn(photos: list[Path], sketches: list[Path]) -> list[Path]:
    """Of several FERET photos of a person the one whose pose and date the sketch's name tells; else all of them."""
    shot = catalogue.feret_shot(sketches[0].stem) if len(sketches) == 1 else None
    fitting = [photo for photo in photos if shot and catalogue.feret_shot(photo.stem) == shot]
    return fitting if len(photos) > 1 and len(fitting) == 1 else photos


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
    """Pairs as the owner's ``pairs.csv`` says, and its splits (name → split)."""
    groups = catalogue.DATABASES[database]

    def named(row: listed_pairs.Row) -> tuple[str, str]:
        group = row.group or groups[0]
        return group, full_name(database, group, row.name or as_text(catalogue.bare_stem(Path(row.photo).stem)))

    pairs, problems = listed_pairs.read(folder, named, groups)
    return pairs, problems, {pair.name: pair.split for pair in pairs}


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
            notes.append(f"{group}: {some_of(len(absent), len(listed_names), 'pair', 'is/are')} not in this copy: "
                         + ", ".join(absent[:5]) + (", …" if len(absent) > 5 else ""))
    return notes


def _in_table_order(database: str, pairs: list[Pair]) -> list[Pair]:
    """By sub-database, there in the order of the frozen list, names outside it after that."""
    groups = catalogue.DATABASES[database]
    place = {full_name(database, g, name): i for g in groups for i, name in enumerate(catalogue.known_split(g))}
    return sorted(pairs, key=lambda p: (groups.index(p.group), place.get(p.name, len(place)), natural(p.name)))
