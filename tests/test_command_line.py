"""The command line as a whole: options without effect, help at every width, interruptions, bad input of every kind."""

from __future__ import annotations

import argparse
import ast
import errno
import importlib
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError

from lib import databases
from lib.__main__ import COMMANDS, main
from lib.base import images, systems
from lib.base.errors import StudyError
from lib.commands import arguments
from lib.rivals import deep
from lib.training import checkpoints, plans

# What cannot work together: the arguments, what is named as without effect, and a word of the remedy.
WITHOUT_EFFECT = [
    ("score A B --regions", "--regions", "--database"),
    ("score A B --sets-only --colours --force", "--colours, --force", "--database"),
    ("score A B --data D", "--data", "--database"),
    ("score A B --as mine --database cuhk-student --attributes", "--attributes", "without folders"),
    ("sketch photo.png --profile cpu", "--profile", "--system"),
    ("sketch photo.png --checkpoint x.pt --seed 0", "--seed", "--system"),
    ("try --database cufs", "--database", "--system"),
    ("recognise A B --train-identities 3 --force", "--force", "--recogniser"),
    ("recognise A B --recogniser dlib --repeats 20 --method nlda", "--repeats, --method", "leave --recogniser out"),
    ("recognise --recogniser dlib --database cufs --csv x.csv", "--csv", "two folders"),
    ("benchmark --scaling --threads 1", "--threads", "leave out"),
    ("benchmark --roofline --precision fp32 --compiled", "--precision, --compiled", "leave out"),
    ("benchmark --card 795 3.35", "--card", "--roofline"),
    ("run --check --refresh", "--refresh", "writes nothing"),
    ("train --database cufs --system lle --jobs 2", "--jobs", "--grid"),
    ("train --database cufs --grid rivals --launcher local --memory 3 --sbatch qos=low", "--memory, --sbatch", "slurm"),
    ("prepare --database portraits --exclude-broken", "--exclude-broken", "drawn"),
    ("study build --candidate A=a --photos p --sketches s --profile quick", "--profile", "run folders"),
    ("study build --database cufs --faces 3", "--faces", "--candidate"),
    ("study build --plan plan.csv --raters 30 --checks 2", "--raters, --checks", "--plan"),
    ("study build --plan plan.csv --system lle", "--system", "--plan"),
    ("study build --candidate A=a --photos p --sketches s --plan plan.csv --faces 3", "--faces", "--plan"),
]


@pytest.mark.parametrize("line, named, remedy", WITHOUT_EFFECT)
def test_an_option_without_effect_is_refused_with_the_remedy(line, named, remedy, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {','.join(named.split(','))}: without effect here. ") and remedy in said
    assert not list(tmp_path.iterdir())


def test_given_is_what_stood_on_the_line_also_with_the_default_value():
    parser = arguments.Parser()
    parser.add_argument("--number", type=int, default=3)
    parser.add_argument("--several", action="append", default=[])
    parser.add_argument("--switch", action="store_true")
    inner = parser.add_subparsers(dest="command").add_parser("inner")
    inner.add_argument("--profile", default="cpu")
    inner.add_argument("file", nargs="?")
    assert parser.parse_args([]).given == set()
    assert parser.parse_args(["--number", "3", "--several", "a", "--switch"]).given == {"number", "several", "switch"}
    options = parser.parse_args(["inner", "--profile", "cpu"])
    assert options.given == {"profile"} and options.number == 3 and options.file is None


def test_what_may_be_absent_may_stand_behind_options():
    parser = arguments.Parser()
    inner = parser.add_subparsers(dest="command").add_parser("inner")
    inner.add_argument("photo", type=Path)
    inner.add_argument("output", type=Path, nargs="?")
    inner.add_argument("--size", type=int)
    for line in ("inner in out --size 3", "inner in --size 3 out", "inner --size 3 in out"):
        options = parser.parse_args(line.split())
        assert (options.photo, options.output, options.size) == (Path("in"), Path("out"), 3)
        assert options.given == {"photo", "output", "size"}
    assert parser.parse_args(["inner", "in"]).given == {"photo"}
    for line in ("inner in --size 3 out more", "inner in --sise 3 out"):
        with pytest.raises(SystemExit):
            parser.parse_args(line.split())


def test_what_stands_behind_options_is_read_like_what_stands_before(capsys):
    parser = arguments.Parser(prog="lib")
    parser.add_argument("first", type=arguments.positive, nargs="?", metavar="FIRST")
    parser.add_argument("second", choices=("a", "b"), nargs="?", metavar="SECOND")
    parser.add_argument("--size", type=int)
    for line in ("1 b --size 3", "1 --size 3 b", "--size 3 1 b", "1 --size=3 b"):
        options = parser.parse_args(line.split())
        assert (options.first, options.second, options.given) == (1, "b", {"first", "second", "size"})
    said = []
    for line in ("1 c --size 3", "1 --size 3 c"):
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args(line.split())
        said.append(capsys.readouterr().err)
    assert said[0] == said[1] and said[0].startswith("usage: lib [-h]") and "argument SECOND: invalid choice" in said[0]


def test_the_parser_rests_on_what_argparse_documents():
    """Names with an underscore change without notice from one Python to the next."""
    used = {node.attr for node in ast.walk(ast.parse(inspect.getsource(arguments.Parser)))
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")}
    assert not used & set(dir(argparse.ArgumentParser))


@pytest.mark.parametrize("line, meant", [
    ("gallery --profile quik", "quick"), ("gallery --database portrats", "portraits"),
    ("gallery --astronaut --database cuhk-studnt", "cuhk-student"), ("records --profile cpp", "cpu"),
    ("records --database cuhk-studen", "cuhk-student"), ("attention --database cuf", "cufs"),
    ("sketch me.png --system msg-sarl --database cuhk-studnt", "cuhk-student"),
    ("sketch me.png --system msg-sarl --profile cp", "cpu"), ("try --system msg-sarl --profile papper", "paper"),
    ("transfer --trained-on cufs --database cuf", "cufsf"), ("transfer --trained-on cuf --database cufs", "cufsf"),
    ("score --profile quik --database cufs", "quick"), ("ledger --database cuf", "cufs"), ("jobs --profile cp", "cpu"),
    ("recognise --recogniser dlib --database cufs --profile cp", "cpu"), ("train --database cuf --system lle", "cufs"),
    ("run --database cuf", "cufs"), ("study build --profile quik", "quick"), ("prepare --database cuf", "cufs")])
def test_a_misspelt_profile_or_database_is_told_by_every_command(line, meant, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(("error: Unknown profile", "error: Unknown database")) and meant in said.split("mean")[1]


@pytest.mark.parametrize("line", ["sketch me.png --checkpoint scores.csv", "export scores.csv out.safetensors",
                                  "translate scores.csv me.png out --direction photo-to-sketch"])
def test_a_file_that_is_no_checkpoint_is_told_so_and_nobody_is_to_delete_it(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scores.csv").write_text("image,value\n", encoding="utf-8")
    images.write_png(tmp_path / "me.png", np.zeros((8, 8, 3), np.uint8))
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert "scores.csv: cannot be read as a checkpoint (it is none)" in said and "checkpoint.pt of a run folder" in said
    assert "elete" not in said and (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize("name", ["lle", "grey-input"])
def test_a_system_without_a_network_draws_nobody(name, capsys):
    assert main(["sketch", "me.png", "--system", name]) == 2
    said = capsys.readouterr().err
    assert "has no network" in said and "msg-sarl" in said and "Train it" not in said


@pytest.mark.parametrize("line", [["sketch", "me.png", ""], ["prepare", "--database", "cufs", "--data="],
                                  ["score", "a", ""], ["site", "--output", ""]])
def test_an_empty_argument_is_not_taken_for_this_folder_or_for_none(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(line) == 2 and "empty" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_value_may_end_in_an_equals_sign(capsys, tmp_path):
    assert main(["score", str(tmp_path / "a"), str(tmp_path / "b"), "--pattern=(.+)="]) == 2
    assert "a: no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("interrupted", ["lib.commands.train", "lib.commands.score"])
def test_an_interruption_while_modules_are_imported_is_one_line(interrupted, capsys, monkeypatch):
    def import_module(name):
        assert name == interrupted
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", import_module)
    assert main([interrupted.rpartition(".")[2], "--help"]) == 130
    said = capsys.readouterr()
    assert said.out == "" and said.err.strip().startswith("interrupted") and said.err.count("\n") == 2


def test_little_is_imported_before_an_interruption_is_answered():
    code = ("import sys, lib.__main__; "
            "sys.exit(bool({'numpy', 'torch', 'difflib', 'lib.commands.arguments'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0



LINES = [[name] for name in COMMANDS] + [["study", action] for action in ("build", "analyse", "simulate")]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_fits_the_terminal(line, capsys, monkeypatch):
    for columns in (120, 100, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit, match="0"):
            main([*line, "--help"])
        text = capsys.readouterr().out
        if columns > 60:  # on a narrower one commands to copy stay on one line
            assert max(map(len, text.splitlines())) <= columns
        assert max(map(len, text.split("\n\n")[1].splitlines())) <= columns  # what the command does


def arguments_of(name):
    """What a command takes, and each command within it."""
    parser = arguments.Parser()
    importlib.import_module(f"lib.commands.{name}").add_arguments(parser)
    inner = [action.choices.values() for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [action for each in (parser, *(one for several in inner for one in several)) for action in each._actions
            if not isinstance(action, argparse._SubParsersAction)]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_every_argument(name):
    for action in arguments_of(name):
        assert action.help, f"{action.option_strings or action.dest}: no word of explanation"
        assert "(default " not in action.help.replace("(default metrics", ""), "(default: …) everywhere"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_file_and_folder_may_lie_in_the_home_folder(name, monkeypatch, tmp_path):
    """Shells leave the ~ of --csv=~/x.csv, and a folder called ~ would come into being."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for action in arguments_of(name):
        shown = f"{action.metavar or action.dest}".lower()
        named = any(word in shown for word in ("dir", "file", "photo", "out", "checkpoint", "input", "answers"))
        if named and not action.choices and "=" not in shown:
            assert str(action.type("~/a/b.csv")) == str(tmp_path / "a/b.csv"), action.dest
            assert str(action.type("a b/ü.csv")) == "a b/ü.csv", f"{action.dest}: relative as it was given"


def test_a_table_goes_to_the_home_folder_and_no_folder_is_left_behind(tmp_path, monkeypatch, capsys):
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in ("real", "made"):
        images.write_png(home / folder / "1.png", np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8))
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    assert main(["score", "~/real", "~/made", "--metrics", "ssim", "--csv=~/scores/s.csv"]) == 0
    assert (home / "scores" / "s.csv").exists() and not list(here.iterdir())
    assert main(["study", "build", "--candidate", "A=~/made", "--candidate", "B=~/nowhere", "--photos=~/real",
                 "--sketches=~/real"]) == 2
    assert f"{home / 'nowhere'}: no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", [None, 3, b"lle", ["lle"], ""])
def test_a_name_that_is_no_text_is_unknown_like_any_other(name):
    for ask in (lambda: deep.networks(name, width=8, size=64), lambda: plans.plan("tiny", name),
                lambda: systems.kind_of(name or None), lambda: databases.load("portraits", name),
                lambda: databases.load(name, "test")):
        with pytest.raises(StudyError, match="^Unknown (deep rival|system|database|split)"):
            ask()


@pytest.mark.parametrize("line", [
    "benchmark --threads 0", "benchmark --roofline --card 0 1", "benchmark --roofline --card 795 nan",
    "train --database cufs --grid rivals --jobs -2", "train --database cufs --system lle --seed -1",
    "train --database cufs --grid rivals --launcher slurm --hours -1",
    "train --database cufs --grid rivals --launcher slurm --memory nan", "sketch a.png --system msg-sarl --seed -1",
    "gallery --seed two", "transfer --trained-on cufs --database cufsf --seed -1", "records --csv kept.png",
    "benchmark --csv kept.png", "records --csv folder", "score folder folder --csv folder/"])
def test_a_value_that_cannot_be_meant_is_refused_at_once(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "kept.png").write_bytes(b"an image")
    with pytest.raises(SystemExit, match="2"):
        main(line.split())
    option = next(word for word in reversed(line.split()) if word.startswith("--"))
    assert f"argument {option}" in capsys.readouterr().err
    assert (tmp_path / "kept.png").read_bytes() == b"an image" and len(list(tmp_path.iterdir())) == 2


def test_numbers_of_no_notebook_run_none(capsys):
    assert main(["run", "--only", " , "]) == 2 and "such as 03,06" in capsys.readouterr().err


def test_a_recogniser_that_fails_is_named_with_its_image_and_its_error(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for folder in ("real", "made"):
        for number in range(3):
            images.write_png(tmp_path / folder / f"{number}.png", rng.integers(0, 256, (250, 200, 3), dtype=np.uint8))
    folders = [str(tmp_path / "real"), str(tmp_path / "made")]
    assert main(["recognise", *folders, "--recogniser", "os.path:join"]) == 2
    assert "0: the recogniser os.path:join fails (TypeError" in capsys.readouterr().err


def test_a_file_where_a_folder_is_wanted_is_told_so(tmp_path, capsys):
    (tmp_path / "a.txt").touch()
    assert main(["score", str(tmp_path / "a.txt"), str(tmp_path)]) == 2
    assert "a.txt: a file; give the folder" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_an_output_that_is_full_ends_in_one_line():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, "-m", "lib", "prepare", "--database", "portraits"], stdout=full,
                              stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("error: output: cannot be written") and done.stderr.count(b"\n") == 1


def test_a_full_disk_ends_the_site_and_an_export_in_one_line(tmp_path, monkeypatch, capsys):
    def full(*arguments, **named):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "site.css"))

    monkeypatch.setattr(shutil, "copy", full)
    assert main(["site", "--output", str(tmp_path / "site")]) == 2
    assert "site.css: cannot be written or read (No space left" in capsys.readouterr().err

    def refused(*arguments):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoints, "save_file", refused)
    assert main(["export", str(checkpoints.PRETRAINED), str(tmp_path / "small.safetensors")]) == 2
    assert "small.safetensors: cannot be written" in capsys.readouterr().err
    assert not (tmp_path / "small.safetensors").exists()
