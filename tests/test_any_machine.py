"""The study on every kind of machine: without a terminal, in any locale, where little can be written, from any folder.

Mostly through real processes, as people start them.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_databases import write_photo, write_sketch

from lib import __main__, databases
from lib.base import cache, files, paths
from lib.base.images import write_png
from lib.databases.portraits import database as portraits
from lib.model import features
from lib.training import run_folders

ROOT = Path(__file__).parents[1]
# A system without UTF-8 and without Python's two ways around that.
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
posix = pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX systems only")


def python(*arguments, cwd=ROOT, **variables) -> subprocess.CompletedProcess:
    """Run Python without a terminal; output as bytes."""
    return subprocess.run([sys.executable, *map(os.fspath, arguments)], cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=300, env={**os.environ, **variables})


def command(*arguments, status=0, cwd=ROOT, **variables) -> str:
    """What ``python -m lib …`` says in an ASCII world: all of it ASCII, without a traceback, with this exit status."""
    done = python("-m", "lib", *arguments, cwd=cwd, **ASCII, **variables)
    said = (done.stdout + done.stderr).decode("ascii")
    assert done.returncode == status and "Traceback" not in said, said
    return said


# Any locale


@pytest.mark.parametrize("name", [None, *__main__.COMMANDS])
def test_help_is_printed_where_there_is_only_ascii(name):
    assert "usage: python -m lib" in command(*([name] if name else []), "--help")


@pytest.fixture
def two_folders(tmp_path):
    """Two folders of images, one with a name that is UTF-8 and one whose bytes are no text in it."""
    rng = np.random.default_rng(0)
    folders = [tmp_path / "Prüfung A", tmp_path / "Prüfung B"]
    for folder in folders:
        for name in ("Prüfung", "other"):
            write_png(folder / f"{name}.png", rng.integers(0, 256, (40, 40), dtype=np.uint8))
        os.rename(folder / "other.png", os.fsencode(folder) + b"/M\xfcller.png")  # Latin-1
    return folders


@posix
def test_folders_and_files_of_any_name_are_scored(two_folders, tmp_path):
    said = command("score", *two_folders, "--csv", tmp_path / "Maße.csv")
    assert r"Pr\xfcfung B against" in said
    rows = (tmp_path / "Maße.csv").read_bytes().decode("utf-8").splitlines()
    assert {row.split(",")[0] for row in rows[1:]} == {"Prüfung", r"M\udcfcller"}
    said = command("score", two_folders[0], tmp_path / "Prüfungen", status=2)
    assert "error: " in said and r"Pr\xfcfungen: no such folder" in said


@posix
def test_a_user_study_is_built_from_files_of_any_name(two_folders, tmp_path):
    faces = [word for option in ("--photos", "--sketches") for word in (option, two_folders[0])]
    command("study", "build", "--candidate", f"Größe={two_folders[1]}", "--candidate", f"B={two_folders[0]}", *faces,
            "--raters", "2", "--per-rater", "2", "--checks", "0", "--output", tmp_path / "study")
    plan = (tmp_path / "study" / "plan.csv").read_bytes().decode("utf-8")
    assert "Größe" in plan and "Prüfung" in plan and r"M\udcfcller" in plan


@posix
def test_a_database_has_the_same_names_under_every_locale(tmp_path):
    """Names with letters of a locale, composed in two ways (as Macs do), and names whose bytes are no UTF-8."""
    folder, cache_here = tmp_path / "Köpfe" / "cuhk-student", {"MSGSARL_CACHE": str(tmp_path / "cache")}
    for split, people in (("train", [b"a", "grün".encode(), b"m\xfcller"]), ("test", [b"b", b"c", b"d"])):
        for person in people:
            other = person.replace("ü".encode(), "u\u0308".encode())
            for word, write, stem in (("photos", write_photo, person), ("sketches", write_sketch, other)):
                file = write(folder / f"{split}_{word}" / "new.png", str(person))
                os.rename(file, os.fsencode(file.parent) + b"/" + stem + b".png")
    lone = write_photo(folder / "train_photos" / "new.png", "lone")
    os.rename(lone, os.fsencode(lone.parent) + b"/allein \xe4.png")
    prepare = "prepare", "--database", "cuhk-student", "--data", folder
    assert r"train_photos/allein \udce4.png has no sketch" in command(*prepare, status=2, **cache_here)
    command(*prepare, "--exclude-broken", **cache_here)
    assert "has no sketch" in (folder / "exclusions.csv").read_bytes().decode("utf-8")
    found = [re.findall("data hash .*", said) for said in (
        command(*prepare, **cache_here), python("-m", "lib", *prepare, **cache_here).stdout.decode("utf-8"))]
    assert len(found[0]) == 2 and found[0] == found[1]  # the hash is of names, too
    faces = databases.load("cuhk-student", "train", folder)
    assert faces.names == ("a", "grün", r"m\udcfcller")


# Text files


def calls(file: Path):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            method = isinstance(function, ast.Attribute)
            name = function.attr if method else getattr(function, "id", "")
            owner = getattr(function.value, "id", "value") if method else ""
            yield node, name, owner, {keyword.arg: keyword.value for keyword in node.keywords}


def lacks_encoding(node: ast.Call, name: str, owner: str, given: dict) -> bool:
    """Whether a call reads or writes text in whatever encoding or line ends the machine prefers."""
    constants = [argument.value for argument in [*node.args, *given.values()] if isinstance(argument, ast.Constant)]
    if name == "open":
        binary = any(isinstance(value, str) and re.fullmatch("[rwxa+]*b[rwxa+]*", value) for value in constants)
        return owner not in NO_FILES and not binary and "encoding" not in given
    if name in ("run", "Popen", "check_output", "check_call"):
        return "encoding" not in given and any(word in given for word in ("text", "universal_newlines", "errors"))
    if name == "to_csv":  # in pandas UTF-8 is the default, line ends are the machine's
        return "lineterminator" not in given or (bool(node.args) and "encoding" not in given)
    if name == "read_csv" and (owner != "pd" or "StringIO" in ast.unparse(node.args[0])):
        return False
    return name in ("read_text", "write_text", "read_csv", "loadtxt", "genfromtxt", "savetxt", "TextIOWrapper") and (
        "encoding" not in given and owner not in ("", "files"))


NO_FILES = {"Image", "os", "self", "webbrowser", "opened", "page_"}  # whose `open` opens no text file


@pytest.mark.parametrize("code, faulty", [
    ("open(p)", True), ("open(p, 'w', newline='')", True), ("open(p, 'rb')", False),
    ("p.open(encoding='utf-8')", False), ("p.read_text()", True), ("files.write_text(p, t)", False),
    ("pd.read_csv(p)", True), ("pd.read_csv(StringIO(t))", False), ("subprocess.run(c, text=True)", True),
    ("subprocess.run(c, encoding='utf-8', text=True)", False), ("t.to_csv(p, encoding='utf-8')", True)])
def test_the_check_of_text_files_sees_what_it_should(code, faulty, tmp_path):
    (tmp_path / "code.py").write_text(code, encoding="utf-8")
    assert any(lacks_encoding(*call) for call in calls(tmp_path / "code.py")) == faulty


@pytest.mark.parametrize("folder", ["lib", "tests"])
def test_every_text_file_has_its_encoding_and_line_ends(folder):
    faults = [f"{file.relative_to(ROOT)}:{call[0].lineno}" for file in sorted((ROOT / folder).rglob("*.py"))
              for call in calls(file) if lacks_encoding(*call)]
    assert not faults


STUDY = """
import os, sys, warnings
os.linesep = "\\r\\n"  # what pandas ends lines with on Windows unless told otherwise
warnings.filterwarnings("error", category=EncodingWarning, module="lib[.]")
from lib.__main__ import main
study = ["--profile", "tiny", "--database", "portraits"]
sys.exit(main(["train", "--system", "mean-face", *study]) or main(["score", *study]))
"""


def test_results_are_the_same_bytes_on_every_system(tmp_path):
    """Also what the check of the code cannot see: text opened by way of variables."""
    done = python("-X", "warn_default_encoding", "-c", STUDY, MSGSARL_RESULTS=str(tmp_path))
    assert done.returncode == 0, done.stderr.decode()
    written = [file for file in tmp_path.rglob("*") if file.suffix in (".csv", ".json", ".md")]
    assert {"scores.csv", "run.json", "rivals_photo-to-sketch.csv"} <= {file.name for file in written}
    assert not [file for file in written if b"\r" in file.read_bytes()]


# Where nothing can be written


DRAWN_TWICE = """
import hashlib
from lib import databases
for _ in range(2):
    print(databases.data_hash(databases.load("portraits", "test", limit=1)))
"""


@pytest.fixture
def no_folder(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    return str(tmp_path / "file" / "cache")


@pytest.mark.parametrize("place", ["/proc/x", None])
def test_portraits_need_no_cache(place, no_folder, tmp_path):
    done = python("-c", DRAWN_TWICE, MSGSARL_CACHE=place or no_folder, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr.decode()
    expected = databases.data_hash(databases.load("portraits", "test", limit=1))
    assert done.stdout.decode().split() == [expected] * 2
    said = done.stderr.decode()
    assert said.count("cannot be written") == 1 and "Set MSGSARL_CACHE" in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]  # the substitute is gone with its process


def test_a_full_disk_stops_no_drawing(tmp_path, monkeypatch, capsys):
    def full(stream, array):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    monkeypatch.setattr(cache.np, "save", full)
    faces = [portraits.generate("portraits", split, 1) for split in ("train", "test", "train")]
    assert databases.data_hash(faces[0]) == databases.data_hash(faces[2])
    assert capsys.readouterr().err.count("No space left on device") == 1
    assert not [entry for entry in tmp_path.rglob("*") if entry.is_file()]


def test_a_cache_that_can_only_be_read_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    kept = databases.load("portraits", "train", limit=1)
    monkeypatch.setattr(cache.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(portraits, "portrait", refuse)
    assert databases.data_hash(databases.load("portraits", "train", limit=1)) == databases.data_hash(kept)


def refuse(*arguments, **options):
    raise PermissionError(13, "Permission denied")


def test_weights_without_a_cache_are_fetched_once_for_this_process(no_folder, monkeypatch):
    fetched = []

    def fetch():
        fetched.append(1)
        return {"stages.0.0.bias": torch.arange(3.0)}

    monkeypatch.setenv("MSGSARL_CACHE", no_folder)
    monkeypatch.setattr(features, "_fetch_hed", fetch)
    loaded = [features._hed_weights(offline=False) for _ in range(2)]
    assert len(fetched) == 1 and all(torch.equal(weights["stages.0.0.bias"], torch.arange(3.0)) for weights in loaded)


def test_a_machine_that_can_write_nowhere_is_told_so(no_folder, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", no_folder)
    monkeypatch.setattr(cache.tempfile, "mkdtemp", refuse)
    monkeypatch.setattr(features, "_fetch_hed", lambda: {"bias": torch.zeros(1)})
    with pytest.raises(features.StudyError, match="cannot be written .* choose another place"):
        features._hed_weights(offline=False)


@pytest.mark.parametrize("home", ["/proc/x", None])
def test_no_home_folder_is_needed(home, tmp_path):
    variables = {name: value for name, value in os.environ.items() if name not in ("HOME", "MPLCONFIGDIR")}
    code = "import lib.figures.style as s, matplotlib; s.use_style(); print(matplotlib.get_cachedir())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8",
                          env=variables | ({"HOME": home, "TMPDIR": str(tmp_path)} if home else {}))
    assert done.returncode == 0 and "temporary" not in done.stderr
    assert not home or done.stdout.strip() == str(tmp_path / "msg-sarl-matplotlib")
    said = command("prepare", "--database", "cufs", "--data", "~nobody-of-this-name/faces", status=2)
    assert "no such folder" in said


# Any folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the code, without its history, in a folder whose name has a space, brackets and an umlaut."""
    folder = tmp_path_factory.mktemp("clone") / "My [clone] Ü"
    shutil.copytree(ROOT / "lib", folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("requirements.txt", "run_all.sh", "results/published_tables.csv"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    code = "from lib.base import paths\nprint(paths.ROOT)"
    cell = {"cell_type": "code", "id": "a", "execution_count": None, "metadata": {"tags": ["parameters"]},
            "outputs": [], "source": code}
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    files.write_json(folder / "notebooks" / "01_place.ipynb", notebook)
    return folder


@pytest.fixture
def in_clone(clone):
    """Runs a command of the copy; the faces drawn already are not drawn again."""
    def run(*arguments, **variables):
        where = {"PYTHONPATH": str(clone), "MSGSARL_CACHE": str(paths.cache_root())}
        return command(*arguments, cwd=clone, **where, **variables)

    return run


def test_a_clone_of_any_name_trains_and_scores(clone, in_clone):
    assert "COMMAND" in in_clone("--help")
    assert "88 train pairs" in in_clone("prepare", "--database", "portraits")
    study = "--profile", "tiny", "--database", "portraits"
    assert r"My [clone] \xdc" in in_clone("train", "--system", "mean-face", *study)
    in_clone("score", *study)
    results = clone / "results" / "tiny" / "portraits"
    assert len((results / "scores.csv").read_text(encoding="utf-8").splitlines()) > 48
    assert json.loads((results / "mean-face/seed0/run.json").read_bytes())["revision"] == "unknown"


def test_a_clone_of_any_name_runs_its_notebooks(clone, in_clone):
    assert "Done" in in_clone("run", "--profile", "tiny", "--only", "01")
    made = json.loads(next(clone.rglob("results/**/01_place.ipynb")).read_text(encoding="utf-8"))
    assert [output["text"] for cell in made["cells"] for output in cell["outputs"]] == [[f"{clone}\n"]]


def test_a_missing_git_is_no_fault(monkeypatch):
    monkeypatch.delenv("MSGSARL_REVISION", raising=False)
    monkeypatch.setenv("PATH", "")
    assert run_folders.provenance()["revision"] == "unknown"
