"""Images of several folders that belong together, by their names and by nothing else.

A name is the file's without its suffix, or what a pattern picks out of that.  Names are equal or they are not: no
letter case is ignored, no zero added, no position in a list counts.  Where names do not meet, the error says what
would make them meet, and leaves it to a person to say so.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lib.base import images
from lib.base.errors import StudyError, counted, listed, some_of

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

_NAME_GROUP = re.compile(r"(?<!\\)\((?!\?)")  # the capturing parenthesis of a pattern


class Partners(NamedTuple):
    """Files of one name, in the order of the folders."""

    name: str
    files: tuple[Path, ...]


def by_name(folder: Path, pattern: str | None = None) -> dict[str, Path]:
    """Images of ``folder`` by name, sorted.

    pattern: a regular expression that fits every file's whole name without suffix and has one group, the name that
    counts (``(.+?)(?:_fake_B)?``).  Raises StudyError as ``list_images`` does, for another pattern, and listing all
    files that it does not fit or that share a name.
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
        raise StudyError(f"{folder}: the pattern '{pattern}' does not fit "
                         f"{some_of(len(strangers), len(files), 'name')} (it must fit the whole name without suffix, "
                         f"in every folder):\n{listed(strangers)}\n"
                         "Mend the pattern. What only some names have goes into (?:…)?, as in '(.+?)(?:_fake_B)?'.")
    if twice := [" and ".join(file.name for file in group) for group in found.values() if len(group) > 1]:
        cause = "the same name with different suffixes" if pattern is None else f"the same name by '{pattern}'"
        raise StudyError(f"{folder}: {cause}:\n{listed(twice)}\nRemove one of each"
                         f"{'' if pattern is None else ', or mend the pattern'}.")
    return {name: found[name][0] for name in sorted(found)}


def _compiled(pattern: str) -> re.Pattern:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise StudyError(f"The pattern '{pattern}' is no regular expression ({error}). Mend it; one that "
                         "works is '(.+?)(?:_fake_B)?'.") from None
    if expression.groups != 1:
        raise StudyError(f"The pattern '{pattern}' has {expression.groups} groups. Give it one, the name that counts, "
                         "e.g. '(.+?)(?:_fake_B)?'; write other parentheses as (?:…).")
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
        alone = [file for files in agreed for name, file in files.items() if any(name not in other for other in found)]
        remedies = {remedy: None for place, files in enumerate(found[1:], start=1)
                    for remedy in _remedies(agreed[0] if place < len(agreed) else wanted, files, pattern)}
        rule = "(suffixes may differ)" if pattern is None else f"by the pattern '{pattern}'"
        mend = "" if pattern is None else ", or mend the pattern"
        raise StudyError(f"{some_of(len(alone), sum(map(len, agreed)), 'image', 'has/have')} no partner of the same "
                         f"name {rule}:\n" + "\n".join((listed(lonely), *remedies))
                         + f"\nRename, add or remove them{mend}.")
    return [Partners(name, tuple(files[name] for files in found)) for name in sorted(wanted)]


def _padding(name: str) -> str:
    return re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", name)


def _ending(name: str) -> str:
    return _ENDING.sub("", name) or name


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _spaced(name: str) -> str:
    """Without marks that cannot be seen, such as those of writing from right to left, and with single spaces inside."""
    return " ".join("".join(c for c in name if unicodedata.category(c) != "Cf").split())


def _feret_subject(name: str) -> str:
    fit = re.fullmatch(_FERET, name)
    return fit[1] if fit else name


_IGNORED: dict[str, Callable[[str], str]] = {
    "letter case": str.casefold,
    "the form of accented letters (NFC and NFD of Unicode)": _composed,
    "spaces and characters that cannot be seen": _spaced,
    "zeros before numbers": _padding,
    "endings": _ending,
    "all but the subject in FERET's names": _feret_subject,
}


def nearly(name: str, others: Iterable[str]) -> str | None:
    """The one file among others whose name differs from this one only in what people and programs change, if any.

    >>> nearly("F-1.jpg", ["f-001.png", "f-002.png"])
    'f-001.png'
    """
    plain = _plain(name)
    fitting = [other for other in others if _plain(other) == plain]
    return fitting[0] if len(fitting) == 1 else None


@functools.cache  # each name of a folder is asked for once per file that is absent
def _plain(file: str) -> str:
    return _padding(_ending(_composed(Path(file).stem)).casefold())


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


def _remedies(first: Mapping[str, Path], second: Mapping[str, Path], given: str | None) -> list[str]:
    """What would give lonely files of two folders partners: each difference that can be ignored, or all together.

    first, second: files by name, by the pattern ``given``.
    """
    here, there = ([name for name in one if name not in other] for one, other in ((first, second), (second, first)))
    helps = {what: pairs for what, key in _IGNORED.items() if (pairs := _meetings(here, there, key))}
    if not helps and (pairs := _meetings(here, there, lambda name: _padding(_ending(_composed(name)).casefold()))):
        helps = {"letter case, accents, zeros and endings": pairs}
    texts = _advice_on_several(first, second) + _advice_on_several(second, first)
    texts += [f"Without regard to {what}, {len(pairs)} would find a partner, e.g. {first[pairs[0][0]].name} in "
             f"{second[pairs[0][1]].name}." for what, pairs in helps.items()]
    met = [name for pairs in helps.values() for pair in pairs for name in pair]
    if pattern := _better_pattern(given, met, first, second):
        texts.append(f"The pattern '{pattern}' says so (--pattern of score and recognise).")
    return texts


def _advice_on_several(files: Mapping[str, Path], others: Mapping[str, Path]) -> list[str]:
    """What to do with a folder where one face comes with several endings, as pix2pix and CycleGAN leave their results:
    a name without ending has a partner then, and which of them it is, is not for a program to say."""
    groups: dict[str, list[Path]] = {}
    for name, file in files.items():
        groups.setdefault(_ending(name), []).append(file)
    wanted = {_ending(name) for name in files.keys() ^ others.keys()} & {_ending(name) for name in others}
    several = {name: group for name, group in groups.items() if len(group) > 1 and name in wanted}
    endings = {file.stem[len(_ending(file.stem)):] for group in several.values() for file in group} - {""}
    if not endings:
        return []
    group = next(iter(several.values()))
    return [f"{group[0].parent}: {counted(len(several), 'name')} with several endings ({', '.join(sorted(endings))}), "
            f"e.g. {' and '.join(file.name for file in group)}. Put the images that count into a folder of their own."]


def _meetings(first: Sequence[str], second: Sequence[str], key: Callable[[str], str]) -> list[tuple[str, str]]:
    """Names that become equal under ``key``, without those that would meet several."""
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for side, names in enumerate((first, second)):
        for name in names:
            groups.setdefault(key(name), ([], []))[side].append(name)
    return [(here[0], there[0]) for here, there in groups.values() if len(here) == len(there) == 1]


def _better_pattern(given: str | None, names: Iterable[str], first: Mapping[str, Path],
                    second: Mapping[str, Path]) -> str | None:
    """The pattern by which most files of two folders meet, if more than now; it goes on from the one that is given."""
    endings = "|".join(re.escape(ending) for ending in sorted({name[len(_ending(name)):] for name in names} - {""}))
    without = f"(?:{endings})?" if endings else ""
    begun = [given, r"(.+)", r"0*(\d+)"] if given else [r"(.+)", r"0*(\d+)"]
    short = [re.sub(r"([+*])\)", r"\1?)", start) for start in begun]  # the name that counts ends where endings begin
    proposed = [*begun, *(f"{start}{without}" for start in short),
                *(f"{_NAME_GROUP.sub('0*(', start, count=1)}{without}" for start in short), _FERET]
    meetings = {pattern: _met_by(pattern, first.values(), second.values()) for pattern in proposed}
    best = max(meetings, key=meetings.__getitem__)  # of equally good ones the first
    return best if meetings[best] > len(first.keys() & second.keys()) else None


def _met_by(pattern: str, *folders: Iterable[Path]) -> int:
    """How many names two lists of files share by ``pattern``; 0 where it fits not all or gives one name twice."""
    try:
        fits = [[re.fullmatch(pattern, file.stem) for file in files] for files in folders]
    except re.error:  # a given pattern that does not bear the change
        return 0
    if not all(fit and fit[1] for part in fits for fit in part):
        return 0
    names = [{fit[1] for fit in part} for part in fits]
    return len(names[0] & names[1]) if [*map(len, names)] == [*map(len, fits)] else 0
