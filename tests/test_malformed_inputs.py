"""Malformed inputs: each ends with status 2 and a message that names the file, the cause and the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import malformed_data  # enters its cases into the table, too
import pytest
from malformed_folders import CASES
from PIL import Image

from lib import __main__


def run(arguments, capsys):
    try:
        status = __main__.main(arguments)
    except SystemExit as exit_:  # argparse
        status = exit_.code
    return status, capsys.readouterr().err


def test_the_table_has_at_least_sixty_cases():
    assert len(CASES) >= 60


@pytest.mark.parametrize("title", CASES)
def test_malformed_input_ends_with_its_file_its_cause_and_its_remedy(tmp_path, monkeypatch, capsys, title):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    status, message = run(CASES[title].make(tmp_path), capsys)
    assert status == 2, message
    assert message.startswith("error: ") and "Traceback" not in message and "\x1b" not in message
    assert all(words in message for words in CASES[title].told), message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("title", ["a folder that is not there", "half a JPEG", "no list of pairs", "a misspelt metric",
                                   "a forged checkpoint"])
def test_the_shell_sees_the_same(tmp_path, title):
    environment = {**os.environ, "MSGSARL_CACHE": str(tmp_path / "cache"), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-m", "lib", *CASES[title].make(tmp_path)], cwd=tmp_path,
                          capture_output=True, encoding="utf-8", env=environment)
    assert done.returncode == 2 and "Traceback" not in done.stderr and not done.stdout.startswith("error")
    assert all(words in done.stderr for words in CASES[title].told), done.stderr
    assert not (tmp_path / "executed").exists()


def test_a_sound_checkpoint_passes_with_and_without_the_prefix_of_data_parallel_training(tmp_path, capsys):
    """Otherwise every case of a checkpoint above could be refused for one and the same other reason."""
    for folder, rename in (("plain", lambda name: name), ("parallel", lambda name: f"module.{name}")):
        state = {rename(name): value for name, value in malformed_data.sound()["method"]["generators"].items()}
        arguments = malformed_data.translate(malformed_data.saved(method={"generators": state}))(tmp_path / folder)
        Image.new("RGB", (40, 50), (200, 90, 10)).save(tmp_path / folder / "photos" / "1.png")
        status, message = run(arguments, capsys)
        assert status == 0, message
    first_, second = (Path(tmp_path / folder / "out" / "1.png").read_bytes() for folder in ("plain", "parallel"))
    assert first_ == second
