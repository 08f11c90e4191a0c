"""What is known of each database before looking at a copy of it: counts, names, splits.

Counts: CUFS is 188 + 123 + 295 pairs, CUFSF 1,194 (Wang and Tang, PAMI 2009; Zhang et al., CVPR 2011).
The paper gives no split.  The field's is 88/100, 80/43, 100/195 and 250/944, and its lists of names are
frozen in ``splits/*.csv``:

* ``cuhk-student``: the folders of the distribution itself.
* ``ar``, ``xm2vts``, ``cufsf``: the lists of CMACH508/SC_Lmser (``data/*_paths.txt``), which agree with
  the folders of SharonXuran/ANS-GDA-For-Face-Photo-Sketch-Synthesis.  CA-GAN's list has one XM2VTS
  training pair fewer (267 instead of 268 in CUFS); the 268 are used here.

Copies of CUFS come with the distribution's names or numbered from 1.  *Assumed*: number k is the k-th
name of the distribution in alphabetical order (for CUHK Student, training first).  This matters only
for the names of scores, and for AR and XM2VTS copies with the original names, whose split it decides;
pairs never depend on it unless one domain is numbered and the other named.  CUFSF files carry the
subject number of FERET, whose gaps tell a copy numbered in any other way.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SPLITS = ("train", "test")
SPLIT_LISTS = Path(__file__).parent / "splits"


@dataclass(frozen=True)
class Group:
    """One sub-database.  ``prefix`` heads its names in CUFS, ``words`` tell its folders."""

    name: str
    prefix: str
    train: int
    test: int
    words: tuple[str, ...]
    pattern: str  # of the distribution's stems, lower case, without "-sz1"


# Databases without frozen lists: their copies say who is tested, and all sizes are resized (``lib.databases.general``).
# Name → pairs for training and testing where these are published (FS2K: the numbers of its authors).
GENERAL: dict[str, tuple[int, int] | None] = {"fs2k": (1058, 1046), "wildsketch": None, "sksf-a": None}

GROUPS = {group.name: group for group in (
    Group("cuhk-student", "cuhk", 88, 100, ("cuhk", "student", "students"), r"([fm])([12]?)-(\d{3})-01"),
    Group("ar", "ar", 80, 43, ("ar", "arface"), r"([mw])p?-(\d{3})-1"),
    Group("xm2vts", "xm2vts", 100, 195, ("xm2vts", "xm2vtsdb", "xm2"), r"(\d{3})_1_1"),
    Group("cufsf", "cufsf", 250, 944, ("cufsf", "feret"), r"(\d{5})(?:[a-z]{2}\w*|_\d{6}_[a-z]{2}(?:_[a-z])?)"),
)}
DATABASES = {"cuhk-student": ("cuhk-student",), "cufs": ("cuhk-student", "ar", "xm2vts"), "cufsf": ("cufsf",)}


@cache
def known_split(group: str) -> dict[str, str]:
    """Name → ``train`` or ``test`` for every pair of a sub-database, in the order of its numbers."""
    with open(SPLIT_LISTS / f"{group}.csv", newline="", encoding="utf-8") as file:
        return {row["name"]: row["split"] for row in csv.DictReader(file)}


@cache
def _numbered(group: str) -> dict[int, str]:
    with open(SPLIT_LISTS / f"{group}.csv", newline="", encoding="utf-8") as file:
        return {int(row["number"]): row["name"] for row in csv.DictReader(file) if "number" in row}


def numbers_of(group: str, split: str | None) -> list[int]:
    """Numbers, from 1, of the people in the frozen list, ascending; ``split``: of these only.  CUFSF has none."""
    splits = known_split(group)
    return sorted(number for number, name in _numbered(group).items() if split in (None, splits[name]))


def bare_stem(stem: str) -> str:
    """Lower case, without the size mark of sketches (``-sz1``, ``_sz1``) and a sub-database's prefix."""
    stem = re.sub(r"[-_]sz\d+$", "", stem.lower())
    return re.sub(r"^(cuhk|arface|ar|xm2vts|xm2|cufsf|feret)[-_ ]+(?=\w)", "", stem)


def group_of_stem(stem: str, candidates: tuple[str, ...]) -> str | None:
    """The sub-database a file name gives away, if any (``XM2VTS_0007``, ``m-002-1``, ``F2-005-01-sz1``)."""
    for name in candidates:
        group = GROUPS[name]
        if (re.fullmatch(group.pattern, bare_stem(stem))
                or any(re.match(word + r"[-_ ]+\w", stem.lower()) for word in group.words)):
            return name
    return None


def feret_shot(stem: str) -> tuple[str, str, str] | None:
    """Subject, pose and date of a FERET photo's name, grey or colour; None for another name.

    >>> feret_shot("00001fb010_930831"), feret_shot("00001_930831_fb_a")
    (('00001', 'fb', '930831'), ('00001', 'fb', '930831'))
    """
    found = re.fullmatch(r"(\d{5})([a-z]{2})\d{3}[a-z]?_(\d{6})", bare_stem(stem))
    if found:
        return found[1], found[2], found[3]
    found = re.fullmatch(r"(\d{5})_(\d{6})_([a-z]{2})(?:_[a-z])?", bare_stem(stem))
    return (found[1], found[3], found[2]) if found else None


def identity(group: str, stem: str, from_zero: bool = False) -> str:
    """The name of the person in ``stem``: the distribution's where it is recognised, else the bare stem.

    ``F2-005-01-sz1`` and ``f-005-01`` → ``f-005-01``; ``Wp-003-1-sz1`` → ``w-003-1``;
    ``00005fb010_930831`` → ``00005``; a number → the name that has it (``from_zero``: numbered 0, 1, …).
    """
    bare = bare_stem(stem)
    if bare.isdigit():
        if group == "cufsf":
            return f"{int(bare):05d}"
        return _numbered(group).get(int(bare) + from_zero, bare)
    found = re.fullmatch(GROUPS[group].pattern, bare)
    if not found:
        return bare
    if group == "cuhk-student":
        letter, series, number = found.groups()
        return f"{letter}{'1' if series == '1' else ''}-{number}-01"  # training sketches are F2-, M2-
    return {"ar": "-".join((*found.groups(), "1")), "xm2vts": bare, "cufsf": found.group(1)}[group]
