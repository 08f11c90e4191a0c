"""Whether the committed texts still say what the scores say, each made anew.

They are claims, ledger and summary, README's opening, and every study's tables.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from lib.base import paths
from lib.findings import claims, ledger, reproducibility, summary, tables

_NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def stale_files(report: Callable[[str], None] = lambda line: None) -> list[str]:
    """One line for each committed file that says something else than its results give now, with what mends it.

    report: told what is about to be computed.  Raises StudyError where results are damaged or missing.
    """
    texts = [(claims.file(), claims.as_markdown, "claims"),
             (paths.results_root() / "ledger.md", ledger.as_markdown, "ledger"),
             (reproducibility.file(), reproducibility.as_markdown, "claims")]
    if readme := summary.readme():
        texts.append((readme, lambda: summary.in_readme(readme.read_text(encoding="utf-8")), "claims"))
    studies = sorted(file.parent for file in paths.results_root().glob("*/*/scores.csv"))
    found = []
    for number, (file, make, command) in enumerate(texts, 1):
        report(f"{number} of {len(texts) + len(studies)}: {file}")
        found.append(_difference(file, make(), command))
    for number, study in enumerate(studies, len(texts) + 1):
        report(f"{number} of {len(texts) + len(studies)}: {study / 'tables'}")
        command = f"score --profile {study.parent.name} --database {study.name}"
        with tempfile.TemporaryDirectory() as folder:
            for made in tables.write_tables(study.parent.name, study.name, Path(folder)):
                found.append(_difference(study / "tables" / made.name, made.read_text(encoding="utf-8"), command))
    return [line for line in found if line]


def _difference(file: Path, now: str, command: str) -> str:
    """What is different, and which command writes the file anew; empty where nothing is."""
    difference = _in_words(file, now)
    return difference and f"{difference}. It is written by `python -m lib {command}`"


def _in_words(file: Path, now: str) -> str:
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
