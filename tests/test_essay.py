"""The essay keeps its form: short, linked, checked, opened as printed; and its stored outputs hold no real person."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib.base import paths

NOTEBOOKS = sorted((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
CELLS = {notebook.stem: json.loads(notebook.read_text(encoding="utf-8"))["cells"] for notebook in NOTEBOOKS}
PROSE = {stem: [source for source in ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")]
         for stem, cells in CELLS.items()}
CODE = {stem: ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        for stem, cells in CELLS.items()}
WORDS, LINES, COLUMNS = 5500, 10, 100
MEGABYTE = 1_000_000


def heading_ids(stem: str) -> set[str]:
    """Places that a link may name, as Jupyter makes them: the heading with hyphens for spaces."""
    text = "\n".join(PROSE[stem])
    return {heading.strip().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}


def test_it_is_read_in_an_hour():
    assert sum(len(text.split()) for texts in PROSE.values() for text in texts) <= WORDS


@pytest.mark.parametrize("stem", CODE)
def test_cells_are_short_and_mechanism_lives_in_lib(stem):
    for source in CODE[stem]:
        lines = source.splitlines()
        assert len(lines) <= LINES and max(map(len, lines)) <= COLUMNS, source
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 5, source


@pytest.mark.parametrize("stem", CODE)
def test_it_opens_as_printed(stem):
    parameters = next("".join(cell["source"]) for cell in CELLS[stem]
                      if "parameters" in cell["metadata"].get("tags", ()))
    assert 'os.environ.get("MSGSARL_PROFILE", "quick")' in parameters
    assert not any("study.complete(" in source for source in CODE[stem])  # would train where scores are enough


@pytest.mark.parametrize("stem", CODE)
def test_it_finds_the_code_where_nothing_was_set_up_for_it(stem):
    """JupyterLab and editors start a kernel in the notebook's folder and know nothing of the study."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    imports = "\n".join(line for line in CODE[stem][1].splitlines() if not line.startswith("parameters.check"))
    start = f"{CODE[stem][0]}\nimport lib\nprint(lib.__file__)\n" + (imports if stem.startswith("11") else "")
    done = subprocess.run([sys.executable, "-c", start], cwd=paths.ROOT / "notebooks", env=bare, capture_output=True,
                          encoding="utf-8")
    assert done.stdout and Path(done.stdout.strip()).resolve() == paths.ROOT / "lib" / "__init__.py", done.stderr


@pytest.mark.parametrize("stem", CODE)
def test_every_notebook_has_checked_cells_with_stored_outputs(stem):
    checked = [cell for cell in CELLS[stem] if "".join(cell["source"]).startswith("# NBVAL_CHECK_OUTPUT")]
    assert checked
    for cell in checked:
        assert cell["execution_count"] and {output["output_type"] for output in cell["outputs"]} == {"stream"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_stored_notebooks_are_small_executed_in_order_and_without_errors(notebook):
    assert notebook.stat().st_size <= MEGABYTE
    code = [cell for cell in CELLS[notebook.stem] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not any(output["output_type"] == "error" for cell in code for output in cell["outputs"])


@pytest.mark.parametrize("stem", PROSE)
def test_links_lead_somewhere(stem):
    texts = list(PROSE[stem])
    for cell in CELLS[stem]:
        for output in cell.get("outputs", ()):
            texts.append("".join(output.get("data", {}).get("text/markdown", "")))
    plain = re.sub(r"```.*?```|`[^`\n]*`", "", "\n".join(texts), flags=re.DOTALL)  # code has brackets, too
    for target in re.findall(r"\]\(((?:[^()\s]|\([^()\s]*\))+)\)", plain):
        file, _, place = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        assert not file or (paths.ROOT / "notebooks" / file).exists(), target
        if place:
            assert place in heading_ids(file.removesuffix(".ipynb") or stem), target


def test_order_and_numbers():
    numbers = [int(stem[:2]) for stem in CELLS]
    assert numbers == list(range(12))
    for stem in list(CELLS)[1:]:
        assert PROSE[stem][0].startswith(f"# {int(stem[:2])}. ")


def test_each_leads_to_the_next():
    stems = list(CELLS)
    for stem, following in zip(stems, stems[1:]):
        assert f"({following}.ipynb" in "\n".join(PROSE[stem]), stem


def test_the_tests_still_use_the_tiny_profile():
    assert "MSGSARL_PROFILE=tiny" in (paths.ROOT / "tests" / "run.sh").read_text(encoding="utf-8")
    assert os.environ.get("MSGSARL_PROFILE", "tiny") == "tiny"
