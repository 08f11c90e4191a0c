"""Grids: only what is missing is made, others' work is left alone, the forecast follows the runs' own times."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from conftest import made_up_faces
from lib import __main__, databases, grids, paths, profiles, runs, synthesis
from lib.errors import StudyError
from lib.runs import BusyError


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    pairs = {"train": made_up_faces(3, 0), "test": made_up_faces(3, 1)}
    monkeypatch.setattr(databases, "load", lambda name, split, root=None, limit=None: pairs[split])
    return tmp_path


def recorded(cell: grids.Cell, seconds: float, device: str = "cpu") -> None:
    settings = dataclasses.asdict(profiles.settings_for(cell.profile, cell.system))
    runs.write_json(cell.folder / "run.json", {"settings": settings, "seconds": seconds, "device": device})


def scored(cells: list[grids.Cell], directions=paths.DIRECTIONS) -> None:
    folder = paths.study_folder(cells[0].profile, cells[0].database)
    rows = [(cell.database, direction, cell.system, cell.seed, "f1", "ssim", 0.5)
            for cell in cells for direction in directions]
    columns = ["database", "direction", "system", "seed", "image", "metric", "value"]
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=columns).to_csv(folder / "scores.csv", index=False)


def test_ablations_are_the_eight_cells_of_the_design_for_every_seed():
    cells = grids.cells("ablations", "portraits", "cpu")
    assert len(cells) == 24 and {cell.seed for cell in cells} == {0, 1, 2}
    settings = [profiles.settings_for("cpu", cell.system) for cell in cells if cell.seed == 0]
    assert len({(s.msg, s.attention, s.cycle) for s in settings}) == 8
    with pytest.raises(StudyError, match="Did you mean ablations"):
        grids.cells("ablation", "portraits", "cpu")


def test_missing_is_what_has_no_record_of_these_settings_or_neither_faces_nor_scores(study):
    done, other_settings, half, bare = (grids.Cell("portraits", "tiny", system, 0) for system in (
        "backbone", "backbone-msg", "backbone-cycle", "msg-sarl"))
    for cell in (done, half, bare):
        recorded(cell, 1)
    runs.write_json(other_settings.folder / "run.json", {"settings": {"size": 999}, "seconds": 1})
    scored([done, other_settings])
    assert grids.missing([done, other_settings, half, bare]) == [other_settings, half, bare]
    scored([half], directions=paths.DIRECTIONS[:1])
    assert half in grids.missing([half]), "a run scored in one direction only is not complete"
    for direction in paths.DIRECTIONS:
        (bare.folder / direction).mkdir()
        (bare.folder / direction / "f1.png").touch()
    assert grids.missing([bare]) == []


def test_filling_makes_scores_and_passes_over_what_another_process_holds(study):
    cells = [grids.Cell("portraits", "tiny", f"{system}+width=4", 0) for system in ("backbone", "backbone-msg")]
    with runs.claimed(cells[0].folder):
        with pytest.raises(BusyError, match="another process"):
            synthesis.synthesise("portraits", cells[0].system, "tiny")
        assert grids.fill(cells, report=lambda line: None) == [cells[0]]
    scores = pd.read_csv(study / "tiny" / "portraits" / "scores.csv")
    assert set(scores.system) == {cells[1].system} and set(scores.direction) == set(paths.DIRECTIONS)
    made = (cells[1].folder / "checkpoint.pt").stat().st_mtime_ns
    lines = []
    assert grids.fill(cells, report=lines.append) == []
    assert lines[0] == "2 runs, 1 of them complete"
    assert (cells[1].folder / "checkpoint.pt").stat().st_mtime_ns == made


def test_forecast_uses_the_systems_own_time_and_scales_others_by_cost(study):
    cells = grids.cells("ablations", "portraits", "tiny", seeds=[0, 1])
    by_name = {(cell.system, cell.seed): cell for cell in cells}
    assert grids.forecast(cells, cells) is None
    recorded(by_name["msg-sarl", 0], 100)
    assert grids.forecast([by_name["msg-sarl", 1]], cells) == pytest.approx(100)
    recorded(by_name["msg-sarl-no-cycle", 0], 80)
    assert grids.forecast([by_name["msg-sarl-no-cycle", 1]], cells) == pytest.approx(80)


def test_forecast_of_a_system_never_run_follows_its_operations(study):
    with_cycle, without = (grids.Cell("portraits", "cpu", system, 0) for system in ("msg-sarl", "msg-sarl-no-cycle"))
    recorded(with_cycle, 100)
    # The cycle sends every image through a second generator: without it about half the work is left.
    assert 35 < grids.forecast([without], [with_cycle, without]) < 65


def test_forecast_extends_an_unfinished_run_to_its_end(study):
    cell = grids.Cell("portraits", "quick", "msg-sarl", 0)
    cell.folder.mkdir(parents=True)
    pd.DataFrame({"epoch": [1, 2], "seconds": [10.0, 20.0]}).to_csv(cell.folder / "log.csv", index=False)
    assert grids.forecast([cell], [cell]) == pytest.approx(20.0 / 2 * profiles.get("quick").epochs)


def test_systems_that_share_networks_cost_no_training(study):
    base = grids.Cell("portraits", "tiny", "msg-sarl", 0)
    recorded(base, 50)
    shared = grids.Cell("portraits", "tiny", "msg-sarl+output_resampling=area", 0)
    assert grids.forecast([shared], [base, shared]) == 0


def test_the_command_wants_systems_or_a_grid(capsys):
    for arguments in ([], ["--system", "msg-sarl", "--grid", "ablations"]):
        assert __main__.main(["train", "--database", "portraits", *arguments]) == 2
        assert "--system (once or several times) or --grid" in capsys.readouterr().err
