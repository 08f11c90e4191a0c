"""Who trains and who is tested: the owner's word, the frozen list, the folder, or a frozen rule.

The split of a pair is, in this order: ``split.csv`` of the copy's owner (name,split); the frozen list of
the sub-database (``lib.databases.catalogue``); the train/test folder it lies in; the rule, which orders
the names by their SHA-256 and divides them in the field's proportion.  ``prepare`` writes a split made by
the rule to ``split.csv``, so that a file added later cannot move the others.  Every pair needs a row there; a row
without pair is no fault, for pairs may have been removed since, but it is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib.base import pairing
from lib.base.errors import StudyError, counted, listed, some_of
from lib.databases import catalogue
from lib.databases.pairs import Problem, natural
from lib.databases.sheets import read_lines

SPLIT = "split.csv"


@dataclass(frozen=True)
class Division:
    """``split_of``: name → ``train`` or ``test``, a name without split is absent; remarks; use of the rule."""

    split_of: dict[str, str]
    notes: list[str]
    by_rule: bool


def read_own(folder: Path) -> dict[str, str]:
    """The owner's ``split.csv``, empty if there is none.

    Raises StudyError listing other words than train and test, and names that are in both splits.
    """
    own, problems = {}, []
    for line, row in read_lines(folder / SPLIT, ("name", "split")):
        name, split = row["name"], row["split"].lower()
        if split not in catalogue.SPLITS:
            problems.append(f"line {line}: split must be train or test, not '{row['split']}' ({name})")
        elif own.setdefault(name, split) != split:
            problems.append(f"line {line}: {name} is to {split}, and by an earlier line to {own[name]}")
    if problems:
        raise StudyError(f"{folder / SPLIT}: cannot be used:\n{listed(problems)}\nMend these lines; a line reads "
                         "f-005-01,train.")
    return own


def without_split(folder: Path, names: Iterable[str], own: dict[str, str]) -> list[Problem]:
    """A fault for each of ``names``, pairs in neither split, with the row of ``split.csv`` that may be meant."""
    names = dict.fromkeys(names)
    rows = [name for name in own if name not in names]
    problems = []
    for name in names:
        near = pairing.nearly(name, rows)
        hint = f"; its row {near} differs in {pairing.difference(name, near)}" if near else ""
        problems.append(Problem(name, f"in neither split: name it in {folder / SPLIT} (name,split){hint}"))
    return problems


def unmatched(own: dict[str, str], names: Iterable[str]) -> list[str]:
    """A remark that counts and names the rows of ``split.csv`` which belong to none of ``names``, if any."""
    absent = sorted(own.keys() - set(names), key=natural)
    return [f"{SPLIT}: {some_of(len(absent), len(own), 'row', 'names/name')} no pair of this copy: "
            + ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")] if absent else []


def divide(names: dict[str, list[str]], known: dict[str, dict[str, str]], hints: dict[str, str],
           own: dict[str, str]) -> Division:
    """Divide the names of every group; known: frozen lists by group; hints: what folders or pairs.csv say."""
    if own:
        return Division({n: own[n] for group in names.values() for n in group if n in own}, [], False)
    split_of, notes, by_rule = {}, [], False
    for group, members in names.items():
        frozen = known.get(group, {})
        found = {n: frozen.get(n) or hints.get(n) for n in members}
        contradicted = [n for n in members if n in frozen and hints.get(n, frozen[n]) != frozen[n]]
        if contradicted:
            notes.append(f"{group}: {counted(len(contradicted), 'pair', 'lies/lie')} in folders of the other split "
                         f"(first {contradicted[0]}); the frozen list decides")
        if members and not any(found.values()):
            found, by_rule = by_hash(group, members), True
            notes.append(f"{group}: names are in no list, so the rule divides them; prepare writes {SPLIT}")
        split_of |= {name: split for name, split in found.items() if split}
    return Division(split_of, notes, by_rule)


def by_hash(group: str, names: list[str]) -> dict[str, str]:
    """The rule: names in the order of their SHA-256, the field's share of them trains."""
    counts = catalogue.GROUPS[group]
    ordered = sorted(names, key=lambda name: hashlib.sha256(f"{group}/{name}".encode()).hexdigest())
    n_train = round(len(names) * counts.train / (counts.train + counts.test))
    return {name: "train" if i < n_train else "test" for i, name in enumerate(ordered)}
