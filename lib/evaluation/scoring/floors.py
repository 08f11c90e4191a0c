"""What a score is worth: the floors and the ceiling that a study of this repository has for the same test faces.

A folder is recognised by the names of its images, which are those of a study's test faces; nothing else is looked at,
so the floors are a yardstick and no comparison (``lib.findings.outside`` makes one).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib.base import files, paths, systems
from lib.base.errors import StudyError
from lib.base.settings import PROFILES, RunSettings

_SHOWN = ("grey-input", "mean-face", "pixel-regression", "resized-target")


@dataclass(frozen=True)
class Floors:
    """Metric → (label, value in per cent) of each control, of a study whose test faces have these names."""

    database: str
    profile: str
    values: dict[str, list[tuple[str, float]]]


def floors(names: Iterable[str], direction: str) -> Floors | None:
    """Those of the study of the largest images whose test faces are called like this; None if no study's are."""
    names = set(names)
    for profile in sorted(PROFILES, key=lambda profile: -RunSettings.at(profile).size):
        for table in sorted(paths.results_root().glob(f"{profile}/*/tables/rivals_{direction}.csv")):
            database = table.parts[-3]
            tested = _tested(table.parents[1] / "scores.csv")
            if len(tested) != len(names):
                continue
            from lib import databases  # two folders of any names must not wait for it

            if {databases.name_of(database, files.as_text(name)) for name in names} == tested:
                return Floors(database, profile, _values(table))
    return None


def _tested(scores: Path) -> set[str]:
    """Names of a study's test faces: those of the first system in ``scores.csv``, whose rows stand together."""
    found: set[str] = set()
    try:
        with open(scores, newline="", encoding="utf-8") as stream:
            first = None
            for row in csv.DictReader(stream):
                first = first or (row["system"], row["seed"])
                if (row["system"], row["seed"]) != first:
                    break
                found.add(row["image"])
    except (OSError, KeyError, ValueError):
        return set()  # a damaged table is told by whoever needs it
    return found


def _values(table: Path) -> dict[str, list[tuple[str, float]]]:
    values: dict[str, list[tuple[str, float]]] = {}
    try:
        with open(table, newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row["system"] in _SHOWN and row["value"]:
                    values.setdefault(row["metric"], []).append((systems.get(row["system"]).label, float(row["value"])))
    except (OSError, KeyError, ValueError, StudyError):
        return {}
    return values
