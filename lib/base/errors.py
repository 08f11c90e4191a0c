"""One exception for everything a user can mend: bad input, a missing file, an unknown name.

The message names the file or value, the cause and the remedy.  The command line prints it without a
traceback and exits with status 2; code that imports the package catches ``StudyError``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable


class StudyError(Exception):
    """Input that cannot be used; the message says what, why and what to do."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> StudyError:
    """Return the error for a misspelt ``name`` of some ``kind``, suggesting the nearest known ones."""
    import difflib  # for mistakes alone: the command line imports this module before it can be interrupted cleanly

    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."
    return StudyError(f"Unknown {kind} '{name}'. {hint}")


def listed(problems: list[str], limit: int = 20) -> str:
    """Join problems one per line, at most ``limit`` of them, so that one run reports all offenders."""
    lines = [f"  - {problem}" for problem in problems[:limit]]
    if len(problems) > limit:
        lines.append(f"  … and {len(problems) - limit} more")
    return "\n".join(lines)


@functools.cache
def say_once(message: str) -> None:
    """Tell something that is no error, on standard error; the same words once in a process."""
    print(message, file=sys.stderr)
