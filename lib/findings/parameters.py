"""What a notebook may be told, checked in its first cell: papermill only warns of a parameter that no cell knows.

``papermill 05_ablations.ipynb out.ipynb -p profil quick`` would silently run at the default profile.  papermill puts
what it was given into a cell of its own that begins with ``# Parameters``, and the kernel remembers its cells.
"""

from __future__ import annotations

import ast

from lib import databases
from lib.base.errors import unknown_name
from lib.base.settings import PROFILES

KNOWN = ("profile", "database")
_MARK = "# Parameters"


def check(profile: str, database: str) -> None:
    """Raise StudyError for a profile or database that does not exist, and for a parameter of another name."""
    for name in _injected():
        if name not in KNOWN:
            raise unknown_name("parameter", name, KNOWN)
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)


def _injected() -> list[str]:
    """Names that papermill's own cells assign in this kernel; none outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    cells = shell.user_ns.get("In", []) if shell else []
    statements = [statement for cell in cells if cell.lstrip().startswith(_MARK) for statement in ast.parse(cell).body]
    return [target.id for statement in statements if isinstance(statement, ast.Assign)
            for target in statement.targets if isinstance(target, ast.Name)]
