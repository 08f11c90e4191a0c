"""Notebooks are run by the interpreter that was asked, stop at errors and at Ctrl-C, and decide nothing themselves."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from lib import __main__
from lib.base import files, paths
from lib.base.errors import StudyError
from lib.commands import notebooks
from lib.findings import parameters

NOTEBOOKS = sorted((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PARAMETERS = 'profile = "tiny"\ndatabase = "portraits"'
CHECK = "from lib.findings import parameters\nparameters.check(profile, database)"


def notebook(folder: Path, name: str, *cells: str) -> Path:
    """A notebook whose first cell is the parameters'."""
    made = [nbformat.v4.new_code_cell(source) for source in (PARAMETERS, *cells)]
    made[0].metadata["tags"] = ["parameters"]
    book = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})
    nbformat.write(book, folder / name)
    return folder / name


def code_of(book: Path) -> list[ast.Module]:
    """The code cells, magics and all being plain Python here."""
    cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
    return [ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture
def foreign_kernel(tmp_path, monkeypatch):
    """A kernel called ``python3`` that belongs to something that is no Python with this study's packages."""
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Python 3", "language": "python"}
    files.write_json(tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json", spec)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))


def test_the_kernel_is_this_interpreter_whatever_kernels_are_installed(tmp_path, foreign_kernel):
    book = notebook(tmp_path, "01_who.ipynb", CHECK, "import sys, lib, os\nprint(sys.executable, profile)",
                    "print(os.environ['OMP_NUM_THREADS'], os.getcwd())")
    ended = []
    notebooks.execute_all([book], "quick", "portraits-wild", 1, lambda *done: ended.append(done))
    [(source, output, seconds)] = ended
    assert source == book and 0 < seconds < 300
    texts = [result["text"] for cell in nbformat.read(output, as_version=4).cells for result in cell.get("outputs", [])]
    assert texts[0].split() == [sys.executable, "quick"]
    assert texts[1].split()[1] == str(tmp_path), "in its own folder, so that links and pictures are found"


def test_the_fake_kernel_would_have_failed(tmp_path, foreign_kernel):
    """Otherwise the test above could not see a wrong kernel."""
    from jupyter_client.kernelspec import KernelSpecManager
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] == "/bin/false"


def test_slow_kernels_are_waited_for(tmp_path, monkeypatch, foreign_kernel):
    asked = []

    class Process:
        returncode = 0

        def __init__(self, command, **_):
            asked.extend(command)

        def poll(self):
            return 0

    monkeypatch.setattr(notebooks.subprocess, "Popen", Process)
    notebooks.execute_all([notebook(tmp_path, "01_a.ipynb")], "tiny", "portraits", 1, lambda *_: None)
    assert asked[asked.index("--start-timeout") + 1] == "300"


def test_a_failing_cell_is_told_and_nothing_is_begun_after_it(tmp_path, foreign_kernel):
    books = [notebook(tmp_path, "01_bad.ipynb", "print('so far')", "raise ValueError('no such face')"),
             notebook(tmp_path, "02_next.ipynb")]
    with pytest.raises(StudyError, match=r"01_bad.ipynb, cell 4: ValueError: no such face") as error:
        notebooks.execute_all(books, "tiny", "portraits", 1, lambda *_: None)
    output = Path(str(error.value).partition("as far as it ran: ")[2])
    assert "so far" in output.read_text(encoding="utf-8") and not output.with_name("02_next.ipynb").exists()


def test_a_mistyped_parameter_is_an_error(tmp_path, foreign_kernel):
    """Through papermill itself, as a user would call it."""
    book = notebook(tmp_path, "01_a.ipynb", CHECK, "print('ran')")
    command = [sys.executable, "-m", "papermill", book, tmp_path / "out.ipynb", "-p", "profil", "quick"]
    with notebooks.own_kernel() as variables:
        said = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, encoding="utf-8")
    assert said.returncode != 0 and "Did you mean profile" in said.stderr
    *_, last = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert last.source == "print('ran')" and last.execution_count is None


class Shell:
    """A kernel that has run these cells."""

    def __init__(self, *cells: str):
        self.user_ns = {"In": ["", *cells]}


@pytest.mark.parametrize("injected, complaint", [
    ("# Parameters\ndatabse = 'cufs'\n", "parameter 'databse'(.|\n)*Did you mean database"),
    ("# Parameters\nprofile = 'quick'\nseed = 3\n", "parameter 'seed'"),
])
def test_only_papermills_own_cells_are_searched_for_unknown_names(monkeypatch, injected, complaint):
    own = "profil = 3  # Parameters of somebody's own"
    monkeypatch.setattr("IPython.get_ipython", lambda: Shell(PARAMETERS, own, "# Parameters\nprofile = 'quick'\n"))
    parameters.check("quick", "portraits")
    monkeypatch.setattr("IPython.get_ipython", lambda: Shell(PARAMETERS, injected))
    with pytest.raises(StudyError, match=complaint):
        parameters.check("quick", "portraits")


def test_values_are_checked_and_no_notebook_is_needed():
    parameters.check("tiny", "cufs")
    with pytest.raises(StudyError, match="Did you mean quick"):
        parameters.check("quik", "portraits")
    with pytest.raises(StudyError, match="Did you mean cufsf"):
        parameters.check("tiny", "cufs-f")


STOPPED = """
import sys
from pathlib import Path
from lib import __main__
from lib.commands import notebooks, run
run._select = lambda only: [Path(sys.argv[1])]
sys.exit(__main__.main(["run", "--profile", "tiny"]))
"""


def test_an_interruption_ends_the_kernels_too(tmp_path, foreign_kernel):
    begun = tmp_path / "begun"
    book = notebook(tmp_path, "01_long.ipynb", f"open({str(begun)!r}, 'w').close()\nimport time\ntime.sleep(600)")
    # SIGINT is ignored in what a shell starts behind an "&".
    process = subprocess.Popen([sys.executable, "-c", STOPPED, str(book)], stderr=subprocess.PIPE, encoding="utf-8",
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + 240
    while not begun.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    assert begun.exists() and any("ipykernel" in " ".join(member.cmdline()) for member in family)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130 and "run the same command again" in process.stderr.read()
    assert not psutil.wait_procs(family, timeout=20)[1], "a kernel was left behind"


def test_published_notebooks_hold_nothing_of_one_execution(tmp_path, foreign_kernel):
    book = notebook(tmp_path, "01_a.ipynb", "1 + 1")
    notebooks.execute_all([book], "tiny", "portraits", 1, lambda source, output, _: notebooks.publish(output, source))
    published = nbformat.read(book, as_version=4)
    assert [cell.source for cell in published.cells] == [PARAMETERS, "1 + 1"]
    assert published.cells[1].outputs[0]["data"]["text/plain"] == "2" and published.cells[1].execution_count == 2
    text = book.read_text(encoding="utf-8")
    assert "papermill" not in text and "iopub" not in text and str(tmp_path) not in text
    assert published.metadata.kernelspec.name == "python3"


def test_the_command_names_its_errors(capsys):
    for arguments, said in ((["--profile", "quik"], "Did you mean quick"), (["--database", "portrait"], "portraits"),
                            (["--only", "42"], "notebook '42'"), (["--database", "cufs", "--refresh"], "--refresh")):
        assert __main__.main(["run", *arguments]) == 2
        assert said in capsys.readouterr().err


# What makes runs or writes what the stage writes; notebooks ask lib.findings.study instead.
MAKERS = {"synthesise", "make", "make_each", "grids.fill", "loop.train", "score_study", "measure_study",
          "recognise_study", "recognise_runs", "write_table", "write_tables", "keep", "write_png", "write_synthesised"}


@pytest.mark.parametrize("book", NOTEBOOKS, ids=lambda book: book.stem)
def test_notebooks_read_and_make_nothing_themselves(book):
    called = {ast.unparse(node.func) for cell in code_of(book) for node in ast.walk(cell) if isinstance(node, ast.Call)}
    assert not [name for name in called if any(f".{name}".endswith(f".{maker}") for maker in MAKERS)]


@pytest.mark.parametrize("book", NOTEBOOKS, ids=lambda book: book.stem)
def test_notebooks_check_what_they_are_told_before_anything_else(book):
    """In the second code cell: papermill's own comes between it and the parameters'."""
    first, second, *_ = code_of(book)
    assert [target.id for node in first.body if isinstance(node, ast.Assign) for target in node.targets] == list(
        parameters.KNOWN)
    calls = [ast.unparse(node) for node in second.body if isinstance(node, ast.Expr)]
    assert calls[0] == "parameters.check(profile, database)"


@pytest.mark.parametrize("book", NOTEBOOKS, ids=lambda book: book.stem)
def test_notebooks_that_read_runs_of_their_own_study_ask_for_it(book):
    """Whatever shows this study's runs needs the stage first; everything else reads published results only."""
    text = book.read_text(encoding="utf-8").replace("\\", "")
    reads = any(call in text for call in (
        "run_folder(profile", "study_folder(profile", "read_scores(profile", "read_study(profile", "of_study(profile",
        "best_at_hand(profile", "drawn_attention.network(profile", "photographed(profile", "(profile, database, name)",
        "tables.ablations(profile", "tables.rivals(profile",
        '(profile, database, "msg-sarl")'))
    assert reads == notebooks.needs_runs(book)


@pytest.mark.parametrize("stored, differs", [("quick\n", False), ("slow\n", True)])
def test_check_compares_marked_cells_with_what_is_stored(tmp_path, monkeypatch, capfd, stored, differs):
    book = notebook(tmp_path, "01_a.ipynb", "# NBVAL_CHECK_OUTPUT\nimport os\nprint(os.environ['MSGSARL_PROFILE'])")
    content = nbformat.read(book, as_version=4)
    content.cells[-1].execution_count = 1
    content.cells[-1].outputs = [nbformat.v4.new_output("stream", text=stored)]
    nbformat.write(content, book)
    before = book.read_bytes()
    if differs:
        with pytest.raises(StudyError, match="differs from its stored output"):
            notebooks.check([book], "quick", "portraits")
    else:
        notebooks.check([book], "quick", "portraits")
    assert book.read_bytes() == before
