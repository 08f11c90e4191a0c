"""Where things stand in the paper: its sections with their equations, figures and tables, and a check of citations.

Duan et al. (2020), IEEE TIFS 16.  Titles are ours.  What a section holds, its subsections hold together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")


@dataclass(frozen=True)
class Section:
    """One section: what it is about, and the numbers of its equations, figures and tables."""

    about: str
    equations: tuple[int, ...] = ()
    figures: tuple[int, ...] = ()
    tables: tuple[int, ...] = ()


def _to(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


SECTIONS = {
    "I": Section("introduction", figures=(1,)),
    "II": Section("related work"),
    "III": Section("method", _to(1, 16), _to(2, 4)),
    "III-A": Section("overview", figures=_to(2, 4)),
    "III-B": Section("multi-scale gradients: generators and discriminators", _to(1, 4), _to(2, 4)),
    "III-C": Section("self-attention residual module", _to(5, 11), _to(2, 4)),
    "III-D": Section("losses", _to(12, 16), _to(2, 4)),
    "IV": Section("experiments", figures=_to(5, 11), tables=_to(1, 8)),
    "IV-A": Section("databases and metrics"),
    "IV-B": Section("training"),
    "IV-C": Section("ablations", figures=_to(5, 7), tables=_to(1, 3)),
    "IV-D": Section("comparison with other methods", figures=_to(8, 11), tables=_to(4, 8)),
    "IV-D1": Section("rivals"),
    "IV-D2": Section("image quality", figures=_to(8, 9), tables=_to(4, 7)),
    "IV-D3": Section("user study", tables=(8,)),
    "IV-D4": Section("recognition", figures=_to(10, 11)),
    "V": Section("conclusion"),
}
EQUATIONS, FIGURES, TABLES = 16, 11, len(_ROMAN)

_NAME = r"(?:III|II|IV|I|V)(?:-[A-Z]\d?)?"
_JOIN = r"(?:, | and |[-–]| to )"
_DIGITS = rf"\d+(?:{_JOIN}\d+)*"
_ROMANS = rf"(?:VIII|VII|VI|IV|V|III|II|I)\b(?:{_JOIN}(?:VIII|VII|VI|IV|V|III|II|I)\b)*"
_EQUATION, _FIGURE = (re.compile(rf"\b{kind}s?\.? ?({_DIGITS})") for kind in ("Eq", "Fig"))
_TABLE = re.compile(rf"\bTables? ({_ROMANS})")
_BESIDE = rf"(?:(?:, | and )(?:Eqs?\.? ?{_DIGITS}|Figs?\.? ?{_DIGITS}|Tables? {_ROMANS}))*"
_SECTION = re.compile(rf"\bSections? ({_NAME}(?:(?:, | and ){_NAME})*)({_BESIDE})")
_BARE = re.compile(r"\b(?:III|IV)-[A-H]\d?\b")


def numbers(text: str) -> list[int]:
    """The numbers of a list with ranges, arabic or roman.

    >>> numbers("3, 4, 12"), numbers("6-8 and 10"), numbers("IV–VI")
    ([3, 4, 12], [6, 7, 8, 10], [4, 5, 6])
    """
    found = []
    for part in re.split(r", | and ", text):
        ends = [_ROMAN.index(end) + 1 if end in _ROMAN else int(end) for end in re.split(r"[-–]| to ", part)]
        found += range(ends[0], ends[-1] + 1)
    return found


def problems(text: str) -> list[str]:
    """What is wrong with the citations of a text, empty where nothing is: sections, equations, figures and tables that
    the paper does not have, and sections that do not hold the equations, figures or tables named with them."""
    text = " ".join(text.split())
    found = [f"no Section {name}" for name in _BARE.findall(text) if name not in SECTIONS]
    for pattern, last, kind in ((_EQUATION, EQUATIONS, "Eq."), (_FIGURE, FIGURES, "Fig."), (_TABLE, TABLES, "Table")):
        named = {number for match in pattern.findall(text) for number in numbers(match)}
        found += [f"no {kind} {number}" for number in sorted(named) if number > last]
    for names, beside in _SECTION.findall(text):
        named = [name for name in re.findall(_NAME, names) if name in SECTIONS]
        for pattern, kind in ((_EQUATION, "equations"), (_FIGURE, "figures"), (_TABLE, "tables")):
            held = {number for name in named for number in getattr(SECTIONS[name], kind)}
            strange = [number for match in pattern.findall(beside) for number in numbers(match) if number not in held]
            if strange:
                found.append(f"Section {names}{beside}: {kind} {', '.join(map(str, strange))} stand elsewhere")
    return found
