"""``python -m lib study``: from folders or runs to a report, and what a mistaken command line hears."""

import json
import re

import numpy as np
import pytest
from study_material import SYSTEMS, candidate, drawing

from lib.__main__ import main
from lib.base import images
from lib.commands import study as commands
from lib.training import run_folders

DRAWN = ["--faces", "6", "--per-rater", "4", "--raters", "9", "--checks", "1"]


@pytest.fixture
def source(tmp_path):
    """Folders of eight faces as any program might leave them, and the arguments that name them."""
    for number in range(8):
        picture = drawing(number)
        images.write_png(tmp_path / "photos" / f"f{number}.png", np.stack([picture] * 3, axis=-1))
        images.write_png(tmp_path / "sketches" / f"f{number}.png", picture)
        for system in SYSTEMS:
            images.write_png(tmp_path / system / f"f{number}.png", candidate(picture, system))
    arguments = ["--photos", str(tmp_path / "photos"), "--sketches", str(tmp_path / "sketches")]
    for system in SYSTEMS:
        arguments += ["--candidate", f"{system}={tmp_path / system}"]
    return tmp_path, [*arguments, *DRAWN]


def study(*arguments):
    return main(["study", *map(str, arguments)])


def test_build_simulate_analyse(source, capsys):
    folder, arguments = source
    assert study("build", *arguments, "--output", folder / "one", "--contact", "a@b") == 0
    assert "9 raters × 4 faces" in capsys.readouterr().out
    assert study("build", *arguments[:-len(DRAWN)], "--output", folder / "two", "--contact", "a@b",
                 "--plan", folder / "one" / "plan.csv") == 0  # rebuilt from the plan: the same file, byte for byte
    assert (folder / "one/study.html").read_bytes() == (folder / "two/study.html").read_bytes()
    assert study("simulate", "--study", folder / "one", "--worth", "dark=0.2", "--careless", "0.2") == 0
    (folder / "one/simulated/extra.json").write_text("<script>", encoding="utf-8")
    assert study("analyse", folder / "one/simulated", "--study", folder / "one", "--resamples", "200") == 0
    out = capsys.readouterr().out
    assert "1 file quarantined" in out and "made by a program" in out
    text = (folder / "one/report/report.md").read_text(encoding="utf-8")
    assert "SIMULATED" in text and "extra.json" in text and "<script>" not in text


@pytest.mark.parametrize("arguments, message", [
    (["build", "--candidate", "x"], "NAME=DIR"),
    (["build", "--database", "portrait"], "Did you mean"),
    (["build", "--database", "portraits=none"], "not a number of faces"),
    (["build", "--database", "portraits=3", "--database", "portraits=4"], "3 faces and 4"),
    (["build", "--database", "portraits=3", "--database", "portraits"], "3 faces and 20"),
    (["build", "--plan", "p.csv", "--database", "cufs", "--database", "portraits=20"],
     "--database portraits=20: --plan names the faces"),
    (["build", "--profile", "tniy"], "Did you mean tiny"),
    (["build", "--photos", "x"], "give --candidate"),
    (["build", "--candidate", "a=b", "--photos", "x", "--sketches", "y", "--faces", "0"], "--faces 0"),
    (["build", "--candidate", "a=b", "--photos", "x", "--sketches", "y", "--faces", "-3"], "--faces -3"),
    (["analyse", "x", "--study", "nowhere"], "study build"),
    (["simulate", "--study", "nowhere"], "study build"),
    (["simulate", "--study", "nowhere", "--seed", "-1"], "--seed -1"),
])
def test_mistakes_are_explained_with_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    assert study(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())  # nothing was written


def test_another_study_is_not_written_over(source, capsys):
    folder, arguments = source
    assert study("build", *arguments, "--output", folder / "one") == 0
    before = (folder / "one/study.html").read_bytes()
    assert study("build", *arguments, "--output", folder / "one", "--seed", "1") == 2
    assert "holds another study" in capsys.readouterr().err
    assert (folder / "one/study.html").read_bytes() == before


def test_missing_runs_are_listed_with_their_commands(monkeypatch, tmp_path, capsys):
    from conftest import made_up_faces

    from lib import databases
    from lib.base import paths

    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    faces = made_up_faces(4)
    monkeypatch.setattr(databases, "load", lambda *_, **__: faces)
    arguments = ("build", "--database", "portraits=3", "--profile", "tiny", "--per-rater", "2", "--raters", "4",
                 "--system", "lle", "--system", "msg-sarl")
    assert study(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("python -m lib train") == 2 and "--system lle" in error and "--system msg-sarl" in error
    for system in ("lle", "msg-sarl"):
        folder = paths.run_folder("tiny", "portraits", system, 0)
        run_folders.write_synthesised(folder, "photo-to-sketch", faces.names, faces.sketches)
    assert study(*arguments) == 0
    record = json.loads(next(tmp_path.rglob("study.json")).read_text(encoding="utf-8"))
    assert "private" in str(next(tmp_path.rglob("study.html"))) and record["direction"] == "photo-to-sketch"


def test_a_plan_is_followed_on_the_databases_that_it_names(monkeypatch, tmp_path, capsys):
    from conftest import made_up_faces

    from lib import databases
    from lib.base import paths

    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    faces = made_up_faces(4)
    monkeypatch.setattr(databases, "load", lambda *_, **__: faces)
    for system in ("lle", "msg-sarl"):
        run_folders.write_synthesised(paths.run_folder("tiny", "portraits", system, 0), "photo-to-sketch", faces.names,
                                      faces.sketches)
    options = ("build", "--profile", "tiny", "--database")
    assert study(*options, "portraits=3", "--per-rater", "2", "--raters", "4", "--system", "lle", "--system",
                 "msg-sarl", "--output", tmp_path / "one") == 0
    plan = ("--plan", tmp_path / "one" / "plan.csv", "--output", tmp_path / "two")
    capsys.readouterr()
    for more, status in ((("portraits=3",), 2), (("portraits", "--database", "portraits-wild"), 2),
                         (("portraits",), 0)):
        assert study(*options, *more, *plan) == status
        error = capsys.readouterr().err
        assert error.startswith(f"error: --database {more[-1]}: ") == (status == 2)
        assert (tmp_path / "two").exists() == (status == 0)
    assert (tmp_path / "one/study.html").read_bytes() == (tmp_path / "two/study.html").read_bytes()


def test_the_paper_s_systems_are_the_default_once_they_are_registered(monkeypatch, tmp_path):
    from conftest import made_up_faces

    from lib import databases
    from lib.base import paths, systems
    from lib.evaluation.user_study import definition

    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    faces = made_up_faces(3)
    monkeypatch.setattr(databases, "load", lambda *_, **__: faces)
    for name in ("u-gat-it", "drit", "cyclegan", "msg-sarl"):
        monkeypatch.setitem(systems.SYSTEMS, name, systems.System(name, name.upper(), "deep"))
        folder = paths.run_folder("tiny", "portraits", name, 2)
        run_folders.write_synthesised(folder, "photo-to-sketch", faces.names, faces.sketches)
    assert study("build", "--database", "portraits=3", "--profile", "tiny", "--per-rater", "2", "--raters", "4",
                 "--run-seed", "2", "--output", tmp_path / "study") == 0
    assert definition.read(tmp_path / "study").systems == ("cyclegan", "drit", "msg-sarl", "u-gat-it")


def test_missing_pictures_come_with_a_command_that_works(monkeypatch, tmp_path, capsys):
    """The paper's systems, the default, come with the commands that make them; other pictures may be judged, too."""
    from conftest import made_up_faces

    from lib import databases
    from lib.base import paths

    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    faces = made_up_faces(3)
    monkeypatch.setattr(databases, "load", lambda *_, **__: faces)
    options = ("build", "--database", "portraits-wild=3", "--database", "portraits=3", "--profile", "tiny",
               "--per-rater", "2", "--raters", "4")
    assert study(*options) == 2
    error = capsys.readouterr().err
    assert "--system drit --profile tiny" in error and "--candidate NAME=DIR" in error
    assert "  none" in error and "For example" not in error
    for system, seed in (("pixel-regression", 0), ("lle", 0), ("msg-sarl", 0), ("backbone", 1)):
        folder = paths.run_folder("tiny", "portraits", system, seed)
        run_folders.write_synthesised(folder, "photo-to-sketch", faces.names, faces.sketches)
    assert study(*options) == 2
    error = capsys.readouterr().err
    assert "portraits: msg-sarl, lle, pixel-regression\n" in error  # seed 0; backbone has seed 1 only
    command = re.search(r"`python -m lib (study build .*)`", error)[1].split()
    assert command == ["study", "build", "--database", "portraits", "--system", "msg-sarl", "--system", "lle",
                       "--system", "pixel-regression", "--profile", "tiny"]
    monkeypatch.setitem(commands.PAPER_FACES, "portraits", 3)
    assert main([*command, "--per-rater", "2", "--raters", "4"]) == 0
