"""``python -m lib site``: the essay as a static site, with the outputs stored in the notebooks.

One page a notebook, one each for claims, ledger and the reproducibility summary, and one for every file of the project
that a notebook links to.  Pictures are files of their own; equations are MathML, which browsers draw without a script;
code is folded behind its output.  No page loads anything from elsewhere, so a copied folder works without a network.
"""

from __future__ import annotations

import argparse
import base64
import html
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
from latex2mathml.converter import convert as to_mathml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import PythonLexer, TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

from lib.base import files, paths
from lib.base.errors import StudyError, counted

_STYLE = Path(__file__).with_name("site.css")
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}
_MATH = re.compile(r"(`+.*?`+)|\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$", re.DOTALL)
_CODE = HtmlFormatter(nowrap=False, cssclass="code")
_LISTED = {"results/claims.md": "claims", "results/ledger.md": "ledger",
           "results/reproducibility.md": "reproducibility"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=paths.given, default=paths.ROOT / "site", metavar="DIR",
                        help="folder for the pages (default: site/); pages of an earlier call are replaced")


def run(options: argparse.Namespace) -> int:
    notebooks = sorted((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    site = Site(files.make_folder(options.output), notebooks)
    for notebook in notebooks:
        site.add_notebook(notebook)
    for name in _LISTED:
        site.add_file(name)
    site.add_linked_files()
    style = _STYLE.read_text(encoding="utf-8") + _CODE.get_style_defs(".code")
    files.write_text(site.folder / "site.css", style)
    shutil.copy(site.folder / f"{notebooks[0].stem}.html", site.folder / "index.html")
    print(f"{site.folder / 'index.html'}: {counted(len(notebooks), 'notebook')}, "
          f"{len(site.linked) + len(_LISTED)} other pages")
    return 0


class Site:
    """A folder of pages; ``linked`` are the project's files that pages made so far link to."""

    def __init__(self, folder: Path, notebooks: list[Path]):
        self.folder = folder
        self.titles = {notebook.stem: _title(notebook) for notebook in notebooks}
        self.linked: set[str] = set()

    def add_notebook(self, notebook: Path) -> None:
        """Write a notebook's page and its pictures; raises StudyError where a cell has stored no output."""
        book = nbformat.read(notebook, as_version=4)
        parts, pictures = [], files.make_folder(self.folder / "pictures")
        for number, cell in enumerate(book.cells):
            if cell.cell_type == "markdown":
                parts.append(self._prose(cell.source))
            elif cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
                if cell.execution_count is None:
                    raise StudyError(f"{notebook}: cell {number} was never run. `./run_all.sh --refresh` stores "
                                     "outputs.")
                shown = "".join(self._outputs(cell, pictures, f"{notebook.stem}_{number:02d}"))
                code = highlight(cell.source, PythonLexer(), _CODE)
                parts.append(f"{shown}<details><summary>code</summary>{code}</details>")
        self._write(notebook.stem, self.titles[notebook.stem], "\n".join(parts))

    def add_file(self, name: str) -> None:
        """Write the page of one of the project's files: Markdown as text, code highlighted, a folder as links to its
        Markdown files."""
        source = paths.ROOT / name
        if source.is_dir():
            listed = "\n".join(f"- [{file.stem}]({file.name})" for file in sorted(source.glob("*.md")))
            body = self._prose(f"# {name}\n\n{listed}", base=name)
        elif source.suffix == ".md":
            body = self._prose(source.read_text(encoding="utf-8"), base=os.path.dirname(name))
        else:
            code = highlight(source.read_text(encoding="utf-8"), _lexer(source.name), _CODE)
            body = f"<h1>{html.escape(name)}</h1>{code}"
        self._write(_page(name), name, body)

    def add_linked_files(self) -> None:
        """Write pages for the files that pages link to, those of Markdown files included."""
        done = set(_LISTED)
        while missing := sorted(self.linked - done):
            for name in missing:
                self.add_file(name)
            done |= set(missing)
        self.linked -= set(_LISTED)

    def _prose(self, text: str, base: str = "notebooks") -> str:
        """Markdown → HTML, its equations as MathML, its pictures copied, its links to pages of this site."""
        from nbconvert.filters.markdown_mistune import markdown2html_mistune  # slow, and of this command alone

        page = markdown2html_mistune(_MATH.sub(_equation, text))
        page = re.sub(r'<a class="anchor-link".*?</a>', "", page)
        page = re.sub(r'src="([^":]+)"', lambda match: self._picture(match, base), page)
        return re.sub(r'href="([^"#:]+)(#[^"]*)?"', lambda match: self._link(match, base), page)

    def _picture(self, match: re.Match, base: str) -> str:
        """A picture of the project, copied beside the pages; raises StudyError for one that is not there."""
        source = paths.ROOT / base / match[1]
        if not source.is_file():
            raise StudyError(f"{base}: a picture {match[1]}, which is not a file of the project.")
        shutil.copy(source, files.make_folder(self.folder / "pictures") / source.name)
        return f'src="pictures/{source.name}"'

    def _link(self, match: re.Match, base: str) -> str:
        target, place = match[1], match[2] or ""
        name = os.path.normpath(os.path.join(base, target)).replace(os.sep, "/")
        if name.startswith("notebooks/") and name.endswith(".ipynb"):
            return f'href="{Path(name).stem}.html{place}"'
        if not (paths.ROOT / name).exists():
            raise StudyError(f"{base}: a link to {target}, which is not a file of the project.")
        self.linked.add(name)
        return f'href="{_page(name)}.html{place}"'

    def _outputs(self, cell: nbformat.NotebookNode, pictures: Path, stem: str) -> Iterator[str]:
        for number, output in enumerate(cell.outputs):
            data = output.get("data", {})
            kind = next((kind for kind in _ENDINGS if kind in data), None)
            if output.output_type == "stream":
                yield f"<pre>{html.escape(output.text)}</pre>"
            elif kind:
                name = f"{stem}_{number}.{_ENDINGS[kind]}"
                content = data[kind]
                (pictures / name).write_bytes(content.encode() if kind.endswith("xml") else base64.b64decode(content))
                yield (f'<figure><a href="pictures/{name}"><img loading="lazy" src="pictures/{name}" '
                       'alt="figure of the text above"></a></figure>')
            elif "text/markdown" in data:
                yield self._prose(data["text/markdown"])
            elif "text/html" in data:
                yield f'<div class="table">{data["text/html"]}</div>'
            elif "text/plain" in data:
                yield f"<pre>{html.escape(data['text/plain'])}</pre>"

    def _write(self, page: str, title: str, body: str) -> None:
        links = "".join(f'<a href="{stem}.html"{" class=here" * (stem == page)} title="{html.escape(name)}">{stem[:2]}'
                        f"<span> {stem[3:].replace('_', ' ')}</span></a>" for stem, name in self.titles.items())
        listed = "".join(f'<a href="{_page(name)}.html">{label}</a>' for name, label in _LISTED.items())
        files.write_text(self.folder / f"{page}.html", f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} – MSG-SARL, reproduced in the open</title><link rel="stylesheet" href="site.css"></head>
<body><nav>{links}{listed}</nav>
<main>{body}</main></body></html>
""")


def _equation(match: re.Match) -> str:
    """MathML of an equation; code stays as it is."""
    if match[1]:
        return match[1]
    return to_mathml((match[2] or match[3]).strip(), display="block" if match[2] else "inline").replace("\n", " ")


def _lexer(name: str) -> Lexer:
    try:
        return get_lexer_for_filename(name)
    except ClassNotFound:
        return TextLexer()


def _page(name: str) -> str:
    return name.replace("/", "_").removesuffix(".md")


def _title(notebook: Path) -> str:
    first = nbformat.read(notebook, as_version=4).cells[0].source.splitlines()[0]
    return first.lstrip("# ")
