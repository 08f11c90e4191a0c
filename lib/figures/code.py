"""The project's own code, shown beside the equations that it implements.

Taken from the running module, so that what a notebook prints cannot differ from what it ran.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path

from IPython.display import Markdown

from lib.base import paths
from lib.base.errors import StudyError


def show(*things: Callable, start: str | None = None, end: str | None = None) -> Markdown:
    """The source of functions, methods or classes without their docstrings, and a link to their file.

    start, end: from the first line that holds ``start`` to the line before the next one that holds ``end``.  Raises
    StudyError where there is no such line.
    """
    text = "\n\n".join(_without_docstrings(thing) for thing in things)
    if start:
        lines = text.splitlines()
        first = _line_with(start, lines, 0)
        last = _line_with(end, lines, first + 1) if end else len(lines)
        text = textwrap.dedent("\n".join(lines[first:last])).rstrip()
    file = Path(inspect.getsourcefile(things[0])).relative_to(paths.ROOT).as_posix()
    return Markdown(f"```python\n{text}\n```\n[{file}](../{file})")


def _without_docstrings(thing: Callable) -> str:
    source = textwrap.dedent(inspect.getsource(thing))
    lines = source.splitlines()
    drop = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            drop |= set(range(node.body[0].lineno - 1, node.body[0].end_lineno))
            if isinstance(node, ast.ClassDef):
                drop.add(node.body[0].end_lineno)  # the blank line after it
    return "\n".join(line for i, line in enumerate(lines) if i not in drop)


def _line_with(text: str, lines: list[str], first: int) -> int:
    for i in range(first, len(lines)):
        if text in lines[i]:
            return i
    raise StudyError(f"The source shown has no line with '{text}'.")
