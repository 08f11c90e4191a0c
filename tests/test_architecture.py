"""The house keeps its shape: a wing imports only wings above it, and no module imports itself in a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from lib.base import paths

# In the order in which a face passes through the project; README and lib/__init__.py list them likewise.
WINGS = ("base", "databases", "metrics", "model", "rivals", "training", "evaluation", "findings", "figures", "commands")
LIB = paths.ROOT / "lib"


def module_of(file: Path) -> str:
    """``lib/base/images.py`` → ``lib.base.images``, packages by their folder."""
    parts = file.relative_to(paths.ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in sorted(LIB.rglob("*.py"))}


def imports_of(tree: ast.AST) -> set[str]:
    """Modules of lib that code imports, wherever the import stands."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return {name for name in found if name in MODULES}


IMPORTS = {name: imports_of(ast.parse(file.read_text(encoding="utf-8"))) for name, file in MODULES.items()}


def wing_of(module: str) -> str | None:
    """The wing of a module; None for ``lib`` itself and ``lib.__main__``, which stand outside."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else None


def test_lib_has_these_wings_and_no_loose_rooms():
    entries = {entry.name for entry in LIB.iterdir() if entry.name not in ("__pycache__", "environment.sh")}
    assert entries == {*WINGS, "__init__.py", "__main__.py"}


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_only_wings_above_it(wing):
    allowed = WINGS[:WINGS.index(wing) + 1]
    upward = [f"{module} imports {other}" for module, others in IMPORTS.items() if wing_of(module) == wing
              for other in sorted(others) if wing_of(other) is None and other != "lib" or
              wing_of(other) is not None and wing_of(other) not in allowed]
    assert not upward, "\n".join(upward)


def test_the_rule_would_notice_an_upward_import():
    tree = ast.parse("def late():\n    from lib.findings import tables\n")
    assert imports_of(tree) == {"lib.findings.tables"}
    assert WINGS.index("findings") > WINGS.index("base")


def test_no_module_imports_itself_in_a_circle():
    """Importing a module runs its packages' ``__init__`` first, so they count as imported too.

    A package's own ``__init__`` may gather its modules; that is no circle.
    """
    edges = {module: {other for other in others if not module.startswith(f"{other}.")}
             for module, others in IMPORTS.items()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module):], module))
        if module not in done:
            for other in sorted(edges[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(edges):
        visit(module, ())
