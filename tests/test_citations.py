"""Every section, equation, figure and table that code, ledger, README and notebooks name is where the paper has it."""

from __future__ import annotations

import json

import pytest

from lib.base import paths
from lib.findings import paper
from lib.findings.ledger import entries

# Modules that cite equations, figures and tables of other papers, which the table of this one does not know.
OTHER_PAPERS = ("lib/rivals/", "lib/metrics/")


def texts() -> list[tuple[str, str]]:
    """(place, text) of everything that cites; of notebooks the cells' sources, outputs being made from lib's."""
    files = [*sorted((paths.ROOT / "lib").rglob("*.py")), paths.ROOT / "lib/findings/ledger/ledger.yaml",
             *sorted((paths.ROOT / "tests").glob("test_*.py")), paths.ROOT / "README.md",
             paths.ROOT / "results/ledger.md"]
    files = [file for file in files if file.name not in ("test_citations.py", "paper.py")]
    found = [(str(file.relative_to(paths.ROOT)), file.read_text(encoding="utf-8")) for file in files]
    for file in sorted((paths.ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        found += [(f"{file.name}, cell {place}", "".join(cell["source"])) for place, cell in enumerate(cells)]
    return found


def test_citations_are_where_the_paper_has_them():
    wrong = [f"{place}: {problem}" for place, text in texts() if not place.startswith(OTHER_PAPERS)
             for problem in paper.problems(text)]
    assert not wrong, "\n".join(wrong)


def test_citations_were_found():
    assert sum(text.count("Section I") for _, text in texts()) > 60


def test_ledger_entries_name_sections_that_hold_their_equations():
    for entry in entries():
        assert not paper.problems(entry.where), entry.id


@pytest.mark.parametrize("text, problem", [
    ("Section IV-E, Table VIII", "no Section IV-E"), ("Section III-B, Eq. 6-7", "equations 6, 7 stand elsewhere"),
    ("Section III-A, Eq. 2, Fig. 2", "equations 2"), ("Eq. 17", "no Eq. 17"), ("Figs 10, 12", "no Fig. 12"),
    ("Section IV-C, Tables I–IV", "tables 4"), ("(Section\nIV-D3, Fig. 10)", "figures 10")])
def test_wrong_citations_are_noticed(text, problem):
    assert problem in "; ".join(paper.problems(text))


@pytest.mark.parametrize("text", ["Section III-C, Eq. 5-11, Fig. 3 and 4", "Sections III-B and III-D, Eq. 3, 4, 12",
                                  "Section IV-D3, Table VIII", "Tables I-III and IV–VII", "Section III, Eq. 1-13"])
def test_right_citations_pass(text):
    assert paper.problems(text) == []


def test_sections_hold_what_their_subsections_hold():
    for name in ("III", "IV", "IV-D"):
        for kind in ("equations", "figures", "tables"):
            within = {number for other, section in paper.SECTIONS.items() if other.startswith(name) and other != name
                      for number in getattr(section, kind)}
            assert within == set(getattr(paper.SECTIONS[name], kind)), (name, kind)
