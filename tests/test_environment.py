"""``lib/environment.sh``: how the two scripts find or make a Python environment, with Pythons that only pretend."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="the scripts are for POSIX systems")

FAKE_PYTHON = """#!/bin/bash
# Notes how it is called; answers as Python 3.VERSION and its pip would.
echo "$*" >> "$LOG"
version=${0##*python3.}; [ "$version" != "$0" ] || version=$VERSION
case "$*" in
    *version_info*) [ "$version" -ge 11 ] && [ "$version" -le 14 ] ;;
    *sys.prefix*) dirname "$(dirname "$0")" ;;
    "-m venv"*) mkdir -p "${@: -1}/bin" && cp "$0" "${@: -1}/bin/python" && exit $VENV ;;
    --version) echo "Python 3.$version" ;;
    "-m pip --version") [ -z "$NO_PIP" ] ;;
    "-m ensurepip") exit $NO_PIP ;;
    "-m pip install"*) exit $PIP ;;
    -m\\ lib*) printf '<%s>' "$@" "$PYTHONPATH" "$PYTHONUTF8" "$OMP_WAIT_POLICY" ;;
esac
"""


TOOLS = "awk", "bash", "basename", "cat", "chmod", "cmp", "cp", "df", "dirname", "mkdir", "rm"


@pytest.fixture
def run_all(tmp_path):
    """Runs ``run_all.sh`` from a folder of any name, with Pythons that only pretend; returns status, output, calls."""
    root, programs, log = tmp_path / "My [clone] Ü", tmp_path / "a folder" / "bin", tmp_path / "log"
    for folder in (root / "lib", programs):
        folder.mkdir(parents=True)
    for file in ("run_all.sh", "lib/environment.sh", "requirements.txt"):
        shutil.copy(ROOT / file, root / file)
    for tool in filter(shutil.which, TOOLS):
        (programs / tool).symlink_to(shutil.which(tool))

    def run(*arguments, pythons=("python3",), root=root, **variables):
        for name in pythons:
            write_program(programs / name, FAKE_PYTHON)
        log.write_text("", encoding="utf-8")
        given = {"PATH": str(programs), "LOG": str(log), "VERSION": "12", "VENV": "0", "PIP": "0", "NO_PIP": ""}
        done = subprocess.run([programs / "bash", root / "run_all.sh", *arguments], env={**given, **variables}, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        return done.returncode, done.stdout, log.read_text(encoding="utf-8")

    run.root = root
    return run


def write_program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


def test_the_script_hands_everything_on_from_any_folder(run_all):
    status, said, log = run_all("--data", "My [faces] ü", PYTHONPATH="/else where")
    assert status == 0 and f"<-m><lib><run><--data><My [faces] ü><{run_all.root}:/else where><1><PASSIVE>" in said
    assert f"-m venv --clear {run_all.root}/.venv" in log and f"-r {run_all.root}/requirements.txt" in log
    status, said, log = run_all()
    assert status == 0 and "<run>" in said and "venv" not in log and "install" not in log  # all there, says the stamp


def test_an_active_environment_is_used_unless_its_python_is_too_old(run_all):
    _, said, log = run_all(pythons=["python"], VIRTUAL_ENV="/active")
    assert "-m venv" not in log and not (run_all.root / ".venv").exists() and "<run>" in said
    _, said, log = run_all(pythons=["python", "python3.11"], CONDA_PREFIX="/active", VERSION="10")
    assert "/active has no Python 3.11 to 3.14; using .venv" in said and "-m venv" in log and "<run>" in said


@pytest.mark.parametrize("version", ["10", "15"])
def test_a_python_that_the_pins_know_is_searched(run_all, version):
    status, said, log = run_all(VERSION=version)
    assert status == 2 and said.startswith("error: Python 3.11 to 3.14 is needed") and "-m" not in log
    _, said, log = run_all(pythons=["python3", "python3.14"], VERSION=version)
    assert "(Python 3.14)" in said and "<run>" in said


def test_a_half_made_environment_is_made_anew(run_all):
    write_program(run_all.root / ".venv/bin/python", "#!/bin/bash\nexit 1")
    status, said, log = run_all()
    assert status == 0 and "-m venv --clear" in log and "<run>" in said


@pytest.mark.parametrize("fault, advice", [
    ({"VENV": "1"}, "python3-venv"), ({"PIP": "1"}, "the internet or a mirror"), ({"NO_PIP": "1"}, "has no pip")])
def test_what_cannot_be_set_up_is_explained_and_tried_again(run_all, fault, advice):
    status, said, log = run_all(**fault)
    assert status == 2 and advice in said and "<run>" not in said
    status, said, log = run_all()
    assert status == 0 and "-m pip install" in log and "<run>" in said


def test_a_folder_that_pythonpath_cannot_hold_is_named(run_all, tmp_path):
    shutil.copytree(run_all.root, tmp_path / "12:30")
    status, said, log = run_all(root=tmp_path / "12:30")
    assert status == 2 and "12:30: PYTHONPATH cannot hold" in said and not log


