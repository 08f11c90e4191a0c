"""Whether committed texts still say what the scores say: claims, ledger, summary and every study's tables, made anew."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from lib.base import paths
from lib.findings import claims, ledger, reproducibility, tables

_NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def stale_files() -> list[str]:
    """One line for each committed file that says something else than its results give now; raises StudyError too."""
    found = [_difference(claims.file(), claims.as_markdown()),
             _difference(paths.results_root() / "ledger.md", ledger.as_markdown()),
             _difference(reproducibility.file(), reproducibility.as_markdown())]
    for study in sorted(file.parent for file in paths.results_root().glob("*/*/scores.csv")):
        with tempfile.TemporaryDirectory() as folder:
            for made in tables.write_tables(study.parent.name, study.name, Path(folder)):
                found.append(_difference(study / "tables" / made.name, made.read_text(encoding="utf-8")))
    return [line for line in found if line]


def _difference(file: Path, now: str) -> str:
    """What is different, empty where nothing is."""
    if not file.exists():
        return f"{file}: missing"
    before = file.read_text(encoding="utf-8").splitlines()
    for number, (old, new) in enumerate(zip(before, now.splitlines()), 1):
        if not alike(old, new):
            return f"{file}, line {number}: {_first_difference(old, new)}"
    count = len(now.splitlines())
    return "" if len(before) == count else f"{file}: {len(before)} lines, {count} now"


def alike(old: str, new: str) -> bool:
    """Whether two lines say the same: equal words, and numbers equal up to one in the last digit printed.

    >>> alike("rises by 1.01 [0.72]", "rises by 1.00 [0.72]"), alike("by 1.01", "by 1.04"), alike("a 1", "b 1")
    (True, False, False)
    """
    if _NUMBER.sub("0", old) != _NUMBER.sub("0", new):
        return False
    return all(abs(_value(a) - _value(b)) <= 1.001 * _unit(a) if "." in a or "e" in a else a == b
               for a, b in zip(_NUMBER.findall(old), _NUMBER.findall(new)))


def _value(text: str) -> float:
    return float(text.replace("−", "-"))


def _unit(text: str) -> float:
    """One in the last digit printed."""
    digits, _, exponent = text.partition("e")
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


def _first_difference(old: str, new: str) -> str:
    place = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    start = max(0, place - 30)
    return f"“{old[start:place + 40]}” stands there, “{new[start:place + 40]}” now"
