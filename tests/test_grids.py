"""Grids: only what is missing is made, others' work is left alone, the forecast follows the runs' own times."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest
from conftest import made_up_faces
from made_up_scores import CELLS, image_table

from lib import __main__, databases
from lib.base import files, paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.base.hardware import available_cores
from lib.base.labels import duration
from lib.commands.train import GRIDS
from lib.evaluation import grids
from lib.training import make_run, run_folders, speed
from lib.training.plans import plan
from lib.training.run_folders import BusyError

pytestmark = pytest.mark.trains


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    pairs = {"train": made_up_faces(3, 0), "test": made_up_faces(3, 1)}
    monkeypatch.setattr(databases, "load", lambda name, split, root=None, limit=None: pairs[split])
    return tmp_path


def recorded(cell: grids.Cell, seconds: float, device: str = "cpu") -> None:
    settings = dataclasses.asdict(plan(cell.profile, cell.system).settings)
    files.write_json(cell.folder / "run.json", {"settings": settings, "seconds": seconds, "device": device})


def scored(cells: list[grids.Cell], directions=DIRECTIONS) -> None:
    folder = paths.study_folder(cells[0].profile, cells[0].database)
    rows = [(cell.database, direction, cell.system, cell.seed, "f1", "ssim", 0.5)
            for cell in cells for direction in directions]
    folder.mkdir(parents=True, exist_ok=True)
    files.write_csv(folder / "scores.csv", image_table(rows))


def test_ablations_are_the_eight_cells_of_the_design_for_every_seed():
    cells = grids.cells(GRIDS["ablations"]("cpu"), "portraits", "cpu")
    assert len(cells) == 24 and {cell.seed for cell in cells} == {0, 1, 2}
    assert {cell.system for cell in cells if cell.seed == 0} == set(CELLS)
    with pytest.raises(StudyError, match="Did you mean msg-sarl"):
        grids.cells(["msg-srl"], "portraits", "cpu")
    with pytest.raises(StudyError, match="Did you mean portraits"):
        grids.cells(["msg-sarl"], "portrait", "cpu")


def test_grids_hold_systems_that_exist():
    for systems_of in GRIDS.values():
        for system in systems_of("cpu"):
            assert plan("cpu", system).name == system


def test_missing_is_what_has_no_record_of_these_settings_or_no_scores_in_both_directions(study):
    done, other_settings, half = (grids.Cell("portraits", "tiny", system, 0) for system in (
        "backbone", "backbone-msg", "backbone-cycle"))
    recorded(done, 1)
    recorded(half, 1)
    files.write_json(other_settings.folder / "run.json", {"settings": {"size": 999}, "seconds": 1})
    scored([done, other_settings])
    assert grids.missing([done, other_settings, half]) == [other_settings, half]
    scored([half], directions=DIRECTIONS[:1])
    assert half in grids.missing([half]), "a run scored in one direction only is not complete"


def test_a_run_killed_at_any_stage_is_missing(study):
    cell = grids.Cell("portraits", "tiny", "backbone+width=4", 0)
    assert grids.fill([cell], report=lambda line: None, jobs=1) == [] and grids.missing([cell]) == []
    made, stamps = (cell.folder / "private" / f"{stage}.json" for stage in ("synthesised", "scored"))
    contents = files.read_json(stamps)

    files.write_json(stamps, {key: value for key, value in contents.items() if not key.startswith("sketch")})
    assert grids.missing([cell]) == [cell], "killed between the two directions"
    files.write_json(stamps, contents)
    assert grids.missing([cell]) == []
    files.write_json(cell.folder / "run.json", {**files.read_json(cell.folder / "run.json"), "seconds": 1e6})
    assert grids.missing([cell]) == [cell], "trained again, and killed before translating"

    before = made.read_bytes()
    assert grids.fill([cell], report=lambda line: None, jobs=1) == [] and grids.missing([cell]) == []
    assert made.read_bytes() != before


def test_filling_makes_scores_and_passes_over_what_another_process_holds(study):
    cells = [grids.Cell("portraits", "tiny", f"{system}+width=4", 0) for system in ("backbone", "backbone-msg")]
    with run_folders.claimed(cells[0].folder):
        with pytest.raises(BusyError, match="another process"):
            make_run.synthesise("portraits", cells[0].system, "tiny")
        assert grids.fill(cells, report=lambda line: None, jobs=1) == [cells[0]]
    scores = pd.read_csv(study / "tiny" / "portraits" / "scores.csv", encoding="utf-8")
    assert set(scores.system) == {cells[1].system} and set(scores.direction) == set(DIRECTIONS)
    made = (cells[1].folder / "checkpoint.pt").stat().st_mtime_ns
    lines = []
    assert grids.fill(cells, report=lines.append, jobs=1) == []
    assert lines[0] == "2 runs, 1 of them complete"
    assert (cells[1].folder / "checkpoint.pt").stat().st_mtime_ns == made


@pytest.fixture
def steady(monkeypatch):
    """Every training takes ten seconds a pair, whatever it is."""
    asked = []

    def seconds(plan, pairs, *, threads):
        asked.append((plan.name, threads))
        return 10.0 * pairs

    monkeypatch.setattr(speed, "seconds_of_training", seconds)
    return asked


def test_forecast_shares_runs_out_among_the_jobs(study, steady):
    cells = grids.cells(["msg-sarl", "backbone", "backbone-msg"], "portraits", "tiny", seeds=[0])
    assert grids.forecast(cells) == 90.0  # three runs of three pairs
    assert grids.forecast(cells, jobs=2) == 60.0  # two after each other, the third beside them
    assert grids.forecast([]) == 0


def test_forecast_knows_what_looking_up_costs(study, steady, monkeypatch):
    """Twice as long on a processor half as fast; controls cost nothing."""
    cells = grids.cells(["lle", "rslcr", "grey-input"], "portraits", "tiny", seeds=[0])
    monkeypatch.setattr(speed, "slowness", lambda: 1.0)
    once = grids.forecast(cells)
    assert once == pytest.approx(2 * speed.seconds_of_looking_up("tiny", 6)) and once > 0
    monkeypatch.setattr(speed, "slowness", lambda: 2.0)
    assert grids.forecast(cells) == pytest.approx(2 * once) and grids.forecast(cells, jobs=2) == pytest.approx(once)


def test_very_short_runs_are_not_measured(study, monkeypatch):
    """A step at the tiny profile would take as long to measure as to make."""
    monkeypatch.setattr(speed, "Bench", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(speed, "slowness", lambda: 1.0)
    assert grids.forecast([grids.Cell("portraits", "tiny", "msg-sarl", 0)]) > 0
    with pytest.raises(ZeroDivisionError):
        grids.forecast([grids.Cell("portraits", "quick", "msg-sarl", 0)])


def test_forecast_counts_what_is_left_of_a_run(study, steady):
    cell = grids.Cell("portraits", "quick", "msg-sarl", 0)
    cell.folder.mkdir(parents=True)
    files.write_csv(cell.folder / "log.csv", pd.DataFrame({"epoch": [1, 2], "seconds": [10.0, 20.0]}))
    assert grids.forecast([cell]) == 30, "a log alone may come from another machine"
    (cell.folder / "checkpoint.pt").touch()
    assert grids.forecast([cell]) == pytest.approx(30 * (1 - 2 / plan("quick", "msg-sarl").settings.epochs))


@pytest.mark.parametrize("more, said",
                         [([], "nothing left to do"), (["--launcher", "local"], "nothing left to hand over"),
                                        (["--launcher", "slurm", "--gpus", "1"], "nothing left to hand over")])
def test_a_grid_that_is_complete_has_nothing_left_and_no_duration(study, monkeypatch, capsys, more, said):
    monkeypatch.setattr(grids, "missing", lambda cells: [])
    command = ["train", "--grid", "rivals", "--database", "portraits", "--profile", "tiny", "--dry-run"]
    assert __main__.main([*command, *more]) == 0
    printed = capsys.readouterr().out
    assert "18 runs, 18 of them complete" in printed and said in printed and "about" not in printed


def test_runs_that_lack_only_scores_are_no_training(study, steady, capsys):
    for seed in range(3):
        cell = grids.Cell("portraits", "tiny", "fcn", seed)
        recorded(cell, 50)
        (cell.folder / "checkpoint.pt").touch()
    assert __main__.main(["train", "--grid", "rivals", "--database", "portraits", "--profile", "tiny",
                          "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("trained already") == 3 and printed.count("about 30 s (measured here)") == 15
    assert "one after the other about 8 min" in printed  # 15 times 30 s


@pytest.mark.parametrize("seconds, said", [(0, "0 s"), (0.004, "0.1 s"), (0.34, "0.3 s"), (0.99, "1 s"), (45, "45 s"),
                                           (720, "12 min"), (9000, "2.5 h")])
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_shared_networks_are_trained_once_or_not_at_all(study, steady):
    base = grids.Cell("portraits", "tiny", "msg-sarl", 0)
    recorded(base, 50)
    variants = [grids.Cell("portraits", "tiny", f"msg-sarl+output_resampling={name}", 0)
                for name in ("area", "lanczos")]
    assert grids.forecast(variants) == 30, "the networks are not on this machine"
    (base.folder / "checkpoint.pt").touch()
    assert grids.forecast(variants) == 0


def test_runs_go_side_by_side_and_failures_are_told(study, monkeypatch):
    """Real processes, which see the real embedded database."""
    monkeypatch.undo()
    monkeypatch.setenv("MSGSARL_RESULTS", str(study))
    names = ("backbone+train_pairs=2+test_pairs=2+width=4", "grey-input", "backbone-msg+width=4")
    *fine, broken = grids.cells(names, "portraits", "tiny", seeds=[0])
    broken.folder.mkdir(parents=True)
    (broken.folder / "checkpoint.pt").write_bytes(b"not a checkpoint")
    lines = []
    said = "1 of 3 runs failed(.|\n)*backbone-msg(.|\n)*checkpoint.pt: cannot be read as a checkpoint"
    with pytest.raises(StudyError, match=said):
        grids.fill([*fine, broken], report=lines.append, jobs=2)
    assert grids.missing([*fine, broken]) == [broken]
    assert files.read_json(fine[0].folder / "run.json")["threads"] == max(1, available_cores() // 2)
    assert lines[1].startswith("  grey-input, seed 0: done in ")
    assert any(line.startswith("about ") and line.endswith(" for 2 runs, 2 at a time") for line in lines)
    assert sum("done in" in line and line.endswith(" of 3)") for line in lines) == 2


def test_one_failing_run_does_not_stop_the_others(study):
    broken, fine = (grids.Cell("portraits", "tiny", f"{system}+width=4", 0) for system in ("backbone", "backbone-msg"))
    broken.folder.mkdir(parents=True)
    (broken.folder / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(StudyError, match="1 of 2 runs failed(.|\n)*checkpoint.pt: cannot be read as a checkpoint"):
        grids.fill([broken, fine], report=lambda line: None, jobs=1)
    assert grids.missing([broken, fine]) == [broken]


def test_a_full_memory_stops_no_grid_and_a_bug_does(study, monkeypatch):
    cell = grids.Cell("portraits", "tiny", "backbone+width=4", 0)
    full = "CUDA out of memory.", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
    for message in (*full, "mat1 and mat2 shapes cannot be multiplied"):
        def fail(*args, message=message, **kwargs):
            raise RuntimeError(message)

        monkeypatch.setattr(grids.make_run, "make", fail)
        with pytest.raises(StudyError if message in full else RuntimeError, match=message[:10]):
            grids.fill([cell], report=lambda line: None, jobs=1)


def test_the_command_wants_systems_or_a_grid(capsys):
    for arguments in ([], ["--system", "msg-sarl", "--grid", "ablations"]):
        assert __main__.main(["train", "--database", "portraits", *arguments]) == 2
        assert "--system (once or several times) or --grid" in capsys.readouterr().err
