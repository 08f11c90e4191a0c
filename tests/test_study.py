"""The stage that makes a study: complete, nothing twice, only what is stale, and on again after a kill."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import made_up_faces
from filelock import FileLock

from lib import __main__, databases
from lib.base import files, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.commands import notebooks
from lib.evaluation import grids
from lib.findings import study
from lib.training import run_folders, side_by_side

STUDY = "tiny", "portraits"
SMALL = ("msg-sarl", "lle", "grey-input", "mean-face")
ROOM = {"test": 12, "train": 3}  # faces: recognition splits the test faces, the pairing check wants eight


def use_small_study(patch) -> None:
    """Few systems on made-up faces, in this process."""
    pairs = {split: made_up_faces(count, count) for split, count in ROOM.items()}
    patch.setattr(databases, "load", lambda name, split, root=None, limit=None: pairs[split])
    patch.setattr(study, "systems_of", lambda profile: SMALL)
    patch.setattr(side_by_side, "jobs_here", lambda count: 1)


IN_A_PROCESS = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import pytest, test_study
test_study.use_small_study(pytest.MonkeyPatch())
from lib.findings import study
study.complete("tiny", "portraits", report=lambda line: print(line, flush=True))
print("torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A complete study, not to be changed: its folder of results and the lines that were reported."""
    results, lines = tmp_path_factory.mktemp("made"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSGSARL_RESULTS", str(results))
        use_small_study(patch)
        study.complete(*STUDY, report=lines.append)
    return results, lines


@pytest.fixture
def copied(made, tmp_path, monkeypatch):
    """A copy of the complete study, to be changed; returns its folder."""
    shutil.copytree(made[0], tmp_path / "results")  # with the files' times
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    use_small_study(monkeypatch)
    return paths.study_folder(*STUDY)


def times(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def changed(folder: Path, before: dict[str, int]) -> set[str]:
    """Files, without the stage's own record and locks, that are new or were written since."""
    return {name for name, moment in times(folder).items() if before.get(name) != moment
            and not name.startswith("private/")}


def parts_made(lines: list[str]) -> list[str]:
    return [line.strip().partition(":")[0] for line in lines if ": done in" in line and "seed" not in line]


def test_a_study_has_all_controls_exemplar_methods_and_deep_rivals_and_the_full_model():
    for profile in ("quick", "cpu", "paper"):
        made_of = study.systems_of(profile)
        assert len(set(made_of)) == len(made_of)
        assert set(made_of) == {"msg-sarl", *systems.of_kind("control", "exemplar", "deep")}
    assert set(study.systems_of("tiny")) == set(systems.SYSTEMS)
    with pytest.raises(StudyError, match="Did you mean quick"):
        study.complete("quik", "portraits")
    with pytest.raises(StudyError, match="Did you mean portraits"):
        study.complete("quick", "portrait")


def test_everything_that_notebooks_read_is_there(made):
    results, lines = made
    folder = results / "tiny" / "portraits"
    scores = pd.read_csv(folder / "scores.csv", encoding="utf-8")
    assert set(zip(scores.system, scores.direction)) == set(itertools.product(SMALL, DIRECTIONS))
    for name in ("pairing", "resize_ceiling", "attention", "recognition", "recognition_ranks", "fine_detail"):
        assert len(pd.read_csv(folder / f"{name}.csv", encoding="utf-8")), name
    assert len(list((folder / "tables").glob("*.csv"))) == len(list((folder / "tables").glob("*.md"))) == 4
    for system in SMALL:
        for direction in DIRECTIONS:
            assert len(list((folder / system / "seed0" / direction).glob("*.png"))) == ROOM["test"]
    assert parts_made(lines) == [part.name for part in study.PARTS]
    assert [name for name in SMALL if any(line.startswith(f"  {name}, seed 0: done") for line in lines)] == list(SMALL)


def test_what_is_complete_is_left_alone(copied):
    before, lines = times(copied), []
    study.complete(*STUDY, report=lines.append)
    assert not lines and times(copied) == before
    assert study.forecast(*STUDY) == 0


def test_what_is_complete_is_seen_quickly_and_without_torch(copied):
    environment = {**os.environ, "MSGSARL_RESULTS": str(copied.parents[1])}
    said = subprocess.run([sys.executable, "-c", IN_A_PROCESS], env=environment, capture_output=True, encoding="utf-8")
    assert said.stdout.splitlines() == ["False"], said.stdout + said.stderr
    started = time.process_time()
    study.complete(*STUDY)
    assert time.process_time() - started < 0.5


def test_a_lost_face_costs_one_run_and_no_training(copied):
    face = copied / "msg-sarl" / "seed0" / "sketch-to-photo" / "face-03.png"
    pixels, before, lines = face.read_bytes(), times(copied), []
    face.unlink()
    study.complete(*STUDY, report=lines.append)
    assert face.read_bytes() == pixels
    written = changed(copied, before)
    assert not [name for name in written if name.startswith(SMALL[1:]) or name.endswith("checkpoint.pt")]
    assert parts_made(lines)[0] == "runs" and "survey of the data" not in parts_made(lines)
    assert any("4 runs, 3 of them complete" in line for line in lines)


def test_a_lost_table_costs_that_table(made, copied):
    before, lines = times(copied), []
    (copied / "fine_detail.csv").unlink()
    (copied / "tables" / "rivals_photo-to-sketch.md").unlink()
    study.complete(*STUDY, report=lines.append)
    assert parts_made(lines) == ["fine detail", "tables"]
    assert {name.partition("/")[0] for name in changed(copied, before)} == {"fine_detail.csv", "tables"}
    for name in ("fine_detail.csv", "tables/rivals_photo-to-sketch.md"):
        assert (copied / name).read_bytes() == (made[0] / "tiny" / "portraits" / name).read_bytes()


def test_lost_scores_are_scored_again_and_the_tables_follow(copied):
    scores, table = (copied / name for name in ("scores.csv", "tables/ablations_photo-to-sketch.csv"))
    whole, text, lines = scores.read_text(encoding="utf-8"), table.read_bytes(), []
    scores.write_text("".join(line for line in whole.splitlines(keepends=True) if "grey-input" not in line),
                      encoding="utf-8")
    study.complete(*STUDY, report=lines.append)
    assert scores.read_text(encoding="utf-8") == whole and table.read_bytes() == text
    assert parts_made(lines) == ["scores", "tables"]


def test_other_scores_make_other_tables(copied):
    """Another run of the user's own is scored, and stands in the tables, without being asked for."""
    shutil.copytree(copied / "msg-sarl" / "seed0", copied / "msg-sarl" / "seed1")
    (copied / "msg-sarl" / "seed1" / "private" / "scored.json").unlink()
    study.complete(*STUDY, report=lambda line: None)
    table = pd.read_csv(copied / "tables" / "ablations_photo-to-sketch.csv", encoding="utf-8")
    assert table[(table.system == "msg-sarl") & (table.metric == "ssim")].seeds.item() == 2


def test_changed_data_make_new_controls_and_refuse_the_old_training(copied, monkeypatch):
    other = {"test": made_up_faces(12, 7), "train": made_up_faces(3, 8)}
    monkeypatch.setattr(databases, "load", lambda name, split, root=None, limit=None: other[split])
    (copied / "mean-face" / "seed0" / "private" / "synthesised.json").touch()  # embedded data change with the code only
    before, lines = times(copied), []
    with pytest.raises(StudyError, match="1 of 4 runs failed(.|\n)*msg-sarl(.|\n)*belongs to another run"):
        study.complete(*STUDY, report=lines.append)
    redone = {name.split("/")[0] for name in changed(copied, before) if name.endswith(".png")}
    assert redone == {"lle", "grey-input", "mean-face"}


def as_in_a_clone(run: Path) -> None:
    """Leave a run its record and its scores."""
    (run / "checkpoint.pt").unlink(missing_ok=True)
    for folder in (*DIRECTIONS, "private"):
        shutil.rmtree(run / folder)


@pytest.fixture
def committed(copied, monkeypatch):
    """As in a clone, of a system whose scores suffice."""
    monkeypatch.setattr(study, "SCORES_SUFFICE", ("msg-sarl",))
    as_in_a_clone(copied / "msg-sarl" / "seed0")
    return copied


def test_in_a_clone_the_faces_that_notebooks_show_are_made(copied):
    for system in ("grey-input", "lle"):
        as_in_a_clone(copied / system / "seed0")
    scores = (copied / "scores.csv").read_bytes()
    study.complete(*STUDY, report=lambda line: None)
    for system in ("grey-input", "lle"):
        assert len(list((copied / system / "seed0").glob("*-to-*/*.png"))) == 2 * ROOM["test"]
    assert (copied / "scores.csv").read_bytes() == scores


def test_where_scores_suffice_nothing_is_trained_for_its_faces(committed):
    scores, lines = (committed / "scores.csv").read_bytes(), []
    study.complete(*STUDY, report=lines.append)
    assert not (committed / "msg-sarl" / "seed0" / "checkpoint.pt").exists()
    assert (committed / "scores.csv").read_bytes() == scores
    assert lines[-1].startswith("msg-sarl: scores that came with the study are used")
    assert study.loaded(*STUDY) == ("msg-sarl",)


@pytest.mark.parametrize("lost", ["a direction's scores", "the settings"])
def test_scores_suffice_only_if_complete_and_of_todays_settings(committed, lost, monkeypatch):
    if lost == "the settings":
        record = committed / "msg-sarl" / "seed0" / "run.json"
        contents = files.read_json(record)
        files.write_json(record, {**contents, "settings": {**contents["settings"], "width": 4}})
    else:
        table = pd.read_csv(committed / "scores.csv", encoding="utf-8")
        table = table[(table.system != "msg-sarl") | (table.direction != DIRECTIONS[0])]
        files.write_csv(committed / "scores.csv", table)
    asked = []
    monkeypatch.setattr(grids, "make_each", lambda cells, report: asked.extend(cells) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.complete(*STUDY, report=lambda line: None)
    assert study.loaded(*STUDY) == () and [cell.system for cell in asked] == ["msg-sarl"]


def test_a_killed_stage_goes_on_and_ends_in_the_same_scores(made, tmp_path):
    environment = {**os.environ, "MSGSARL_RESULTS": str(tmp_path)}
    folder = tmp_path / "tiny" / "portraits"
    process = subprocess.Popen([sys.executable, "-c", IN_A_PROCESS], env=environment, stdout=subprocess.PIPE,
                               encoding="utf-8")
    for line in process.stdout:
        if "mean-face, seed 0: done" in line:  # the last of the controls, which are made first
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert not (folder / "attention.csv").exists() and not (folder / "tables").exists(), "killed too late"
    kept = {name: moment for name, moment in times(folder).items() if name.endswith((".png", "pairing.csv"))}
    said = subprocess.run([sys.executable, "-c", IN_A_PROCESS], env=environment, capture_output=True, encoding="utf-8")
    assert said.returncode == 0, said.stderr
    assert "4 runs, 2 of them complete" in said.stdout and "mean-face, seed 0: done" not in said.stdout
    assert {name: times(folder)[name] for name in kept} == kept and len(kept) >= 1 + 2 * 2 * ROOM["test"]
    assert (folder / "scores.csv").read_bytes() == (made[0] / "tiny" / "portraits" / "scores.csv").read_bytes()


def test_a_failing_part_leaves_the_parts_before_it_made(copied, monkeypatch):
    for name in ("fine_detail.csv", "recognition.csv"):
        (copied / name).unlink()
    monkeypatch.setattr("lib.findings.exemplar_detail.of_study", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.complete(*STUDY, report=lambda line: None)
    monkeypatch.undo()
    monkeypatch.setenv("MSGSARL_RESULTS", str(copied.parents[1]))
    use_small_study(monkeypatch)
    lines = []
    study.complete(*STUDY, report=lines.append)
    assert parts_made(lines) == ["fine detail"]


def test_two_processes_do_not_make_the_same_study_at_once(copied):
    (copied / "fine_detail.csv").unlink()
    lines, waiting = [], threading.Event()

    def report(line: str) -> None:
        lines.append(line)
        waiting.set()

    with FileLock(copied / "private" / "complete"):
        thread = threading.Thread(target=study.complete, args=STUDY, kwargs={"report": report})
        thread.start()
        assert waiting.wait(30) and "another process is completing this study" in lines[0]
        assert not (copied / "fine_detail.csv").exists()
    thread.join(60)
    assert (copied / "fine_detail.csv").exists()


def test_a_run_that_another_process_makes_is_waited_for(copied, monkeypatch):
    """As after a kill: the processes that the stage had started make their runs to the end."""
    monkeypatch.setattr(study, "_LOOK_AGAIN", 0.05)
    as_in_a_clone(copied / "lle" / "seed0")
    lines, waiting = [], threading.Event()

    def report(line: str) -> None:
        lines.append(line)
        if line == "waiting for lle, seed 0":
            waiting.set()

    with run_folders.claimed(copied / "lle" / "seed0"):
        thread = threading.Thread(target=study.complete, args=STUDY, kwargs={"report": report})
        thread.start()
        assert waiting.wait(60)
        assert not list((copied / "lle" / "seed0").glob("*-to-*/*.png"))
    thread.join(120)
    assert len(list((copied / "lle" / "seed0").glob("*-to-*/*.png"))) == 2 * ROOM["test"]


def test_a_notebook_opens_from_scores_that_came_along(copied, monkeypatch):
    """In a fresh clone nothing is made; where a table is missing, or faces are here, the study is completed."""
    for folder in copied.glob("*/seed*"):
        as_in_a_clone(folder)
    shutil.rmtree(copied / "private")
    before, lines = times(copied), []
    with monkeypatch.context() as patch:
        patch.setattr(study, "complete", lambda *_, **__: 1 / 0)
        study.ready(*STUDY, report=lines.append)
        assert times(copied) == before and "as published" in lines[0]
        (copied / "fine_detail.csv").rename(copied / "elsewhere")
        with pytest.raises(ZeroDivisionError):
            study.ready(*STUDY)
        (copied / "elsewhere").rename(copied / "fine_detail.csv")
        (copied / "lle" / "seed0" / DIRECTIONS[0]).mkdir()
        (copied / "lle" / "seed0" / DIRECTIONS[0] / "face.png").touch()
        with pytest.raises(ZeroDivisionError):
            study.ready(*STUDY)


def test_the_survey_of_the_data_needs_no_run(made, tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    use_small_study(monkeypatch)
    study.survey_data(*STUDY, report=lambda line: None)
    folder = tmp_path / "tiny" / "portraits"
    tables = ("pairing.csv", "pairing_by_sketch.csv", "resize_ceiling.csv")
    assert {file.name for file in folder.iterdir()} == {*tables, "private"}
    for name in tables:
        assert (folder / name).read_bytes() == (made[0] / "tiny" / "portraits" / name).read_bytes()


@pytest.fixture
def executed(monkeypatch):
    """Notebooks that the command would run, instead of running them."""
    asked = []
    monkeypatch.setattr(notebooks, "execute_all",
                        lambda chosen, profile, database, jobs, finished: asked.extend(nb.stem for nb in chosen))
    return asked


def test_some_notebooks_alone_leave_the_tables_fresh(copied, executed, capsys):
    reader = next(file.stem for file in sorted((paths.ROOT / "notebooks").glob("*.ipynb"))
                  if notebooks.needs_runs(file))
    (copied / "private" / "notebooks.json").write_text(f'{{"{reader}": 7.0}}', encoding="utf-8")
    before = times(copied)
    assert __main__.main(["run", "--profile", "tiny", "--only", reader[:2]]) == 0
    assert executed == [reader] and times(copied) == before
    (copied / "tables" / "rivals_photo-to-sketch.csv").unlink()
    assert __main__.main(["run", "--profile", "tiny", "--only", reader[:2]]) == 0
    assert (copied / "tables" / "rivals_photo-to-sketch.csv").exists()
    assert "Notebooks, 1 at a time: about 7 s" in capsys.readouterr().out


def test_notebooks_that_need_no_runs_wait_for_none(tmp_path, monkeypatch, executed, capsys):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    monkeypatch.setattr(study, "complete", lambda *_, **__: 1 / 0)
    assert __main__.main(["run", "--profile", "tiny", "--only", "02,11"]) == 0
    assert executed == ["02_model", "11_verdicts"] and "need no runs" in capsys.readouterr().out
