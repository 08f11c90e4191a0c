"""The site: every page stands alone, every link and picture leads to a file, equations need no script."""

from __future__ import annotations

import re

import nbformat
import pytest

from lib.__main__ import main
from lib.base import paths
from lib.base.errors import StudyError
from lib.commands.site import Site
from lib.findings import reproducibility

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def notebook(folder, cells, name="00_made_up.ipynb"):
    file = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    return file


def code(source, outputs=(), count=1):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), execution_count=count)


@pytest.fixture
def page(tmp_path):
    """The page of a made-up notebook with these cells."""
    def made(*cells):
        book = notebook(tmp_path, [nbformat.v4.new_markdown_cell("# A title"), *cells])
        site = Site(tmp_path, [book])
        site.add_notebook(book)
        return (tmp_path / "00_made_up.html").read_text(encoding="utf-8")
    return made


def test_every_link_of_the_whole_site_leads_to_a_file(tmp_path, capsys):
    assert main(["site", "--output", str(tmp_path)]) == 0
    pages = list(tmp_path.glob("*.html"))
    assert len(pages) > 13
    for file in pages:
        text = file.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"]+)"', text):
            place = target.partition("#")[0]
            if not re.match(r"https?:|mailto:", target):
                assert not place or (tmp_path / place).is_file(), (file.name, target)
        assert "<script" not in text and not re.search(r'src="https?:', text)
    assert (tmp_path / "index.html").read_bytes() == (tmp_path / "00_summary.html").read_bytes()


def test_equations_become_mathml_and_code_does_not(page):
    text = page(nbformat.v4.new_markdown_cell("The sum $a_i + b$, the code `$HOME` and\n\n$$x = \\frac{1}{2}$$"))
    assert text.count("<math") == 2 and "<mfrac>" in text and "$HOME" in text
    assert "$a_i" not in text and "$$" not in text


def test_outputs_are_shown_and_escaped(page, tmp_path):
    outputs = [nbformat.v4.new_output("stream", text="1 < 2 & 3"),
               nbformat.v4.new_output("display_data", data={"image/png": PICTURE}),
               nbformat.v4.new_output("display_data", data={"text/markdown": "**bold**", "text/plain": "no"})]
    text = page(code("print('<b>')", outputs))
    assert "1 &lt; 2 &amp; 3" in text and "<strong>bold</strong>" in text
    picture = re.search(r'src="(pictures/[^"]+\.png)"', text)[1]
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert "&lt;b&gt;" in text  # the cell's own code, folded


def test_a_notebook_that_was_never_run_is_refused(tmp_path):
    book = notebook(tmp_path, [nbformat.v4.new_markdown_cell("# A"), code("1", count=None)])
    with pytest.raises(StudyError, match="never run"):
        Site(tmp_path, [book]).add_notebook(book)


def test_a_link_to_nothing_is_refused(page):
    with pytest.raises(StudyError, match="not a file of the project"):
        page(nbformat.v4.new_markdown_cell("[gone](../lib/gone.py)"))
    assert (paths.ROOT / "lib" / "commands" / "site.css").exists()


def test_the_reproducibility_summary_says_what_the_results_say():
    assert reproducibility.file().read_text(encoding="utf-8") == reproducibility.as_markdown()
