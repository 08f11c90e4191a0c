"""One exception for everything a user can mend: bad input, a missing file, an unknown name.

The message names the file or value, the cause and the remedy.  The command line prints it without a
traceback and exits with status 2; code that imports the package catches ``StudyError``.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Iterable


class StudyError(Exception):
    """Input that cannot be used; the message says what, why and what to do."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> StudyError:
    """Return the error for a misspelt ``name`` of some ``kind``, suggesting the nearest known ones.

    A name that is no text, such as None, is like none of them.
    """
    import difflib  # for mistakes alone: the command line imports this module before it can be interrupted cleanly

    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) if isinstance(name, str) else []
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."
    return StudyError(f"Unknown {kind} '{name}'. {hint}")


def listed(problems: list[str], limit: int = 20) -> str:
    """Join problems one per line, at most ``limit`` of them, so that one run reports all offenders."""
    lines = [f"  - {problem}" for problem in problems[:limit]]
    if len(problems) > limit:
        lines.append(f"  … and {len(problems) - limit} more")
    return "\n".join(lines)


def counted(count: int, noun: str, verb: str = "") -> str:
    """A number with its noun and perhaps a verb, ``is/are``, in the plural unless it is one.

    >>> counted(1, "image"), counted(2, "test face"), counted(0, "sketch"), counted(3, "person", "is/are")
    ('1 image', '2 test faces', '0 sketches', '3 people are')
    """
    return f"{count} {noun if count == 1 else _plural(noun)}{_agreeing(count, verb)}"


def some_of(count: int, whole: int, noun: str, verb: str = "") -> str:
    """So many of a number of things: the noun goes with the whole, the verb with the part.

    >>> some_of(1, 3, "image", "has/have"), some_of(2, 2, "image", "has/have"), some_of(1, 1, "image", "has/have")
    ('1 of 3 images has', '2 of 2 images have', '1 of 1 image has')
    """
    return f"{count} of {counted(whole, noun)}{_agreeing(count, verb)}"


def _plural(noun: str) -> str:
    if noun.endswith("person"):
        return f"{noun.removesuffix('person')}people"
    if noun.endswith("y") and noun[-2] not in "aeou":
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('ch', 's', 'x')) else 's'}"


def _agreeing(count: int, verb: str) -> str:
    one, _, several = verb.partition("/")
    return f" {one if count == 1 else several}" if verb else ""


def visible(message: str) -> str:
    """A message with what terminals obey or do not show, in names of files, spelt out: ``\\x1b``, ``\\u200f``."""
    return "".join(c.encode("unicode_escape").decode("ascii")
                   if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf") else c for c in message)


@functools.cache
def say_once(message: str) -> None:
    """Tell something that is no error, on standard error; the same words once in a process."""
    print(visible(message), file=sys.stderr)
