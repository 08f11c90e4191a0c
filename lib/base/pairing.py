"""Images of several folders that belong together, by their names and by nothing else.

A name is the file's without its suffix, or what a pattern picks out of that.  Names are equal or they are not: no
letter case is ignored, no zero added, no position in a list counts.  Where names do not meet, the error says what
would make them meet, and leaves it to a person to say so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lib.base import images
from lib.base.errors import StudyError, listed

# For the help of commands that take two folders.
RULES = """\
Images are partners when their names are equal, suffixes aside: no letter case is ignored, no zero added. Where names
do not meet, the message says what would make them meet: letter case, the form of accented letters, zeros, endings such
as _fake_B and -sz1, FERET's two ways of naming. --pattern says which part of a name counts."""

# What programs append to a name (pix2pix, CycleGAN and pix2pixHD; the -sz1 of CUHK's sketches), and second suffixes.
_ENDING = re.compile(r"(?:[-_](?:fake|real|rec|output|target|synthesi[sz]ed)(?:_[AB]|_image|_B_A|_A_B)?|-sz\d|"
                     rf"{'|'.join(map(re.escape, images.SUFFIXES))})+$", re.IGNORECASE)

# A subject's name in grey FERET (00001fb010_930831) and in colour FERET (00001_930831_fb_a): pose and date follow it.
_FERET = r"(\d{5})(?:[a-z]{2}\d{3}[a-z]?_\d{6}|_\d{6}_[a-z]{2}(?:_[a-z])?)?"


class Partners(NamedTuple):
    """Files of one name, in the order of the folders."""

    name: str
    files: tuple[Path, ...]


def by_name(folder: Path, pattern: str | None = None) -> dict[str, Path]:
    """Images of ``folder`` by name, sorted.

    pattern: a regular expression that fits every file's whole name without suffix and has one group, the name that
    counts (``(.+)_fake_B``).  Raises StudyError as ``list_images`` does, for another pattern, and listing all files
    that it does not fit or that share a name.
    """
    files = images.list_images(folder)
    expression = re.compile("(.+)", re.DOTALL) if pattern is None else _compiled(pattern)
    found: dict[str, list[Path]] = {}
    strangers = []
    for file in files:
        fit = expression.fullmatch(file.stem)
        if fit and fit[1]:
            found.setdefault(fit[1], []).append(file)
        else:
            strangers.append(file.name)
    if strangers:
        raise StudyError(f"{folder}: the pattern '{pattern}' does not fit {len(strangers)} of {len(files)} names "
                         f"(it must fit the whole name without suffix):\n{listed(strangers)}\nMend the pattern.")
    if twice := [" and ".join(file.name for file in group) for group in found.values() if len(group) > 1]:
        cause = "the same name with different suffixes" if pattern is None else f"the same name by '{pattern}'"
        raise StudyError(f"{folder}: {cause}:\n{listed(twice)}\nRemove one of each"
                         f"{'' if pattern is None else ', or mend the pattern'}.")
    return {name: found[name][0] for name in sorted(found)}


def _compiled(pattern: str) -> re.Pattern:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise StudyError(f"The pattern '{pattern}' is no regular expression ({error}).") from None
    if expression.groups != 1:
        raise StudyError(f"The pattern '{pattern}' has {expression.groups} groups. Give it one, the name that counts, "
                         "e.g. '(.+)_fake_B'; write other parentheses as (?:…).")
    return expression


def pair_by_name(folders: Sequence[Path], larger: Sequence[Path] = (), pattern: str | None = None) -> list[Partners]:
    """Files that go by one name in each of ``folders`` and of ``larger``, by name.

    folders must hold the same names; larger may hold more.  Raises StudyError as ``by_name`` does, and listing all
    images without partner, with what would give them one.
    """
    places = [Path(folder) for folder in (*folders, *larger)]
    found = [by_name(folder, pattern) for folder in places]
    agreed = found[:len(folders)]
    wanted = {name: file for files in reversed(agreed) for name, file in files.items()}
    lonely = [f"{wanted[name]}: no partner in {place}"
              for place, files in zip(places, found, strict=True) for name in sorted(wanted.keys() - files)]
    if lonely:
        remedies = {remedy: None for place, files in enumerate(found[1:], start=1)
                    for remedy in _remedies(agreed[0] if place < len(agreed) else wanted, files)}
        raise StudyError(f"{len(lonely)} of {sum(map(len, agreed))} images have no partner of the same name "
                         "(suffixes may differ):\n" + "\n".join((listed(lonely), *remedies))
                         + "\nRename, add or remove them.")
    return [Partners(name, tuple(files[name] for files in found)) for name in sorted(wanted)]


def _padding(name: str) -> str:
    return re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", name)


def _ending(name: str) -> str:
    return _ENDING.sub("", name) or name


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _feret_subject(name: str) -> str:
    fit = re.fullmatch(_FERET, name)
    return fit[1] if fit else name


_IGNORED: dict[str, Callable[[str], str]] = {
    "letter case": str.casefold,
    "the form of accented letters (NFC and NFD of Unicode)": _composed,
    "zeros before numbers": _padding,
    "endings": _ending,
    "all but the subject in FERET's names": _feret_subject,
}


def nearly(name: str, others: Iterable[str]) -> str | None:
    """The one file among others whose name differs from this one only in what people and programs change, if any.

    >>> nearly("F-1.jpg", ["f-001.png", "f-002.png"])
    'f-001.png'
    """
    def plain(file: str) -> str:
        return _padding(_ending(_composed(Path(file).stem)).casefold())

    fitting = [other for other in others if plain(other) == plain(name)]
    return fitting[0] if len(fitting) == 1 else None


def difference(one: str, other: str) -> str:
    """In what two file names differ that ``nearly`` takes for the same.

    >>> difference("F-1.jpg", "f-1.png")
    'letter case and suffix'
    """
    first, second = Path(one), Path(other)
    parts = []
    if first.stem != second.stem:
        parts = [what for what, key in _IGNORED.items() if key(first.stem) == key(second.stem)]
        parts = parts or ["letter case, zeros or endings"]
    return " and ".join(parts + ["suffix"] * (first.suffix != second.suffix))


def _remedies(first: Mapping[str, Path], second: Mapping[str, Path]) -> list[str]:
    """What would give lonely files of two folders partners: each difference that can be ignored, or all together."""
    here, there = ([name for name in one if name not in other] for one, other in ((first, second), (second, first)))
    helps = {what: pairs for what, key in _IGNORED.items() if (pairs := _meetings(here, there, key))}
    if not helps and (pairs := _meetings(here, there, lambda name: _padding(_ending(_composed(name)).casefold()))):
        helps = {"letter case, accents, zeros and endings": pairs}
    return [_remedy(what, first, second, pairs) for what, pairs in helps.items()]


def _meetings(first: Sequence[str], second: Sequence[str], key: Callable[[str], str]) -> list[tuple[str, str]]:
    """Names that become equal under ``key``, without those that would meet several."""
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for side, names in enumerate((first, second)):
        for name in names:
            groups.setdefault(key(name), ([], []))[side].append(name)
    return [(here[0], there[0]) for here, there in groups.values() if len(here) == len(there) == 1]


def _remedy(what: str, first: Mapping[str, Path], second: Mapping[str, Path], pairs: list[tuple[str, str]]) -> str:
    here, there = pairs[0]
    text = (f"Without regard to {what}, {len(pairs)} would find a partner, e.g. {first[here].name} in "
            f"{second[there].name}.")
    pattern = _pattern(what, [name for pair in pairs for name in pair])
    return f"{text} The pattern '{pattern}' says so (--pattern of score and recognise)." if pattern else text


def _pattern(what: str, names: list[str]) -> str | None:
    """A pattern that takes the difference out of these names, where one can."""
    if what == "endings":
        endings = sorted({name[len(_ending(name)):] for name in names} - {""})
        return f"(.+?)(?:{'|'.join(map(re.escape, endings))})?"
    if what == "zeros before numbers" and all(name.isdigit() for name in names):
        return r"0*(\d+)"
    return _FERET if what.endswith("FERET's names") and all(re.fullmatch(_FERET, name) for name in names) else None
