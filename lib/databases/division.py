"""Who trains and who is tested: the owner's word, the frozen list, the folder, or a frozen rule.

The split of a pair is, in this order: ``split.csv`` of the copy's owner (name,split); the frozen list of
the sub-database (``lib.databases.catalogue``); the train/test folder it lies in; the rule, which orders
the names by their SHA-256 and divides them in the field's proportion.  ``prepare`` writes a split made by
the rule to ``split.csv``, so that a file added later cannot move the others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lib.base.errors import StudyError
from lib.databases import catalogue
from lib.databases.sheets import read_rows

SPLIT = "split.csv"


@dataclass(frozen=True)
class Division:
    """``split_of``: name → ``train`` or ``test``, a name without split is absent; remarks; use of the rule."""

    split_of: dict[str, str]
    notes: list[str]
    by_rule: bool


def read_own(folder: Path) -> dict[str, str]:
    """The owner's ``split.csv``, empty if there is none; raises StudyError for other words than train, test."""
    own = {row["name"]: row["split"] for row in read_rows(folder / SPLIT, ("name", "split"))}
    wrong = [f"{name} ({split!r})" for name, split in own.items() if split not in catalogue.SPLITS]
    if wrong:
        raise StudyError(f"{folder / SPLIT}: split must be train or test, not for {', '.join(wrong)}.")
    return own


def divide(names: dict[str, list[str]], known: dict[str, dict[str, str]], hints: dict[str, str],
           own: dict[str, str]) -> Division:
    """Divide the names of every group; known: frozen lists by group; hints: what folders or pairs.csv say."""
    if own:
        return Division({n: own[n] for group in names.values() for n in group if n in own}, [], False)
    split_of, notes, by_rule = {}, [], False
    for group, members in names.items():
        listed = known.get(group, {})
        found = {n: listed.get(n) or hints.get(n) for n in members}
        contradicted = [n for n in members if n in listed and hints.get(n, listed[n]) != listed[n]]
        if contradicted:
            notes.append(f"{group}: {len(contradicted)} pairs lie in folders of the other split "
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
